/**
 * Of which batches bounds are kept, and of how many blocks of them.
 *
 * @module
 */

/** Batches of fewer rows have no bounds but for the first ones, else bounds would take more memory than the rest of the index. */
const BOUNDED_ROWS = 512;
const FIRST_BOUNDED = 64;
/** Whether bounds are kept of a batch: the how manieth it is in its file, from 0, and its rows. */
export function keepsBounds(number: number, rows: number): boolean {
  return number < FIRST_BOUNDED || rows >= BOUNDED_ROWS;
}

/** Number of the first block of each batch, and how many blocks all have, where those have so many rows. */
export function blockStarts(rows: Float64Array, blockRows: number): Float64Array {
  const starts = new Float64Array(rows.length + 1);
  for (let batch = 0; batch < rows.length; batch++) {
    const hasBlocks = rows[batch] > blockRows && keepsBounds(batch, rows[batch]);
    starts[batch + 1] = starts[batch] + (hasBlocks ? Math.ceil(rows[batch] / blockRows) : 0);
  }
  return starts;
}
