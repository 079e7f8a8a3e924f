import type { Merger } from "./engine.ts";

/**
 * The time-order merge in pure TypeScript.
 *
 * Each `fill` orders one window: from the smallest head, as wide as the last window's density says fills the
 * caller's arrays. Offsets from the window's start are gathered in rank order (topic, batch, row), so any stable
 * sort by offset gives the order: buckets, or radix where times come in clusters. Where topics take turns in long
 * stretches instead, whole stretches are copied.
 *
 * Times are read as pairs of 32-bit words and become exact float64 offsets: a bigint per row costs V8 a little and
 * JavaScriptCore ten times the whole merge.
 *
 * @module
 */

/** Windows are at most this wide, so that offsets within one are exact in float64. */
const MAX_WIDTH = 2 ** 52;
const WORD = 2 ** 32;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** Below so many rows a block is not worth a window. */
const SMALL_BLOCK = 16;
/** Copying stretches pays when they are longer than this, and is given up when they are shorter than half of it. */
const LONG_STRETCH = 16;

/** A run with rows left. */
interface Run {
  id: number;
  topic: number;
  batch: number;
  times: BigInt64Array;
  /** `times` as little-endian pairs: low word, high word. */
  words: Int32Array;
  /** The next row to give out. */
  next: number;
  end: number;
}

/** Creates a merge of its own. */
export function createMerger(): Merger {
  return new WindowMerger();
}

class WindowMerger implements Merger {
  readonly exhausted: number[] = [];

  /** Runs with rows left, by rank: topic, then batch. */
  #live: Run[] = [];
  /** The next time of each live run, in two words. */
  #headHi = new Int32Array(16);
  #headLo = new Uint32Array(16);
  /** Index of the live run that comes next; -1 when not known. */
  #least = -1;

  /** Width that the next window tries, in ns. */
  #width = 2 ** 20;
  /** Whether topics take turns in stretches long enough to copy. */
  #bursty = false;

  /** Scratch of a window: index and first row of each run in it, where its keys start, then the keys. */
  #members = new Int32Array(16);
  #starts = new Int32Array(17);
  #keys = new Float64Array(0);
  #sorted = new Float64Array(0);
  #counts = new Int32Array(0);
  #untilWords = new Int32Array(2);
  #until = new BigInt64Array(this.#untilWords.buffer);

  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void {
    if (!(from >= 0 && from < to && to <= times.length)) {
      throw new RangeError(`Cannot add rows ${from} to ${to} of a run of ${times.length} rows`);
    }
    const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
    const live = this.#live;
    let low = 0;
    let high = live.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = live[middle];
      if (other.topic < topic || (other.topic === topic && other.batch <= batch)) low = middle + 1;
      else high = middle;
    }
    if (live.length === this.#headHi.length) {
      this.#headHi = grown(this.#headHi);
      this.#headLo = grown(this.#headLo);
      this.#members = new Int32Array(2 * live.length);
      this.#starts = new Int32Array(2 * live.length + 1);
    }
    this.#headHi.copyWithin(low + 1, low, live.length);
    this.#headLo.copyWithin(low + 1, low, live.length);
    live.splice(low, 0, { id, topic, batch, times, words, next: from, end: to });
    this.#headHi[low] = words[2 * from + 1];
    this.#headLo[low] = words[2 * from];
    this.#least = -1;
  }

  head(): bigint | undefined {
    if (this.#live.length === 0) return undefined;
    const { times, next } = this.#live[this.#findLeast()];
    return times[next];
  }

  fill(untilNs: bigint, runs: Int32Array, rows: Int32Array): number {
    this.exhausted.length = 0;
    const capacity = Math.min(runs.length, rows.length);
    if (capacity === 0 || this.#live.length === 0) return 0;
    this.#until[0] = untilNs > MAX_INT64 ? MAX_INT64 : untilNs < MIN_INT64 ? MIN_INT64 : untilNs;
    if (untilNs < MIN_INT64) return 0;
    if (capacity < SMALL_BLOCK || this.#bursty || this.#live.length === 1) return this.#copyStretches(capacity, runs, rows);
    return this.#orderWindow(capacity, runs, rows);
  }

  #findLeast(): number {
    if (this.#least >= 0) return this.#least;
    const count = this.#live.length;
    const headHi = this.#headHi;
    const headLo = this.#headLo;
    let least = 0;
    let hi = headHi[0];
    let lo = headLo[0];
    for (let i = 1; i < count; i++) {
      if (headHi[i] < hi || (headHi[i] === hi && headLo[i] < lo)) {
        least = i;
        hi = headHi[i];
        lo = headLo[i];
      }
    }
    this.#least = least;
    return least;
  }

  #orderWindow(capacity: number, runs: Int32Array, rows: Int32Array): number {
    const live = this.#live;
    const headHi = this.#headHi;
    const headLo = this.#headLo;
    const least = this.#findLeast();
    const baseHi = headHi[least];
    const baseLo = headLo[least];
    const limit = (this.#untilWords[1] - baseHi) * WORD + ((this.#untilWords[0] >>> 0) - baseLo);
    if (limit < 0) return 0;
    if (this.#keys.length <= capacity) {
      this.#keys = new Float64Array(capacity + 1);
      this.#sorted = new Float64Array(capacity + 1);
      this.#counts = new Int32Array(capacity + 2);
    }
    const keys = this.#keys;
    const members = this.#members;
    const starts = this.#starts;

    let width = Math.min(this.#width, limit);
    let n = 0;
    let p = 0;
    for (let i = 0; i < live.length; i++) {
      if ((headHi[i] - baseHi) * WORD + (headLo[i] - baseLo) > width) continue;
      const { words, next, end } = live[i];
      members[p] = i;
      starts[p] = n;
      const shift = next - n;
      const stop = Math.min(end - shift, capacity + 1);
      for (; n < stop; n++) {
        const at = 2 * (n + shift);
        const offset = (words[at + 1] - baseHi) * WORD + ((words[at] >>> 0) - baseLo);
        if (offset > width) break;
        keys[n] = offset;
      }
      if (n > capacity) {
        if (width === 0) {
          n = capacity;
          p++;
          break;
        }
        width = Math.floor(width / 2);
        n = starts[p];
        // cut
        let to = 0, q = 0;
        for (let s = 0; s < p; s++) {
          const a = starts[s];
          const b = s + 1 < p ? starts[s + 1] : n;
          starts[q] = to;
          members[q] = members[s];
          let k = a;
          for (; k < b && keys[k] <= width; k++) keys[to++] = keys[k];
          if (k > a) q++;
        }
        p = q;
        n = to;
        i--;
        continue;
      }
      p++;
    }
    starts[p] = n;

    let span = 0;
    for (let s = 0; s < p; s++) span = Math.max(span, keys[starts[s + 1] - 1]);
    this.#sort(n, p, span, runs, rows);

    // advance
    for (let s = p - 1; s >= 0; s--) this.#advance(members[s], starts[s + 1] - starts[s]);
    if (width < limit || n > capacity / 2) {
      const full = capacity * 0.9;
      this.#width = Math.min(MAX_WIDTH, Math.max(1, Math.floor(width * Math.min(8, full / n))));
    }
    this.#least = -1;
    let switches = 0;
    const step = Math.max(1, n >>> 7);
    let samples = 0;
    for (let k = step; k < n; k += step, samples++) if (runs[k] !== runs[k - 1]) switches++;
    this.#bursty = samples > 32 && switches * Math.max(LONG_STRETCH, live.length / 4) < samples;
    return n;
  }

  #sort(n: number, p: number, span: number, runs: Int32Array, rows: Int32Array): void {
    const live = this.#live;
    const { members, starts, keys, sorted, counts } = { members: this.#members, starts: this.#starts, keys: this.#keys, sorted: this.#sorted, counts: this.#counts };
    const scale = n / (span + 1);
    counts.fill(0, 0, n + 1);
    for (let k = 0; k < n; k++) counts[(keys[k] * scale) | 0]++;
    let sum = 0;
    let squares = 0;
    for (let b = 0; b < n; b++) {
      const c = counts[b];
      counts[b] = sum;
      sum += c;
      squares += c * c;
    }
    globalThis.SQ = squares / n;
    for (let s = 0; s < p; s++) {
      const { id, next } = live[members[s]];
      const end = starts[s + 1];
      const shift = next - starts[s];
      for (let k = starts[s]; k < end; k++) {
        const key = keys[k];
        const to = counts[(key * scale) | 0]++;
        sorted[to] = key;
        runs[to] = id;
        rows[to] = k + shift;
      }
    }
    let last = sorted[0];
    for (let k = 1; k < n; k++) {
      const key = sorted[k];
      if (key >= last) { last = key; continue; }
      const id = runs[k];
      const row = rows[k];
      let to = k;
      do {
        sorted[to] = sorted[to - 1];
        runs[to] = runs[to - 1];
        rows[to] = rows[to - 1];
        to--;
      } while (to > 0 && sorted[to - 1] > key);
      sorted[to] = key;
      runs[to] = id;
      rows[to] = row;
    }
  }

  #advance(i: number, count: number): void {
    const run = this.#live[i];
    run.next += count;
    if (run.next < run.end) {
      this.#headLo[i] = run.words[2 * run.next];
      this.#headHi[i] = run.words[2 * run.next + 1];
    } else {
      this.exhausted.push(run.id);
      this.#headHi.copyWithin(i, i + 1, this.#live.length);
      this.#headLo.copyWithin(i, i + 1, this.#live.length);
      this.#live.splice(i, 1);
    }
  }

  #copyStretches(capacity: number, runs: Int32Array, rows: Int32Array): number {
    const headHi = this.#headHi;
    const headLo = this.#headLo;
    const live = this.#live;
    let n = 0;
    let stretches = 0;
    this.#least = -1;
    while (n < capacity && live.length > 0) {
      let least = 0;
      let hi = headHi[0];
      let lo = headLo[0];
      let second = -1;
      let boundHi = 0x7fffffff;
      let boundLo = 0xffffffff;
      for (let i = 1; i < live.length; i++) {
        const h = headHi[i];
        const l = headLo[i];
        if (h < hi || (h === hi && l < lo)) {
          second = least; boundHi = hi; boundLo = lo;
          least = i; hi = h; lo = l;
        } else if (h < boundHi || (h === boundHi && l < boundLo)) {
          second = i; boundHi = h; boundLo = l;
        }
      }
      const untilHi = this.#untilWords[1];
      const untilLo = this.#untilWords[0] >>> 0;
      if (hi > untilHi || (hi === untilHi && lo > untilLo)) break;
      if (second >= 0 && second < least) {
        if (boundLo === 0) { boundHi--; boundLo = 0xffffffff; } else boundLo--;
      }
      if (untilHi < boundHi || (untilHi === boundHi && untilLo < boundLo)) { boundHi = untilHi; boundLo = untilLo; }
      const run = live[least];
      const stop = Math.min(run.end, run.next + capacity - n);
      const to = gallop(run.words, run.next, stop, boundHi, boundLo);
      const { id } = run;
      const count = to - run.next;
      const shift = run.next - n;
      const end = n + count;
      for (; n < end; n++) { runs[n] = id; rows[n] = n + shift; }
      this.#advance(least, count);
      if (++stretches >= 32 && n < stretches * LONG_STRETCH / 2) {
        this.#bursty = false;
        break;
      }
    }
    return n;
  }
}

function gallop(words: Int32Array, from: number, end: number, hi: number, lo: number): number {
  let low = from; // known <=
  let step = 1;
  let high = from + 1;
  while (high < end && (words[2 * high + 1] < hi || (words[2 * high + 1] === hi && (words[2 * high] >>> 0) <= lo))) {
    low = high;
    step *= 2;
    high = low + step;
  }
  if (high > end) high = end;
  while (low + 1 < high) {
    const at = (low + high) >>> 1;
    if (words[2 * at + 1] < hi || (words[2 * at + 1] === hi && (words[2 * at] >>> 0) <= lo)) low = at;
    else high = at;
  }
  return high;
}

function grown<A extends Int32Array | Uint32Array>(array: A): A {
  const larger = new (array.constructor as any)(2 * array.length);
  larger.set(array);
  return larger;
}
