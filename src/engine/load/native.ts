import { builtin } from "../../util/builtin.ts";
import type { NativeCodecs } from "../../engine.ts";

/** The part of `node:zlib` used here; older runtimes lack either function. */
interface Zlib {
  crc32?(bytes: Uint8Array, before?: number): number;
  zstdDecompressSync?(
    bytes: Uint8Array,
    options: { maxOutputLength?: number; chunkSize?: number },
  ): Uint8Array;
}

/** The smallest chunk that zlib accepts. */
const MIN_CHUNK = 64;

/**
 * What the runtime has in native code: CRC-32 and ZSTD of `node:zlib` on Deno, Bun and newer Node (20 has CRC-32
 * only), nothing in browsers.
 *
 * Looks the module up when called; importing this file touches nothing. `zstdDecompress` takes the most bytes it may
 * return as a second argument, and throws where a frame holds more.
 */
export function loadNativeCodecs(): NativeCodecs {
  const { crc32, zstdDecompressSync } = builtin<Zlib>("node:zlib");
  const codecs: NativeCodecs = {};
  if (typeof crc32 === "function") codecs.crc32 = (bytes, before) => crc32(bytes, before);
  if (typeof zstdDecompressSync === "function") {
    codecs.zstdDecompress = (bytes: Uint8Array, maxBytes?: number) => {
      // Room for one byte more than needed lets zlib finish in one chunk, with nothing to put together.
      const bounds = maxBytes === undefined
        ? {}
        : { maxOutputLength: Math.max(1, maxBytes), chunkSize: Math.max(MIN_CHUNK, maxBytes + 1) };
      const output = zstdDecompressSync(bytes, bounds);
      return new Uint8Array(output.buffer, output.byteOffset, output.length);
    };
  }
  return codecs;
}
