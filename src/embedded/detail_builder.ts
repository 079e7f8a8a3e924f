import { BlockBounds } from "../arrow/block_bounds.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { type BatchSummary, BLOCK_ROWS } from "./batch_summary.ts";
import { BlockList } from "./block_list.ts";
import { blockStarts } from "./bounded_batches.ts";
import { packPart } from "./pack_part.ts";

/** Of a file at most so many blocks are kept in memory, and so many bytes of them; then larger ones. */
const MOST_BLOCKS = 4_096;
const MOST_BYTES = 4 << 20;
/** A column's detail takes at most this part of what the column takes itself. */
const MOST_PART = 0.01;

/** The detail as it goes into a file. */
export interface EncodedDetail {
  /** What goes right before the bounds. */
  readonly parts: readonly Uint8Array[];
  /** What goes into the footer. */
  readonly text: string;
}

/** Collects bounds of blocks of rows while a file is written; in larger and larger blocks, so that they take little memory. */
export class DetailBuilder {
  #list: BlockList | undefined;
  /** Whether any batch had blocks. */
  #isAsked = false;
  #storedBytes = new Float64Array(0);

  /** Takes what there is of the next batch. */
  add({ blocks, storedBytes }: BatchSummary): void {
    if (this.#storedBytes.length === 0) this.#storedBytes = new Float64Array(storedBytes.length);
    for (const [column, bytes] of storedBytes.entries()) this.#storedBytes[column] += bytes;
    if (!blocks) return;
    this.#isAsked = true;
    this.#list ??= new BlockList(BLOCK_ROWS, storedBytes.length);
    this.#list.add(blocks, this.#list.blockRows / BLOCK_ROWS);
    const most = Math.min(MOST_BLOCKS, MOST_BYTES / (storedBytes.length * 16 + 8));
    while (this.#list.length > most) this.#list = this.#list.folded();
  }

  /** What was collected of batches of so many rows, all columns in the smallest blocks; undefined where there are none. */
  toBlocks(paths: readonly string[], rows: Float64Array): BlockBounds | undefined {
    const list = this.#list;
    if (!list || list.length === 0) return undefined;
    const { blockRows } = list;
    const shape = { blockRows, starts: blockStarts(rows, blockRows) };
    const columns = paths.map((path, column) => [path, { ...shape, values: list.pairs(column) }] as const);
    return new BlockBounds({ ...shape, values: list.times() }, new Map(columns));
  }

  /**
   * A part for the times, and one for each bounded column: of the smallest blocks that take little enough beside the column,
   * empty where none do. Undefined where no batch is large enough for blocks.
   */
  encode(engine: Engine): EncodedDetail | undefined {
    if (!this.#isAsked) return undefined;
    const levels = [this.#list!];
    /** Blocks of twice as many rows a level. */
    const at = (level: number): BlockList => levels[level] ??= at(level - 1).folded();
    let finest = Infinity;
    const columns = Array.from(this.#storedBytes, (storedBytes, column) => {
      for (let level = 0; at(level).length > 0; level++) {
        const part = packPart(at(level).blockRows, at(level).pairs(column), MOST_PART * storedBytes);
        if (!part) continue;
        finest = Math.min(finest, level);
        return part;
      }
      return new Uint8Array(0);
    });
    const times = finest === Infinity
      ? new Uint8Array(0)
      : packPart(at(finest).blockRows, at(finest).times())!;
    const parts = [times, ...columns];
    const text = JSON.stringify(parts.map((part) => [part.length, hexCrc(engine.crc32(part))]));
    return { parts, text };
  }
}
