import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { builtin } from "../../util/builtin.ts";

/** The part of `node:zlib` used here; older runtimes lack it. */
interface Zlib {
  zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
}

/** How the chunks of an MCAP file are compressed. */
export type McapCompression = "lz4" | "zstd" | "none";

const COMPRESSIONS: readonly McapCompression[] = ["lz4", "zstd", "none"];

/** Compresses a chunk: what comes back is good until the next call, and undefined where it saves nothing. */
export type CompressChunk = (bytes: Uint8Array) => Uint8Array | undefined;

/**
 * What compresses chunks. TypeError for a compression that is none of ours; UNSUPPORTED for ZSTD where the runtime cannot write it
 * in native code.
 */
export function chunkCompressor(engine: Engine, compression: McapCompression): CompressChunk {
  switch (compression) {
    case "none":
      return () => undefined;
    case "lz4":
      return (bytes) => engine.compress(bytes);
    case "zstd": {
      const { zstdCompressSync } = builtin<Zlib>("node:zlib");
      if (!zstdCompressSync) {
        const text =
          "Cannot write MCAP in ZSTD: this runtime cannot compress by it; wanted Deno, Bun or Node " +
          "from 22.15 on, or compression lz4 or none";
        throw new SmaltiError("UNSUPPORTED", text);
      }
      return (bytes) => {
        const compressed = withoutEmptyFrame(zstdCompressSync(bytes));
        return compressed.length < bytes.length ? compressed : undefined;
      };
    }
    default: {
      const text = `Cannot write MCAP: compression is ${JSON.stringify(compression)}, wanted ${
        COMPRESSIONS.join(", ")
      }`;
      throw new TypeError(text);
    }
  }
}

/** A ZSTD frame of nothing. */
const EMPTY_FRAME = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00];

/** One frame: Deno puts an empty one behind it at some lengths, which readers of one frame, such as ours, take for damage. */
function withoutEmptyFrame(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - EMPTY_FRAME.length;
  const hasOne = end > 0 && EMPTY_FRAME.every((byte, i) => bytes[end + i] === byte);
  return hasOne ? bytes.subarray(0, end) : bytes;
}
