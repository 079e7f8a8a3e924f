import { setTimeout as sleep } from "node:timers/promises";

/** Timers take no longer sleep; they would end at once. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

/** Replays times in real time, `speed` times as fast. Each time is due by the first one, so delays do not add up. */
export class Pace {
  readonly #speed: number;
  readonly #signal: AbortSignal;
  #start: { ns: bigint; ms: number } | undefined;

  constructor(speed: number, signal: AbortSignal) {
    this.#speed = speed;
    this.#signal = signal;
  }

  /** Milliseconds until a message of this time is due, 0 or less when it is. The first time starts the clock. */
  until(ns: bigint): number {
    this.#start ??= { ns, ms: performance.now() };
    const { ns: startNs, ms } = this.#start;
    return ms + Number(ns - startNs) / 1e6 / this.#speed - performance.now();
  }

  /** Waits until a message of this time is due. Rejects when the signal is given. */
  async wait(ns: bigint): Promise<void> {
    for (let left; (left = this.until(ns)) > 0;) {
      await sleep(Math.min(Math.ceil(left), MAX_SLEEP_MS), undefined, { signal: this.#signal });
    }
  }
}
