import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { MAGIC, Opcode } from "../../import/mcap/mcap_records.ts";
import type { MessageFormat, MessageSchema } from "../../import/message_decoder.ts";
import { ByteBuilder } from "../byte_builder.ts";
import { chunkCompressor, type CompressChunk, type McapCompression } from "./chunk_compression.ts";
import { beginRecord, endRecord, putRecord, putSized, putText, putTexts } from "./mcap_out.ts";

/** Bytes of messages in a chunk, about: what a reader decompresses to see one, and what is held to write them. */
const CHUNK_BYTES = 1 << 20;
/** Ids have 16 bits; 0 is no schema. */
const MAX_IDS = 2 ** 16 - 1;

/** A stream of messages. */
export interface OutChannel {
  readonly topic: string;
  readonly format: MessageFormat;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A channel that has an id, and what was written of it. */
interface Channel extends OutChannel {
  readonly id: number;
  readonly schemaId: number;
  messageCount: number;
  /** Whether its record is in the data. */
  isWritten: boolean;
  /** Time and place of its messages in the chunk. */
  readonly index: ByteBuilder;
}

/** A file within the file. */
export interface OutAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly logTime: bigint;
  readonly createTime: bigint;
}

/**
 * Writes an MCAP file front to back: messages in chunks, with their index and a summary. A message is written between
 * {@linkcode begin} and {@linkcode end}; promises are awaited before the next call. It holds a chunk, and of those before some
 * hundred bytes each.
 *
 * Source: MCAP specification, https://mcap.dev/spec.
 */
export class McapWriter {
  readonly #engine: Engine;
  readonly #compression: McapCompression;
  readonly #compress: CompressChunk;
  readonly #write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  #position = 0;
  #dataCrc = 0;
  readonly #channels: Channel[] = [];
  readonly #schemas: { readonly schema: MessageSchema; isWritten: boolean }[] = [];
  readonly #chunk = new ByteBuilder(CHUNK_BYTES);
  /** Channels with messages in the chunk. */
  #chunkChannels = new Set<Channel>();
  #chunkStart = 0n;
  #chunkEnd = 0n;
  /** Where the message begins that is being written. */
  #message: { readonly channel: Channel; readonly logTime: bigint; readonly at: number } | undefined;
  readonly #chunkIndexes = new ByteBuilder();
  readonly #attachmentIndexes = new ByteBuilder();
  readonly #metadataIndexes = new ByteBuilder();
  #chunkCount = 0;
  #attachmentCount = 0;
  #metadataCount = 0;
  #firstTime: bigint | undefined;
  #lastTime = 0n;

  /**
   * Throws as {@linkcode chunkCompressor} does.
   *
   * @param write Takes bytes, which are its own from then on.
   */
  constructor(
    engine: Engine,
    compression: McapCompression,
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ) {
    this.#engine = engine;
    this.#compression = compression;
    this.#compress = chunkCompressor(engine, compression);
    this.#write = write;
  }

  /** Begins the file. */
  async start(profile: string, library: string): Promise<void> {
    const out = new ByteBuilder();
    out.raw(MAGIC);
    putRecord(out, Opcode.HEADER, () => {
      putText(out, profile);
      putText(out, library);
    });
    await this.#put(out);
  }

  /** Adds a channel; its number. Schemas are written once each. TOO_LARGE beyond what MCAP can number. */
  addChannel(channel: OutChannel): number {
    if (this.#channels.length === MAX_IDS) {
      const text = `Cannot write topic "${channel.topic}" to MCAP: it has ${MAX_IDS} topics at most`;
      throw new SmaltiError("TOO_LARGE", text);
    }
    const { schema } = channel.format;
    const schemaId = schema ? this.#schemaId(schema) : 0;
    const id = this.#channels.length;
    this.#channels.push({
      ...channel,
      id,
      schemaId,
      messageCount: 0,
      isWritten: false,
      index: new ByteBuilder(256),
    });
    return id;
  }

  /** Begins a message: its bytes are to be added to what comes back. */
  begin(channelId: number, logTime: bigint, publishTime: bigint, sequence: number): ByteBuilder {
    const channel = this.#channels[channelId];
    const out = this.#chunk;
    if (!channel.isWritten) this.#putChannel(out, channel);
    this.#message = { channel, logTime, at: beginRecord(out, Opcode.MESSAGE) };
    out.uint16(channelId);
    out.uint32(sequence);
    out.uint64(logTime);
    out.uint64(publishTime);
    return out;
  }

  /** Ends the message. Returns a promise only where a chunk is full: await it. */
  end(): Promise<void> | undefined {
    const { channel, logTime, at } = this.#message!;
    endRecord(this.#chunk, at);
    if (this.#chunkChannels.size === 0) this.#chunkStart = this.#chunkEnd = logTime;
    this.#chunkChannels.add(channel);
    if (logTime < this.#chunkStart) this.#chunkStart = logTime;
    if (logTime > this.#chunkEnd) this.#chunkEnd = logTime;
    channel.messageCount++;
    channel.index.uint64(logTime);
    channel.index.size(at);
    return this.#chunk.length >= CHUNK_BYTES ? this.flush() : undefined;
  }

  /** Takes back the message that was begun. */
  drop(): void {
    this.#chunk.length = this.#message!.at;
  }

  /** Writes the messages that wait for more. */
  async flush(): Promise<void> {
    if (this.#chunk.length === 0) return;
    const records = this.#chunk.written;
    const crc = this.#engine.crc32(records);
    const compressed = this.#compress(records);
    const body = compressed ?? records;
    const compression = compressed ? this.#compression : "";
    const out = new ByteBuilder(body.length + 256 + 64 * this.#chunkChannels.size);
    putRecord(out, Opcode.CHUNK, () => {
      out.uint64(this.#chunkStart);
      out.uint64(this.#chunkEnd);
      out.size(records.length);
      out.uint32(crc);
      putText(out, compression);
      out.size(body.length);
      out.raw(body);
    });
    const chunkLength = out.length;
    const offsets = new ByteBuilder();
    for (const { id, index } of this.#chunkChannels) {
      offsets.uint16(id);
      offsets.size(this.#position + out.length);
      putRecord(out, Opcode.MESSAGE_INDEX, () => {
        out.uint16(id);
        putSized(out, () => out.raw(index.written));
      });
      index.clear();
    }
    putRecord(this.#chunkIndexes, Opcode.CHUNK_INDEX, (index) => {
      index.uint64(this.#chunkStart);
      index.uint64(this.#chunkEnd);
      index.size(this.#position);
      index.size(chunkLength);
      putSized(index, () => index.raw(offsets.written));
      index.size(out.length - chunkLength);
      putText(index, compression);
      index.size(body.length);
      index.size(records.length);
    });
    if (this.#chunkChannels.size > 0) {
      if (this.#firstTime === undefined || this.#chunkStart < this.#firstTime) {
        this.#firstTime = this.#chunkStart;
      }
      if (this.#chunkEnd > this.#lastTime) this.#lastTime = this.#chunkEnd;
    }
    this.#chunkCount++;
    this.#chunk.clear();
    this.#chunkChannels = new Set();
    await this.#put(out);
  }

  /** Adds a file. */
  async attach({ name, mediaType, logTime, createTime }: OutAttachment, data: Uint8Array): Promise<void> {
    await this.flush();
    const out = new ByteBuilder(data.length + 256);
    putRecord(out, Opcode.ATTACHMENT, () => {
      const start = out.length;
      out.uint64(logTime);
      out.uint64(createTime);
      putText(out, name);
      putText(out, mediaType);
      out.size(data.length);
      out.raw(data);
      out.uint32(this.#engine.crc32(out.bytes.subarray(start, out.length)));
    });
    putRecord(this.#attachmentIndexes, Opcode.ATTACHMENT_INDEX, (index) => {
      index.size(this.#position);
      index.size(out.length);
      index.uint64(logTime);
      index.uint64(createTime);
      index.size(data.length);
      putText(index, name);
      putText(index, mediaType);
    });
    this.#attachmentCount++;
    await this.#put(out);
  }

  /** Adds facts in words. */
  async addMetadata(name: string, metadata: ReadonlyMap<string, string>): Promise<void> {
    await this.flush();
    const out = new ByteBuilder();
    putRecord(out, Opcode.METADATA, () => {
      putText(out, name);
      putTexts(out, metadata);
    });
    putRecord(this.#metadataIndexes, Opcode.METADATA_INDEX, (index) => {
      index.size(this.#position);
      index.size(out.length);
      putText(index, name);
    });
    this.#metadataCount++;
    await this.#put(out);
  }

  /** Ends the file. */
  async finish(): Promise<void> {
    await this.flush();
    const rest = new ByteBuilder();
    // Those without a message belong to the data too.
    for (const channel of this.#channels) if (!channel.isWritten) this.#putChannel(rest, channel);
    if (rest.length > 0) await this.#put(rest);
    const end = new ByteBuilder();
    putRecord(end, Opcode.DATA_END, () => end.uint32(this.#dataCrc));
    await this.#put(end);
    await this.#put(this.#summary());
  }

  /** The summary, the footer and the magic at the end. */
  #summary(): ByteBuilder {
    const start = this.#position;
    const out = new ByteBuilder();
    const groups = new ByteBuilder();
    const group = (opcode: number, write: () => void) => {
      const at = out.length;
      write();
      if (out.length === at) return;
      putRecord(groups, Opcode.SUMMARY_OFFSET, () => {
        groups.uint8(opcode);
        groups.size(start + at);
        groups.size(out.length - at);
      });
    };
    group(Opcode.SCHEMA, () => this.#schemas.forEach(({ schema }, i) => putSchema(out, i + 1, schema)));
    group(Opcode.CHANNEL, () => this.#channels.forEach((channel) => putChannel(out, channel)));
    group(Opcode.STATISTICS, () => this.#putStatistics(out));
    group(Opcode.CHUNK_INDEX, () => out.raw(this.#chunkIndexes.written));
    group(Opcode.ATTACHMENT_INDEX, () => out.raw(this.#attachmentIndexes.written));
    group(Opcode.METADATA_INDEX, () => out.raw(this.#metadataIndexes.written));
    const groupsAt = start + out.length;
    out.raw(groups.written);
    const footer = beginRecord(out, Opcode.FOOTER);
    out.size(start);
    out.size(groupsAt);
    const crcAt = out.take(4);
    endRecord(out, footer);
    out.view.setUint32(crcAt, this.#engine.crc32(out.bytes.subarray(0, crcAt)), true);
    out.raw(MAGIC);
    return out;
  }

  #putStatistics(out: ByteBuilder): void {
    putRecord(out, Opcode.STATISTICS, () => {
      out.size(this.#channels.reduce((sum, { messageCount }) => sum + messageCount, 0));
      out.uint16(this.#schemas.length);
      out.uint32(this.#channels.length);
      out.uint32(this.#attachmentCount);
      out.uint32(this.#metadataCount);
      out.uint32(this.#chunkCount);
      out.uint64(this.#firstTime ?? 0n);
      out.uint64(this.#lastTime);
      putSized(out, () => {
        for (const { id, messageCount } of this.#channels) {
          out.uint16(id);
          out.size(messageCount);
        }
      });
    });
  }

  #putChannel(out: ByteBuilder, channel: Channel): void {
    const known = this.#schemas[channel.schemaId - 1];
    if (known && !known.isWritten) {
      putSchema(out, channel.schemaId, known.schema);
      known.isWritten = true;
    }
    putChannel(out, channel);
    channel.isWritten = true;
  }

  #schemaId(schema: MessageSchema): number {
    const known = this.#schemas.findIndex((other) => isSame(other.schema, schema));
    return known >= 0 ? known + 1 : this.#schemas.push({ schema, isWritten: false });
  }

  async #put(out: ByteBuilder): Promise<void> {
    const bytes = out.written;
    this.#dataCrc = this.#engine.crc32(bytes, this.#dataCrc);
    this.#position += bytes.length;
    await this.#write(bytes);
  }
}

function putSchema(out: ByteBuilder, id: number, { name, encoding, data }: MessageSchema): void {
  putRecord(out, Opcode.SCHEMA, () => {
    out.uint16(id);
    putText(out, name);
    putText(out, encoding);
    putSized(out, () => out.raw(data));
  });
}

function putChannel(out: ByteBuilder, { id, schemaId, topic, format, metadata }: Channel): void {
  putRecord(out, Opcode.CHANNEL, () => {
    out.uint16(id);
    out.uint16(schemaId);
    putText(out, topic);
    putText(out, format.encoding);
    putTexts(out, metadata);
  });
}

function isSame(a: MessageSchema, b: MessageSchema): boolean {
  return a.name === b.name && a.encoding === b.encoding && a.data.length === b.data.length &&
    a.data.every((byte, i) => byte === b.data[i]);
}
