/**
 * When a condition held: asks for it, and goes from one stretch to the next.
 *
 * @module
 */
import { withLines } from "../panels/line_text.ts";
import type { ShownRecording } from "../panels/panel.ts";
import type { Clock } from "../time/clock.ts";

/** What was found. */
export interface Hits {
  /** When each stretch begins, in seconds. */
  readonly from: readonly number[];
  readonly text: string;
  readonly error?: string;
}

/** What finding needs. */
export interface FinderPage {
  /** What is open now. */
  readonly now: () => { readonly clock: Clock | undefined; readonly first: ShownRecording | undefined };
  /** Lines that plots show, by whose names they may be asked for. */
  readonly lines: () => readonly { readonly text: string; readonly label?: string }[];
  show(hits: Hits | undefined): void;
}

/** The panel's number of all searches: a newer one gives the older up. */
const PANEL = 1_000_002;

/** One search at a time. */
export class Finder {
  readonly #page: FinderPage;
  #fromNs: bigint[] = [];
  #toNs: bigint[] = [];
  #search = 0;

  constructor(page: FinderPage) {
    this.#page = page;
  }

  /** Finds when a condition held; an empty one finds nothing more. */
  async find(condition: string): Promise<void> {
    const { clock, first } = this.#page.now();
    this.clear();
    if (!clock || !first || condition === "") return;
    const search = this.#search;
    let hasJumped = false;
    const show = (more: string, error?: string) => {
      const from = this.#fromNs.map((ns) => clock.toSeconds(ns));
      const count = this.#fromNs.length;
      const text = error ?? `${count} ${count === 1 ? "stretch" : "stretches"}${more}`;
      this.#page.show({ from, text, ...(error !== undefined && { error }) });
    };
    show(", looking");
    const whole = withLines(condition, this.#page.lines());
    const { error } = await first.client.ask("find", PANEL, { condition: whole }, {
      onPart: (found) => {
        if (search !== this.#search) return;
        for (const ns of found.fromNs) this.#fromNs.push(ns);
        for (const ns of found.toNs) this.#toNs.push(ns);
        show(found.isCut ? " and more" : found.isFinal ? "" : ", looking");
        // The first one that comes is what was looked for, unless the cursor is in one already.
        if (hasJumped || this.#fromNs.length === 0) return;
        hasJumped = true;
        if (!this.#fromNs.some((from, i) => from <= clock.cursorNs && clock.cursorNs <= this.#toNs[i])) {
          clock.seek(this.#fromNs[0]);
        }
      },
    });
    if (search !== this.#search) return;
    if (error && error.code !== "ABORTED" && error.code !== "CLOSED") show("", error.message);
    else if (!error) show("");
  }

  /** Goes to the next stretch, or the one before, and round at the end. */
  next(direction: 1 | -1): void {
    const { clock } = this.#page.now();
    const { length } = this.#fromNs;
    if (!clock || length === 0) return;
    const now = clock.cursorNs;
    let at: number;
    if (direction === 1) {
      at = this.#fromNs.findIndex((ns) => ns > now);
      if (at < 0) at = 0;
    } else {
      at = this.#fromNs.findLastIndex((ns) => ns < now);
      if (at < 0) at = length - 1;
    }
    clock.seek(this.#fromNs[at]);
  }

  /** Forgets what was found. */
  clear(): void {
    this.#search++;
    this.#fromNs = [];
    this.#toNs = [];
    this.#page.show(undefined);
  }
}
