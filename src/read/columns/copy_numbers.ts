/**
 * Copies numbers by picks. One loop a width: a loop over arrays of every type would be many times as slow.
 *
 * @module
 */
import { bytesOf, type NumberArray, type NumberArrayType } from "../../arrow/columns.ts";
import type { Picks } from "./picks.ts";

/** Shorter stretches are copied number by number: a call for each costs more. */
const LEAST_CALL = 32;

type Ints = Int32Array | Uint16Array | Uint8Array;

/** The numbers of the picked rows, out of an array a source; 0 where a source has none. */
export function copyNumbers(
  type: NumberArrayType,
  from: readonly (NumberArray | undefined)[],
  picks: Picks,
  allocate: (bytes: number) => ArrayBuffer = fresh,
): NumberArray {
  const width = type.BYTES_PER_ELEMENT;
  const picked = picks.pick(width, from);
  if (picked) return new type(picked, 0, picks.length);
  const out = new type(allocate(width * picks.length), 0, picks.length);
  // As bits, since NaNs may lose what they hold, and bigints cost more than all the rest.
  const words = width === 8 ? 2 : 1;
  const ints: Ints[] = [];
  // Rows without the field, from where there is a number to be read.
  const absent = new Uint8Array(width * longestAbsent(from, picks));
  for (const source of picks.used) ints[source] = asInts(from[source] ?? absent, width);
  const target = asInts(out, width);
  if (picks.stretches) copyStretches(target, ints, picks.stretches, words);
  else if (words === 2) copyPairs(target as Int32Array, ints as Int32Array[], picks);
  else copyRows(target, ints, picks);
  return out;
}

const fresh = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);

/** How many rows a stand-in for sources without an array must have. */
function longestAbsent(from: readonly (NumberArray | undefined)[], picks: Picks): number {
  if (picks.used.every((source) => from[source] !== undefined)) return 0;
  const { sources, rows, length } = picks;
  let most = -1;
  for (let i = 0; i < length; i++) {
    if (rows[i] > most && from[sources[i]] === undefined) most = rows[i];
  }
  return most + 1;
}

function asInts(array: NumberArray, width: number): Ints {
  const { buffer, byteOffset, byteLength } = array;
  if (width === 1) return bytesOf(array);
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

function copyPairs(out: Int32Array, from: readonly Int32Array[], { sources, rows, length }: Picks): void {
  for (let i = 0; i < length; i++) {
    const source = from[sources[i]];
    const at = 2 * rows[i];
    out[2 * i] = source[at];
    out[2 * i + 1] = source[at + 1];
  }
}

function copyRows(out: Ints, from: readonly Ints[], { sources, rows, length }: Picks): void {
  for (let i = 0; i < length; i++) out[i] = from[sources[i]][rows[i]];
}

function copyStretches(out: Ints, from: readonly Ints[], stretches: Int32Array, words: number): void {
  let at = 0;
  for (let s = 0; s < stretches.length; s += 3) {
    const source = from[stretches[s]];
    const start = words * stretches[s + 1];
    const count = words * stretches[s + 2];
    if (count >= LEAST_CALL) out.set(source.subarray(start, start + count), at);
    else for (let k = 0; k < count; k++) out[at + k] = source[start + k];
    at += count;
  }
}
