/**
 * Rows in order, a block at a time: where each is. Blocks differ in where the numbers of their rows are.
 *
 * @module
 */
import type { RowPicker } from "../../engine.ts";
import type { TopicBatch } from "./message.ts";

/** The arrays of a block. */
export interface BlockArrays {
  readonly runs: Int32Array;
  readonly rows: Int32Array;
}

/** Rows in order, as positions in open batches: row `i` is row `rows[i]` of `batches[runs[i]]`. */
export interface RowBlock extends BlockArrays {
  readonly length: number;
  /** The batches by run; slots that no row refers to may be empty. Never changed once the block is out. */
  readonly batches: readonly (TopicBatch | undefined)[];
  /** Set where the rows lie side by side in one batch, the only one: the first of them. Both arrays are made when touched. */
  readonly from?: number;
  /** Set where the rows are the latest of an engine that picks numbers by them. Both arrays are copies, made when touched. */
  readonly picked?: PickedPart;
}

/**
 * What is done with blocks. Messages may be kept for as long as one likes. Who wants columns is done with a block when the next
 * is asked for: the numbers of its rows are written anew then, and a batch that no other overlaps in time is one block, however
 * many rows it has. Who copies all of them is done with its batches too, whose bytes are used again.
 */
export type BlockUse = "messages" | "columns" | "copies";

/** Some of the latest rows of a picker. */
export interface PickedPart {
  readonly picker: RowPicker;
  /** The first of them. */
  readonly first: number;
  /** Their times. */
  readonly times: BigInt64Array | undefined;
}

/** Rows that lie in an engine. */
export class PickedRows implements RowBlock, PickedPart {
  readonly batches: RowBlock["batches"];
  readonly picker: RowPicker;
  readonly first: number;
  readonly length: number;
  #times: BigInt64Array | undefined;

  constructor(batches: RowBlock["batches"], picker: RowPicker, first: number, length: number) {
    this.batches = batches;
    this.picker = picker;
    this.first = first;
    this.length = length;
  }

  get picked(): PickedPart {
    return this;
  }

  get runs(): Int32Array {
    return this.picker.arrays().runs.subarray(this.first, this.first + this.length);
  }

  get rows(): Int32Array {
    return this.picker.arrays().rows.subarray(this.first, this.first + this.length);
  }

  get times(): BigInt64Array | undefined {
    return this.#times ??= this.picker.pickTimes(this.first, this.length);
  }
}

/** Rows side by side in one batch. */
export class Stretch implements RowBlock {
  readonly batches: readonly [TopicBatch];
  readonly from: number;
  readonly length: number;
  #runs: Int32Array | undefined;
  #rows: Int32Array | undefined;

  constructor(batch: TopicBatch, from: number, length: number) {
    this.batches = [batch];
    this.from = from;
    this.length = length;
  }

  get runs(): Int32Array {
    return this.#runs ??= new Int32Array(this.length);
  }

  get rows(): Int32Array {
    if (this.#rows) return this.#rows;
    const rows = new Int32Array(this.length);
    for (let i = 0; i < rows.length; i++) rows[i] = this.from + i;
    return this.#rows = rows;
  }
}

/** The first rows of a block; views. */
export function firstOf(block: RowBlock, length: number): RowBlock {
  const { batches, from, picked } = block;
  if (from !== undefined) return new Stretch(batches[0]!, from, length);
  if (picked) return new PickedRows(batches, picked.picker, picked.first, length);
  const { runs, rows } = block;
  return { ...block, runs: runs.subarray(0, length), rows: rows.subarray(0, length), length };
}

/** Time of a row of a block. */
export function timeOf(block: RowBlock, at: number): bigint {
  const { batches, from, picked } = block;
  if (from !== undefined) return batches[0]!.times[from + at];
  const times = picked?.times;
  if (times) return times[at];
  return batches[block.runs[at]]!.times[block.rows[at]];
}

/** The rows of a block from one on; views. */
export function restOf(block: RowBlock, from: number): RowBlock {
  const { length, batches, picked } = block;
  if (block.from !== undefined) return new Stretch(batches[0]!, block.from + from, length - from);
  if (picked) return new PickedRows(batches, picked.picker, picked.first + from, length - from);
  const { runs, rows } = block;
  return {
    runs: runs.subarray(from, length),
    rows: rows.subarray(from, length),
    length: length - from,
    batches,
  };
}
