/**
 * LZ4 and ZSTD frames side by side, as files have them, for an engine that takes one at a time.
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { zstdContentBytes } from "../engine/codecs.ts";
import { lz4ContentBytes } from "../engine/lz4.ts";
import { SmaltiError } from "../error.ts";

/** Magics of frames to be skipped, in both formats, but for their last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a50;

type Codec = "lz4" | "zstd";

interface Frame {
  readonly bytes: Uint8Array;
  /** Bytes of content; undefined where the frame does not say. */
  readonly size: number | undefined;
}

interface Format {
  readonly name: string;
  readonly magic: number;
  /** Where a frame ends, and the size of its content. RangeError where it is cut. */
  end(view: DataView, start: number): { size: number | undefined; end: number };
  /** Bytes that a frame holds which does not say. CORRUPT where it is damaged or holds more than `maxBytes`. */
  contentBytes(bytes: Uint8Array, maxBytes: number): number;
}

const FORMATS: Readonly<Record<Codec, Format>> = {
  lz4: { name: "LZ4", magic: 0x184d2204, end: endOfLz4, contentBytes: lz4ContentBytes },
  zstd: { name: "ZSTD", magic: 0xfd2fb528, end: endOfZstd, contentBytes: zstdContentBytes },
};

/**
 * Decompresses frames one after another. Some writers end with an empty frame (zlib of Deno 2.9 does), put frames in between
 * that hold no content, or zeros after the last. CORRUPT where the bytes are damaged or do not hold `rawLength` bytes,
 * UNSUPPORTED as the engine says.
 *
 * @param allocate As of {@linkcode Engine.decompress}.
 *
 * Source: RFC 8878, section 3.1; LZ4 frame format 1.6.4.
 */
export function decompressFrames(
  engine: Pick<Engine, "decompress">,
  codec: Codec,
  bytes: Uint8Array,
  rawLength: number,
  allocate?: (bytes: number) => Uint8Array,
): Uint8Array {
  const format = FORMATS[codec];
  const frames = readFrames(format, bytes);
  // The engine says best what is wrong with a frame that is none.
  if (frames === undefined || frames.length < 2) {
    return engine.decompress(codec, frames?.[0]?.bytes ?? bytes, rawLength, allocate);
  }
  const parts: Uint8Array[] = [];
  let left = rawLength;
  const unsized = frames.findLast(({ size }) => size === undefined);
  let sizedAfter = frames.reduce((sum, { size }) => sum + (size ?? 0), 0);
  for (const frame of frames) {
    sizedAfter -= frame.size ?? 0;
    const size = frame.size ??
      (frame === unsized ? left - sizedAfter : format.contentBytes(frame.bytes, left));
    if (size < 0 || size > left) throw doNotHold(format, rawLength);
    parts.push(engine.decompress(codec, frame.bytes, size));
    left -= size;
  }
  if (left !== 0) throw doNotHold(format, rawLength);
  const held = parts.filter(({ length }) => length > 0);
  if (held.length === 1) return held[0];
  const output = new Uint8Array(rawLength);
  let at = 0;
  for (const part of held) {
    output.set(part, at);
    at += part.length;
  }
  return output;
}

/** Whether bytes begin with a ZSTD frame. */
export function isZstd(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f &&
    bytes[3] === 0xfd;
}

/** {@linkcode decompressFrames} where nobody says how many bytes they hold: TOO_LARGE where those are more than `maxBytes`. */
export function decompressAll(
  engine: Pick<Engine, "decompress">,
  codec: Codec,
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array {
  const format = FORMATS[codec];
  const frames = readFrames(format, bytes) ?? [{ bytes, size: undefined }];
  const total = frames.reduce(
    (sum, frame) => sum + (frame.size ?? countBytes(format, frame.bytes, maxBytes)),
    0,
  );
  if (total > maxBytes) {
    throw new SmaltiError(
      "TOO_LARGE",
      `${format.name} frames hold ${total} bytes and at most ${maxBytes} are read`,
    );
  }
  return decompressFrames(engine, codec, bytes, total);
}

function countBytes(format: Format, bytes: Uint8Array, maxBytes: number): number {
  try {
    return format.contentBytes(bytes, maxBytes);
  } catch (cause) {
    if (!(cause instanceof SmaltiError) || cause.code !== "CORRUPT") throw cause;
    const text =
      `${format.name} frame is damaged, or holds more than the ${maxBytes} bytes that are read at most`;
    throw new SmaltiError("CORRUPT", text, { cause });
  }
}

function doNotHold({ name }: Format, rawLength: number): SmaltiError {
  return new SmaltiError("CORRUPT", `${name} frames do not hold ${rawLength} bytes`);
}

/** The frames with content that fill `bytes`, but for zeros at the end; undefined where they do not look like it. */
function readFrames({ magic: wanted, end: endOf }: Format, bytes: Uint8Array): Frame[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: Frame[] = [];
  try {
    for (let start = 0; start < bytes.length;) {
      if (bytes[start] === 0 && frames.length > 0) {
        if (bytes.subarray(start).some((byte) => byte !== 0)) return undefined;
        break;
      }
      const magic = view.getUint32(start, true);
      if (magic >>> 4 === SKIPPABLE_MAGIC >>> 4) {
        start += 8 + view.getUint32(start + 4, true);
        if (start > bytes.length) return undefined;
        continue;
      }
      if (magic !== wanted) return undefined;
      const { size, end } = endOf(view, start);
      if (end > bytes.length) return undefined;
      frames.push({ bytes: bytes.subarray(start, end), size });
      start = end;
    }
  } catch (reason) {
    if (reason instanceof RangeError) return undefined; // cut
    throw reason;
  }
  return frames;
}

function endOfLz4(view: DataView, start: number): { size: number | undefined; end: number } {
  const flags = view.getUint8(start + 4);
  const hasSize = (flags & 0x08) !== 0;
  let at = start + 7 + (hasSize ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  for (;;) {
    const length = view.getUint32(at, true) & 0x7fffffff;
    at += 4;
    if (length === 0) break;
    at += length + checksumBytes;
  }
  const size = hasSize ? Number(view.getBigUint64(start + 6, true)) : undefined;
  return { size, end: at + ((flags & 0x04) !== 0 ? 4 : 0) };
}

function endOfZstd(view: DataView, start: number): { size: number | undefined; end: number } {
  const flags = view.getUint8(start + 4);
  const single = (flags & 0x20) !== 0;
  const sizeAt = start + (single ? 5 : 6) + [0, 1, 2, 4][flags & 3];
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6];
  let size = sizeBytes === 2 ? 256 : 0;
  for (let i = 0; i < sizeBytes; i++) {
    size += view.getUint8(sizeAt + i) * 2 ** (8 * i);
  }
  let at = sizeAt + sizeBytes;
  for (let last = false; !last;) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) !== 0;
    // A block of one repeated byte takes one.
    at += 3 + ((header >> 1 & 3) === 1 ? 1 : header >> 3);
  }
  return {
    size: sizeBytes === 0 ? undefined : size,
    end: at + ((flags & 4) !== 0 ? 4 : 0),
  };
}
