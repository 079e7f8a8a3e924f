/**
 * The engine's codecs in TypeScript, with native code where the runtime has it.
 *
 * @module
 */

import { crc32Final, crc32Update } from "@foxglove/crc";
import { Decompress } from "fzstd";
import { SmaltiError } from "../error.ts";
import type { Engine, NativeCodecs } from "../engine.ts";
import { lz4Compress } from "./lz4_compress.ts";
import { allocate, lz4Decompress } from "./lz4.ts";
import { xxh64 } from "./xxhash.ts";

const ZSTD_MAGIC = 0xfd2fb528;
/** No block holds more. */
const ZSTD_MAX_BLOCK = 1 << 17;
/** Fewer bytes no match has. */
const MIN_MATCH = 3;
/** The largest window that libzstd accepts unless told otherwise. */
const ZSTD_MAX_WINDOW = 2 ** 27;

/**
 * Makes `decompress`, `compress` and `crc32` of an engine; results and errors do not depend on `native`.
 */
export function createCodecs(native: NativeCodecs = {}): Pick<Engine, "decompress" | "compress" | "crc32"> {
  return {
    decompress: (codec, bytes, rawLength, take) =>
      codec === "lz4"
        ? lz4Decompress(bytes, rawLength, take)
        : zstdDecompress(bytes, rawLength, native.zstdDecompress),
    compress: lz4Compress,
    crc32: native.crc32 ?? ((bytes, before = 0) => crc32Final(crc32Update(~before, bytes))),
  };
}

/** Decompresses a frame whose outside is sound; throws rather than return more than `maxBytes`. */
type NativeZstd = (bytes: Uint8Array, maxBytes: number) => Uint8Array;

function zstdDecompress(bytes: Uint8Array, rawLength: number, native?: NativeZstd): Uint8Array {
  const frame = readZstdFrame(bytes, rawLength);
  let output: Uint8Array;
  try {
    output = native ? native(bytes, rawLength) : decodeZstd(bytes, rawLength, frame);
  } catch (cause) {
    throw cause instanceof SmaltiError ? cause : damaged(rawLength, cause);
  }
  if (output.length !== rawLength) throw damaged(rawLength);
  return output.byteOffset % 8 === 0 ? output : output.slice();
}

interface ZstdFrame {
  /** How far back a match may reach. */
  window: number;
  hasChecksum: boolean;
  /** Where the blocks start and end. */
  start: number;
  end: number;
}

/**
 * Checks all of a ZSTD frame but what is inside its blocks. Decoders differ in what they make of a frame that is cut, is
 * followed by something, or claims another length than the caller; they see none. A frame that cannot hold
 * `rawLength` bytes is refused before anything is allocated. Unless it is exact, that is a bound.
 *
 * Source: RFC 8878, section 3.1.1.
 */
function readZstdFrame(bytes: Uint8Array, rawLength: number, isExact = true): ZstdFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 5 || view.getUint32(0, true) !== ZSTD_MAGIC) {
    throw new SmaltiError("CORRUPT", "Bytes are not a ZSTD frame");
  }
  const flags = bytes[4];
  const single = (flags & 0x20) !== 0;
  const hasChecksum = (flags & 0x04) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3];
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6];
  let at = single ? 5 : 6;
  const start = at + dictionaryBytes + sizeBytes;
  if ((flags & 0x08) !== 0 || start + 3 > bytes.length) throw damaged(rawLength);

  const windowByte = single ? undefined : bytes[5];
  const window = windowByte === undefined
    ? rawLength
    : 2 ** (10 + (windowByte >> 3)) * (1 + (windowByte & 7) / 8);
  for (const end = at + dictionaryBytes; at < end; at++) {
    if (bytes[at] !== 0) throw new SmaltiError("UNSUPPORTED", "ZSTD frame needs a dictionary");
  }
  if (sizeBytes > 0) {
    let size = sizeBytes === 2 ? 256 : 0;
    for (let i = 0; i < sizeBytes; i++) size += bytes[at + i] * 2 ** (8 * i);
    if (size !== rawLength) throw damaged(rawLength);
  }
  if (window > ZSTD_MAX_WINDOW) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `ZSTD frame needs a window of ${window} bytes: at most ${ZSTD_MAX_WINDOW} are supported`,
    );
  }

  let end = start;
  let mostBytes = 0;
  for (let last = 0; last === 0;) {
    if (end + 3 > bytes.length) throw damaged(rawLength);
    const header = bytes[end] | (bytes[end + 1] << 8) | (bytes[end + 2] << 16);
    last = header & 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || (type === 2 && isEndless(bytes, end + 3, rawLength))) throw damaged(rawLength);
    mostBytes += type === 2 ? ZSTD_MAX_BLOCK : size;
    end += 3 + (type === 1 ? 1 : size);
  }
  const most = isExact ? mostBytes : Infinity;
  if (end + (hasChecksum ? 4 : 0) !== bytes.length || !(rawLength >= 0 && rawLength <= most)) {
    throw damaged(rawLength);
  }
  return { window, hasChecksum, start, end };
}

/**
 * Whether a compressed block, which starts at `at`, is one that fzstd would not come to an end with, or late. No such
 * block is sound.
 *
 * Huffman weights come from two states of an FSE table, which say how many bits to read for the next. Where one symbol
 * has the whole table that is none, and fzstd reads weights until it has read all bits. Sequences it carries out
 * wherever they lead, so there may not be more of them than bytes for a match each.
 *
 * Source: RFC 8878, sections 3.1.1.3.1.1 (literals header), 3.1.1.3.2.1 (sequences header), 4.1.1 (FSE table).
 */
function isEndless(bytes: Uint8Array, at: number, rawLength: number): boolean {
  const byte = (i: number) => bytes[i] ?? 0;
  const word = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16);
  const type = word & 3;
  const format = (word >> 2) & 3;
  let sequences = at;
  if (type < 2) {
    const headBytes = [1, 2, 1, 3][format];
    const stored = type === 1 ? 1 : (word & (2 ** (8 * headBytes) - 1)) >> (headBytes === 1 ? 3 : 4);
    sequences += headBytes + stored;
  } else {
    const headBytes = [3, 3, 4, 5][format];
    const stored = format < 2
      ? word >> 14
      : format === 2
      ? (word >> 18) | (byte(at + 3) << 6)
      : (word >> 22) | (byte(at + 3) << 2) | (byte(at + 4) << 10);
    if (type === 2 && isOneSymbol(byte, at + headBytes)) return true;
    sequences += headBytes + stored;
  }
  const first = byte(sequences);
  const count = first < 128
    ? first
    : first < 255
    ? ((first - 128) << 8) | byte(sequences + 1)
    : (byte(sequences + 1) | (byte(sequences + 2) << 8)) + 0x7f00;
  return count * MIN_MATCH > Math.min(ZSTD_MAX_BLOCK, rawLength);
}

/** Whether the Huffman weights described at `at` come from an FSE table in which one symbol has all states. */
function isOneSymbol(byte: (i: number) => number, at: number): boolean {
  if (byte(at) >= 128) return false; // weights as they are
  const accuracy = (byte(at + 1) & 15) + 5;
  const bits = (from: number, count: number) => {
    const i = at + 1 + (from >> 3);
    return ((byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)) >>> (from & 7)) &
      ((1 << count) - 1);
  };
  // The first symbol with any states has all of them where each bit of its number is set. Those without any come
  // before, the number 1 in one bit less, each followed by how many more there are.
  for (let from = 4;;) {
    const number = bits(from, accuracy + 1);
    if (number === 2 ** (accuracy + 1) - 1) return true;
    if ((number & (2 ** accuracy - 1)) !== 1) return false;
    from += accuracy;
    while (bits(from, 2) === 3) from += 2;
    from += 2;
  }
}

/**
 * How many bytes a ZSTD frame holds that does not say: by decoding it, block after block, through fzstd. CORRUPT where it is
 * damaged or holds more than `maxBytes`, UNSUPPORTED as `decompress`.
 */
export function zstdContentBytes(bytes: Uint8Array, maxBytes: number): number {
  const frame = readZstdFrame(bytes, maxBytes, false);
  let total = 0;
  try {
    streamZstd(bytes, frame, maxBytes, (chunk) => {
      total += chunk.length;
      if (total > maxBytes) throw damaged(maxBytes);
    });
  } catch (cause) {
    throw cause instanceof SmaltiError ? cause : damaged(maxBytes, cause);
  }
  return total;
}

/** Decodes through fzstd. It checks neither length nor checksum, so that is done here. */
function decodeZstd(bytes: Uint8Array, rawLength: number, frame: ZstdFrame): Uint8Array {
  const output = allocate(rawLength);
  let op = 0;
  streamZstd(bytes, frame, rawLength, (chunk) => {
    output.set(chunk, op); // throws where there is more than fits
    op += chunk.length;
  });
  if (op !== rawLength) throw damaged(rawLength);
  if (frame.hasChecksum) {
    const expected = new DataView(bytes.buffer, bytes.byteOffset + frame.end, 4).getUint32(0, true);
    if (BigInt(expected) !== (xxh64(output) & 0xffffffffn)) throw damaged(rawLength);
  }
  return output;
}

/** Hands on what a frame holds, as fzstd's streaming form gives it: the one that shows how many bytes come out. */
function streamZstd(
  bytes: Uint8Array,
  { start, end, window }: ZstdFrame,
  maxBytes: number,
  take: (chunk: Uint8Array) => void,
): void {
  // fzstd moves the whole window for every block: one larger than the content would only cost time. It also cuts a
  // block's output at the window, so one byte more lets too many bytes show.
  const header = new DataView(new ArrayBuffer(9));
  header.setUint32(0, ZSTD_MAGIC, true);
  header.setUint8(4, 0xa0); // single segment: the content size, in 4 bytes, is the window
  header.setUint32(5, Math.min(window, maxBytes) + 1, true);
  const input = new Uint8Array(9 + end - start);
  input.set(new Uint8Array(header.buffer));
  input.set(bytes.subarray(start, end), 9);
  new Decompress(take).push(input, true);
}

function damaged(rawLength: number, cause?: unknown): SmaltiError {
  return new SmaltiError("CORRUPT", `ZSTD frame is damaged or does not hold ${rawLength} bytes`, { cause });
}
