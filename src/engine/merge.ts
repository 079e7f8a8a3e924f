/**
 * The time-order merge in pure TypeScript.
 *
 * A fill orders one window of time, or a few: from the first head on, as wide as should fill the caller's arrays at the
 * latest density of rows. The rows of a window are gathered run by run, in the order that breaks ties (topic, batch,
 * row), so any stable sort by time will do: buckets, or digits where rows crowd, as of sensors that fire together.
 * Where runs take turns in long stretches, or have hardly a row in a window, stretches are copied instead.
 *
 * Times are read as pairs of 32-bit words, little-endian as on all machines that matter: a bigint per row costs V8 a
 * little and JavaScriptCore ten times the whole merge. High words have a sign, low words have none.
 *
 * @module
 */
import type { Merger } from "./engine.ts";

const MIN_TIME = -(2n ** 63n);
const MAX_TIME = 2n ** 63n - 1n;
const WORD = 2 ** 32;
const SIGN = 1 << 31;

/** Offsets within a window fit in an int32, in ns. */
const MAX_WIDTH = 2 ** 31 - 1;
/** Windows hold at most so many rows, that their scratch stays in the cache. */
const MAX_ROWS = 2 ** 14;
/** They aim at this part of what fits, as one that does not fit is gathered again. */
const AIM = 0.9;
/** With fewer rows a window is not worth its fixed costs. */
const FEW_ROWS = 16;
/** Stretches of so many rows are copied until they are half as long. */
const LONG_STRETCH = 16;
/** Rows crowd if one shares its bucket with more than so many on average. */
const CROWD = 8;
/** Among so few rows, digits are no faster even then. */
const SMALL_CROWD = 64;
/** The runs of a block share an entry in the index of heads. */
const BLOCK_BITS = 4;
const BLOCK = 1 << BLOCK_BITS;

/** A run with rows left. */
interface Run {
  readonly id: number;
  readonly topic: number;
  readonly batch: number;
  readonly times: BigInt64Array;
  /** The same as pairs: low word, high word. */
  readonly words: Int32Array;
  /** The next row to give out. */
  next: number;
  readonly end: number;
}

/** Creates a merge of its own. */
export function createMerger(): Merger {
  return new WindowMerger();
}

class WindowMerger implements Merger {
  readonly exhausted: number[] = [];

  /** Runs with rows left, in the order that breaks ties. */
  readonly #live: Run[] = [];
  /** The words of their next times. */
  #heads = new Int32Array(2 * BLOCK);
  /** Index of the run that comes first in each block; out of date where `#stale`. */
  #firsts = new Int32Array(1);
  #stale = false;

  readonly #until = new BigInt64Array(1);
  readonly #untilWords = new Int32Array(this.#until.buffer);

  /** Rows per ns of the last window, and whether stretches are to be copied next. */
  #density = 1e-3;
  #copies = false;

  /** Indices of the runs in the window, where the rows of each start, and the rows' offsets in ns. */
  #members = new Int32Array(BLOCK);
  #starts = new Int32Array(BLOCK + 1);
  #memberCount = 0;
  #keys = new Int32Array(0);
  /** Scratch of the sorts. */
  #sorted = new Int32Array(0);
  #ids = new Int32Array(0);
  #counts = new Int32Array(0);

  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void {
    if (!(from >= 0 && from < to && to <= times.length)) {
      throw new RangeError(`Cannot add rows ${from} to ${to} of a run of ${times.length} rows`);
    }
    const live = this.#live;
    const index = rankOf(live, topic, batch);
    if (2 * live.length === this.#heads.length) this.#growRuns();
    this.#heads.copyWithin(2 * index + 2, 2 * index, 2 * live.length);
    const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
    live.splice(index, 0, { id, topic, batch, times, words, next: from, end: to });
    this.#moveTo(index, from);
    this.#stale = true;
  }

  head(): bigint | undefined {
    if (this.#live.length === 0) return undefined;
    const { times, next } = this.#live[this.#findFirst()];
    return times[next];
  }

  fill(untilNs: bigint, runs: Int32Array, rows: Int32Array): number {
    this.exhausted.length = 0;
    if (untilNs < MIN_TIME) return 0;
    this.#until[0] = untilNs > MAX_TIME ? MAX_TIME : untilNs;
    const capacity = Math.min(runs.length, rows.length);
    let count = 0;
    // A window may turn out small; who pays by the block should not notice.
    while (count < capacity / 2 && this.#live.length > 0) {
      const room = Math.min(capacity - count, MAX_ROWS);
      const [toRuns, toRows] = count === 0 ? [runs, rows] : [runs.subarray(count), rows.subarray(count)];
      const copies = this.#copies || room < FEW_ROWS || this.#live.length === 1;
      const added = copies
        ? this.#copyStretches(room, toRuns, toRows)
        : this.#orderWindow(room, toRuns, toRows);
      if (added === 0) break;
      count += added;
    }
    return count;
  }

  #growRuns(): void {
    const size = 2 * this.#live.length;
    const heads = new Int32Array(2 * size);
    heads.set(this.#heads);
    this.#heads = heads;
    this.#firsts = new Int32Array(size >> BLOCK_BITS);
    this.#members = new Int32Array(size);
    this.#starts = new Int32Array(size + 1);
  }

  /** Sets the next row of a run. */
  #moveTo(index: number, row: number): void {
    const run = this.#live[index];
    run.next = row;
    if (row === run.end) {
      this.#stale = true;
    } else {
      this.#heads[2 * index] = run.words[2 * row];
      this.#heads[2 * index + 1] = run.words[2 * row + 1];
    }
  }

  /** Removes the runs without rows left. */
  #dropEnded(): void {
    const live = this.#live;
    let kept = 0;
    for (let i = 0; i < live.length; i++) {
      const run = live[i];
      if (run.next === run.end) {
        this.exhausted.push(run.id);
      } else {
        if (kept < i) this.#heads.copyWithin(2 * kept, 2 * i, 2 * i + 2);
        live[kept++] = run;
      }
    }
    live.length = kept;
  }

  /** Index of the run that comes first of all, but for one; -1 if there is none. */
  #findFirst(except = -1): number {
    const count = this.#live.length;
    if (this.#stale) {
      for (let block = 0; block << BLOCK_BITS < count; block++) {
        this.#firsts[block] = this.#findFirstIn(block);
      }
      this.#stale = false;
    }
    const exceptBlock = except >> BLOCK_BITS;
    let first = -1;
    for (let block = 0; block << BLOCK_BITS < count; block++) {
      const index = block === exceptBlock ? this.#findFirstIn(block, except) : this.#firsts[block];
      if (first < 0 || (index >= 0 && this.#isLater(first, index))) first = index;
    }
    return first;
  }

  #indexMembers(): void {
    let last = -1;
    for (let m = 0; m < this.#memberCount; m++) {
      const block = this.#members[m] >> BLOCK_BITS;
      if (block !== last) this.#firsts[block] = this.#findFirstIn(block);
      last = block;
    }
  }

  #findFirstIn(block: number, except = -1): number {
    const end = Math.min((block + 1) << BLOCK_BITS, this.#live.length);
    let first = -1;
    for (let i = block << BLOCK_BITS; i < end; i++) {
      if (i !== except && (first < 0 || this.#isLater(first, i))) first = i;
    }
    return first;
  }

  /** Whether the next time of one run is later than that of another. */
  #isLater(index: number, than: number): boolean {
    const heads = this.#heads;
    return isLater(heads[2 * index + 1], heads[2 * index], heads[2 * than + 1], heads[2 * than]);
  }

  /** Gives out stretches of rows that one run has before any other. */
  #copyStretches(capacity: number, runs: Int32Array, rows: Int32Array): number {
    let count = 0;
    for (let stretches = 1; count < capacity && this.#live.length > 0; stretches++) {
      const index = this.#findFirst();
      const run = this.#live[index];
      const shift = run.next - count;
      const end = this.#findStretchEnd(index, Math.min(run.end, capacity + shift)) - shift;
      if (end === count) break;
      runs.fill(run.id, count, end);
      for (; count < end; count++) rows[count] = count + shift;
      this.#moveTo(index, end + shift);
      if (this.#stale) this.#dropEnded();
      else this.#firsts[index >> BLOCK_BITS] = this.#findFirstIn(index >> BLOCK_BITS);
      if (stretches >= 32 && count < (stretches * LONG_STRETCH) / 2) {
        this.#copies = false;
        break;
      }
    }
    return count;
  }

  /** Up to which row, `stop` at most, a run is in time and comes before every other one. */
  #findStretchEnd(index: number, stop: number): number {
    const { words, next } = this.#live[index];
    let [boundLo, boundHi] = this.#untilWords;
    const rival = this.#findFirst(index);
    if (rival >= 0) {
      // Of equal times, the lower index goes first: to stay ahead of such a rival takes a ns less.
      const less = rival < index ? 1 : 0;
      const lo = this.#heads[2 * rival];
      const hi = this.#heads[2 * rival + 1] - (lo === 0 ? less : 0);
      if (isLater(boundHi, boundLo, hi, lo - less)) [boundLo, boundHi] = [lo - less, hi];
    }
    return findLater(words, next, stop, boundHi, boundLo);
  }

  /** Gives out the rows of a window. */
  #orderWindow(capacity: number, runs: Int32Array, rows: Int32Array): number {
    const first = this.#findFirst();
    const baseLo = this.#heads[2 * first];
    const baseHi = this.#heads[2 * first + 1];
    const limit = (this.#untilWords[1] - baseHi) * WORD + (this.#untilWords[0] >>> 0) - (baseLo >>> 0);
    if (limit < 0) return 0;
    if (this.#keys.length <= capacity) this.#growRows(capacity);

    let width = Math.min(Math.floor((AIM * capacity) / this.#density), limit, MAX_WIDTH);
    let count = this.#gather(capacity, baseHi, baseLo, width);
    while (count > capacity) {
      this.#putBack();
      width = Math.floor(Math.min(width / 2, mean(this.#keys, count)));
      count = this.#gather(capacity, baseHi, baseLo, width);
    }
    this.#sortByBuckets(count, runs, rows);
    if (this.#stale) this.#dropEnded();
    else this.#indexMembers();

    // A few rows say little of density; the next window is at most 64 times wider.
    this.#density = Math.max(count, capacity / 64) / Math.max(width, 1);
    this.#copies = hasLongStretches(runs, count) || this.#density * MAX_WIDTH < FEW_ROWS;
    return count;
  }

  #growRows(capacity: number): void {
    this.#keys = new Int32Array(capacity + 1);
    this.#sorted = new Int32Array(capacity + 1);
    this.#ids = new Int32Array(capacity + 1);
    this.#counts = new Int32Array(Math.max(2 * capacity, 1 << 11));
  }

  /**
   * Takes the rows up to `width` ns after the base from their runs. Returns how many, or more than `capacity` if they do
   * not fit. Without any width it takes what fits: rows of one time are gathered in order.
   */
  #gather(capacity: number, baseHi: number, baseLo: number, width: number): number {
    const live = this.#live;
    const heads = this.#heads;
    const keys = this.#keys;
    const boundHi = baseHi + ((baseLo >>> 0) + width >= WORD ? 1 : 0);
    const boundLo = (baseLo + width) | 0;
    const room = width === 0 ? capacity : capacity + 1;
    let count = 0;
    let members = 0;
    for (let i = 0; i < live.length && count < room; i++) {
      // A whole block that starts later is passed over.
      const first = i % BLOCK === 0 ? this.#firsts[i >> BLOCK_BITS] : i;
      if (isLater(heads[2 * first + 1], heads[2 * first], boundHi, boundLo)) {
        if (i % BLOCK === 0) i += BLOCK - 1;
        continue;
      }
      if (isLater(heads[2 * i + 1], heads[2 * i], boundHi, boundLo)) continue;
      const { words, next, end } = live[i];
      const shift = next - count;
      const stop = Math.min(end - shift, room);
      this.#members[members] = i;
      this.#starts[members++] = count;
      keys[count++] = heads[2 * i] - baseLo;
      for (; count < stop; count++) {
        const lo = words[2 * (count + shift)];
        if (isLater(words[2 * (count + shift) + 1], lo, boundHi, boundLo)) break;
        keys[count] = lo - baseLo;
      }
      this.#moveTo(i, count + shift);
    }
    this.#starts[members] = count;
    this.#memberCount = members;
    return count;
  }

  /** Undoes the latest gathering. */
  #putBack(): void {
    for (let m = 0; m < this.#memberCount; m++) {
      const index = this.#members[m];
      this.#moveTo(index, this.#live[index].next - (this.#starts[m + 1] - this.#starts[m]));
    }
  }

  /** Spreads the rows over buckets of time, at most one to each on average, and mends what is left of disorder. */
  #sortByBuckets(count: number, runs: Int32Array, rows: Int32Array): void {
    const keys = this.#keys;
    const counts = this.#counts;
    const sorted = this.#sorted;
    let span = 0;
    for (let m = 1; m <= this.#memberCount; m++) span = Math.max(span, keys[this.#starts[m] - 1]);
    const shift = 32 - Math.clz32(span / (2 * count));
    const buckets = (span >>> shift) + 1;
    counts.fill(0, 0, buckets);
    for (let k = 0; k < count; k++) counts[keys[k] >>> shift]++;
    if (toStarts(counts, buckets) > CROWD * count && count > SMALL_CROWD) {
      return this.#sortByDigits(count, runs, rows);
    }
    for (let m = 0; m < this.#memberCount; m++) {
      const { id, next } = this.#live[this.#members[m]];
      const end = this.#starts[m + 1];
      for (let k = this.#starts[m]; k < end; k++) {
        const to = counts[keys[k] >>> shift]++;
        sorted[to] = keys[k];
        runs[to] = id;
        rows[to] = k - end + next;
      }
    }
    insertionSort(sorted, runs, rows, count);
  }

  /** Sorts by one digit of the offset after the other, the lowest first: takes as long however rows crowd. */
  #sortByDigits(count: number, runs: Int32Array, rows: Int32Array): void {
    const ids = this.#ids;
    const places = this.#sorted;
    for (let m = 0; m < this.#memberCount; m++) {
      const { id, next } = this.#live[this.#members[m]];
      const end = this.#starts[m + 1];
      for (let k = this.#starts[m]; k < end; k++) {
        ids[k] = id;
        places[k] = k - end + next;
        runs[k] = k;
      }
    }
    const order = sortByDigits(this.#keys, count, 0, count < 1024 ? 8 : 11, this.#counts, runs, rows);
    for (let i = 0; i < count; i++) {
      const k = order[i];
      runs[i] = ids[k];
      rows[i] = places[k];
    }
  }
}

/** Where a run of this topic and batch belongs among runs in order. */
function rankOf(runs: readonly Run[], topic: number, batch: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const run = runs[middle];
    if (run.topic < topic || (run.topic === topic && run.batch < batch)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a time is later than another. */
function isLater(hi: number, lo: number, thanHi: number, thanLo: number): boolean {
  return hi > thanHi || (hi === thanHi && (lo ^ SIGN) > (thanLo ^ SIGN));
}

/** The first row of `from` to `end` that is later than a time; found in few steps if it is near. */
function findLater(words: Int32Array, from: number, end: number, hi: number, lo: number): number {
  const isPast = (row: number) => isLater(words[2 * row + 1], words[2 * row], hi, lo);
  let step = 1;
  while (from + step <= end && !isPast(from + step - 1)) {
    from += step;
    step *= 2;
  }
  let past = Math.min(from + step - 1, end);
  while (from < past) {
    const middle = (from + past) >>> 1;
    if (isPast(middle)) past = middle;
    else from = middle + 1;
  }
  return past;
}

/** Whether runs keep their turn for long on average, judged by a sample. */
function hasLongStretches(runs: Int32Array, count: number): boolean {
  const step = Math.max(1, count >>> 7);
  let samples = 0;
  let switches = 0;
  for (let k = step; k < count; k += step) {
    samples++;
    if (runs[k] !== runs[k - 1]) switches++;
  }
  return samples > 32 && switches * LONG_STRETCH < samples;
}

function mean(values: Int32Array, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += values[k];
  return sum / count;
}

/** Turns counts into where each bucket starts. Returns the sum of their squares. */
function toStarts(counts: Int32Array, length: number): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const count = counts[i];
    counts[i] = sum;
    sum += count;
    squares += count * count;
  }
  return squares;
}

/** Sorts rows by key, stably, and fast where few are out of place. */
function insertionSort(keys: Int32Array, runs: Int32Array, rows: Int32Array, count: number): void {
  let last = keys[0];
  for (let k = 1; k < count; k++) {
    const key = keys[k];
    if (key >= last) {
      last = key;
      continue;
    }
    const run = runs[k];
    const row = rows[k];
    let to = k;
    do {
      keys[to] = keys[to - 1];
      runs[to] = runs[to - 1];
      rows[to] = rows[to - 1];
      to--;
    } while (to > 0 && keys[to - 1] > key);
    keys[to] = key;
    runs[to] = run;
    rows[to] = row;
  }
}

/**
 * Sorts items by their words, stably: by the digit of so many `bits` at `shift`, then by the higher ones. Returns which of
 * the two arrays has them then.
 */
function sortByDigits(
  words: Int32Array,
  count: number,
  shift: number,
  bits: number,
  counts: Int32Array,
  from: Int32Array,
  to: Int32Array,
): Int32Array {
  if (shift >= 32) return from;
  const mask = (1 << bits) - 1;
  counts.fill(0, 0, mask + 1);
  for (let k = 0; k < count; k++) counts[(words[k] >>> shift) & mask]++;
  if (counts[(words[0] >>> shift) & mask] === count) {
    return sortByDigits(words, count, shift + bits, bits, counts, from, to);
  }
  toStarts(counts, mask + 1);
  for (let i = 0; i < count; i++) {
    const item = from[i];
    to[counts[(words[item] >>> shift) & mask]++] = item;
  }
  return sortByDigits(words, count, shift + bits, bits, counts, to, from);
}
