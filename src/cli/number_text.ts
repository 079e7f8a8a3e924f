/**
 * Sizes and rates for people.
 *
 * @module
 */

/** `512 B`, `1.5 KiB`, `20.1 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let [value, unit] = [bytes, 0];
  // 1023.95 would be printed as 1024.0.
  while (value >= (unit === 0 ? 1024 : 1023.95) && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Messages a second between the first and the last, `-` where there is no time between: `276 Hz`, `0.0168 Hz`. */
export function formatRate(rows: number, firstNs: bigint | undefined, lastNs: bigint | undefined): string {
  if (firstNs === undefined || lastNs === undefined || rows < 2 || lastNs <= firstNs) return "-";
  const hertz = (rows - 1) / (Number(lastNs - firstNs) / 1e9);
  return `${hertz >= 100 ? hertz.toFixed(0) : hertz.toPrecision(3)} Hz`;
}

/** `1 topic`, `2 topics`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
