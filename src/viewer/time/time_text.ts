/**
 * Moments as text, and back, exact to the nanosecond.
 *
 * @module
 */

/** How moments are shown: from the recording's start on, as a date in UTC, or as nanoseconds. */
export type TimeStyle = "relative" | "utc" | "ns";

const SECOND = 1_000_000_000n;
const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;

/** 1980: no clock that counts from a machine's start gets so far. */
const FIRST_DATE_NS = 315_532_800n * SECOND;

/** Whether a recording's times are dates, rather than counted from the start of some machine. */
export function isWallClock(startNs: bigint): boolean {
  return startNs >= FIRST_DATE_NS;
}

/** Options of {@linkcode formatTime}. */
export interface TimeTextOptions {
  readonly style: TimeStyle;
  /** Where relative times are counted from. */
  readonly startNs: bigint;
  /** Digits after the second, 0 to 9; those that are left out are cut, not rounded. @default 3; 9 is exact */
  readonly digits?: number;
}

/** A moment as text: `1:02:03.456`, `2024-05-01T12:00:00.000Z`, `1714564800000000000`. One that is no date is relative instead. */
export function formatTime(ns: bigint, { style, startNs, digits = 3 }: TimeTextOptions): string {
  if (style === "ns") return String(ns);
  return style === "utc" && isWallClock(startNs) ? formatUtc(ns, digits) : formatSpan(ns - startNs, digits);
}

/** A span of time: `-0:00.250`, `1:02:03.456`. */
export function formatSpan(ns: bigint, digits: number = 3): string {
  const size = ns < 0n ? -ns : ns;
  const seconds = size / SECOND;
  const [hours, minutes] = [seconds / 3600n, seconds / 60n % 60n];
  const two = (value: bigint) => String(value).padStart(2, "0");
  const text = `${hours > 0n ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60n)}`;
  return `${ns < 0n ? "-" : ""}${text}${fraction(size % SECOND, digits)}`;
}

function formatUtc(ns: bigint, digits: number): string {
  const below = (ns % SECOND + SECOND) % SECOND;
  const date = new Date(Number((ns - below) / 1_000_000n));
  return `${date.toISOString().replace(/\.\d+Z$/, "")}${fraction(below, digits)}Z`;
}

function fraction(ns: bigint, digits: number): string {
  return digits > 0 ? `.${String(ns).padStart(9, "0").slice(0, digits)}` : "";
}

/** Decimal nanoseconds within int64; undefined for any other text. */
export function parseNs(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const ns = BigInt(text);
  return ns >= MIN_NS && ns <= MAX_NS ? ns : undefined;
}

/**
 * A moment as people type it: relative (`12.5`, `1:02.5`, `1:02:03`, `-3`), an ISO date in UTC (`2024-05-01T12:00:00.123456789Z`; without a
 * time its midnight), or decimal nanoseconds of 15 digits or more. Undefined where it is none of them, or outside int64.
 */
export function parseTime(text: string, startNs: bigint): bigint | undefined {
  const trimmed = text.trim();
  const ns = /^-?\d{15,}$/.test(trimmed)
    ? parseNs(trimmed)
    : parseRelative(trimmed, startNs) ?? parseUtc(trimmed);
  return ns !== undefined && ns >= MIN_NS && ns <= MAX_NS ? ns : undefined;
}

function parseRelative(text: string, startNs: bigint): bigint | undefined {
  const parts = /^([+-]?)(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,14})(?:\.(\d{1,9}))?\s*s?$/.exec(text);
  if (!parts) return undefined;
  const [, sign, hours = "0", minutes = "0", seconds, digits = ""] = parts;
  const whole = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  const span = whole * SECOND + BigInt(digits.padEnd(9, "0"));
  return sign === "-" ? startNs - span : startNs + span;
}

function parseUtc(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*Z?$/.exec(text);
  if (!parts) return undefined;
  const [, day, minute = "00:00", second = "00", digits = ""] = parts;
  const date = new Date(`${day}T${minute}:${second}Z`);
  // The 31st of February is a day in March to some engines.
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(`${day}T${minute}:${second}`)) {
    return undefined;
  }
  return BigInt(date.getTime()) * 1_000_000n + BigInt(digits.padEnd(9, "0"));
}
