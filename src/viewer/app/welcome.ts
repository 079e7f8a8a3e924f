/**
 * What there is while no recording is open: a place to name one, a list, what went wrong.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import type { ListEntry } from "../data/protocol.ts";
import { bytesText, countText } from "../draw/number_text.ts";
import { spanText } from "../draw/time_text.ts";
import { chooseFiles, droppedFiles } from "./files.ts";

/** What is shown. */
export interface WelcomeState {
  /** What is being opened. */
  readonly loading?: string | undefined;
  /** Why it was not. */
  readonly error?: string | undefined;
  /** Recordings of a place, and its URL. */
  readonly list?: readonly ListEntry[];
  readonly base?: string;
}

/** What can be done there. */
export interface WelcomePage {
  open(url: string): void;
  importFiles(files: readonly File[]): void;
}

/** Covers the panels' place while it is shown. */
export class Welcome {
  readonly element: HTMLElement = document.createElement("div");
  readonly #page: WelcomePage;
  #state: WelcomeState = {};
  #filter = "";
  /** What was typed stays, so that a mistake in it is mended. */
  #typed = "";

  constructor(page: WelcomePage) {
    this.#page = page;
    this.element.className = "welcome";
  }

  /** Says what is being opened; a list is kept, for the case that it cannot be. */
  load(text: string): void {
    this.show({ ...this.#state, error: undefined, loading: text });
  }

  /** Says that something could not be opened; a list stays. */
  fail(error: string): void {
    this.show({ ...this.#state, loading: undefined, error });
  }

  /** Shows it. */
  show(state: WelcomeState): void {
    const isNew = state.list !== undefined && state.list !== this.#state.list;
    this.#state = state;
    this.element.hidden = false;
    this.#draw();
    // Where nothing else is used, what comes next is to choose one.
    if (isNew && document.activeElement === document.body) this.element.querySelector("input")?.focus();
  }

  /** Hides it. */
  hide(): void {
    this.element.hidden = true;
  }

  /** Takes files that are dropped on an element. */
  acceptDrops(element: HTMLElement): void {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    element.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      element.classList.add("dragging");
    });
    element.addEventListener("dragleave", () => element.classList.remove("dragging"));
    element.addEventListener("drop", (event) => {
      element.classList.remove("dragging");
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      void droppedFiles(event.dataTransfer).then((files) => this.#page.importFiles(files));
    });
  }

  #draw(): void {
    const { loading, error, list } = this.#state;
    if (loading !== undefined) {
      render(html`<p class="muted" role="status">Opening ${loading} …</p>`, this.element);
      return;
    }
    const onSubmit = (event: Event) => {
      event.preventDefault();
      const url = this.#typed = (event.currentTarget as HTMLFormElement).querySelector("input")!.value.trim();
      if (url !== "") this.#page.open(url);
    };
    const onFiles = () => void chooseFiles().then((files) => this.#page.importFiles(files));
    render(
      html`
        ${list ? this.#list(list) : html`<h2>Open a recording</h2>`}
        ${error === undefined ? nothing : html`<p class="error" role="alert">${error}</p>`}
        <form @submit=${onSubmit}>
          <input aria-label="URL of a recording" .value=${this.#typed}
            placeholder="https://host/recordings/flight" />
          <button type="submit" class="primary">Open</button>
          <button type="button" @click=${onFiles}>Files …</button>
        </form>
        <p class="muted">Or drop files here: MCAP, ROS bags, ULog. They stay on this machine.</p>
      `,
      this.element,
    );
  }

  #list(list: readonly ListEntry[]) {
    const shown = list.filter(({ name }) => name.toLowerCase().includes(this.#filter.toLowerCase()));
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === "Enter" && shown.length > 0) this.#page.open(this.#urlOf(shown[0].name));
    };
    const onFilter = (event: Event) => {
      this.#filter = (event.target as HTMLInputElement).value;
      this.#draw();
    };
    const seconds = ({ firstNs, lastNs }: ListEntry) =>
      firstNs === undefined || lastNs === undefined ? 0 : Number(lastNs - firstNs) / 1e9;
    return html`
      <h2>${list.length} ${list.length === 1 ? "recording" : "recordings"}</h2>
      <input type="search" aria-label="Search recordings" placeholder="Search recordings"
        .value=${this.#filter} @input=${onFilter} @keydown=${onKey} />
      <div class="list">${shown.map((entry) =>
        html`<button type="button" @click=${() => this.#page.open(this.#urlOf(entry.name))}>
          <span>${entry.name}${
          entry.state === "finalized" ? nothing : html`
            <span class="muted">${entry.state}</span>
          `
        }</span>
          <span class="muted">${spanText(seconds(entry))}, ${
          countText(entry.rows)
        } rows, ${entry.topics} topics, ${bytesText(entry.bytes)}</span></button>`
      )}</div>
    `;
  }

  #urlOf(name: string): string {
    const url = new URL(this.#state.base ?? ".", document.baseURI);
    url.pathname = `${url.pathname.replace(/\/*$/, "")}/${encodeURIComponent(name)}`;
    return url.href;
  }
}
