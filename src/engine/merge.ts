/**
 * The time-order merge.
 *
 * A fill orders spans of time: from the first head on, as wide as should fill the caller's arrays at the
 * latest density of rows. The rows of a span are gathered run by run, in the order that breaks ties (topic,
 * batch, row), and sorted. Where runs take turns in long stretches, the stretches are
 * copied instead.
 *
 * Times are read as pairs of 32-bit words, little-endian as on all machines that matter: a bigint per row
 * costs V8 a little and JavaScriptCore ten times the whole merge. High words have a sign, low words have none.
 *
 * @module
 */
import { MAX_NS, MIN_NS } from "../types.ts";
import type { Merger } from "../engine.ts";
import { MAX_OFFSET, type Span, SpanSorter } from "./merge_sort.ts";

const WORD = 2 ** 32;
const SIGN = 1 << 31;

/** Offsets within a near span are keys to sort by. Wider ones are sorted by both words of the times. */
const NEAR_WIDTH = MAX_OFFSET;
/** Offsets within any span are exact in float64. */
const MAX_WIDTH = 2 ** 52;
/** Spans of more rows would outgrow the processor's cache. */
const MAX_ROWS = 2 ** 14;
/** Spans aim at this part of the room, as those that turn out too wide are gathered again. */
const AIM = 0.9;
/** For fewer rows a span is not worth its fixed costs. */
const FEW_ROWS = 16;

/** A run with rows left. */
interface LiveRun {
  readonly id: number;
  readonly topic: number;
  readonly batch: number;
  readonly times: BigInt64Array;
  /** The same as pairs of low word and high word. */
  readonly words: Int32Array;
  /** The next row to give out. */
  next: number;
  readonly end: number;
}

/** Creates a merge of its own. */
export function createMerger(): Merger {
  return new SpanMerger();
}

class SpanMerger implements Merger {
  readonly exhausted: number[] = [];

  /** Runs with rows left, in the order that breaks ties, and the words of their next times. */
  #live: LiveRun[] = [];
  #heads = new Int32Array(32);

  readonly #until = new BigInt64Array(1);
  readonly #untilWords = new Int32Array(this.#until.buffer);

  /** Of the latest span: rows per ns, whether it had long stretches. */
  #density = 1e-3;
  #hasStretches = false;

  /** The span, and the indices of its runs. */
  readonly #span: Span = {
    count: 0,
    keys: new Int32Array(0),
    members: 0,
    starts: new Int32Array(17),
    ids: new Int32Array(16),
    shifts: new Int32Array(16),
  };
  #members = new Int32Array(16);
  /** Whether there may be runs without rows left. */
  #hasEnded = false;
  #closed = false;
  readonly #sorter = new SpanSorter();

  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void {
    if (!(from >= 0 && from < to && to <= times.length)) {
      throw new RangeError(`Cannot add rows ${from} to ${to} of a run of ${times.length} rows`);
    }
    if (this.#closed) return;
    const live = this.#live;
    if (2 * live.length === this.#heads.length) this.#growRuns();
    const index = live.findLastIndex((run) => (run.topic - topic || run.batch - batch) < 0) + 1;
    const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
    this.#heads.copyWithin(2 * index + 2, 2 * index, 2 * live.length);
    live.splice(index, 0, { id, topic, batch, times, words, next: from, end: to });
    this.#moveTo(index, from);
  }

  head(): bigint | undefined {
    const first = this.#live[this.#findFirst()];
    return first?.times[first.next];
  }

  fill(untilNs: bigint, runs: Int32Array, rows: Int32Array): number {
    this.exhausted.length = 0;
    if (untilNs < MIN_NS) return 0;
    this.#until[0] = untilNs > MAX_NS ? MAX_NS : untilNs;
    const capacity = Math.min(runs.length, rows.length);
    let count = 0;
    // A span may turn out small, but the caller pays by the block.
    while (count < capacity / 2 && this.#live.length > 0) {
      const room = Math.min(capacity - count, MAX_ROWS);
      const copies = this.#hasStretches || room < FEW_ROWS || this.#live.length === 1;
      const added = copies ? this.#copyStretches(room, runs, rows) : this.#orderSpan(room, runs, rows);
      if (added === 0) break;
      count += added;
      [runs, rows] = [runs.subarray(added), rows.subarray(added)];
    }
    return count;
  }

  close(): void {
    this.#closed = true;
    this.#live = [];
  }

  #growRuns(): void {
    const heads = new Int32Array(2 * this.#heads.length);
    heads.set(this.#heads);
    this.#heads = heads;
    this.#members = new Int32Array(heads.length / 2);
    this.#span.starts = new Int32Array(heads.length / 2 + 1);
    this.#span.ids = new Int32Array(heads.length / 2);
    this.#span.shifts = new Int32Array(heads.length / 2);
  }

  /** Index of the run that comes first, `except` aside; -1 if there is none. */
  #findFirst(except = -1): number {
    const heads = this.#heads;
    const count = this.#live.length;
    let least = except === 0 ? 1 : 0;
    for (let i = least + 1; i < count; i++) {
      const later = isLater(heads[2 * least + 1], heads[2 * least], heads[2 * i + 1], heads[2 * i]);
      if (later && i !== except) least = i;
    }
    return least < count ? least : -1;
  }

  /** Sets the next row of a run. */
  #moveTo(index: number, row: number): void {
    const run = this.#live[index];
    run.next = row;
    if (row === run.end) {
      this.#hasEnded = true;
    } else {
      this.#heads[2 * index] = run.words[2 * row];
      this.#heads[2 * index + 1] = run.words[2 * row + 1];
    }
  }

  /** Removes the runs without rows left. */
  #dropEnded(): void {
    const live = this.#live;
    this.#live = live.filter((run) => run.next < run.end);
    for (const run of live) if (run.next === run.end) this.exhausted.push(run.id);
    this.#live.forEach((run, index) => this.#moveTo(index, run.next));
    this.#hasEnded = false;
  }

  /** Stretches of so many rows on average are worth looking for, which takes a visit to every run. */
  #longStretch(): number {
    return Math.max(16, this.#live.length / 8);
  }

  /** Gives out stretches: rows that one run has before any other has one. */
  #copyStretches(capacity: number, runs: Int32Array, rows: Int32Array): number {
    let count = 0;
    let stretches = 0;
    const isShort = () => count < (stretches * this.#longStretch()) / 2;
    while (count < capacity && this.#live.length > 0 && !(stretches > 32 && isShort())) {
      const index = this.#findFirst();
      const run = this.#live[index];
      const shift = run.next - count;
      const end = this.#findStretchEnd(index, Math.min(run.end, capacity + shift)) - shift;
      if (end === count) break;
      runs.fill(run.id, count, end);
      for (; count < end; count++) rows[count] = count + shift;
      this.#moveTo(index, end + shift);
      if (this.#hasEnded) this.#dropEnded();
      stretches++;
    }
    if (isShort()) this.#hasStretches = false;
    return count;
  }

  /** Up to which row, `stop` at most, a run is before every other one and in time. */
  #findStretchEnd(index: number, stop: number): number {
    let [boundLo, boundHi] = this.#untilWords;
    const rival = this.#findFirst(index);
    if (rival >= 0) {
      // A rival of lower index goes first at equal times, so the bound is a nanosecond earlier.
      const less = rival < index ? 1 : 0;
      const lo = this.#heads[2 * rival];
      const hi = this.#heads[2 * rival + 1] - (lo === 0 ? less : 0);
      if (isLater(boundHi, boundLo, hi, lo - less)) [boundLo, boundHi] = [(lo - less) | 0, hi];
    }
    const { words, next } = this.#live[index];
    return findLater(words, next, stop, boundHi, boundLo);
  }

  /** Gives out the rows of a span. */
  #orderSpan(capacity: number, runs: Int32Array, rows: Int32Array): number {
    const first = this.#findFirst();
    const [untilLo, untilHi] = this.#untilWords;
    const limit = (untilHi - this.#heads[2 * first + 1]) * WORD +
      (untilLo >>> 0) - (this.#heads[2 * first] >>> 0);
    if (limit < 0) return 0;
    if (this.#span.keys.length <= capacity) this.#span.keys = new Int32Array(capacity + 1);

    // Near spans sort faster, where they hold rows enough to be worth a visit to every run.
    const widest = NEAR_WIDTH * this.#density > 2 * this.#live.length + 64 ? NEAR_WIDTH : MAX_WIDTH;
    let width = Math.min(Math.floor((AIM * capacity) / this.#density), widest, limit);
    let count = this.#gather(capacity, first, width);
    while (count > capacity) {
      this.#putBack();
      width = width > NEAR_WIDTH ? NEAR_WIDTH : Math.floor(width / 4);
      count = this.#gather(capacity, first, width);
    }
    if (width > NEAR_WIDTH) this.#sorter.sortFar(this.#span, this.#readWords(), runs, rows);
    else this.#sorter.sort(this.#span, runs, rows);
    if (this.#hasEnded) this.#dropEnded();

    // A few rows say little of density: the next span is at most 64 times wider.
    this.#density = Math.max(count, capacity / 64) / Math.max(width, 1);
    this.#hasStretches = hasStretches(runs, count, this.#longStretch());
    return count;
  }

  /**
   * Takes rows from their runs: those up to `width` ns after the head of the run that comes first. Returns
   * how many, or more than `capacity` where not all fit. Without width, rows of one time, it takes what fits.
   */
  #gather(capacity: number, first: number, width: number): number {
    const live = this.#live;
    const heads = this.#heads;
    const span = this.#span;
    const { keys, starts, ids, shifts } = span;
    const baseLo = heads[2 * first];
    const boundLo = (baseLo + width) | 0;
    const boundHi = heads[2 * first + 1] + Math.floor(((baseLo >>> 0) + width) / WORD);
    const room = width === 0 ? capacity : capacity + 1;
    let count = 0;
    let members = 0;
    for (let i = 0; i < live.length && count < room; i++) {
      if (isLater(heads[2 * i + 1], heads[2 * i], boundHi, boundLo)) continue;
      const { id, words, next, end } = live[i];
      const shift = next - count;
      const stop = Math.min(end - shift, room);
      this.#members[members] = i;
      starts[members] = count;
      ids[members] = id;
      shifts[members++] = shift;
      keys[count++] = heads[2 * i] - baseLo;
      for (; count < stop; count++) {
        const lo = words[2 * (count + shift)];
        if (isLater(words[2 * (count + shift) + 1], lo, boundHi, boundLo)) break;
        keys[count] = lo - baseLo;
      }
      this.#moveTo(i, count + shift);
    }
    starts[members] = count;
    span.count = count;
    span.members = members;
    return count;
  }

  /** Undoes the latest gathering. */
  #putBack(): void {
    const { members, starts, shifts } = this.#span;
    for (let m = 0; m < members; m++) this.#moveTo(this.#members[m], starts[m] + shifts[m]);
  }

  /** Makes the low words of the span's times its keys, and returns the high ones, without a sign. */
  #readWords(): Int32Array {
    const { count, members, keys, starts, shifts } = this.#span;
    const highKeys = new Int32Array(count);
    for (let m = 0; m < members; m++) {
      const { words } = this.#live[this.#members[m]];
      for (let k = starts[m]; k < starts[m + 1]; k++) {
        keys[k] = words[2 * (k + shifts[m])];
        highKeys[k] = words[2 * (k + shifts[m]) + 1] ^ SIGN;
      }
    }
    return highKeys;
  }
}

/** Whether a time is later than another. */
function isLater(hi: number, lo: number, thanHi: number, thanLo: number): boolean {
  return hi > thanHi || (hi === thanHi && (lo ^ SIGN) > (thanLo ^ SIGN));
}

/** The first row of `from` to `to` that is later than a time; `to` if there is none. */
function findLater(words: Int32Array, from: number, to: number, hi: number, lo: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isLater(words[2 * middle + 1], words[2 * middle], hi, lo)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Whether runs keep their turn for `length` rows or more on average. */
function hasStretches(runs: Int32Array, count: number, length: number): boolean {
  let stretches = 1;
  for (let k = 1; k < count && stretches * length <= count; k++) if (runs[k] !== runs[k - 1]) stretches++;
  return stretches * length <= count;
}
