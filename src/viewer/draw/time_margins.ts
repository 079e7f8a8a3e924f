/**
 * What panels leave free beside their time axes: as much as the one that needs most of it, so that the same times lie below
 * each other in all of them.
 *
 * @module
 */

/** How wide the axis of values is at least, in CSS pixels. */
const LEFT_PIXELS = 54;
/** What is left free at the right of times where there is no axis. */
const RIGHT_PIXELS = 10;

/** In CSS pixels. */
export interface Margins {
  readonly left: number;
  readonly right: number;
}

/** The margins of all panels of a page. */
export class TimeMargins {
  readonly #wanted = new Map<object, Margins>();
  readonly #listeners = new Set<() => void>();
  #now: Margins = { left: LEFT_PIXELS, right: RIGHT_PIXELS };

  /** What all leave free now. */
  get now(): Margins {
    return this.#now;
  }

  /** Asks for so much on behalf of a panel; undefined where it is gone. */
  want(panel: object, margins: Margins | undefined): void {
    if (margins) this.#wanted.set(panel, margins);
    else this.#wanted.delete(panel);
    const all = [...this.#wanted.values()];
    const left = Math.max(LEFT_PIXELS, ...all.map(({ left }) => left));
    const right = Math.max(RIGHT_PIXELS, ...all.map(({ right }) => right));
    if (left === this.#now.left && right === this.#now.right) return;
    this.#now = { left, right };
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls it whenever they change. Returns what ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
