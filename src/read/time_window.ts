import { MAX_NS, MIN_NS, type TimeRange, type TimestampNs, type Window } from "../types.ts";

/**
 * A half-open range as inclusive bounds; an empty one has its last time before its first. RangeError where a bound is
 * outside int64 or start is after end, TypeError where it is no time.
 */
export function timeWindow(
  { startNs, endNs }: TimeRange,
  what: string,
): Window {
  const first = startNs === undefined ? MIN_NS : bound(startNs, "startNs", what);
  const end = endNs === undefined ? MAX_NS + 1n : bound(endNs, "endNs", what);
  if (first > end) {
    throw new RangeError(
      `Cannot stream ${what} from startNs ${first} to endNs ${end}: wanted startNs at or before endNs`,
    );
  }
  return { firstNs: first, lastNs: end - 1n };
}

function bound(time: TimestampNs, name: string, what: string): bigint {
  const ns = typeof time === "bigint" ? time : time?.epochNanoseconds;
  if (typeof ns !== "bigint") {
    throw new TypeError(
      `Cannot stream ${what}: ${name} is ${String(time)}, wanted a bigint of nanoseconds`,
    );
  }
  if (ns < MIN_NS || ns > MAX_NS) {
    throw new RangeError(
      `Cannot stream ${what}: ${name} is ${ns}, wanted int64 (-2^63 to 2^63 - 1)`,
    );
  }
  return ns;
}
