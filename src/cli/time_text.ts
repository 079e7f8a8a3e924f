/**
 * Times for people.
 *
 * A recording's clock is the epoch's or its own, such as one that counts from boot, and no file says which. A time
 * before 1980 is taken to be of a clock of its own and printed in seconds, `20.220677000`; every other as a UTC date,
 * `2023-11-14T22:13:20.123456789Z`. Digits are cut, not rounded.
 *
 * @module
 */

const NS_PER_SECOND = 1_000_000_000n;
/** 1980-01-01T00:00:00Z: no computer of today set its clock to an earlier date, and none has been up for ten years. */
const EPOCH_FROM_NS = 315_532_800n * NS_PER_SECOND;

/** Whether a time counts from the Unix epoch. */
export function isDate(ns: bigint): boolean {
  return ns >= EPOCH_FROM_NS;
}

/** A time, as above. `digits` of the second's fraction: 0 to 9. */
export function formatTime(ns: bigint, digits = 9): string {
  const [seconds, fraction] = split(ns, digits);
  if (!isDate(ns)) return seconds + fraction;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}${fraction}Z`;
}

/** As {@linkcode formatTime}, for columns: milliseconds of a date, microseconds of another clock; `-` for none. */
export function formatShortTime(ns: bigint | undefined): string {
  return ns === undefined ? "-" : formatTime(ns, isDate(ns) ? 3 : 6);
}

/** A length of time: `6.500 s`, `1194.052 s (19 min 54 s)`. */
export function formatDuration(ns: bigint): string {
  const [seconds, fraction] = split(ns, ns < NS_PER_SECOND ? 9 : 3);
  const whole = BigInt(seconds);
  const parts = [[whole / 3600n, "h"], [whole / 60n % 60n, "min"], [whole % 60n, "s"]] as const;
  const from = parts.findIndex(([value]) => value > 0n);
  const words = parts.slice(from).map(([value, unit]) => `${value} ${unit}`).join(" ");
  return `${seconds}${fraction} s${whole >= 60n ? ` (${words})` : ""}`;
}

/** Whole seconds, and the fraction with its point, cut towards zero. */
function split(ns: bigint, digits: number): [seconds: string, fraction: string] {
  const size = ns < 0n ? -ns : ns;
  const text = String(size % NS_PER_SECOND).padStart(9, "0").slice(0, digits);
  return [`${ns < 0n ? "-" : ""}${size / NS_PER_SECOND}`, digits === 0 ? "" : `.${text}`];
}
