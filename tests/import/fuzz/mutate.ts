/**
 * Damage that knows a little of formats: lengths that lie, records that are there twice, two files in one.
 *
 * @module
 */
import type { Random } from "../../support/random_cases.ts";
import { damage } from "../damage.ts";
import { concat } from "../mcap_file.ts";

/** One to four things wrong with a file; `others` are files of its format. */
export function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let copy = bytes;
  for (let i = random.pick([1, 1, 1, 2, 4]); i > 0; i--) {
    copy = random.oneIn(2) ? damage(copy, random) : lie(copy, random, others);
    if (copy.length === 0) return copy;
  }
  return copy;
}

/** Numbers that are often lengths, or on the border of what a type holds. */
export const NUMBERS = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  0x7fn,
  0x80n,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
];
export const FAR = [1n << 53n, (1n << 63n) - 1n, -(1n << 63n), 1n << 32n, 1n << 31n];

function lie(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const at = random.oneIn(3) ? random.below(Math.min(bytes.length, 512)) : random.below(bytes.length);
  const length = Math.min(1 + random.below(2 ** random.below(12)), bytes.length - at);
  switch (random.below(7)) {
    case 0: { // a number of any width, at its place
      const width = random.pick([1, 2, 4, 8]);
      if (at + width > bytes.length) return copy;
      const value = random.pick([...NUMBERS, ...FAR, BigInt(bytes.length), BigInt(bytes.length - at)]);
      const isLittle = random.oneIn(2);
      if (width === 1) view.setUint8(at, Number(BigInt.asUintN(8, value)));
      if (width === 2) view.setUint16(at, Number(BigInt.asUintN(16, value)), isLittle);
      if (width === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), isLittle);
      if (width === 8) view.setBigUint64(at, BigInt.asUintN(64, value), isLittle);
      return copy;
    }
    case 1: { // a number that is a bit off
      const step = random.below(9) - 4;
      copy[at] += step;
      return copy;
    }
    case 2: // the rest is another file's, from the same place or any
      return splice(bytes, at, random.pick(others), random.oneIn(2) ? at : undefined, random);
    case 3: { // a stretch many times
      const times = 1 + random.below(random.oneIn(10) ? 200 : 5);
      return insert(bytes, at + length, repeat(bytes.subarray(at, at + length), times));
    }
    case 4: { // random bytes put in
      const part = new Uint8Array(1 + random.below(40));
      for (let i = 0; i < part.length; i++) part[i] = random.oneIn(3) ? 255 : random.below(256);
      return insert(bytes, at, part);
    }
    case 5: { // a stretch moved elsewhere, over what is there
      copy.copyWithin(random.below(bytes.length), at, at + length);
      return copy;
    }
    default: { // a varint of ten bytes
      const end = Math.min(bytes.length, at + 1 + random.below(10));
      copy.fill(random.pick([0x80, 0xff]), at, end);
      if (end < copy.length) copy[end] &= 0x7f;
      return copy;
    }
  }
}

/** Text with something put in, taken over or away that its format has a meaning for. */
export function mutateText(
  bytes: Uint8Array,
  random: Random,
  others: readonly Uint8Array[],
  tokens: readonly string[],
): Uint8Array {
  let copy = bytes;
  const stops = new Set([...',;\t\n\r"{}[]: /='].map((sign) => sign.charCodeAt(0)));
  for (let i = random.pick([1, 1, 2, 5, 20]); i > 0 && copy.length > 0; i--) {
    if (random.oneIn(4)) {
      copy = mutate(copy, random, others);
      continue;
    }
    let at = random.oneIn(3) ? random.below(Math.min(200, copy.length)) : random.below(copy.length);
    // From the beginning of a word to its end.
    while (at > 0 && !stops.has(copy[at - 1])) at--;
    let end = at;
    if (random.oneIn(2)) { while (end < copy.length && !stops.has(copy[end])) end++; }
    const token = ENCODER.encode(random.pick(tokens));
    const part = random.oneIn(20) ? repeat(token, 1 + random.below(3000)) : token;
    copy = concat([copy.subarray(0, at), part, copy.subarray(end)]);
  }
  return copy;
}

const ENCODER = new TextEncoder();

function splice(
  bytes: Uint8Array,
  at: number,
  other: Uint8Array,
  from: number | undefined,
  random: Random,
): Uint8Array {
  return concat([bytes.subarray(0, at), other.subarray(from ?? random.below(other.length))]);
}

function insert(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  return concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
}

function repeat(part: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(part.length * times);
  for (let i = 0; i < times; i++) all.set(part, i * part.length);
  return all;
}
