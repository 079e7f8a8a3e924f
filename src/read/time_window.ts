import { toNs } from "../timestamp.ts";
import { MAX_NS, MIN_NS, type TimeRange, type Window } from "../types.ts";

/**
 * A half-open range as inclusive bounds; an empty one has its last time before its first. RangeError where a bound is
 * outside int64 or start is after end, TypeError where it is no time.
 */
export function timeWindow({ startNs, endNs }: TimeRange, tried: string): Window {
  const first = startNs === undefined ? MIN_NS : toNs(startNs, "startNs", tried);
  const end = endNs === undefined ? MAX_NS + 1n : toNs(endNs, "endNs", tried);
  if (first > end) {
    throw new RangeError(
      `${tried} from startNs ${first} to endNs ${end}: wanted startNs at or before endNs`,
    );
  }
  return { firstNs: first, lastNs: end - 1n };
}
