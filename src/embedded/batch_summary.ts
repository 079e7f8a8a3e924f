import { blockBoundsOf, boundedVectors } from "../arrow/bounds.ts";
import type { StructVector } from "../arrow/vector.ts";

/** Rows of the smallest blocks of which bounds are kept. */
export const BLOCK_ROWS = 128;

/** What is collected of a batch's values for the file's end. */
export interface BatchSummary {
  /** As from `boundsOf`. */
  readonly bounds: Float64Array;
  /** The same of its blocks of {@linkcode BLOCK_ROWS} rows, where it has more than one. */
  readonly blocks?: BatchBlocks;
  /** Bytes that each bounded column takes as stored. */
  readonly storedBytes: Float64Array;
}

/** Blocks of a batch, each of as many rows as the others but the last, which may have fewer. */
export interface BatchBlocks {
  /** Rows of the whole batch. */
  readonly rows: number;
  /** Time of each block's first row, ns. */
  readonly firstNs: BigInt64Array;
  /** As from `blockBoundsOf`. */
  readonly bounds: Float64Array;
}

/**
 * Looks once at all values of a batch: bounds of its blocks, of which those of the batch are made.
 *
 * @param places Per buffer in depth-first order: some offset, and the length as stored.
 */
export function summaryOf(
  table: StructVector,
  times: BigInt64Array,
  places: ArrayLike<number>,
): BatchSummary {
  const storedBytes = Float64Array.from(
    boundedVectors(table),
    ({ vector: { at } }) => places[2 * at + 1] + places[2 * at + 3],
  );
  const bounds = blockBoundsOf(table, BLOCK_ROWS);
  const rows = times.length;
  if (rows <= BLOCK_ROWS) return { bounds, storedBytes };
  const blocks: BatchBlocks = { rows, firstNs: everyNth(times, BLOCK_ROWS), bounds };
  return { bounds: foldBlocks(blocks, blocks.firstNs.length).bounds, blocks, storedBytes };
}

/** So many neighbouring blocks as one. */
export function foldBlocks({ rows, firstNs, bounds }: BatchBlocks, count: number): BatchBlocks {
  const [blocks, folded] = [firstNs.length, Math.ceil(firstNs.length / count)];
  const columns = bounds.length / (2 * blocks);
  const larger = new Float64Array(2 * columns * folded);
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < folded; block++) {
      let [min, max] = [Infinity, -Infinity];
      const end = Math.min(blocks, (block + 1) * count);
      for (let i = block * count; i < end; i++) {
        const at = 2 * (column * blocks + i);
        if (bounds[at] < min) min = bounds[at];
        if (bounds[at + 1] > max) max = bounds[at + 1];
      }
      larger.set([min, max], 2 * (column * folded + block));
    }
  }
  return { rows, firstNs: everyNth(firstNs, count), bounds: larger };
}

function everyNth(values: BigInt64Array, n: number): BigInt64Array {
  return BigInt64Array.from({ length: Math.ceil(values.length / n) }, (_, i) => values[i * n]);
}
