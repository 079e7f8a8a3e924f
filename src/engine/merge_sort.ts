/**
 * The sorts of a window of rows: stable, so that rows gathered in the order that breaks ties come out in order.
 *
 * @module
 */

/** Turns counts into where the items of each bucket start. Returns the sum of their squares. */
export function toStarts(counts: Int32Array, length: number): number {
  let start = 0;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const count = counts[i];
    counts[i] = start;
    start += count;
    squares += count * count;
  }
  return squares;
}

/** Sorts rows by key, stably; fast where few are out of place. */
export function insertionSort(keys: Int32Array, runs: Int32Array, rows: Int32Array, count: number): void {
  for (let k = 1; k < count; k++) {
    const key = keys[k];
    if (key >= keys[k - 1]) continue;
    const run = runs[k];
    const row = rows[k];
    let to = k;
    for (; to > 0 && keys[to - 1] > key; to--) {
      keys[to] = keys[to - 1];
      runs[to] = runs[to - 1];
      rows[to] = rows[to - 1];
    }
    keys[to] = key;
    runs[to] = run;
    rows[to] = row;
  }
}
