/**
 * Slices of time of the same length, and the smallest and largest values in them.
 *
 * @module
 */
import { secondsOf } from "../time/clock.ts";

/** Slices of a window, as the library makes them. */
export class Buckets {
  readonly fromNs: bigint;
  readonly stepNs: bigint;
  readonly length: number;

  constructor(fromNs: bigint, toNs: bigint, count: number) {
    this.fromNs = fromNs;
    this.stepNs = (toNs - fromNs + BigInt(count) - 1n) / BigInt(count);
    this.length = count;
  }

  /** The slice of a moment in the window. */
  of(ns: bigint): number {
    return Number((ns - this.fromNs) / this.stepNs);
  }

  /** Where a slice ends: the first moment after it. */
  end(bucket: number): bigint {
    return this.fromNs + BigInt(bucket + 1) * this.stepNs;
  }
}

/** The first of some times, ascending from an index on, that is not before a moment; their number where all are. */
export function lowerBound(ns: BigInt64Array, moment: bigint, from = 0): number {
  let [low, high] = [from, ns.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ns[middle] < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is in a slice. */
export interface Extremes {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** Takes the values of rows that ascend in time. NaN does not count. */
export class BucketFiller {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly #buckets: Buckets;

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
    this.min = new Float64Array(buckets.length).fill(NaN);
    this.max = new Float64Array(buckets.length).fill(NaN);
  }

  add(ns: BigInt64Array, values: Float64Array): void {
    // Slice by slice: a bigint for each row would take most of the time.
    for (let row = 0; row < ns.length;) {
      const bucket = this.#buckets.of(ns[row]);
      const end = lowerBound(ns, this.#buckets.end(bucket), row);
      let [low, high] = [this.min[bucket], this.max[bucket]];
      for (; row < end; row++) {
        const value = values[row];
        if (Number.isNaN(value)) continue;
        if (!(value >= low)) low = value;
        if (!(value <= high)) high = value;
      }
      // Zero has no sign, as in the bounds that files keep.
      this.min[bucket] = low + 0;
      this.max[bucket] = high + 0;
    }
  }
}

/** The slices that have a value: their middles in seconds, and their extremes. */
export function withValues(
  fromNs: bigint,
  stepNs: bigint,
  startNs: bigint,
  { min, max }: Extremes,
): { x: Float64Array; min: Float64Array; max: Float64Array; step: number } {
  const step = Number(stepNs) / 1e9;
  const from = secondsOf(fromNs - startNs);
  let count = 0;
  for (let i = 0; i < min.length; i++) if (!Number.isNaN(min[i])) count++;
  const out = {
    x: new Float64Array(count),
    min: new Float64Array(count),
    max: new Float64Array(count),
    step,
  };
  let at = 0;
  for (let i = 0; i < min.length; i++) {
    if (Number.isNaN(min[i])) continue;
    out.x[at] = from + (i + 0.5) * step;
    out.min[at] = min[i];
    out.max[at++] = max[i];
  }
  return out;
}
