/**
 * When a plot asks for other data while its window moves: not for each frame. What was asked for reaches beyond the window, so
 * that a pan has something to show, and a request that is under way is left to tell something before the next one ends it.
 *
 * @module
 */
import type { DataClient } from "./client.ts";
import type { DataError, SeriesAnswer, WindowNs } from "./protocol.ts";

/** What a plot shows, and who takes the data. */
export interface SeriesWish {
  /** What is seen; more is asked for. */
  readonly window: WindowNs;
  /** Pixels of what is seen. */
  readonly pixels: number;
  readonly lines: readonly string[];
  /** What else makes other data of the same window, such as that there are more rows. */
  readonly facts: string;
  readonly onPart: (answer: SeriesAnswer) => void;
  readonly onError: (error: DataError) => void;
}

/** How much of the window is asked for beyond each of its ends. */
const MARGIN = 0.25;
/** How much longer or shorter a window, or its pixels, may become until other buckets are asked for at once. */
const ALIKE = 1.25;
/** How long a window rests until what fits it exactly is asked for, in milliseconds. */
const REST_MS = 120;
/** How long a request may take to tell something before a newer one ends it, in milliseconds. */
const HOLD_MS = 100;

/** The data of one plot from one recording: one request at a time. */
export class SeriesFeed {
  readonly #client: DataClient;
  readonly #panel: number;
  readonly #abort = new AbortController();
  /** What was asked for last. */
  #asked: SeriesWish | undefined;
  /** Whether that is under way and has told nothing yet. */
  #isMute = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is asked for when the timer ends, or something is told. */
  #next: SeriesWish | undefined;

  constructor(client: DataClient) {
    this.#client = client;
    this.#panel = client.newPanel();
  }

  /** Asks for what is wished for, now or a moment later, unless it is there or on its way. */
  want(wish: SeriesWish): void {
    const asked = this.#asked;
    clearTimeout(this.#timer);
    this.#next = undefined;
    if (!asked || !isSameData(asked, wish)) return void this.#ask(wish);
    if (isSameView(asked, wish)) return;
    const isEnough = covers(asked, wish);
    if (!isEnough && !this.#isMute) return void this.#ask(wish);
    this.#next = wish;
    this.#timer = setTimeout(() => void this.#ask(wish), isEnough ? REST_MS : HOLD_MS);
  }

  /** Ends it: what is still read is given up. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #ask(wish: SeriesWish): Promise<void> {
    clearTimeout(this.#timer);
    this.#next = undefined;
    this.#asked = wish;
    this.#isMute = true;
    const { lines, pixels, window, onPart, onError } = wish;
    const request = {
      lines,
      ...beyond(window),
      pixels: Math.max(1, Math.min(16_384, Math.round(pixels * (1 + 2 * MARGIN)))),
    };
    const { error } = await this.#client.ask("series", this.#panel, request, {
      signal: this.#abort.signal,
      onPart: (answer) => {
        onPart(answer);
        if (this.#asked !== wish) return;
        // What failed may be there the next time.
        if (answer.shape === "error") this.#asked = undefined;
        this.#isMute = false;
        if (this.#next && !covers(wish, this.#next)) void this.#ask(this.#next);
      },
    });
    if (this.#asked === wish) {
      this.#isMute = false;
      if (error) this.#asked = undefined;
    }
    if (error) onError(error);
  }
}

function beyond({ fromNs, toNs }: WindowNs): WindowNs {
  const margin = BigInt(Math.round(Number(toNs - fromNs) * MARGIN));
  return { fromNs: fromNs - margin, toNs: toNs + margin };
}

function isSameData(a: SeriesWish, b: SeriesWish): boolean {
  return a.facts === b.facts && a.lines.length === b.lines.length &&
    a.lines.every((line, i) => line === b.lines[i]);
}

function isSameView(a: SeriesWish, b: SeriesWish): boolean {
  return a.window.fromNs === b.window.fromNs && a.window.toNs === b.window.toNs && a.pixels === b.pixels;
}

/** Whether what was asked for shows another window about as well. */
function covers(asked: SeriesWish, { window: { fromNs, toNs }, pixels }: SeriesWish): boolean {
  const all = beyond(asked.window);
  const lengths = Number(toNs - fromNs) / Number(asked.window.toNs - asked.window.fromNs);
  return fromNs >= all.fromNs && toNs <= all.toNs && isAlike(lengths) && isAlike(pixels / asked.pixels);
}

function isAlike(ratio: number): boolean {
  return ratio < ALIKE && ratio > 1 / ALIKE;
}
