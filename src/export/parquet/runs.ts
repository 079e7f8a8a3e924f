/**
 * Small numbers -> runs of one and packed bits, as Parquet has levels and places in dictionaries.
 *
 * Source: Apache Parquet Format, "Run Length Encoding / Bit-Packing Hybrid".
 *
 * @module
 */
import type { ByteBuilder } from "../byte_builder.ts";

/** Bits are packed by so many numbers, and a run of so many is worth its own. */
const GROUP = 8;

/** Bits that numbers up to one take. */
export function bitsOf(most: number): number {
  return 32 - Math.clz32(most);
}

/** Adds numbers from one place on and up to before another, of up to 24 bits each. */
export function putRuns(
  out: ByteBuilder,
  numbers: Uint8Array | Int32Array,
  from: number,
  to: number,
  bits: number,
): void {
  let packedFrom = from;
  for (let at = from; at < to;) {
    const value = numbers[at];
    let end = at + 1;
    while (end < to && numbers[end] === value) end++;
    const lacking = (packedFrom - at) & (GROUP - 1);
    if (end - at < GROUP + lacking) at = end;
    // What is packed before must be whole groups.
    else if (lacking > 0) at += lacking;
    else {
      putPacked(out, numbers, packedFrom, at, bits);
      putRun(out, value, end - at, bits);
      packedFrom = at = end;
    }
  }
  putPacked(out, numbers, packedFrom, to, bits);
}

/** Adds a number so many times. */
export function putRun(out: ByteBuilder, value: number, count: number, bits: number): void {
  putVarint(out, 2 * count);
  for (let shift = 0; shift < bits; shift += 8) out.uint8((value >> shift) & 255);
}

function putPacked(
  out: ByteBuilder,
  numbers: Uint8Array | Int32Array,
  from: number,
  to: number,
  bits: number,
): void {
  if (from === to) return;
  const groups = Math.ceil((to - from) / GROUP);
  putVarint(out, 2 * groups + 1);
  let at = out.take(groups * bits);
  const { bytes } = out;
  let held = 0;
  let heldBits = 0;
  for (let i = from; i < from + groups * GROUP; i++) {
    held |= (i < to ? numbers[i] : 0) << heldBits;
    heldBits += bits;
    for (; heldBits >= 8; heldBits -= 8, held >>>= 8) bytes[at++] = held;
  }
}

/** Adds a number in as few bytes as it takes, seven bits each. */
export function putVarint(out: ByteBuilder, value: number): void {
  for (; value >= 128; value = Math.floor(value / 128)) out.uint8((value % 128) | 128);
  out.uint8(value);
}
