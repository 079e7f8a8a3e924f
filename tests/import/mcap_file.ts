/**
 * Makes MCAP files, and reads what an import made of them.
 *
 * @module
 */
import * as zlib from "node:zlib";
import { McapWriter, type McapWriterOptions } from "@mcap/core";
import { plainRow, type RowView } from "../../src/arrow/row_view.ts";
import type { Client } from "../../src/client.ts";
import { lz4Compress } from "../../src/engine/lz4_compress.ts";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Writes a file into memory. Callbacks get a writer that was started and is ended after them. */
export async function writeMcap(
  build: (file: McapBuilder) => Promise<void>,
  options: Omit<McapWriterOptions, "writable"> = {},
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const writer = new McapWriter({
    ...options,
    writable: {
      position: () => BigInt(size),
      write: (bytes) => {
        parts.push(bytes.slice());
        size += bytes.length;
        return Promise.resolve();
      },
    },
  });
  await writer.start({ profile: "test profile", library: "test library" });
  await build(new McapBuilder(writer));
  await writer.end();
  return concat(parts);
}

/** The writer with shorter calls. */
export class McapBuilder {
  readonly writer: McapWriter;
  #sequence = 0;
  constructor(writer: McapWriter) {
    this.writer = writer;
  }

  /** A channel with a JSON Schema. */
  async json(
    topic: string,
    schema: unknown,
    name = "Test",
    metadata: Record<string, string> = {},
  ): Promise<number> {
    const text = typeof schema === "string" ? schema : JSON.stringify(schema);
    return await this.channel(topic, "json", {
      name,
      encoding: "jsonschema",
      data: encode(text),
    }, metadata);
  }

  async channel(
    topic: string,
    messageEncoding: string,
    schema?: { name: string; encoding: string; data: Uint8Array },
    metadata: Record<string, string> = {},
  ): Promise<number> {
    const schemaId = schema ? await this.writer.registerSchema(schema) : 0;
    return await this.writer.registerChannel({
      topic,
      messageEncoding,
      schemaId,
      metadata: new Map(Object.entries(metadata)),
    });
  }

  async message(
    channelId: number,
    logTime: bigint,
    data: Uint8Array | string,
    publishTime = logTime,
  ): Promise<void> {
    const bytes = typeof data === "string" ? encode(data) : data;
    await this.writer.addMessage({
      channelId,
      sequence: this.#sequence++,
      logTime,
      publishTime,
      data: bytes,
    });
  }
}

type CompressChunk = NonNullable<McapWriterOptions["compressChunk"]>;

/** What chunks are compressed by. */
export const COMPRESSIONS: Record<
  "none" | "lz4" | "zstd",
  CompressChunk | undefined
> = {
  none: undefined,
  lz4: (chunk) => {
    const compressedData = lz4Compress(chunk);
    return compressedData
      ? { compression: "lz4", compressedData }
      : { compression: "", compressedData: chunk };
  },
  zstd: (chunk) => ({
    compression: "zstd",
    compressedData: zstdCompress(chunk),
  }),
};

/** A ZSTD frame: by the runtime where it can, else with nothing compressed (Node 20). */
export function zstdCompress(bytes: Uint8Array): Uint8Array {
  const { zstdCompressSync } = zlib as {
    zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
  };
  return zstdCompressSync ? new Uint8Array(zstdCompressSync(bytes)) : zstdStore(bytes);
}

/** A ZSTD frame with stored blocks and the size of its content. */
export function zstdStore(bytes: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(9));
  header.setUint32(0, 0xfd2fb528, true);
  header.setUint8(4, 0xa0);
  header.setUint32(5, bytes.length, true);
  const parts: Uint8Array[] = [new Uint8Array(header.buffer)];
  for (let at = 0; at === 0 || at < bytes.length; at += 1 << 17) {
    const block = bytes.subarray(at, at + (1 << 17));
    const word = (block.length << 3) |
      (at + block.length === bytes.length ? 1 : 0);
    parts.push(Uint8Array.of(word & 255, (word >> 8) & 255, word >> 16), block);
  }
  return concat(parts);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes in chunks, in one buffer that is overwritten each time. */
export async function* chunked(
  bytes: Uint8Array,
  size = 1000,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    buffer.fill(0xaa).set(part);
    yield await Promise.resolve(buffer.subarray(0, part.length));
  }
}

/** One message as read back. */
export interface ReadMessage {
  timestampNs: bigint;
  data: Record<string, unknown>;
}

/** A topic's messages, as plain objects without what is missing. */
export async function readTopic(
  client: Client,
  sequence: string,
  topic: string,
): Promise<ReadMessage[]> {
  const handler = await client.topicHandler(sequence, topic);
  const messages: ReadMessage[] = [];
  for await (const message of handler.getDataStreamer()) {
    messages.push({
      timestampNs: message.timestampNs,
      data: plain(message.data as RowView),
    });
  }
  return messages;
}

function plain(row: RowView): Record<string, unknown> {
  return plainRow(row, false);
}
