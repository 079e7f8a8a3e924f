import type { RowPicker } from "../../engine.ts";

/** Stretches of this many rows on average are copied as such; shorter ones row by row. */
const LEAST_STRETCH = 16;
/** Fewer rows are picked one by one here: a picker is asked several times. */
const LEAST_PICKED = 128;
/** Numbers of a stretch: its source, the first row, how many rows. */
const STRIDE = 3;

/** Rows of several sources in an order: the one at `i` is row `rows[i]` of source `sources[i]`. */
export class Picks {
  /** How many there are. */
  readonly length: number;
  /** The sources that there are rows of, once each. */
  readonly used: readonly number[];
  /** The same as stretches of rows side by side, in threes: source, first row, how many. Undefined where they are short. */
  readonly stretches: Int32Array | undefined;
  /** What has taken the very rows, and picks numbers of them. */
  readonly picker: RowPicker | undefined;
  #sources: Int32Array | undefined;
  #rows: Int32Array | undefined;

  private constructor(
    length: number,
    used: readonly number[],
    stretches: Int32Array | undefined,
    sources?: Int32Array,
    rows?: Int32Array,
    picker?: RowPicker,
  ) {
    this.picker = picker;
    this.length = length;
    this.used = used;
    this.stretches = stretches;
    this.#sources = sources;
    this.#rows = rows;
  }

  /**
   * Rows one by one, the first `length` of both lists, which must not change; of so many sources at most. By a picker, where
   * there is one and it is worth its calls.
   */
  static ofRows(
    sources: Int32Array,
    rows: Int32Array,
    length: number,
    sourceCount: number,
    picker?: RowPicker,
  ): Picks {
    const stretches = findStretches(sources, rows, length);
    const isWorthIt = !stretches && length >= LEAST_PICKED;
    const used = isWorthIt ? picker?.take(sources, rows, length, sourceCount) : undefined;
    return new Picks(
      length,
      used ?? distinct(sources, length, sourceCount),
      stretches,
      sources,
      rows,
      used && picker,
    );
  }

  /** Stretches in threes, of some sources. */
  static ofStretches(stretches: Int32Array, length: number, used: readonly number[]): Picks {
    return new Picks(length, used, stretches);
  }

  /** Rows side by side of one source. */
  static ofOne(source: number, from: number, length: number): Picks {
    return Picks.ofStretches(Int32Array.of(source, from, length), length, [source]);
  }

  /** Whether all lie side by side in one source. */
  get areTogether(): boolean {
    return this.stretches?.length === STRIDE;
  }

  /** For each its source. */
  get sources(): Int32Array {
    if (!this.#sources) this.#expand();
    return this.#sources!;
  }

  /** For each its row in that source. */
  get rows(): Int32Array {
    if (!this.#rows) this.#expand();
    return this.#rows!;
  }

  #expand(): void {
    const stretches = this.stretches!;
    const sources = new Int32Array(this.length);
    const rows = new Int32Array(this.length);
    for (let s = 0, at = 0; s < stretches.length; s += STRIDE) {
      const [source, shift, end] = [stretches[s], stretches[s + 1] - at, at + stretches[s + 2]];
      for (; at < end; at++) {
        sources[at] = source;
        rows[at] = at + shift;
      }
    }
    this.#sources = sources;
    this.#rows = rows;
  }
}

/** Collects stretches; what continues the last one is joined to it. */
export class StretchList {
  #numbers = new Int32Array(STRIDE * 16);
  #count = 0;

  add(source: number, from: number, count: number): void {
    if (count === 0) return;
    const end = this.#count;
    const last = this.#numbers;
    if (end > 0 && last[end - 3] === source && last[end - 2] + last[end - 1] === from) {
      last[end - 1] += count;
      return;
    }
    if (end === last.length) {
      this.#numbers = new Int32Array(2 * end);
      this.#numbers.set(last);
    }
    this.#numbers[end] = source;
    this.#numbers[end + 1] = from;
    this.#numbers[end + 2] = count;
    this.#count += STRIDE;
  }

  get stretches(): Int32Array {
    return this.#numbers.subarray(0, this.#count);
  }
}

function distinct(sources: Int32Array, length: number, sourceCount: number): number[] {
  const seen = new Uint8Array(sourceCount);
  for (let i = 0; i < length; i++) seen[sources[i]] = 1;
  const used: number[] = [];
  for (let source = 0; source < sourceCount; source++) if (seen[source] === 1) used.push(source);
  return used;
}

function findStretches(sources: Int32Array, rows: Int32Array, length: number): Int32Array | undefined {
  let left = Math.max(1, Math.floor(length / LEAST_STRETCH));
  for (let i = 1; i < length && left > 0; i++) {
    if (rows[i] !== rows[i - 1] + 1 || sources[i] !== sources[i - 1]) left--;
  }
  if (left === 0) return undefined;
  const list = new StretchList();
  for (let from = 0, to = 1; from < length; from = to++) {
    while (to < length && rows[to] === rows[to - 1] + 1 && sources[to] === sources[from]) to++;
    list.add(sources[from], rows[from], to - from);
  }
  return list.stretches;
}
