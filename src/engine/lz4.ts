/**
 * From LZ4 frames, the form in which Arrow IPC stores LZ4, in plain TypeScript: every frame without a dictionary, of whose
 * numbers none is trusted.
 *
 * Source: LZ4 frame format 1.6.4 and LZ4 block format, https://github.com/lz4/lz4/tree/dev/doc.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { xxh32 } from "./xxhash.ts";

/** What a frame begins with. */
export const MAGIC = 0x184d2204;
/** Of a header without sizes: magic, flags, largest block, checksum. */
export const HEADER_BYTES = 7;

const MIN_MATCH = 4;

/**
 * Decompresses one LZ4 frame that fills `src` into exactly `rawLength` bytes, in an 8-byte aligned array that the caller
 * owns: a fresh one, or what `take` gives. Checksums in the frame are verified.
 *
 * Throws CORRUPT when the bytes are no LZ4 frame, are damaged, or hold another number of bytes; UNSUPPORTED when the
 * frame needs a dictionary; TOO_LARGE when the runtime cannot allocate that much.
 */
export function lz4Decompress(
  src: Uint8Array,
  rawLength: number,
  take?: (bytes: number) => Uint8Array,
): Uint8Array {
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

  const dst = allocate(rawLength, take);
  const output = new DataView(dst.buffer, dst.byteOffset, dst.length);
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

/**
 * How many bytes an LZ4 frame holds that does not say, from the lengths in it alone. Its header has been seen to be one.
 * CORRUPT where it is cut or holds more than `maxBytes`; all else that may be wrong {@linkcode lz4Decompress} finds.
 */
export function lz4ContentBytes(src: Uint8Array, maxBytes: number): number {
  const input = new DataView(src.buffer, src.byteOffset, src.length);
  const flags = src[4];
  const trailer = (flags & 0x10) !== 0 ? 4 : 0;
  let ip = HEADER_BYTES + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  let total = 0;
  for (;;) {
    if (ip + 4 > src.length) throw damaged(maxBytes);
    const word = input.getUint32(ip, true);
    if (word === 0) return total;
    const length = word & 0x7fffffff;
    const end = ip + 4 + length;
    if (end > src.length) throw damaged(maxBytes);
    total += word > 0x7fffffff ? length : blockContentBytes(src, ip + 4, end);
    if (total > maxBytes) throw damaged(maxBytes);
    ip = end + trailer;
  }
}

/** The same of the block `src[ip, end)`. */
function blockContentBytes(src: Uint8Array, ip: number, end: number): number {
  let total = 0;
  const extended = (length: number) => {
    if (length < 15) return length;
    for (let byte = 255; byte === 255 && ip < end;) length += byte = src[ip++];
    return length;
  };
  while (ip < end) {
    const token = src[ip++];
    const literals = extended(token >> 4);
    ip += literals;
    total += literals;
    if (ip >= end) break;
    ip += 2;
    total += MIN_MATCH + extended(token & 15);
  }
  return total;
}

/** A zeroed buffer, or one of `take`; TOO_LARGE when the runtime cannot give one. */
export function allocate(
  length: number,
  take: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array {
  try {
    return take(length);
  } catch (cause) {
    throw new SmaltiError("TOO_LARGE", `No memory for a buffer of ${length} bytes`, { cause });
  }
}

function damaged(rawLength: number): SmaltiError {
  return new SmaltiError("CORRUPT", `LZ4 frame is damaged or does not hold ${rawLength} bytes`);
}

/** The largest block under a block size code of 4 to 7. */
export function blockBytes(sizeCode: number): number {
  return 1 << (8 + 2 * sizeCode);
}

/** The header's last byte, of the bytes between the magic and it. */
export function headerChecksum(descriptor: Uint8Array): number {
  return (xxh32(descriptor) >>> 8) & 0xff;
}
