/**
 * LZ4 frames, the form in which Arrow IPC stores LZ4: both ways, in plain TypeScript.
 *
 * The compressor is greedy with one hash table, as in the reference implementation, and gives up early on what
 * does not compress. The decompressor accepts every frame without a dictionary and trusts none of its numbers.
 *
 * Source: LZ4 frame format 1.6.4 and LZ4 block format, https://github.com/lz4/lz4/tree/dev/doc.
 *
 * @module
 */

import { SmaltiError } from "../error.ts";
import { xxh32 } from "./xxhash.ts";

const MAGIC = 0x184d2204;
const HEADER_BYTES = 7;
const END_MARK_BYTES = 4;
/** High bit of a block's size: the block is stored as it is. */
const STORED = 0x80000000 | 0;

const MIN_MATCH = 4;
/** The format ends every block with at least this many literals... */
const LAST_LITERALS = 5;
/** ...and starts no match later than this before the end. */
const MATCH_START_LIMIT = 12;
const MAX_DISTANCE = 65535;

const HASH_BITS = 13;
/** After this many misses as a power of two the search takes longer steps. */
const SKIP_BITS = 5;
/** Inputs from this size on are judged by two samples before any work is done. */
const SAMPLED_FROM = 1 << 15;
const MAX_SAMPLE = 1 << 14;
/** Scratch up to this size is kept between calls: allocating it costs more than filling it. */
const KEPT_SCRATCH = 1 << 23;

/**
 * Place of the latest bytes with a given hash, plus a base that every pass claims anew: what earlier passes left
 * behind then lies before the start of the input, and the table needs no clearing.
 */
const table = new Int32Array(1 << HASH_BITS);
let tableEnd = 1;
let scratch = new Uint8Array(0);

/**
 * Compresses into one LZ4 frame of independent blocks without checksums, or returns undefined when that would not
 * save at least a quarter of the input, judged for long inputs by a sample.
 *
 * The result is the caller's. The same bytes always give the same frame.
 */
export function lz4Compress(src: Uint8Array): Uint8Array | undefined {
  const size = src.length;
  const budget = size - Math.ceil(size / 4);
  if (budget < HEADER_BYTES + END_MARK_BYTES + 4) return undefined;
  // A copy of short literals may write up to 3 bytes too many.
  const capacity = budget + 4;
  let dst = scratch;
  if (dst.length < capacity) {
    dst = new Uint8Array(capacity);
    if (capacity <= KEPT_SCRATCH) scratch = dst;
  }
  const input = new DataView(src.buffer, src.byteOffset, size);
  const output = new DataView(dst.buffer);

  if (size >= SAMPLED_FROM && !worthwhile(src, input, dst, output)) return undefined;

  let sizeCode = 4;
  while (sizeCode < 7 && blockBytes(sizeCode) < size) sizeCode++;
  output.setUint32(0, MAGIC, true);
  dst[4] = 0x60; // version 01, independent blocks
  dst[5] = sizeCode << 4;
  dst[6] = headerChecksum(dst.subarray(4, 6));
  let op = HEADER_BYTES;
  const base = claimTable(size);
  for (let start = 0; start < size; start += blockBytes(sizeCode)) {
    const end = Math.min(size, start + blockBytes(sizeCode));
    const length = end - start;
    const limit = Math.min(budget - END_MARK_BYTES, op + 4 + length - 1);
    const next = compressBlock(src, input, start, end, base, dst, output, op + 4, limit);
    if (next > 0) {
      output.setUint32(op, next - op - 4, true);
      op = next;
    } else {
      if (op + 4 + length > budget - END_MARK_BYTES) return undefined;
      output.setInt32(op, length | STORED, true);
      dst.set(src.subarray(start, end), op + 4);
      op += 4 + length;
    }
  }
  output.setUint32(op, 0, true);
  return dst.slice(0, op + END_MARK_BYTES);
}

/** Whether pieces from the start and the middle, each compressed alone, save a quarter between them. */
function worthwhile(src: Uint8Array, input: DataView, dst: Uint8Array, output: DataView): boolean {
  const length = Math.min(MAX_SAMPLE, src.length >> 3);
  const base = claimTable(src.length);
  let room = 2 * length - (length >> 1);
  for (const start of [0, src.length >> 1]) {
    const used = compressBlock(src, input, start, start + length, base, dst, output, 0, room);
    if (used === 0) return false;
    room -= used;
  }
  return true;
}

/** A base for places in an input of `size` bytes. */
function claimTable(size: number): number {
  if (tableEnd + size > 0x7fffffff) {
    table.fill(0);
    tableEnd = 1;
  }
  const base = tableEnd;
  tableEnd += size;
  return base;
}

/**
 * Writes one block of `src[start, end)` at `op` and returns where it ends, or 0 when it would pass `limit`.
 * `dst` must hold 4 bytes past `limit`.
 */
function compressBlock(
  src: Uint8Array,
  input: DataView,
  start: number,
  end: number,
  base: number,
  dst: Uint8Array,
  output: DataView,
  op: number,
  limit: number,
): number {
  const lastStart = end - MATCH_START_LIMIT;
  const matchEnd = end - LAST_LITERALS;
  let anchor = start;
  let ip = start;
  let misses = 1 << SKIP_BITS;
  while (ip <= lastStart) {
    const word = input.getInt32(ip, true);
    const hash = hashOf(word, input.getInt32(ip + 2, true));
    let from = table[hash] - base;
    table[hash] = ip + base;
    if (from < start || ip - from > MAX_DISTANCE || input.getInt32(from, true) !== word) {
      ip += misses++ >> SKIP_BITS;
      continue;
    }
    misses = 1 << SKIP_BITS;
    while (ip > anchor && from > start && src[ip - 1] === src[from - 1]) {
      ip--;
      from--;
    }

    const literals = ip - anchor;
    const distance = ip - from;
    let p = ip + MIN_MATCH;
    from += MIN_MATCH;
    let difference = 0;
    while (p <= matchEnd - 4) {
      difference = input.getInt32(p, true) ^ input.getInt32(from, true);
      if (difference !== 0) break;
      p += 4;
      from += 4;
    }
    if (difference !== 0) p += (31 - Math.clz32(difference & -difference)) >> 3;
    else while (p < matchEnd && src[p] === src[from]) p++, from++;
    const extra = p - ip - MIN_MATCH;

    if (op + literals + (literals >> 7) + (extra >> 7) + 5 > limit) return 0;
    const token = op++;
    if (literals < 15) {
      dst[token] = literals << 4;
    } else {
      dst[token] = 0xf0;
      op = writeLength(dst, op, literals - 15);
    }
    if (literals <= 64) {
      for (let i = 0; i < literals; i += 4) output.setInt32(op + i, input.getInt32(anchor + i, true), true);
    } else {
      dst.set(src.subarray(anchor, ip), op);
    }
    op += literals;
    dst[op] = distance;
    dst[op + 1] = distance >> 8;
    op += 2;
    if (extra < 15) {
      dst[token] |= extra;
    } else {
      dst[token] |= 15;
      op = writeLength(dst, op, extra - 15);
    }
    ip = anchor = p;
  }

  const literals = end - anchor;
  if (op + literals + (literals >> 7) + 2 > limit) return 0;
  if (literals < 15) {
    dst[op++] = literals << 4;
  } else {
    dst[op++] = 0xf0;
    op = writeLength(dst, op, literals - 15);
  }
  dst.set(src.subarray(anchor, end), op);
  return op + literals;
}

/** A hash of 6 bytes, given as two overlapping words. */
function hashOf(low: number, high: number): number {
  return (Math.imul(low, 0x9e3779b1) + Math.imul(high, 0x85ebca77)) >>> (32 - HASH_BITS);
}

function writeLength(dst: Uint8Array, op: number, length: number): number {
  while (length >= 255) {
    dst[op++] = 255;
    length -= 255;
  }
  dst[op++] = length;
  return op;
}

/**
 * Decompresses one LZ4 frame that fills `src` into exactly `rawLength` bytes, in a fresh, 8-byte aligned array that the
 * caller owns. Checksums in the frame are verified.
 *
 * Throws CORRUPT when the bytes are no LZ4 frame, are damaged, or hold another number of bytes; UNSUPPORTED when the
 * frame needs a dictionary; TOO_LARGE when the runtime cannot allocate that much.
 */
export function lz4Decompress(src: Uint8Array, rawLength: number): Uint8Array {
  const size = src.length;
  const input = new DataView(src.buffer, src.byteOffset, size);
  if (size < HEADER_BYTES || input.getUint32(0, true) !== MAGIC) {
    throw new SmaltiError("CORRUPT", "Bytes are not an LZ4 frame");
  }
  const flags = src[4];
  const sizeCode = src[5] >> 4;
  const linked = (flags & 0x20) === 0;
  const blockChecksums = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasContentChecksum = (flags & 0x04) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;

  // The checksum comes before what the fields say, so that a damaged header is never called an unsupported one.
  const headerEnd = 6 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  if (headerEnd >= size || src[headerEnd] !== headerChecksum(src.subarray(4, headerEnd))) {
    throw damaged(rawLength);
  }
  if (hasDictionary) throw new SmaltiError("UNSUPPORTED", "LZ4 frame needs a dictionary");
  if ((flags & 0xc2) !== 0x40 || (src[5] & 0x8f) !== 0 || sizeCode < 4) throw damaged(rawLength);
  if (hasContentSize && input.getUint32(6, true) + input.getUint32(10, true) * 2 ** 32 !== rawLength) {
    throw damaged(rawLength);
  }
  // One byte of a length stands for at most 255 bytes: more cannot be in there, so allocate no more.
  if (!(rawLength >= 0 && rawLength <= 255 * size)) throw damaged(rawLength);

  const dst = allocate(rawLength);
  const output = new DataView(dst.buffer);
  const trailer = blockChecksums ? 4 : 0;
  let ip = headerEnd + 1;
  let op = 0;
  while (true) {
    if (ip + 4 > size) throw damaged(rawLength);
    // Signed: arithmetic that leaves int32 for a moment would leave doubles in the hot loop on JavaScriptCore.
    const word = input.getInt32(ip, true);
    ip += 4;
    if (word === 0) break;
    const length = word & 0x7fffffff;
    if (length > blockBytes(sizeCode) || ip + length + trailer > size) throw damaged(rawLength);
    const block = src.subarray(ip, ip + length);
    if (blockChecksums && input.getUint32(ip + length, true) !== xxh32(block)) throw damaged(rawLength);
    if (word < 0) {
      if (op + length > rawLength) throw damaged(rawLength);
      dst.set(block, op);
      op += length;
    } else {
      const limit = Math.min(dst.length, op + blockBytes(sizeCode));
      op = decompressBlock(src, input, ip, ip + length, dst, output, op, limit, linked ? 0 : op);
      if (op < 0) throw damaged(rawLength);
    }
    ip += length + trailer;
  }
  if (op !== rawLength) throw damaged(rawLength);
  if (hasContentChecksum) {
    if (ip + 4 > size || input.getUint32(ip, true) !== xxh32(dst)) throw damaged(rawLength);
    ip += 4;
  }
  if (ip !== size) throw damaged(rawLength);
  return dst;
}

/**
 * Decodes the block `src[ip, end)` to `dst[op, limit)`; matches may reach back to `lowest`. Returns where its output
 * ends, or -1 when the block is damaged. Short copies go by words and may write past their end, but never past `limit`.
 */
function decompressBlock(
  src: Uint8Array,
  input: DataView,
  ip: number,
  end: number,
  dst: Uint8Array,
  output: DataView,
  op: number,
  limit: number,
  lowest: number,
): number {
  while (ip < end) {
    const token = src[ip++];
    let length = token >> 4;

    // Most sequences of a column are a few literals and a short match from a few values back.
    if (length <= 8 && end - ip >= 10 && limit - op >= 28) {
      output.setInt32(op, input.getInt32(ip, true), true);
      if (length > 4) output.setInt32(op + 4, input.getInt32(ip + 4, true), true);
      const to = op + length;
      const distance = input.getUint16(ip + length, true);
      const from = to - distance;
      const extra = token & 15;
      if (extra < 15 && distance >= 4 && from >= lowest) {
        output.setInt32(to, output.getInt32(from, true), true);
        output.setInt32(to + 4, output.getInt32(from + 4, true), true);
        if (extra > 4) {
          output.setInt32(to + 8, output.getInt32(from + 8, true), true);
          output.setInt32(to + 12, output.getInt32(from + 12, true), true);
          output.setInt32(to + 16, output.getInt32(from + 16, true), true);
        }
        ip += length + 2;
        op = to + MIN_MATCH + extra;
        continue;
      }
    }

    if (length === 15) {
      let byte = 255;
      while (byte === 255) {
        if (ip >= end) return -1;
        byte = src[ip++];
        length += byte;
      }
    }
    if (length > end - ip || length > limit - op) return -1;
    if (length <= 32 && end - ip >= 36 && limit - op >= 36) {
      for (let i = 0; i < length; i += 4) output.setInt32(op + i, input.getInt32(ip + i, true), true);
    } else if (length < 32) {
      for (let i = 0; i < length; i++) dst[op + i] = src[ip + i];
    } else {
      dst.set(src.subarray(ip, ip + length), op);
    }
    ip += length;
    op += length;
    if (ip === end) return op;

    if (end - ip < 2) return -1;
    const distance = src[ip] | (src[ip + 1] << 8);
    ip += 2;
    length = token & 15;
    if (length === 15) {
      let byte = 255;
      while (byte === 255) {
        if (ip >= end) return -1;
        byte = src[ip++];
        length += byte;
      }
    }
    length += MIN_MATCH;
    const from = op - distance;
    if (distance === 0 || from < lowest || length > limit - op) return -1;
    if (length <= 64 && distance >= 4 && limit - op >= 68) {
      for (let i = 0; i < length; i += 4) output.setInt32(op + i, output.getInt32(from + i, true), true);
      op += length;
    } else if (length <= 64) {
      for (let i = 0; i < length; i++) dst[op + i] = dst[from + i];
      op += length;
    } else {
      // A match that overlaps itself repeats its first bytes: every round doubles what can be copied at once.
      const stop = op + length;
      while (op < stop) {
        const step = Math.min(op - from, stop - op);
        dst.copyWithin(op, from, from + step);
        op += step;
      }
    }
  }
  return -1;
}

/** The largest block under a block size code of 4 to 7. */
function blockBytes(sizeCode: number): number {
  return 1 << (8 + 2 * sizeCode);
}

function headerChecksum(descriptor: Uint8Array): number {
  return (xxh32(descriptor) >>> 8) & 0xff;
}

/** A zeroed buffer; TOO_LARGE when the runtime cannot give one. */
export function allocate(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new SmaltiError("TOO_LARGE", `No memory for a buffer of ${length} bytes`, { cause });
  }
}

function damaged(rawLength: number): SmaltiError {
  return new SmaltiError("CORRUPT", `LZ4 frame is damaged or does not hold ${rawLength} bytes`);
}
