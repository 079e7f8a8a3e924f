import type { TimeRange, Window } from "../../types.ts";
import { timeWindow } from "../time_window.ts";
import type { Extent } from "../../util/totals.ts";

/** More are no overview, and take their memory for each field. */
const MOST_BUCKETS = 1_000_000;
/** Up to here quotients of whole numbers, rounded to float64, are on the right side of the next whole number. */
const EXACT_NS = 2n ** 52n;

/** A stretch of time in slices of the same length; the last may end after it. */
export class TimeBuckets {
  /** How many there are. */
  readonly length: number;
  /** Where the first begins. */
  readonly startNs: bigint;
  /** How long each is. */
  readonly stepNs: bigint;
  /** The stretch; nothing outside it counts. */
  readonly window: Window;
  /** {@linkcode stepNs} where float64 tells of all of it exactly, which is up to 52 days: bigints take ten times as long. */
  readonly #step: number | undefined;

  private constructor(length: number, startNs: bigint, endNs: bigint) {
    const spanNs = endNs - startNs;
    const count = BigInt(length);
    this.length = length;
    this.startNs = startNs;
    this.stepNs = spanNs === 0n ? 1n : (spanNs + count - 1n) / count;
    this.window = { firstNs: startNs, lastNs: endNs - 1n };
    this.#step = spanNs + this.stepNs <= EXACT_NS ? Number(this.stepNs) : undefined;
  }

  /**
   * So many of a range, of which bounds that are not given are those of what is there. RangeError for a number of buckets
   * that makes no sense, and as in {@linkcode timeWindow}.
   */
  static of(
    buckets: number,
    range: TimeRange,
    { firstNs, lastNs }: Partial<Extent>,
    tried: string,
  ): TimeBuckets {
    if (!Number.isInteger(buckets) || buckets < 1 || buckets > MOST_BUCKETS) {
      throw new RangeError(
        `${tried}: buckets is ${String(buckets)}, wanted a whole number from 1 to ${MOST_BUCKETS}`,
      );
    }
    const given = timeWindow(range, tried);
    const startGiven = range.startNs === undefined ? undefined : given.firstNs;
    const endGiven = range.endNs === undefined ? undefined : given.lastNs + 1n;
    // One bound alone may lie beyond all there is: then nothing is between them.
    const first = firstNs ?? startGiven ?? endGiven ?? 0n;
    const start = startGiven ?? (endGiven !== undefined && endGiven < first ? endGiven : first);
    const last = lastNs === undefined ? start : lastNs + 1n;
    return new TimeBuckets(buckets, start, endGiven ?? (last < start ? start : last));
  }

  /** The bucket that a time falls into: below 0 before the window. */
  of(ns: bigint): number {
    const atNs = ns - this.startNs;
    if (this.#step !== undefined) return Math.floor(Number(atNs) / this.#step);
    return atNs < 0n ? -1 : Number(atNs / this.stepNs);
  }

  /** First time after a bucket. */
  endOf(bucket: number): bigint {
    return this.startNs + this.stepNs * BigInt(bucket + 1);
  }

  /** The bucket that two times and all between them fall into; undefined where there is no one such. */
  around(firstNs: bigint, lastNs: bigint): number | undefined {
    if (firstNs < this.window.firstNs || lastNs > this.window.lastNs) return undefined;
    const bucket = this.of(firstNs);
    return this.of(lastNs) === bucket ? bucket : undefined;
  }

  /** Adds rows of a stretch of time as if they were spread evenly over it. Only what lies within the window counts. */
  share(rows: number, firstNs: bigint, lastNs: bigint, counts: Float64Array): void {
    const { window } = this;
    if (firstNs > window.lastNs || lastNs < window.firstNs) return;
    const whole = this.around(firstNs, lastNs);
    if (whole !== undefined) {
      counts[whole] += rows;
      return;
    }
    const perNs = rows / Number(lastNs - firstNs + 1n);
    let from = firstNs < window.firstNs ? window.firstNs : firstNs;
    const end = (lastNs > window.lastNs ? window.lastNs : lastNs) + 1n;
    for (let bucket = this.of(from); from < end; bucket++) {
      const edge = this.endOf(bucket);
      const to = edge < end ? edge : end;
      counts[bucket] += perNs * Number(to - from);
      from = to;
    }
  }
}
