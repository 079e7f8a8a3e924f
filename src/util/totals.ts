/** What a topic, a batch or another piece with rows holds, and over which time. */
export interface Extent {
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Time of its first row; undefined where it has none. */
  readonly firstNs?: bigint;
  /** Time of its last row, inclusive; undefined where it has none. */
  readonly lastNs?: bigint;
}

/** What pieces have together: sums, and the first and last time of all. */
export function totals(extents: Iterable<Extent>): Extent {
  let [rows, bytes] = [0, 0];
  let first: bigint | undefined;
  let last: bigint | undefined;
  for (const { rowCount, sizeBytes, firstNs, lastNs } of extents) {
    rows += rowCount;
    bytes += sizeBytes;
    if (firstNs !== undefined && (first === undefined || firstNs < first)) first = firstNs;
    if (lastNs !== undefined && (last === undefined || lastNs > last)) last = lastNs;
  }
  return {
    rowCount: rows,
    sizeBytes: bytes,
    ...(first !== undefined && { firstNs: first }),
    ...(last !== undefined && { lastNs: last }),
  };
}
