/**
 * Which of many positions a test tries, where trying all takes long.
 *
 * @module
 */
import process from "node:process";

/** Set by `deno task test:long`: all positions are tried. */
export const isLong: boolean = Boolean(process.env.SMALTI_LONG);

/** Of 7 neighbours one is tried. No divisor of 8, so that it comes to every bit of a byte. */
const STRIDE = 7;
/** So many on either side of a boundary are tried too. */
const NEAR = 2;

/**
 * The positions from 0 to below `count` to try, in order: each 7th, the first, the last, and all around each boundary,
 * which is where something begins. All of them in `deno task test:long`.
 */
export function somePositions(count: number, boundaries: Iterable<number> = []): number[] {
  const all = Array.from({ length: count }, (_, at) => at);
  if (isLong) return all;
  const chosen = new Set([0, count - 1]);
  for (const boundary of boundaries) {
    for (let at = boundary - NEAR; at <= boundary + NEAR; at++) chosen.add(at);
  }
  return all.filter((at) => at % STRIDE === 0 || chosen.has(at));
}
