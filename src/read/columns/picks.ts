import type { PickedPart, RowBlock } from "../merge/row_block.ts";

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
  readonly #picked: PickedPart | undefined;
  #columns = 0;
  #sources: Int32Array | undefined;
  #rows: Int32Array | undefined;
  readonly #block: RowBlock | undefined;

  private constructor(
    length: number,
    used: readonly number[],
    stretches: Int32Array | undefined,
    block?: RowBlock,
    picked?: PickedPart,
  ) {
    this.length = length;
    this.used = used;
    this.stretches = stretches;
    this.#block = block;
    this.#picked = picked;
  }

  /** The rows of a block: where they lie in an engine and it is worth the calls, by its picker. */
  static ofBlock(block: RowBlock): Picks {
    const { from, length, batches, picked } = block;
    if (from !== undefined) return Picks.ofOne(0, from, length);
    if (picked && length >= LEAST_PICKED && !picked.picker.hasStretches) {
      const used = picked.picker.used(picked.first, length, batches.length);
      if (used) return new Picks(length, used, undefined, block, picked);
    }
    return Picks.ofRows(block.runs, block.rows, length, batches.length);
  }

  /** Rows one by one, the first `length` of both lists, which must not change; of so many sources at most. */
  static ofRows(sources: Int32Array, rows: Int32Array, length: number, sourceCount: number): Picks {
    const picks = new Picks(
      length,
      distinct(sources, length, sourceCount),
      findStretches(sources, rows, length),
    );
    picks.#sources = sources;
    picks.#rows = rows;
    return picks;
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

  /** The times of the rows, where an engine has them. */
  get times(): BigInt64Array | undefined {
    return this.#picked?.times;
  }

  /** For each row what is told of its source, by the engine; undefined where it cannot. */
  lookUp(ofSource: Int32Array): Int32Array | undefined {
    return this.#picked?.picker.lookUp(this.#picked.first, this.length, ofSource);
  }

  /**
   * The numbers of the rows, `width` bytes each, by the engine; undefined where it cannot. Each call is for another column, and
   * the same ones are asked for in the same order for all blocks.
   */
  pick(width: number, arrays: readonly (ArrayBufferView | undefined)[]): ArrayBuffer | undefined {
    if (!this.#picked) return undefined;
    const { picker, first } = this.#picked;
    const { length, used } = this;
    return picker.pick({ first, count: length, used, column: this.#columns++, width, arrays });
  }

  #expand(): void {
    if (this.#block) {
      this.#sources = this.#block.runs;
      this.#rows = this.#block.rows;
      return;
    }
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
