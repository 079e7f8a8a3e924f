/**
 * Damage to bytes, and what may come of it.
 *
 * @module
 */
import * as fc from "fast-check";
import { SmaltiError } from "../../src/error.ts";
import { field } from "./tables.ts";

/** What a call gives, or the code of its SmaltiError; any other error is the test's failure. */
export function outcome<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof SmaltiError) return error.code;
    throw error;
  }
}

/** Up to three bytes changed, somewhere. */
export const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    mask: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 1, maxLength: 3 },
);

export function damaged(bytes: Uint8Array, flips: readonly { at: number; mask: number }[]): Uint8Array {
  const copy = bytes.slice();
  for (const { at, mask } of flips) copy[Math.floor(at * bytes.length)] ^= mask;
  return copy;
}

const item = field("item", { kind: "float", bits: 32 }, true);
/** One of each layout. */
export const SAMPLE = [
  field("ok", { kind: "bool" }, true),
  field("count", { kind: "int", bits: 16, signed: true }),
  field("name", { kind: "utf8", offsets: 32 }, true),
  field("raw", { kind: "binary", offsets: 32 }),
  field("ranges", { kind: "list", offsets: 32 }, true, [item]),
  field("pose", { kind: "struct" }, true, [
    field("covariance", { kind: "fixedList", size: 2 }, false, [item]),
  ]),
  field("nothing", { kind: "null" }, true),
];
export const SAMPLE_ROWS = Array.from({ length: 9 }, (_, i) => ({
  ok: i % 3 === 0 ? undefined : i % 2 === 0,
  count: i,
  name: i === 4 ? null : `sensor ${i}`,
  raw: new Uint8Array(i).fill(i),
  ranges: i === 2 ? null : [1, null, i],
  pose: i === 5 ? undefined : { covariance: [i, -i] },
}));
