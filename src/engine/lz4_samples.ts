/**
 * By which parts of an input it is judged whether it compresses: the same for both engines.
 *
 * @module
 */

/** Inputs from this size on are judged by two samples before any work is done. */
const SAMPLED_FROM = 1 << 15;
/** A sample has a 32nd of the input within these bounds: what does not compress should cost little. */
const MIN_SAMPLE = 1 << 12;
const MAX_SAMPLE = 1 << 14;

/** Bytes of each of the two samples of an input; 0 of one that is too short to be judged by them. */
export function sampleBytes(size: number): number {
  return size < SAMPLED_FROM ? 0 : Math.min(MAX_SAMPLE, Math.max(MIN_SAMPLE, size >> 5));
}

/** Where the samples begin: what is at the start may be unlike the rest. */
export function sampleStarts(size: number): [number, number] {
  return [0, size >> 1];
}
