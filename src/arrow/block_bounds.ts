/**
 * Bounds of blocks of rows within batches, each column in blocks of its own size: what tells of a part of a batch without a
 * look at it.
 *
 * @module
 */

/** Blocks of one batch in one column: as many rows each, the last of which may have fewer. */
export interface ColumnBlocks {
  /** Rows of a block. */
  readonly blockRows: number;
  /** Time of each block's first row, ns. */
  readonly firstNs: BigInt64Array;
  /** Smallest and largest value of each block, as of `boundsOf`. */
  readonly pairs: Float64Array;
}

/** What is known of the same blocks of all batches. */
export interface BlockPart<Values> {
  /** Rows of a block. */
  readonly blockRows: number;
  /** Number of each batch's first block, and how many blocks there are in all. A batch that has none is as good as one block. */
  readonly starts: Float64Array;
  /** Of all blocks. */
  readonly values: Values;
}

/** Bounds of the blocks of batches with the same columns. */
export class BlockBounds {
  readonly #times: BlockPart<BigInt64Array>;
  readonly #columns: ReadonlyMap<string, BlockPart<Float64Array>>;

  /** @param columns By path; a column's blocks are as large as those of the times, or some of them together. */
  constructor(
    times: BlockPart<BigInt64Array>,
    columns: ReadonlyMap<string, BlockPart<Float64Array>>,
  ) {
    this.#times = times;
    this.#columns = columns;
  }

  /** Blocks of a batch in the column at a path; undefined where it has none. */
  of(batch: number, path: string): ColumnBlocks | undefined {
    const column = this.#columns.get(path);
    if (!column) return undefined;
    const { blockRows, starts, values } = column;
    const [from, to] = [starts[batch], starts[batch + 1]];
    if (from === to) return undefined;
    const step = blockRows / this.#times.blockRows;
    const times = this.times(batch)!.firstNs;
    const firstNs = step === 1 ? times : BigInt64Array.from({ length: to - from }, (_, i) => times[i * step]);
    return { blockRows, firstNs, pairs: values.subarray(2 * from, 2 * to) };
  }

  /** The smallest blocks of a batch; undefined where it has none. */
  times(batch: number): Pick<ColumnBlocks, "blockRows" | "firstNs"> | undefined {
    const { blockRows, starts, values } = this.#times;
    const [from, to] = [starts[batch], starts[batch + 1]];
    return from === to ? undefined : { blockRows, firstNs: values.subarray(from, to) };
  }
}
