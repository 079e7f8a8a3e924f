/** The first row whose time is before the one of the row above it; -1 where all ascend. */
export function firstDescent(times: BigInt64Array): number {
  // Halves, little-endian as Arrow's are: bigints would be compared several times slower.
  const halves = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  let [low, high] = [halves[0] >>> 0, halves[1]];
  for (let row = 1; row < times.length; row++) {
    const [lowBefore, highBefore] = [low, high];
    low = halves[2 * row] >>> 0;
    high = halves[2 * row + 1];
    if (high < highBefore || (high === highBefore && low < lowBefore)) return row;
  }
  return -1;
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
