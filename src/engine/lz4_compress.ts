/**
 * To LZ4 frames, the form in which Arrow IPC stores LZ4, in plain TypeScript.
 *
 * The compressor is greedy with one hash table, as in the reference implementation, and gives up early on what
 * does not compress.
 *
 * Source: LZ4 frame format 1.6.4 and LZ4 block format, https://github.com/lz4/lz4/tree/dev/doc.
 *
 * @module
 */
import { blockBytes, HEADER_BYTES, headerChecksum, MAGIC } from "./lz4.ts";
import { sampleBytes, sampleStarts } from "./lz4_samples.ts";

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
 * save at least one `part` of the input (a quarter), judged for long inputs by a sample.
 *
 * The result is the caller's. The same bytes always give the same frame.
 */
export function lz4Compress(src: Uint8Array, part = 4): Uint8Array | undefined {
  const size = src.length;
  const budget = size - Math.ceil(size / part);
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

  if (sampleBytes(size) > 0 && !isWorthwhile(src, part, input, dst, output)) return undefined;

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

/** Whether pieces from the start and the middle, each compressed alone, save enough between them. */
function isWorthwhile(
  src: Uint8Array,
  part: number,
  input: DataView,
  dst: Uint8Array,
  output: DataView,
): boolean {
  const length = sampleBytes(src.length);
  const base = claimTable(src.length);
  let room = 2 * length - Math.ceil(2 * length / part);
  for (const start of sampleStarts(src.length)) {
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
