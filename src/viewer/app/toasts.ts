/** Short messages that go by themselves. */
import { html, render } from "lit/html.js";

/** How long a message stays, in milliseconds. */
const STAYS = { plain: 3000, bad: 9000 };
/** What is long takes longer to read: milliseconds for a character. */
const READING_MS = 50;

interface Toast {
  readonly text: string;
  readonly isBad: boolean;
}

/** Shows messages, the last three at most. */
export class Toasts {
  readonly element: HTMLElement;
  #shown: Toast[] = [];

  constructor() {
    this.element = document.createElement("div");
    this.element.className = "toasts";
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  /** Says it; what is bad stays longer. The same text again does not show twice. */
  say(text: string, isBad = false): void {
    if (this.#shown.some((toast) => toast.text === text)) return;
    const toast = { text, isBad };
    this.#shown = [...this.#shown, toast].slice(-3);
    this.#draw();
    const staysMs = Math.max(isBad ? STAYS.bad : STAYS.plain, text.length * READING_MS);
    setTimeout(() => {
      this.#shown = this.#shown.filter((other) => other !== toast);
      this.#draw();
    }, staysMs);
  }

  #draw(): void {
    render(
      this.#shown.map(({ text, isBad }) => html`<div class="toast ${isBad ? "bad" : ""}">${text}</div>`),
      this.element,
    );
  }
}
