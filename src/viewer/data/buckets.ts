/**
 * Slices of time of the same length, and the smallest and largest values in them.
 *
 * @module
 */
import { secondsOf } from "../time/clock.ts";

/** Slices of a window: as many as asked for, or fewer where it is shorter than that many nanoseconds. */
export class Buckets {
  readonly fromNs: bigint;
  readonly stepNs: bigint;
  readonly length: number;
  readonly #ends: BigInt64Array;

  constructor(fromNs: bigint, toNs: bigint, count: number) {
    const span = toNs - fromNs;
    this.fromNs = fromNs;
    // As the library does, so that both tell of the same slices.
    this.stepNs = (span + BigInt(count) - 1n) / BigInt(count);
    this.length = count;
    this.#ends = new BigInt64Array(count);
    for (let i = 0; i < count; i++) {
      const end = fromNs + BigInt(i + 1) * this.stepNs;
      this.#ends[i] = end < toNs ? end : toNs;
    }
  }

  /** Where a slice ends: the first moment after it. */
  end(bucket: number): bigint {
    return this.#ends[bucket];
  }
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
  #at = 0;

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
    this.min = new Float64Array(buckets.length).fill(NaN);
    this.max = new Float64Array(buckets.length).fill(NaN);
  }

  add(ns: BigInt64Array, values: Float64Array): void {
    const { min, max } = this;
    let endNs = this.#buckets.end(this.#at);
    for (let row = 0; row < ns.length; row++) {
      while (ns[row] >= endNs && this.#at + 1 < min.length) endNs = this.#buckets.end(++this.#at);
      const value = values[row];
      if (Number.isNaN(value)) continue;
      // Zero has no sign, as in the bounds that files keep.
      if (!(value >= min[this.#at])) min[this.#at] = value + 0;
      if (!(value <= max[this.#at])) max[this.#at] = value + 0;
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
