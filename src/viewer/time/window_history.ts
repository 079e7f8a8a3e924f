/**
 * Windows that were shown before, to go back to. Pure: who makes it tells the time.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

type Window = Clock["windowNs"];

/** Windows at most. */
const MAX_WINDOWS = 100;
/** What follows sooner, by a small step, is one movement, such as turns of a wheel; in milliseconds. */
const REST_MS = 600;
/** How many times longer, or shorter, a small step makes a window at most. */
const STEP = 2.5;

/** Windows of a clock, back and forth. What playing and a growing recording move is no window of its own. */
export class WindowHistory {
  readonly #clock: Clock;
  readonly #nowMs: () => number;
  #past: Window[] = [];
  #future: Window[] = [];
  #now: Window;
  #movedMs = -Infinity;
  #isGoing = false;

  /** @param nowMs Milliseconds from any moment on. */
  constructor(clock: Clock, nowMs: () => number) {
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.#now = clock.windowNs;
    clock.subscribe((changes) => changes.has("window") && this.#take());
  }

  /** Whether there is one before. */
  get hasBack(): boolean {
    return this.#past.length > 0;
  }

  /** Whether there is one after. */
  get hasForward(): boolean {
    return this.#future.length > 0;
  }

  /** Shows the window before; false where there is none. */
  back(): boolean {
    return this.#go(this.#past, this.#future);
  }

  /** Shows the window after; false where there is none. */
  forward(): boolean {
    return this.#go(this.#future, this.#past);
  }

  #take(): void {
    if (this.#isGoing) return;
    const { windowNs, isPlaying, isAtEnd } = this.#clock;
    const nowMs = this.#nowMs();
    if (!isPlaying && !isAtEnd) {
      if (nowMs - this.#movedMs > REST_MS || !isStep(this.#now, windowNs)) {
        this.#past = [...this.#past, this.#now].slice(-MAX_WINDOWS);
        this.#future = [];
      }
      this.#movedMs = nowMs;
    }
    this.#now = windowNs;
  }

  #go(from: Window[], to: Window[]): boolean {
    const window = from.pop();
    if (!window) return false;
    to.push(this.#now);
    this.#now = window;
    this.#movedMs = -Infinity;
    this.#isGoing = true;
    try {
      this.#clock.setWindow(window.fromNs, window.toNs);
    } finally {
      this.#isGoing = false;
    }
    return true;
  }
}

/** Whether one window is nearly where the other is. */
function isStep(a: Window, b: Window): boolean {
  const [lengthA, lengthB] = [a, b].map(({ fromNs, toNs }) => Number(toNs - fromNs));
  const overlaps = a.fromNs < b.toNs && b.fromNs < a.toNs;
  return overlaps && lengthA < lengthB * STEP && lengthB < lengthA * STEP;
}
