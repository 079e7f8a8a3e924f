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
import { damaged, readZstdFrame, ZSTD_MAGIC, zstdDecompress, type ZstdFrame } from "./zstd_frame.ts";

/**
 * Makes `decompress`, `compress` and `crc32` of an engine; results and errors do not depend on `native`.
 */
export function createCodecs(native: NativeCodecs = {}): Pick<Engine, "decompress" | "compress" | "crc32"> {
  return {
    decompress: (codec, bytes, rawLength, take) =>
      codec === "lz4"
        ? lz4Decompress(bytes, rawLength, take)
        : zstdDecompress(bytes, rawLength, native.zstdDecompress ?? decodeZstd),
    compress: lz4Compress,
    crc32: native.crc32 ?? ((bytes, before = 0) => crc32Final(crc32Update(~before, bytes))),
  };
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
