/**
 * The page's head: what is open, and where to find what can be done.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import { bytesText, countText } from "../draw/number_text.ts";
import { spanText } from "../draw/time_text.ts";
import type { Actions } from "./actions.ts";

/** The head. */
export class Header {
  readonly element: HTMLElement = document.createElement("header");
  readonly #app: Actions;

  constructor(app: Actions) {
    this.#app = app;
  }

  /** Draws it anew. */
  draw(): void {
    const app = this.#app;
    const info = app.recording?.info;
    const seconds = info?.lastNs !== undefined && info.firstNs !== undefined
      ? Number(info.lastNs - info.firstNs) / 1e9
      : 0;
    render(
      html`
        <button type="button" aria-label="Show or hide the topics" title="Topics (t)" @click=${() =>
          app.toggleSide()}>☰</button>
        <h1 class="clip" title=${info?.url ?? ""}>${info?.name ?? "smalti"}</h1>
        ${info
          ? html`<div class="facts">
            ${info.isLive ? html`<span class="live">● recording</span>` : nothing}
            <span>${spanText(seconds)}</span>
            <span>${countText(info.rows)} rows</span>
            <span>${info.topics.length} topics</span>
            <span>${bytesText(info.bytes)}</span>
            ${app.second ? html`<span class="clip">with ${app.second.info.name}, dashed</span>` : nothing}
          </div>`
          : html`<div class="facts"></div>`}
        <div class="actions">
          <button type="button" class="search" title="Commands, topics and fields (Ctrl+K)" @click=${() =>
            app.openPalette()}>
            <span class="long">Commands, fields</span><kbd>Ctrl K</kbd><span class="short" aria-hidden="true">⋯</span>
          </button>
          <button type="button" class="wide" ?disabled=${!info} title="Copy a link to this moment (l)"
            @click=${() => app.copyLink()}>Copy link</button>
          <button type="button" title="Open another recording (o)" @click=${() =>
            app.askForUrl("url")}>Open</button>
          <button type="button" aria-label="Dark or light" title="Dark or light" @click=${() =>
            app.toggleTheme()}>◐</button>
          <button type="button" aria-label="Keys" title="Keys (?)" @click=${() => app.openHelp()}>?</button>
        </div>
      `,
      this.element,
    );
  }
}
