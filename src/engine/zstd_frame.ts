/**
 * The outside of ZSTD frames, which is checked before any decoder sees them.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** How a frame begins. */
export const ZSTD_MAGIC = 0xfd2fb528;
/** No block holds more. */
const ZSTD_MAX_BLOCK = 1 << 17;
/** Fewer bytes no match has. */
const MIN_MATCH = 3;
/** The largest window that libzstd accepts unless told otherwise. */
const ZSTD_MAX_WINDOW = 2 ** 27;

/** Decompresses a frame whose outside is sound; throws rather than return more bytes than there are to be. */
export type DecodeZstd = (bytes: Uint8Array, rawLength: number, frame: ZstdFrame) => Uint8Array;

/** Decompresses a frame. CORRUPT where it does not hold so many bytes, UNSUPPORTED where it needs a dictionary or a larger window. */
export function zstdDecompress(bytes: Uint8Array, rawLength: number, decode: DecodeZstd): Uint8Array {
  const frame = readZstdFrame(bytes, rawLength);
  let output: Uint8Array;
  try {
    output = decode(bytes, rawLength, frame);
  } catch (cause) {
    throw cause instanceof SmaltiError ? cause : damaged(rawLength, cause);
  }
  if (output.length !== rawLength) throw damaged(rawLength);
  return output.byteOffset % 8 === 0 ? output : output.slice();
}

/** What is known of a frame by its outside. */
export interface ZstdFrame {
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
export function readZstdFrame(bytes: Uint8Array, rawLength: number, isExact = true): ZstdFrame {
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

/** What is said of a frame that is damaged. */
export function damaged(rawLength: number, cause?: unknown): SmaltiError {
  return new SmaltiError("CORRUPT", `ZSTD frame is damaged or does not hold ${rawLength} bytes`, { cause });
}
