import { BlockBounds } from "../arrow/block_bounds.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { type BatchBlocks, type BatchSummary, BLOCK_ROWS, blockStarts, foldBlocks } from "./batch_summary.ts";
import { packPart } from "./detail_part.ts";

/** Key of what the footer tells of the detail. */
export const DETAIL = "smalti:detail";
/** Of a file at most so many blocks are kept in memory, and so many bytes of them; then larger ones. */
const MOST_BLOCKS = 16_384;
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
  #batches: BatchBlocks[] = [];
  #blockRows = BLOCK_ROWS;
  #blocks = 0;
  /** Whether any batch had blocks. */
  #isAsked = false;
  #storedBytes = new Float64Array(0);

  /** Takes what there is of the next batch. */
  add({ blocks, storedBytes }: BatchSummary): void {
    if (this.#storedBytes.length === 0) this.#storedBytes = new Float64Array(storedBytes.length);
    for (const [column, bytes] of storedBytes.entries()) this.#storedBytes[column] += bytes;
    if (!blocks) return;
    this.#isAsked = true;
    this.#keep(blocks, this.#blockRows / BLOCK_ROWS);
    const columns = this.#storedBytes.length;
    while (this.#blocks > MOST_BLOCKS || this.#blocks * (columns * 16 + 8) > MOST_BYTES) this.#fold();
  }

  #fold(): void {
    const batches = this.#batches;
    this.#batches = [];
    this.#blocks = 0;
    this.#blockRows *= 2;
    for (const blocks of batches) this.#keep(blocks, 2);
  }

  #keep(blocks: BatchBlocks, count: number): void {
    // One block would be what the batch's bounds are.
    if (blocks.rows <= this.#blockRows) return;
    const kept = count === 1 ? blocks : foldBlocks(blocks, count);
    this.#batches.push(kept);
    this.#blocks += kept.firstNs.length;
  }

  /** What was collected of batches of so many rows, all columns in the smallest blocks; undefined where there are none. */
  toBlocks(paths: readonly string[], rows: Float64Array): BlockBounds | undefined {
    if (this.#blocks === 0) return undefined;
    const shape = { blockRows: this.#blockRows, starts: blockStarts(rows, this.#blockRows) };
    const columns = paths.map((path, column) =>
      [path, { ...shape, values: pairsOf(this.#batches, column) }] as const
    );
    return new BlockBounds({ ...shape, values: timesOf(this.#batches) }, new Map(columns));
  }

  /**
   * A part for the times, and one for each bounded column: of the smallest blocks that take little enough beside the column,
   * empty where none do. Undefined where no batch is large enough for blocks.
   */
  encode(engine: Engine): EncodedDetail | undefined {
    if (!this.#isAsked) return undefined;
    const levels = [this.#batches];
    /** Blocks of twice as many rows a level. */
    const at = (level: number): readonly BatchBlocks[] =>
      levels[level] ??= at(level - 1)
        .filter(({ rows }) => rows > this.#blockRows << level)
        .map((blocks) => foldBlocks(blocks, 2));
    let finest = Infinity;
    const columns = Array.from(this.#storedBytes, (storedBytes, column) => {
      for (let level = 0; at(level).length > 0; level++) {
        const part = packPart(this.#blockRows << level, pairsOf(at(level), column), MOST_PART * storedBytes);
        if (!part) continue;
        finest = Math.min(finest, level);
        return part;
      }
      return new Uint8Array(0);
    });
    const times = finest === Infinity
      ? new Uint8Array(0)
      : packPart(this.#blockRows << finest, timesOf(at(finest)))!;
    const parts = [times, ...columns];
    const text = JSON.stringify(parts.map((part) => [part.length, hexCrc(engine.crc32(part))]));
    return { parts, text };
  }
}

/** Bounds of one column in all blocks. */
function pairsOf(batches: readonly BatchBlocks[], column: number): Float64Array {
  const pairs = new Float64Array(2 * blocksIn(batches));
  let at = 0;
  for (const { firstNs: { length }, bounds } of batches) {
    pairs.set(bounds.subarray(2 * length * column, 2 * length * (column + 1)), at);
    at += 2 * length;
  }
  return pairs;
}

/** First times of all blocks. */
function timesOf(batches: readonly BatchBlocks[]): BigInt64Array {
  const times = new BigInt64Array(blocksIn(batches));
  let at = 0;
  for (const { firstNs } of batches) {
    times.set(firstNs, at);
    at += firstNs.length;
  }
  return times;
}

function blocksIn(batches: readonly BatchBlocks[]): number {
  return batches.reduce((sum, { firstNs }) => sum + firstNs.length, 0);
}
