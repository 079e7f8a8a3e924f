import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";

const MAGIC = 0xfd2fb528;
/** Magics of frames to be skipped, but for their last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a50;

interface Frame {
  readonly bytes: Uint8Array;
  /** Bytes of content; undefined where the frame does not say. */
  readonly size: number | undefined;
}

/**
 * Decompresses ZSTD frames one after another, which the engine takes one at a time. Some writers end with an empty frame
 * (zlib of Deno 2.9 does), or put frames in between that hold no content. At most one frame may leave out the size of its
 * content. CORRUPT where the bytes are damaged or do not hold `rawLength` bytes, UNSUPPORTED as the engine says.
 *
 * Source: RFC 8878, section 3.1.
 */
export function decompressZstd(
  engine: Pick<Engine, "decompress">,
  bytes: Uint8Array,
  rawLength: number,
): Uint8Array {
  const frames = readFrames(bytes);
  // The engine says best what is wrong with a frame that is none.
  if (frames === undefined || frames.length < 2) {
    return engine.decompress("zstd", frames?.[0]?.bytes ?? bytes, rawLength);
  }
  const known = frames.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const unknown = frames.filter(({ size }) => size === undefined).length;
  if (unknown > 1) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `ZSTD frames: ${unknown} of ${frames.length} do not say their content's size`,
    );
  }
  if (known > rawLength || (unknown === 0 && known < rawLength)) {
    throw new SmaltiError(
      "CORRUPT",
      `ZSTD frames do not hold ${rawLength} bytes`,
    );
  }
  const parts = frames.map(({ bytes, size }) => engine.decompress("zstd", bytes, size ?? rawLength - known))
    .filter((part) => part.length > 0);
  if (parts.length === 1) return parts[0];
  const output = new Uint8Array(rawLength);
  let at = 0;
  for (const part of parts) {
    output.set(part, at);
    at += part.length;
  }
  return output;
}

/** The frames with content that fill `bytes`; undefined where they do not look like it. */
function readFrames(bytes: Uint8Array): Frame[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: Frame[] = [];
  try {
    for (let start = 0; start < bytes.length;) {
      const magic = view.getUint32(start, true);
      if (magic >>> 4 === SKIPPABLE_MAGIC >>> 4) {
        start += 8 + view.getUint32(start + 4, true);
        if (start > bytes.length) return undefined;
        continue;
      }
      if (magic !== MAGIC) return undefined;
      const { size, end } = readFrame(view, start);
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

/** Where a frame ends, and the size of its content. */
function readFrame(
  view: DataView,
  start: number,
): { size: number | undefined; end: number } {
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
