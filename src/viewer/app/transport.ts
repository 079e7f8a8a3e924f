/**
 * The bar above the timeline: play, speed, clock, windows, marks, and Find.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import { spanText } from "../draw/time_text.ts";
import { type Clock, SPEEDS } from "../time/clock.ts";
import { formatTime, isWallClock, type TimeStyle } from "../time/time_text.ts";
import type { Theme } from "../draw/palette.ts";
import type { Actions } from "./actions.ts";
import type { Hits } from "./finder.ts";
import type { Frames } from "./frames.ts";
import type { Hover } from "./hover.ts";

const STYLES: Record<TimeStyle, string> = { relative: "from start", utc: "UTC", ns: "ns" };

/** What the timeline asks of the page. */
export interface TimelinePage {
  /** What is shown now, and how. */
  readonly now: () => {
    readonly clock: Clock | undefined;
    readonly theme: Theme;
    readonly timeStyle: TimeStyle;
  };
  readonly frames: Frames;
  readonly hover: Hover;
  readonly actions: Actions;
  setTimeStyle(style: TimeStyle): void;
  find(condition: string): void;
  /** A condition that could be looked for here. */
  example(): string;
  /** A topic's strip was clicked. */
  choose(topic: string): void;
}

/** The bar. */
export class Transport {
  readonly element: HTMLElement = document.createElement("div");
  readonly #page: TimelinePage;
  /** Escape leaves the field of Find for it. */
  readonly #leave: () => void;
  #clockText: HTMLElement | undefined;
  #windowText: HTMLElement | undefined;
  #hits: Hits | undefined;

  constructor(page: TimelinePage, leave: () => void) {
    this.#page = page;
    this.#leave = leave;
    this.element.className = "transport";
  }

  /** Moves the focus into the field of Find. */
  focusFind(): void {
    this.element.querySelector<HTMLInputElement>(".find input")?.focus();
  }

  /** Draws it anew. `isPart` tells that the timeline shows the busy part alone. */
  draw(hits: Hits | undefined, isPart: boolean): void {
    this.#hits = hits;
    const { actions } = this.#page;
    const { clock, timeStyle } = this.#page.now();
    render(
      html`
        <button type="button" class="play" ?disabled=${!clock} title="Play or pause (Space)"
          aria-label=${clock?.isPlaying ? "Pause" : "Play"} @click=${() =>
            actions.togglePlay()}>${clock?.isPlaying ? "❚❚" : "▶"}</button>
        <select aria-label="Speed" ?disabled=${!clock} @change=${(event: Event) =>
          clock?.setSpeed(Number((event.target as HTMLSelectElement).value))}>
          ${[...new Set([...SPEEDS, clock?.speed ?? 1])].sort((a, b) => a - b).map((speed) =>
            html`<option value=${speed} ?selected=${speed === (clock?.speed ?? 1)}>${speed}×</option>`
          )}
        </select>
        <span class="clock mono" aria-hidden="true"></span>
        <select aria-label="How times are shown" @change=${(event: Event) =>
          this.#page.setTimeStyle((event.target as HTMLSelectElement).value as TimeStyle)}>
          ${Object.entries(STYLES).filter(([style]) =>
            style !== "utc" || !clock || isWallClock(clock.startNs)
          ).map(([style, name]) =>
            html`<option value=${style} ?selected=${style === timeStyle}>${name}</option>`
          )}
        </select>
        ${clock ? this.#windows(isPart) : nothing}
        ${clock ? this.#marks() : nothing}
        ${clock?.isLive
          ? html`
            <button type="button" class="live" title="To the end, and stay there (End)"
              aria-pressed=${clock.isAtEnd} @click=${() => clock.toEnd()}>● live</button>
          `
          : nothing}
        <span class="spacer"></span>
        ${this.#find()}
      `,
      this.element,
    );
    this.#clockText = this.element.querySelector<HTMLElement>(".clock") ?? undefined;
    this.#windowText = this.element.querySelector<HTMLElement>(".window-text") ?? undefined;
    this.move();
  }

  /** Puts the cursor's time and the window's length into it. Returns the former. */
  move(): string {
    const { clock, timeStyle } = this.#page.now();
    const text = clock ? formatTime(clock.cursorNs, { style: timeStyle, startNs: clock.startNs }) : "";
    const { from = 0, to = 0 } = clock?.window ?? {};
    if (this.#clockText) this.#clockText.textContent = text;
    if (this.#windowText) this.#windowText.textContent = `window ${spanText(to - from)}`;
    return text;
  }

  /** The window's length, and ways to other windows. What is not on the timeline is said, so that nobody takes a part for all. */
  #windows(isPart: boolean) {
    const { actions } = this.#page;
    const { clock } = this.#page.now();
    return html`
      <span class="group">
        <button type="button" aria-label="Back to the window before" title="Window before (Alt+←)"
          ?disabled=${!actions.windows?.hasBack} @click=${() => actions.goWindow(-1)}>‹</button>
        <span class="muted window-text clip"></span>
        <button type="button" aria-label="On to the window after" title="Window after (Alt+→)"
          ?disabled=${!actions.windows?.hasForward} @click=${() => actions.goWindow(1)}>›</button>
        ${isPart || !clock!.isWhole
          ? html`<button type="button" class="part" title="Show everything (0)" @click=${() =>
            clock!.showAll()}>all ${spanText(clock!.end)}</button>`
          : nothing}
        ${actions.hasBusyPart && !isPart
          ? html`
            <button type="button" class="part" title="Where nearly all messages lie (9)"
              @click=${() => actions.showBusyPart()}>busy part</button>
          `
          : nothing}
      </span>
    `;
  }

  #marks() {
    const { clock } = this.#page.now();
    const { a, b } = clock!.marksNs;
    const button = (mark: "a" | "b", ns: bigint | undefined) => {
      const name = mark.toUpperCase();
      return html`
        <button type="button" class="set-mark" aria-pressed=${ns !== undefined}
          aria-label="Mark ${name} at the cursor" title="Mark ${name} at the cursor (${mark})"
          @click=${() => clock!.setMark(mark)}>${name}</button>
      `;
    };
    return html`
      <span class="group">
        ${button("a", a)}${button("b", b)}
        ${a === undefined && b === undefined ? nothing : html`
          <button type="button" aria-label="Clear marks" title="Clear marks (c)" @click=${() =>
            clock!.clearMarks()}>×</button>
        `}
        ${a === undefined || b === undefined
          ? nothing
          : html`<span class="muted">B − A: ${spanText(clock!.toSeconds(b) - clock!.toSeconds(a))}</span>`}
      </span>
    `;
  }

  #find() {
    const { actions } = this.#page;
    const hits = this.#hits;
    return html`
      <form class="find" role="search" @submit=${this.#onFind}>
        <input type="search" aria-label="Find when a condition held" placeholder=${`Find: ${this.#page.example()}`}
          .style=${"min-width: 120px"} @keydown=${this.#onFindKey} />
        ${hits
          ? html`
            <span class=${hits.error ? "error clip" : "muted"} title=${hits.error ?? ""}
              role="status">${hits.text}</span>
            <button type="button" aria-label="Previous hit" title="Previous hit (N)"
              @click=${() => actions.nextHit(-1)}>‹</button>
            <button type="button" aria-label="Next hit" title="Next hit (n)"
              @click=${() => actions.nextHit(1)}>›</button>
          `
          : nothing}
      </form>
    `;
  }

  #found = "";

  /** Once more goes on to the next stretch. */
  readonly #onFind = (event: Event) => {
    event.preventDefault();
    const text = (event.currentTarget as HTMLFormElement).querySelector("input")!.value.trim();
    if (text === this.#found && this.#hits && !this.#hits.error) return this.#page.actions.nextHit(1);
    this.#found = text;
    this.#page.find(text);
  };

  /** Where there is a text the browser clears that first. */
  readonly #onFindKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      this.#page.actions.nextHit(-1);
    }
    if (event.key === "Escape" && (event.target as HTMLInputElement).value === "") this.#leave();
  };
}
