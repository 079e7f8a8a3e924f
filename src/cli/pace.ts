import { setTimeout as sleep } from "node:timers/promises";
import { MAX_TIMER_MS } from "../util/pause.ts";

/** Replays times in real time, `speed` times as fast. Each time is due by the first one, so delays do not add up. */
export class Pace {
  readonly #speed: number;
  readonly #maxGapMs: number;
  readonly #signal: AbortSignal;
  /** When which time is due: moved on where a gap is shortened. */
  #start: { ns: bigint; ms: number } | undefined;
  /** The latest time that was asked for. */
  #lastNs: bigint | undefined;

  /** @param maxGapMs The longest wait between two times; what is longer is shortened to it. */
  constructor(speed: number, maxGapMs: number, signal: AbortSignal) {
    this.#speed = speed;
    this.#maxGapMs = maxGapMs;
    this.#signal = signal;
  }

  /** Milliseconds until a message of this time is due, 0 or less when it is. The first time starts the clock. */
  until(ns: bigint): number {
    this.#start ??= { ns, ms: performance.now() };
    const gapMs = this.#duration(this.#lastNs ?? ns, ns);
    this.#lastNs = ns;
    if (gapMs > this.#maxGapMs) this.#start.ms -= gapMs - this.#maxGapMs;
    return this.#start.ms + this.#duration(this.#start.ns, ns) - performance.now();
  }

  /** How long it takes to replay from one time to another, in milliseconds. */
  #duration(fromNs: bigint, toNs: bigint): number {
    return Number(toNs - fromNs) / 1e6 / this.#speed;
  }

  /** Waits until a message of this time is due. Rejects when the signal is given. */
  async wait(ns: bigint): Promise<void> {
    for (let left; (left = this.until(ns)) > 0;) {
      await sleep(Math.min(Math.ceil(left), MAX_TIMER_MS), undefined, { signal: this.#signal });
    }
  }
}
