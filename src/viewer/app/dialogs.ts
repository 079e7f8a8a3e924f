/**
 * What opens over the page: the palette, the list of keys, a question.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import { capsOf } from "./key_names.ts";

/** Something that the palette offers. */
export interface PaletteItem {
  readonly title: string;
  readonly more?: string;
  /** Other words by which it is found, which are not shown. */
  readonly words?: string;
  readonly keys?: readonly string[];
  readonly run: () => void;
}

/** How a question is asked. */
export interface AskOptions {
  readonly value?: string;
  readonly hint?: string;
  /** What can be done in place of an answer: a button each. */
  readonly others?: readonly PaletteItem[];
}

/** Rows of the palette at most. */
const MAX_ITEMS = 60;

/** One dialog at a time, in an element of the page. */
export class Dialogs {
  readonly element: HTMLDialogElement = document.createElement("dialog");
  #items: readonly PaletteItem[] = [];
  #query = "";
  #at = 0;

  constructor() {
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    // Keys of the page are not meant while a dialog is open.
    this.element.addEventListener("keydown", (event) => event.stopPropagation());
  }

  /** Whether one is open. */
  get isOpen(): boolean {
    return this.element.open;
  }

  /** Closes it; the focus goes back to where it was. */
  close(): void {
    if (this.element.open) this.element.close();
  }

  /** Offers items, of which one is chosen by its words. */
  openPalette(items: readonly PaletteItem[], label: string): void {
    this.#items = items;
    this.#query = "";
    this.#at = 0;
    this.#drawPalette(label);
    this.#show(label);
    this.element.querySelector("input")?.focus();
  }

  /** Lists the keys of what can be done. */
  openHelp(items: readonly PaletteItem[]): void {
    render(
      html`
        <div class="top"><h2 id="dialog-title">Keys</h2>${closeButton(() => this.close())}</div>
        <div class="content" tabindex="0" role="group" aria-label="Keys">
          <dl class="keys">${items.map(({ keys, title }) =>
            keys?.[0] === undefined ? nothing : html`
              <dt>${capsOf(keys[0]).map((cap) =>
                html`
                  <kbd>${cap}</kbd>
                `
              )}</dt>
              <dd>${title}</dd>
            `
          )}<dt><kbd>Esc</kbd></dt><dd>Back: from a full panel, a dialog, a field</dd></dl>
          <dl class="keys">
            <dt>Click</dt>
            <dd>Seek</dd>
            <dt>Drag</dt>
            <dd>Choose a window</dd>
            <dt>Wheel</dt>
            <dd>Zoom at the pointer</dd>
            <dt><kbd>Shift</kbd> wheel</dt>
            <dd>Pan</dd>
            <dt><kbd>Alt</kbd> drag</dt>
            <dd>Shift the other recording</dd>
            <dt>Double click</dt>
            <dd>Show everything</dd>
            <dt>Drag a field</dt>
            <dd>Into a panel</dd>
          </dl>
        </div>
      `,
      this.element,
    );
    this.#show("Keys");
  }

  /** Asks for a text; undefined where it was closed without one. */
  ask(
    title: string,
    { value = "", hint = "", others = [] }: AskOptions = {},
  ): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (answer?: string) => {
        this.element.removeEventListener("close", onClose);
        resolve(answer || undefined);
      };
      // The browser tells late that the palette was closed, from which this may have been asked.
      const onClose = () => this.element.open || end();
      const onSubmit = (event: Event) => {
        event.preventDefault();
        const answer = this.element.querySelector("input")!.value.trim();
        this.close();
        end(answer);
      };
      render(
        html`
          <form class="top" @submit=${onSubmit}>
            <input aria-label=${title} .value=${value} placeholder=${title} />
            <button type="submit" class="primary">OK</button>
            ${others.map(({ title, run }) =>
              html`<button type="button" @click=${() => (this.close(), run())}>${title}</button>`
            )}
          </form>
                  ${hint === "" ? nothing : html`<div class="content muted hint">${hint}</div>`}
        `,
        this.element,
      );
      this.#show(title);
      this.element.querySelector("input")?.select();
      this.element.addEventListener("close", onClose);
    });
  }

  #show(label: string): void {
    this.element.setAttribute("aria-label", label);
    if (!this.element.open) this.element.showModal();
  }

  #found(): readonly PaletteItem[] {
    const words = this.#query.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return this.#items.slice(0, MAX_ITEMS);
    const scored = this.#items.flatMap((item) => {
      const title = item.title.toLowerCase();
      const named = `${title} ${item.words ?? ""}`;
      const text = `${named} ${item.more?.toLowerCase() ?? ""}`;
      if (!words.every((word) => text.includes(word))) return [];
      return [{ item, score: title.startsWith(words[0]) ? 0 : named.includes(words[0]) ? 1 : 2 }];
    });
    return scored.sort((a, b) => a.score - b.score).slice(0, MAX_ITEMS).map(({ item }) => item);
  }

  #drawPalette(label: string): void {
    const found = this.#found();
    this.#at = Math.max(0, Math.min(this.#at, found.length - 1));
    const run = (item: PaletteItem | undefined) => {
      if (!item) return;
      this.close();
      item.run();
    };
    const move = (event: Event, by: number) => {
      event.preventDefault();
      this.#at = (this.#at + by + found.length) % Math.max(1, found.length);
      this.#drawPalette(label);
      this.element.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "ArrowDown") move(event, 1);
      else if (event.key === "ArrowUp") move(event, -1);
      else if (event.key === "Enter") {
        // Else it would press what has the focus next, such as the button that closes the next dialog.
        event.preventDefault();
        run(found[this.#at]);
      }
    };
    const onInput = (event: Event) => {
      this.#query = (event.target as HTMLInputElement).value;
      this.#at = 0;
      this.#drawPalette(label);
    };
    render(
      html`
        <div class="top">
          <input role="combobox" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list"
            aria-activedescendant=${found.length > 0 ? `palette-${this.#at}` : nothing} aria-label=${label}
            placeholder=${label} .value=${this.#query} @input=${onInput} @keydown=${onKey} />
        </div>
        <div class="content" tabindex="0" role="group" aria-label="Choices">
                <div role="listbox" id="palette-list" aria-label=${label}>${found.map((item, i) =>
                  html`
                    <div role="option" id="palette-${i}" aria-selected=${i === this.#at} @click=${() =>
                      run(item)}
                      @pointermove=${() => this.#at !== i && (this.#at = i, this.#drawPalette(label))}>
                      <span class="clip">${item.title}${item.more === undefined ? nothing : html`
                        <span class="muted">${item.more}</span>
                      `}</span>
                      <span>${item.keys?.[0] === undefined ? nothing : capsOf(item.keys[0]).map((cap) =>
                        html`
                          <kbd>${cap}</kbd>
                        `
                      )}</span>
                    </div>
                  `
                )}</div>
                ${found.length === 0 ? html`<p class="muted hint">Nothing is called so</p>` : nothing}
              </div>
      `,
      this.element,
    );
  }
}

function closeButton(close: () => void) {
  return html`<button type="button" aria-label="Close" title="Close (Esc)" @click=${close}>✕</button>`;
}
