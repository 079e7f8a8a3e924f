/** The first row whose time is before the one of the row above it; -1 where all ascend. */
export function firstDescent(times: BigInt64Array): number {
  // Halves, little-endian as Arrow's are: bigints would be compared several times slower.
  const low = new Uint32Array(times.buffer, times.byteOffset, 2 * times.length);
  const high = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  for (let at = 2; at < low.length; at += 2) {
    if (high[at + 1] > high[at - 1]) continue;
    if (high[at + 1] < high[at - 1] || low[at] < low[at - 2]) return at / 2;
  }
  return -1;
}

/** The first place of a sorted list that is after a value; the length where there is none. */
export function upperBound<T extends number | bigint>(sorted: readonly T[], value: T): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first row at or after a time; the length where there is none. Times ascend. */
export function lowerBound(times: BigInt64Array, ns: bigint): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < ns) low = middle + 1;
    else high = middle;
  }
  return low;
}
