/**
 * To Snappy. The compressor is greedy with one hash table, as in the reference implementation and as our LZ4.
 *
 * Source: Snappy compressed format description, https://github.com/google/snappy/blob/main/format_description.txt.
 *
 * @module
 */
import type { ByteBuilder } from "../byte_builder.ts";
import { putVarint } from "./runs.ts";

const MIN_MATCH = 4;
/** No match starts later than this before the end: words are read past it. */
const MATCH_START_LIMIT = 12;
const MAX_DISTANCE = 65535;
const MAX_COPY = 64;
const HASH_BITS = 14;
/** After this many misses as a power of two the search takes longer steps. */
const SKIP_BITS = 5;

/** Place of the latest bytes with a given hash, plus a base that every call claims anew, so that it needs no clearing. */
const table = new Int32Array(1 << HASH_BITS);
let tableEnd = 1;

/** Adds bytes as one Snappy block, which is larger than they are by a sixth and 32 bytes at most. */
export function putSnappy(src: Uint8Array, out: ByteBuilder): void {
  const size = src.length;
  putVarint(out, size);
  // Short literals are copied by words, and may write up to 3 bytes too many.
  const start = out.take(size + Math.ceil(size / 6) + 32);
  out.length = compress(src, out.bytes, out.view, start);
}

function compress(src: Uint8Array, dst: Uint8Array, output: DataView, start: number): number {
  const size = src.length;
  const input = new DataView(src.buffer, src.byteOffset, size);
  const base = claimTable(size);
  const lastStart = size - MATCH_START_LIMIT;
  let op = start;
  let anchor = 0;
  let misses = 1 << SKIP_BITS;
  for (let ip = 0; ip <= lastStart;) {
    const word = input.getInt32(ip, true);
    const hash = hashOf(word, input.getInt32(ip + 2, true));
    let from = table[hash] - base;
    table[hash] = ip + base;
    if (from < 0 || ip - from > MAX_DISTANCE || input.getInt32(from, true) !== word) {
      ip += misses++ >> SKIP_BITS;
      continue;
    }
    misses = 1 << SKIP_BITS;
    while (ip > anchor && from > 0 && src[ip - 1] === src[from - 1]) {
      ip--;
      from--;
    }
    const distance = ip - from;
    let end = ip + MIN_MATCH;
    from += MIN_MATCH;
    while (end <= size - 4 && input.getInt32(end, true) === input.getInt32(from, true)) {
      end += 4;
      from += 4;
    }
    while (end < size && src[end] === src[from]) end++, from++;
    op = putLiteral(src, input, anchor, ip, dst, output, op);
    op = putCopies(dst, op, distance, end - ip);
    ip = anchor = end;
  }
  return putLiteral(src, input, anchor, size, dst, output, op);
}

function putLiteral(
  src: Uint8Array,
  input: DataView,
  from: number,
  to: number,
  dst: Uint8Array,
  output: DataView,
  op: number,
): number {
  const length = to - from;
  if (length === 0) return op;
  const last = length - 1;
  if (last < 60) dst[op++] = last << 2;
  else {
    const bytes = last < 1 << 8 ? 1 : last < 1 << 16 ? 2 : last < 1 << 24 ? 3 : 4;
    dst[op++] = (59 + bytes) << 2;
    for (let i = 0; i < bytes; i++) dst[op++] = last >>> (8 * i);
  }
  if (length <= 64 && from + 68 <= src.length) {
    for (let i = 0; i < length; i += 4) output.setInt32(op + i, input.getInt32(from + i, true), true);
  } else dst.set(src.subarray(from, to), op);
  return op + length;
}

function putCopies(dst: Uint8Array, op: number, distance: number, length: number): number {
  // None of the copies may be left with less than the least that a short one holds.
  while (length > MAX_COPY) {
    const part = length >= MAX_COPY + MIN_MATCH ? MAX_COPY : MAX_COPY - MIN_MATCH;
    op = putLongCopy(dst, op, distance, part);
    length -= part;
  }
  if (length >= 12 || distance >= 2048) return putLongCopy(dst, op, distance, length);
  dst[op] = 1 | ((length - 4) << 2) | ((distance >> 8) << 5);
  dst[op + 1] = distance;
  return op + 2;
}

function putLongCopy(dst: Uint8Array, op: number, distance: number, length: number): number {
  dst[op] = 2 | ((length - 1) << 2);
  dst[op + 1] = distance;
  dst[op + 2] = distance >> 8;
  return op + 3;
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

/** A hash of 6 bytes, given as two overlapping words. */
function hashOf(low: number, high: number): number {
  return (Math.imul(low, 0x9e3779b1) + Math.imul(high, 0x85ebca77)) >>> (32 - HASH_BITS);
}
