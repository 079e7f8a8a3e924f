/**
 * Times as arguments: `1700000000123456789` (ns), `2023-11-14T22:13:20.5Z`, `+1.5` (seconds after the first message).
 *
 * @module
 */
import { InvalidArgumentError, Option } from "commander";
import { MAX_NS, MIN_NS } from "../types.ts";
import { isIsoTime, parseIsoTime } from "../util/iso_time.ts";
import { type Extent, totals } from "../util/totals.ts";
import { UsageError } from "./usage_error.ts";

/** A time that may need the recording to be known. */
export interface TimeArgument {
  /** As it was given. */
  readonly text: string;
  /** Nanoseconds, from the clock's zero or from the first message. */
  readonly ns: bigint;
  readonly fromFirst: boolean;
}

/** A window of time as it was given. */
export interface WindowOptions {
  start?: TimeArgument;
  end?: TimeArgument;
}

/** What help says of a command that takes times. */
export const TIMES_HELP = `
T is integer nanoseconds, a date such as 2023-11-14T22:13:20.5Z (UTC unless it says otherwise),
or +seconds after the first message of the sequence.`;

const SECONDS = /^\+(\d+)(?:\.(\d{1,9}))?$/;
const FORMS = "integer nanoseconds, a date as 2023-11-14T22:13:20.5Z, or +seconds after the first message";

/** `--start T`. */
export function startOption(): Option {
  return new Option("--start <T>", "first time (default: the first message)").argParser(parseTime);
}

/** `--end T`. */
export function endOption(): Option {
  return new Option("--end <T>", "first time not to include (default: none)").argParser(parseTime);
}

/** The window in nanoseconds, for a sequence with these topics. Throws a UsageError. */
export function resolveWindow(
  { start, end }: WindowOptions,
  { topics }: { readonly topics: Iterable<Extent> },
): { startNs?: bigint; endNs?: bigint } {
  const { firstNs } = totals(topics);
  const startNs = resolveTime(start, firstNs);
  const endNs = resolveTime(end, firstNs);
  if (startNs !== undefined && endNs !== undefined && startNs > endNs) {
    throw new UsageError(`--start ${start!.text} is after --end ${end!.text}`);
  }
  return { startNs, endNs };
}

/** The time that a text means. A date without a zone is UTC. Throws commander's error where it is none. */
export function parseTime(text: string): TimeArgument {
  if (/^-?\d+$/.test(text)) return { text, ns: inRange(BigInt(text)), fromFirst: false };
  const [, seconds, fraction] = SECONDS.exec(text) ?? [];
  if (seconds !== undefined) return { text, ns: toNs(BigInt(seconds), fraction), fromFirst: true };
  return { text, ns: inRange(parseDate(text)), fromFirst: false };
}

/** The time in nanoseconds; undefined where the recording has no message to count from. Throws a UsageError. */
export function resolveTime(
  time: TimeArgument | undefined,
  firstNs: bigint | undefined,
): bigint | undefined {
  if (!time?.fromFirst) return time?.ns;
  if (firstNs === undefined) return undefined;
  const ns = firstNs + time.ns;
  if (ns > MAX_NS) throw new UsageError(`${time.text} after the first message is beyond 2^63 - 1 ns`);
  return ns;
}

function parseDate(text: string): bigint {
  if (!isIsoTime(text)) throw new InvalidArgumentError(`Wanted ${FORMS}.`);
  const ns = parseIsoTime(text);
  if (ns === undefined) throw new InvalidArgumentError("There is no such date or time.");
  return ns;
}

function toNs(seconds: bigint, fraction = ""): bigint {
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

function inRange(ns: bigint): bigint {
  if (ns >= MIN_NS && ns <= MAX_NS) return ns;
  throw new InvalidArgumentError("Times reach from -2^63 to 2^63 - 1 ns: from 1677-09-21 to 2262-04-11.");
}
