/**
 * The one time of the page: cursor, window, marks and playback. Pure: it has no timer and knows no page; who draws gives it the
 * time of day, frame by frame.
 *
 * @module
 */

/** What a clock is made of. */
export interface ClockOptions {
  /** Where seconds are counted from: the recording's start. */
  readonly startNs: bigint;
  /** Time of the last message, inclusive. */
  readonly endNs: bigint;
  /** Whether the recording grows: cursor and window then stick to the end until they are moved. @default false */
  readonly isLive?: boolean;
}

/** What changed: `extent` is the recording's start, end, or whether it is live. */
export type ClockChange = "cursor" | "window" | "marks" | "playing" | "speed" | "extent";

/** Speeds by key: `1` to `5`. */
export const SPEEDS: readonly number[] = [1, 2, 5, 10, 0.1];
/** The shortest window. */
export const MIN_WINDOW_NS = 1000n;

const SECOND = 1_000_000_000n;
/** Where the cursor comes to lie in a window that is moved after it, as a part of its length. */
const LEAD = 0.05;

/**
 * Cursor, window, marks, playback. Exact moments are bigint (`...Ns`); the same as float64 seconds from `startNs` on is what
 * drawing takes.
 *
 * @example
 * ```ts
 * import { Clock } from "../../../src/viewer/time/clock.ts";
 *
 * const clock = new Clock({ startNs: 0n, endNs: 60_000_000_000n });
 * clock.subscribe((changes) => {
 *   if (changes.has("cursor")) console.log(clock.cursor, clock.cursorNs);
 * });
 * clock.play();
 * clock.frame(1000); // milliseconds, as requestAnimationFrame tells them
 * clock.frame(1016.7);
 * ```
 */
export class Clock {
  #startNs: bigint;
  #endNs: bigint;
  #cursorNs: bigint;
  #fromNs: bigint;
  #toNs: bigint;
  #aNs: bigint | undefined;
  #bNs: bigint | undefined;
  #speed = 1;
  #isPlaying = false;
  #isLive: boolean;
  #isAtEnd: boolean;
  /** A frame that was shown at this speed; undefined until the first one. */
  #base: { readonly cursorNs: bigint; readonly nowMs: number } | undefined;
  readonly #listeners = new Set<(changes: ReadonlySet<ClockChange>) => void>();
  #changes: Set<ClockChange> | undefined;

  constructor({ startNs, endNs, isLive = false }: ClockOptions) {
    if (endNs < startNs) {
      throw new RangeError(`A clock ends at ${endNs}, wanted its start ${startNs} or later`);
    }
    this.#startNs = startNs;
    this.#endNs = endNs;
    this.#isLive = isLive;
    this.#isAtEnd = isLive;
    this.#cursorNs = isLive ? endNs : startNs;
    [this.#fromNs, this.#toNs] = this.#whole();
  }

  /** Where seconds are counted from. */
  get startNs(): bigint {
    return this.#startNs;
  }

  /** Time of the last message, inclusive. */
  get endNs(): bigint {
    return this.#endNs;
  }

  /** The same in seconds. */
  get end(): number {
    return this.toSeconds(this.#endNs);
  }

  /** The moment that is looked at. */
  get cursorNs(): bigint {
    return this.#cursorNs;
  }

  /** The same in seconds. */
  get cursor(): number {
    return this.toSeconds(this.#cursorNs);
  }

  /** What plots show: `fromNs` is in it, `toNs` is not. */
  get windowNs(): { readonly fromNs: bigint; readonly toNs: bigint } {
    return { fromNs: this.#fromNs, toNs: this.#toNs };
  }

  /** The same in seconds. */
  get window(): { readonly from: number; readonly to: number } {
    return { from: this.toSeconds(this.#fromNs), to: this.toSeconds(this.#toNs) };
  }

  /** Whether the window shows all of the recording. */
  get isWhole(): boolean {
    const [fromNs, toNs] = this.#whole();
    return this.#fromNs === fromNs && this.#toNs === toNs;
  }

  /** The marks; undefined where one is not set. */
  get marksNs(): { readonly a: bigint | undefined; readonly b: bigint | undefined } {
    return { a: this.#aNs, b: this.#bNs };
  }

  /** Whether it plays. */
  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Times real time. */
  get speed(): number {
    return this.#speed;
  }

  /** Whether the recording grows. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Whether cursor and window stick to the end of a recording that grows. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Seconds of a moment. */
  toSeconds(ns: bigint): number {
    return secondsOf(ns - this.#startNs);
  }

  /** The moment of some seconds, to the nearest nanosecond. RangeError where they are not finite. */
  toNs(seconds: number): bigint {
    return this.#startNs + nsOf(seconds);
  }

  /** Puts the cursor at the moment of the recording that is nearest. The window is moved where it does not show it. */
  seek(ns: bigint): void {
    this.#change(() => {
      this.#isAtEnd = false;
      this.#base = undefined;
      this.#setCursor(ns);
      this.#reveal(0.5);
    });
  }

  /** Moves the cursor by a part of the window: 0.01 is a hundredth to the right. */
  step(fraction: number): void {
    this.seek(this.#cursorNs + scaled(this.#toNs - this.#fromNs, fraction));
  }

  /** Shows a window. It is moved and cut so that it lies within the recording, and has at least a microsecond. */
  setWindow(fromNs: bigint, toNs: bigint): void {
    this.#change(() => {
      this.#isAtEnd = false;
      this.#setWindow(fromNs, toNs);
    });
  }

  /** Shows everything. */
  showAll(): void {
    this.#change(() => this.#setWindow(...this.#whole()));
  }

  /**
   * Makes the window shorter (a factor below 1) or longer, and keeps a moment at its place.
   *
   * @param aroundNs @default the cursor where the window shows it, else its middle
   */
  zoom(factor: number, aroundNs: bigint = this.#middle()): void {
    if (!(factor > 0)) throw new RangeError(`The factor of a zoom is ${factor}, wanted a number above 0`);
    this.#change(() => {
      this.#isAtEnd = false;
      const length = scaled(this.#toNs - this.#fromNs, factor);
      if (length < MIN_WINDOW_NS && factor < 1) {
        // The window would jump about else.
        const from = aroundNs - MIN_WINDOW_NS / 2n;
        return this.#setWindow(from, from + MIN_WINDOW_NS);
      }
      const fromNs = aroundNs - scaled(aroundNs - this.#fromNs, factor);
      this.#setWindow(fromNs, fromNs + length);
    });
  }

  /** Moves the window by a part of itself. */
  pan(fraction: number): void {
    this.#change(() => {
      this.#isAtEnd = false;
      const by = scaled(this.#toNs - this.#fromNs, fraction);
      this.#setWindow(this.#fromNs + by, this.#toNs + by);
    });
  }

  /** Sets a mark, at the cursor unless told, or takes it away. */
  setMark(mark: "a" | "b", ns: bigint | undefined | null = this.#cursorNs): void {
    this.#change((changes) => {
      const at = ns ?? undefined;
      if (mark === "a") this.#aNs = at;
      else this.#bNs = at;
      changes.add("marks");
    });
  }

  /** Takes both marks away. */
  clearMarks(): void {
    this.#change((changes) => {
      if (this.#aNs === undefined && this.#bNs === undefined) return;
      this.#aNs = this.#bNs = undefined;
      changes.add("marks");
    });
  }

  /** Plays from the cursor on; from the start where that is at the end. It moves by {@linkcode frame}. */
  play(): void {
    this.#change((changes) => {
      if (this.#isPlaying) return;
      if (this.#cursorNs >= this.#endNs && !this.#isLive) this.#setCursor(this.#startNs);
      this.#isPlaying = true;
      this.#base = undefined;
      changes.add("playing");
      this.#reveal(LEAD);
    });
  }

  /** Stops where it is. */
  pause(): void {
    this.#change((changes) => {
      if (!this.#isPlaying) return;
      this.#isPlaying = false;
      changes.add("playing");
    });
  }

  /** Plays at another speed, above 0. RangeError. */
  setSpeed(speed: number): void {
    if (!(speed > 0 && speed < Infinity)) {
      throw new RangeError(`The speed is ${speed}, wanted a number above 0`);
    }
    this.#change((changes) => {
      if (speed === this.#speed) return;
      this.#speed = speed;
      this.#base = undefined;
      changes.add("speed");
    });
  }

  /**
   * Goes on to a frame while it plays. At the end it stops, or waits for more of a recording that grows.
   *
   * @param nowMs The frame's time in milliseconds, from any moment on. The first one after `play`, `seek` and `setSpeed` shows
   * where the cursor is.
   */
  frame(nowMs: number): void {
    if (!this.#isPlaying) return;
    this.#change((changes) => {
      this.#base ??= { cursorNs: this.#cursorNs, nowMs };
      const { cursorNs, nowMs: baseMs } = this.#base;
      const passed = Math.max(0, nowMs - baseMs) * this.#speed;
      const ns = cursorNs + nsOf(passed / 1000);
      this.#setCursor(ns);
      this.#reveal(LEAD);
      if (ns < this.#endNs) return;
      this.#base = undefined;
      if (this.#isLive) return;
      this.#isPlaying = false;
      changes.add("playing");
    });
  }

  /** Goes to the end, and sticks to it where the recording grows. */
  toEnd(): void {
    this.#change(() => {
      this.#isAtEnd = this.#isLive;
      this.#base = undefined;
      this.#follow();
    });
  }

  /** Tells of a recording that has grown, or ended, or had its first message. */
  setExtent(
    { startNs = this.#startNs, endNs, isLive = this.#isLive }: Partial<ClockOptions> & { endNs: bigint },
  ): void {
    if (endNs < startNs) {
      throw new RangeError(`A clock ends at ${endNs}, wanted its start ${startNs} or later`);
    }
    this.#change((changes) => {
      if (startNs === this.#startNs && endNs === this.#endNs && isLive === this.#isLive) return;
      const { isWhole } = this;
      const hasMoved = startNs !== this.#startNs;
      [this.#startNs, this.#endNs, this.#isLive] = [startNs, endNs, isLive];
      changes.add("extent");
      if (hasMoved) changes.add("cursor").add("window");
      if (this.#isAtEnd && isWhole) this.#setWindow(...this.#whole());
      if (this.#isAtEnd) this.#follow();
      else if (hasMoved) this.#setCursor(this.#cursorNs);
      if (hasMoved && !this.#isAtEnd) this.#setWindow(...this.#whole());
      this.#isAtEnd &&= isLive;
    });
  }

  /** Hears of what changes, once a call that changes something. Returns what takes the listener off. */
  subscribe(listener: (changes: ReadonlySet<ClockChange>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #change(action: (changes: Set<ClockChange>) => void): void {
    // One that is made by a listener tells of itself.
    const outer = this.#changes;
    const changes = this.#changes = new Set<ClockChange>();
    try {
      action(changes);
    } finally {
      this.#changes = outer;
    }
    if (changes.size > 0) { for (const listener of [...this.#listeners]) listener(changes); }
  }

  #whole(): [fromNs: bigint, toNs: bigint] {
    const toNs = this.#endNs + 1n;
    return [this.#startNs, toNs - this.#startNs < MIN_WINDOW_NS ? this.#startNs + MIN_WINDOW_NS : toNs];
  }

  #middle(): bigint {
    const isShown = this.#cursorNs >= this.#fromNs && this.#cursorNs < this.#toNs;
    return isShown ? this.#cursorNs : (this.#fromNs + this.#toNs) / 2n;
  }

  #setCursor(ns: bigint): void {
    const cursorNs = ns < this.#startNs ? this.#startNs : ns > this.#endNs ? this.#endNs : ns;
    if (cursorNs === this.#cursorNs) return;
    this.#cursorNs = cursorNs;
    this.#changes!.add("cursor");
  }

  #setWindow(fromNs: bigint, toNs: bigint): void {
    if (toNs < fromNs) [fromNs, toNs] = [toNs, fromNs];
    if (toNs - fromNs < MIN_WINDOW_NS) toNs = fromNs + MIN_WINDOW_NS;
    const [first, end] = this.#whole();
    if (toNs - fromNs >= end - first) [fromNs, toNs] = [first, end];
    else if (fromNs < first) [fromNs, toNs] = [first, first + (toNs - fromNs)];
    else if (toNs > end) [fromNs, toNs] = [end - (toNs - fromNs), end];
    if (fromNs === this.#fromNs && toNs === this.#toNs) return;
    [this.#fromNs, this.#toNs] = [fromNs, toNs];
    this.#changes!.add("window");
  }

  /** Moves the window to where it shows the cursor, at a part of its length. */
  #reveal(place: number): void {
    if (this.#cursorNs >= this.#fromNs && this.#cursorNs < this.#toNs) return;
    const length = this.#toNs - this.#fromNs;
    const fromNs = this.#cursorNs - scaled(length, place);
    this.#setWindow(fromNs, fromNs + length);
  }

  /** Cursor and window go to the end. */
  #follow(): void {
    this.#setCursor(this.#endNs);
    const [, end] = this.#whole();
    this.#setWindow(end - (this.#toNs - this.#fromNs), end);
  }
}

/** Nanoseconds in seconds: the nearest float64, of less than 104 days. */
export function secondsOf(ns: bigint): number {
  return Number(ns) / 1e9;
}

/** Seconds in nanoseconds, to the nearest. RangeError where they are not finite. */
export function nsOf(seconds: number): bigint {
  if (!Number.isFinite(seconds)) throw new RangeError(`The seconds are ${seconds}, wanted a finite number`);
  const whole = Math.floor(seconds);
  return BigInt(whole) * SECOND + BigInt(Math.round((seconds - whole) * 1e9));
}

function scaled(ns: bigint, factor: number): bigint {
  const product = Number(ns) * factor;
  return BigInt(Math.round(Math.max(-9e18, Math.min(9e18, product))));
}
