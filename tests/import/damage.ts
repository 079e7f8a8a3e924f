/**
 * Files with something wrong, and bytes as files.
 *
 * @module
 */
import type { ByteSource } from "../../src/import/byte_source.ts";
import type { Random } from "../support/random_cases.ts";

/** Bytes as a file that can be read at any place, or as a stream where `isStream`. */
export function sourceOf(
  bytes: Uint8Array,
  {
    isStream = false,
    partBytes = 1 << 16,
    beside = {} as Record<string, Uint8Array>,
  } = {},
): ByteSource {
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) {
      yield await Promise.resolve(bytes.slice(at, at + partBytes));
    }
  }
  if (isStream) return { chunks: parts() };
  return {
    chunks: { [Symbol.asyncIterator]: parts },
    sizeBytes: bytes.length,
    isRepeatable: true,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    beside: (suffix) => Promise.resolve(beside[suffix]),
  };
}

/** The file with something wrong somewhere. */
export function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const start = random.below(bytes.length);
  const end = Math.min(
    bytes.length,
    start + 1 + random.below(2 ** random.below(14)),
  );
  switch (random.below(7)) {
    case 0: // bits
      for (let i = random.below(6); i >= 0; i--) {
        copy[random.below(bytes.length)] ^= 1 << random.below(8);
      }
      return copy;
    case 1:
      return copy.fill(0, start, end);
    case 2:
      for (let at = start; at < end; at++) copy[at] = random.below(256);
      return copy;
    case 3: // cut out
      return concat([bytes.subarray(0, start), bytes.subarray(end)]);
    case 4: // what is there already, once more
      return concat([
        bytes.subarray(0, start),
        bytes.subarray(start, end),
        bytes.subarray(start),
      ]);
    case 5: // numbers that are often lengths
      if (bytes.length >= 4) {
        new DataView(copy.buffer).setUint32(
          Math.min(start, bytes.length - 4),
          random.pick([
            0,
            1,
            0x7fffffff,
            0x80000000,
            0xffffffff,
            bytes.length,
            0x10000,
            0xff,
          ]),
          random.oneIn(2),
        );
      }
      return copy;
    default:
      return copy.subarray(0, start);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
