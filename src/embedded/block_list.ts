import { bytesOf } from "../arrow/columns.ts";
import { GrowingBytes } from "../arrow/growing.ts";
import { type BatchBlocks, foldBlocks } from "./batch_summary.ts";

/**
 * Blocks of many batches one after another in two buffers: of a long recording there are thousands of batches a topic, and
 * arrays for each would take more memory than what is in them.
 */
export class BlockList {
  /** Rows of a block. */
  readonly blockRows: number;
  readonly #columns: number;
  /** Of each batch that has blocks: its rows. */
  readonly #rows: number[] = [];
  readonly #firstNs = new GrowingBytes();
  /** Batch by batch, as {@linkcode BatchBlocks} has them. */
  readonly #bounds = new GrowingBytes();

  /**
   * @param blockRows Rows of a block.
   * @param columns How many bounded columns there are.
   */
  constructor(blockRows: number, columns: number) {
    this.blockRows = blockRows;
    this.#columns = columns;
  }

  /** How many blocks there are. */
  get length(): number {
    return this.#firstNs.length / 8;
  }

  /** Adds the next batch's blocks, so many as one. One that would be all there is of the batch would say no more than its bounds. */
  add(blocks: BatchBlocks, count: number): void {
    if (blocks.rows <= this.blockRows) return;
    const { rows, firstNs, bounds } = count === 1 ? blocks : foldBlocks(blocks, count);
    this.#rows.push(rows);
    this.#firstNs.add(bytesOf(firstNs));
    this.#bounds.add(bytesOf(bounds));
  }

  /** The same in blocks of twice as many rows. */
  folded(): BlockList {
    const folded = new BlockList(2 * this.blockRows, this.#columns);
    for (const blocks of this.#batches()) folded.add(blocks, 2);
    return folded;
  }

  /** Time of each block's first row, ns; a copy. */
  times(): BigInt64Array {
    return this.#times().slice();
  }

  /** Smallest and largest value of each block in one column; a copy. */
  pairs(column: number): Float64Array {
    const pairs = new Float64Array(2 * this.length);
    let at = 0;
    for (const { firstNs: { length }, bounds } of this.#batches()) {
      pairs.set(bounds.subarray(2 * length * column, 2 * length * (column + 1)), at);
      at += 2 * length;
    }
    return pairs;
  }

  #times(): BigInt64Array {
    const { buffer, byteOffset } = this.#firstNs.view;
    return new BigInt64Array(buffer, byteOffset, this.length);
  }

  /** Views, batch by batch. */
  *#batches(): Generator<BatchBlocks> {
    const times = this.#times();
    const { buffer, byteOffset, byteLength } = this.#bounds.view;
    const all = new Float64Array(buffer, byteOffset, byteLength / 8);
    let at = 0;
    for (const rows of this.#rows) {
      const end = at + Math.ceil(rows / this.blockRows);
      const [firstNs, bounds] = [
        times.subarray(at, end),
        all.subarray(2 * this.#columns * at, 2 * this.#columns * end),
      ];
      yield { rows, firstNs, bounds };
      at = end;
    }
  }
}
