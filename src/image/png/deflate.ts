import { builtin } from "../../util/builtin.ts";
import { through } from "./chunks.ts";

/** Of Node's `node:zlib`. */
interface Zlib {
  deflate?(
    bytes: Uint8Array,
    options: { level: number },
    done: (error: Error | null, compressed: Uint8Array) => void,
  ): void;
}

/** Takes a sixth of the time of a `CompressionStream`'s, for a seventh more bytes of a camera's picture. */
const LEVEL = 3;

/** Bytes as PNG has them compressed, made beside the event loop; pieces of them. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array[]> {
  const { deflate } = builtin<Zlib>("node:zlib");
  if (deflate) {
    return await new Promise((resolve, reject) => {
      deflate(bytes, { level: LEVEL }, (error, compressed) => error ? reject(error) : resolve([compressed]));
    });
  }
  const parts: Uint8Array[] = [];
  for await (const part of through([bytes], new CompressionStream("deflate"))) parts.push(part);
  return parts;
}
