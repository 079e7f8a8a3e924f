/**
 * Quiet lines above the panels, of what lasts: that something is being opened, that a server does not answer.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";

/** Shows a line for each key that has a text. */
export class Notices {
  readonly element: HTMLElement = document.createElement("div");
  readonly #texts = new Map<string, string>();

  constructor() {
    this.element.className = "notices";
    this.element.setAttribute("role", "status");
  }

  /** Shows a text in the place of the key's former one; undefined takes it away. */
  show(key: string, text: string | undefined): void {
    if (text === this.#texts.get(key)) return;
    if (text === undefined) this.#texts.delete(key);
    else this.#texts.set(key, text);
    const lines = [...this.#texts.values()].map((text) => html`<p>${text}</p>`);
    render(lines.length > 0 ? lines : nothing, this.element);
  }
}
