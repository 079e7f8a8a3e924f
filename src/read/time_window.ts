import { MAX_NS, MIN_NS, type TimeRange, type TimestampNs, type Window } from "../types.ts";

/**
 * A half-open range as inclusive bounds; an empty one has its last time before its first. RangeError where a bound is
 * outside int64 or start is after end, TypeError where it is no time.
 */
export function timeWindow(
  { startNs, endNs }: TimeRange,
  what: string,
): Window {
  const first = startNs === undefined ? MIN_NS : toNs(startNs, "startNs", `stream ${what}`);
  const end = endNs === undefined ? MAX_NS + 1n : toNs(endNs, "endNs", `stream ${what}`);
  if (first > end) {
    throw new RangeError(
      `Cannot stream ${what} from startNs ${first} to endNs ${end}: wanted startNs at or before endNs`,
    );
  }
  return { firstNs: first, lastNs: end - 1n };
}

/** A time as nanoseconds. RangeError where it is outside int64, TypeError where it is no time. */
export function toNs(time: TimestampNs, name: string, action: string): bigint {
  const ns = typeof time === "bigint" ? time : time?.epochNanoseconds;
  if (typeof ns !== "bigint") {
    throw new TypeError(
      `Cannot ${action}: ${name} is ${String(time)}, wanted a bigint of nanoseconds`,
    );
  }
  if (ns < MIN_NS || ns > MAX_NS) {
    throw new RangeError(
      `Cannot ${action}: ${name} is ${ns}, wanted int64 (-2^63 to 2^63 - 1)`,
    );
  }
  return ns;
}
