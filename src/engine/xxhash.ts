/**
 * The checksums inside LZ4 frames (XXH32) and ZSTD frames (XXH64).
 *
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
 *
 * @module
 */

const PRIME32_1 = 0x9e3779b1 | 0;
const PRIME32_2 = 0x85ebca77 | 0;
const PRIME32_3 = 0xc2b2ae3d | 0;
const PRIME32_4 = 0x27d4eb2f;
const PRIME32_5 = 0x165667b1;

/**
 * XXH32 of the bytes with seed 0, as an unsigned integer.
 */
export function xxh32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = bytes.length;
  let i = 0;
  let hash = PRIME32_5;
  if (size >= 16) {
    let a = (PRIME32_1 + PRIME32_2) | 0;
    let b = PRIME32_2;
    let c = 0;
    let d = -PRIME32_1 | 0;
    for (; i <= size - 16; i += 16) {
      a = round32(a, view.getInt32(i, true));
      b = round32(b, view.getInt32(i + 4, true));
      c = round32(c, view.getInt32(i + 8, true));
      d = round32(d, view.getInt32(i + 12, true));
    }
    hash = rotate32(a, 1) + rotate32(b, 7) + rotate32(c, 12) + rotate32(d, 18);
  }
  hash = (hash + size) | 0;
  for (; i <= size - 4; i += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(view.getInt32(i, true), PRIME32_3)) | 0, 17), PRIME32_4);
  }
  for (; i < size; i++) {
    hash = Math.imul(rotate32((hash + Math.imul(bytes[i], PRIME32_5)) | 0, 11), PRIME32_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME32_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME32_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round32(lane: number, word: number): number {
  return Math.imul(rotate32((lane + Math.imul(word, PRIME32_2)) | 0, 13), PRIME32_1);
}

function rotate32(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;

/**
 * XXH64 of the bytes with seed 0. Plain rather than fast: frames with a checksum are rare, and native code
 * checks its own.
 */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = bytes.length;
  let i = 0;
  let hash = PRIME64_5;
  if (size >= 32) {
    const lanes = [uint64(PRIME64_1 + PRIME64_2), PRIME64_2, 0n, uint64(-PRIME64_1)];
    for (; i <= size - 32; i += 32) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = round64(lanes[lane], view.getBigUint64(i + 8 * lane, true));
      }
    }
    hash = uint64(
      rotate64(lanes[0], 1n) + rotate64(lanes[1], 7n) + rotate64(lanes[2], 12n) + rotate64(lanes[3], 18n),
    );
    for (const lane of lanes) hash = uint64((hash ^ round64(0n, lane)) * PRIME64_1 + PRIME64_4);
  }
  hash = uint64(hash + BigInt(size));
  for (; i <= size - 8; i += 8) {
    hash = uint64(rotate64(hash ^ round64(0n, view.getBigUint64(i, true)), 27n) * PRIME64_1 + PRIME64_4);
  }
  for (; i <= size - 4; i += 4) {
    hash = uint64(
      rotate64(hash ^ uint64(BigInt(view.getUint32(i, true)) * PRIME64_1), 23n) * PRIME64_2 + PRIME64_3,
    );
  }
  for (; i < size; i++) {
    hash = uint64(rotate64(hash ^ uint64(BigInt(bytes[i]) * PRIME64_5), 11n) * PRIME64_1);
  }
  hash = uint64((hash ^ (hash >> 33n)) * PRIME64_2);
  hash = uint64((hash ^ (hash >> 29n)) * PRIME64_3);
  return hash ^ (hash >> 32n);
}

function round64(lane: bigint, word: bigint): bigint {
  return uint64(rotate64(uint64(lane + word * PRIME64_2), 31n) * PRIME64_1);
}

function rotate64(word: bigint, bits: bigint): bigint {
  return uint64(word << bits) | (word >> (64n - bits));
}

function uint64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
