/**
 * Ordering the rows of a span of time.
 *
 * Rows are gathered run by run, in the order that breaks ties (topic, batch, row), so any stable sort by time
 * will do: by buckets, or by digits where rows crowd, as of sensors that fire together.
 *
 * @module
 */

/** The rows of a span, run by run. The arrays may be longer than what they hold. */
export interface Span {
  /** How many rows there are. */
  count: number;
  /** Per row: its time as ns from the first one of the span, up to {@linkcode MAX_OFFSET}. */
  keys: Int32Array;
  /** How many runs the rows are of. */
  members: number;
  /** Per run: where its rows begin; then `count`. No run is without rows. */
  starts: Int32Array;
  /** Per run: its id. */
  ids: Int32Array;
  /** Per run: what makes a row's number in the run of its place here, when added. */
  shifts: Int32Array;
}

/** The largest key of a span. */
export const MAX_OFFSET: number = 2 ** 31 - 2;

/** Rows crowd where one shares its bucket with more than so many on average. */
const CROWD = 8;

/** The sorts in TypeScript, with their scratch. */
export class SpanSorter {
  /** How many more spans are taken to crowd. */
  #crowded = 0;
  #ids = new Int32Array(0);
  #numbers = new Int32Array(0);
  #counts = new Int32Array(2 ** 11);

  /** Orders the rows of a span by time, then run, then row: writes their runs' ids and their numbers. */
  sort(span: Span, runs: Int32Array, rows: Int32Array): void {
    this.#grow(span.count);
    if (this.#crowded-- > 0 || !this.#sortByBuckets(span, runs, rows)) {
      this.#sortByDigits(span, [span.keys], runs, rows);
    }
  }

  /** Orders rows by time, `keys` being the low words of their times, `highKeys` the high ones, without a sign. */
  sortFar(span: Span, highKeys: Int32Array, runs: Int32Array, rows: Int32Array): void {
    this.#grow(span.count);
    this.#sortByDigits(span, [span.keys, highKeys], runs, rows);
  }

  #grow(count: number): void {
    if (this.#ids.length >= count) return;
    count = 3 * count;
    this.#ids = new Int32Array(count);
    this.#numbers = new Int32Array(count);
    this.#counts = new Int32Array(Math.max(2 * count, 2 ** 11));
  }

  /**
   * Spreads the rows over buckets of time, at most one to each on average, and mends what is left. False, with
   * nothing done, where they crowd.
   */
  #sortByBuckets(span: Span, runs: Int32Array, rows: Int32Array): boolean {
    const { count, keys, members, starts } = span;
    const counts = this.#counts;
    const sorted = this.#numbers;
    let widest = 0;
    for (let m = 1; m <= members; m++) widest = Math.max(widest, keys[starts[m] - 1]);
    const shift = 32 - Math.clz32(widest / (2 * count));
    const buckets = (widest >>> shift) + 1;
    counts.fill(0, 0, buckets);
    for (let k = 0; k < count; k++) counts[keys[k] >>> shift]++;
    // Few rows are quickly moved however they crowd.
    if (toStarts(counts, buckets) > CROWD * Math.max(count, 512)) {
      this.#crowded = 8;
      return false;
    }
    for (let m = 0; m < members; m++) {
      const id = span.ids[m];
      const toRow = span.shifts[m];
      const end = starts[m + 1];
      for (let k = starts[m]; k < end; k++) {
        const to = counts[keys[k] >>> shift]++;
        sorted[to] = keys[k];
        runs[to] = id;
        rows[to] = k + toRow;
      }
    }
    insertionSort(sorted, runs, rows, count);
    return true;
  }

  /** Sorts by one digit of the time after the other, the lowest first: takes as long however rows crowd. */
  #sortByDigits(span: Span, words: readonly Int32Array[], runs: Int32Array, rows: Int32Array): void {
    const { count, members, starts } = span;
    const ids = this.#ids;
    const numbers = this.#numbers;
    for (let m = 0; m < members; m++) {
      const id = span.ids[m];
      const toRow = span.shifts[m];
      const end = starts[m + 1];
      for (let k = starts[m]; k < end; k++) {
        runs[k] = k;
        ids[k] = id;
        numbers[k] = k + toRow;
      }
    }
    let order = runs;
    for (const keys of words) order = this.#sortByKeys(keys, count, order, order === runs ? rows : runs);
    for (let i = 0; i < count; i++) {
      const k = order[i];
      runs[i] = ids[k];
      rows[i] = numbers[k];
    }
  }

  /** Sorts items by their keys' digits from `shift` up, stably. Returns which of the arrays has them then. */
  #sortByKeys(keys: Int32Array, count: number, from: Int32Array, to: Int32Array, shift = 0): Int32Array {
    if (shift >= 32) return from;
    const counts = this.#counts;
    const bits = count < 1024 ? 8 : 11;
    const mask = (1 << bits) - 1;
    counts.fill(0, 0, mask + 1);
    for (let k = 0; k < count; k++) counts[(keys[k] >>> shift) & mask]++;
    if (counts[(keys[0] >>> shift) & mask] === count) {
      return this.#sortByKeys(keys, count, from, to, shift + bits);
    }
    toStarts(counts, mask + 1);
    for (let i = 0; i < count; i++) {
      const item = from[i];
      to[counts[(keys[item] >>> shift) & mask]++] = item;
    }
    return this.#sortByKeys(keys, count, to, from, shift + bits);
  }
}

/** Turns counts into where the items of each bucket start. Returns the sum of their squares. */
function toStarts(counts: Int32Array, length: number): number {
  let start = 0;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const count = counts[i];
    counts[i] = start;
    start += count;
    squares += count * count;
  }
  return squares;
}

/** Sorts rows by key, stably; fast where few are out of place. */
function insertionSort(keys: Int32Array, runs: Int32Array, rows: Int32Array, count: number): void {
  for (let k = 1; k < count; k++) {
    const key = keys[k];
    if (key >= keys[k - 1]) continue;
    const run = runs[k];
    const row = rows[k];
    let to = k;
    for (; to > 0 && keys[to - 1] > key; to--) {
      keys[to] = keys[to - 1];
      runs[to] = runs[to - 1];
      rows[to] = rows[to - 1];
    }
    keys[to] = key;
    runs[to] = run;
    rows[to] = row;
  }
}
