/**
 * Files that are compressed whole, as rosbag2 compresses those of a bag.
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { type ByteSource, readParts } from "./byte_source.ts";
import { decompressAll } from "./frames.ts";

/** Decompresses files, of which it holds one: the last. */
export class Decompressor {
  readonly #engine: Pick<Engine, "decompress">;
  readonly #maxBytes: number;
  #last: { source: ByteSource; content: Promise<Uint8Array> } | undefined;

  /** @param maxBytes Of a file, compressed or not: TOO_LARGE beyond. */
  constructor(engine: Pick<Engine, "decompress">, maxBytes: number) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
  }

  /** What is in a file of ZSTD frames, decompressed when it is read. One that cannot be read again stays in memory. */
  contentOf(source: ByteSource, signal?: AbortSignal): ByteSource {
    const { name, isRepeatable = false } = source;
    let kept: Promise<Uint8Array> | undefined;
    const whole = () => {
      if (kept) return kept;
      const content = this.#content(source, signal);
      if (!isRepeatable) kept = content;
      return content;
    };
    async function* chunks() {
      yield await whole();
    }
    return {
      ...(name !== undefined && { name }),
      chunks: { [Symbol.asyncIterator]: chunks },
      isRepeatable: true,
      whole,
    };
  }

  #content(source: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (this.#last?.source === source) return this.#last.content;
    const content = this.#decompress(source, signal);
    this.#last = { source, content };
    return content;
  }

  async #decompress({ chunks }: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const bytes = await readAll(readParts(chunks, signal), this.#maxBytes);
    return decompressAll(this.#engine, "zstd", bytes, this.#maxBytes);
  }
}

/** All bytes of a stream. TOO_LARGE where there are more than so many. */
export async function readAll(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of stream) {
    total += part.length;
    if (total > maxBytes) {
      const text = `it has more than ${maxBytes} bytes, which are to be held in memory`;
      throw new SmaltiError("TOO_LARGE", text);
    }
    parts.push(part.slice());
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
