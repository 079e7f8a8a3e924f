/**
 * MCAP -> a sequence.
 *
 * @module
 */
import type { TypedMcapRecord, TypedMcapRecords } from "@mcap/core";
import type { Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import { sequenceName } from "../../names.ts";
import { type Json, MAX_NS, type Metadata, type SequenceInfo } from "../../types.ts";
import type { SequenceWriter } from "../../write/sequence_writer.ts";
import { type ByteChunks, type ByteSource, readParts, toByteSource } from "../byte_source.ts";
import { McapReader } from "./mcap_reader.ts";
import type { ImportedTopic } from "./mcap_topic.ts";
import { McapTopics } from "./mcap_topics.ts";

/** Options of {@linkcode importMcap}. */
export interface ImportMcapOptions {
  /** The new sequence's name. */
  name: string;
  /** Facts about the sequence, beside those from the file. @default {} */
  metadata?: Metadata;
  /** Gives the import up. @default none */
  signal?: AbortSignal;
  /** Called as bytes have been read; `totalBytes` is undefined where the source does not say. @default none */
  onProgress?: (bytesRead: number, totalBytes: number | undefined) => void;
  /**
   * Whether to keep the publish time and the sequence number that MCAP has beside each message, as columns
   * `_publish_time_ns` (uint64) and `_sequence` (uint32). @default false
   */
  envelope?: boolean;
  /** Bound on what the sequence's topics hold in memory before it is stored, in bytes. @default 32 MiB */
  maxBufferedBytes?: number;
  /** Bound on a record of the file, and on a chunk once decompressed, in bytes; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

/** What {@linkcode importMcap} did. */
export interface ImportMcapReport {
  /** The sequence as it is now. */
  readonly sequence: SequenceInfo;
  /** What became of each topic of the file. */
  readonly topics: readonly ImportedTopic[];
  /** Messages taken, on all topics. */
  readonly messageCount: number;
  /** Attachments kept with the sequence. */
  readonly attachmentCount: number;
  /** Metadata records kept in the sequence's metadata. */
  readonly metadataCount: number;
  /** Messages whose publish time was not their log time, and was dropped for want of `envelope`. */
  readonly droppedPublishTimes: number;
  /** Records of kinds that MCAP does not define; they were skipped. */
  readonly unknownRecordCount: number;
}

const DEFAULT_BUFFERED_BYTES = 32 * 2 ** 20;
const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;

/**
 * Records an MCAP file as a new sequence, in one pass over its bytes: a file without index or summary is as good as one
 * with them. Times are log times; messages of one time and topic keep the file's order.
 *
 * JSON messages with a JSON Schema become columns, all nullable: integer int64, number float64, string utf8, boolean
 * bool, object struct, array list, null null. A last column `_json` (utf8, null where not needed) holds the text of
 * every message that the columns do not hold whole: keys without a column, values of another type or out of range. JSON
 * without a usable schema is `_json` alone. Every other encoding is one column `data` (binary). Fields called
 * `timestamp_ns` or `_json` get an underscore more.
 *
 * A topic's tag is the name of its schema. Topic names that break smalti's rule are escaped; a second schema on a topic
 * makes topic `<name>_2`. The topic's metadata has `mcap.topic` (the name in the file), `mcap.message_encoding`,
 * `mcap.schema_name`, `mcap.schema_encoding`, `mcap.schema_data` (in base64 as `mcap.schema_data_base64` where it is no
 * text) and `mcap.channel_metadata`. The sequence's has `mcap.profile`, `mcap.library`, `mcap.metadata` (the metadata
 * records) and, where there are any, `mcap.channels` (metadata of further channels on a topic) and
 * `mcap.attachment_times` (those beyond int64). Attachments are the sequence's.
 *
 * Memory is bounded by the largest chunk or record and `maxBufferedBytes`, not by the file.
 *
 * Rejects with CORRUPT where the file is no MCAP (before any sequence is made), is cut or is damaged (CRCs are checked);
 * UNSUPPORTED where a chunk is neither LZ4 nor ZSTD or a time is beyond int64; TOO_LARGE beyond `maxRecordBytes`;
 * ALREADY_EXISTS, INVALID_NAME and others as the client says. Whatever was read before stays readable, as a sequence in
 * state `failed`; the message says how much that is. ABORTED by the signal: then nothing stays.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importMcap, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * const report = await importMcap(client, await openFile("flight.mcap"), { name: "flight" });
 * console.log(report.messageCount, report.topics.length);
 * ```
 *
 * Source: MCAP specification, https://mcap.dev/spec.
 */
export async function importMcap(
  client: Client,
  source: ByteSource | ByteChunks,
  options: ImportMcapOptions,
): Promise<ImportMcapReport> {
  sequenceName(options.name);
  const { signal, onProgress, maxRecordBytes = DEFAULT_RECORD_BYTES } = options;
  const { chunks, sizeBytes, name: file } = toByteSource(source);
  const run = new McapImport(client, options, file);
  const reader = new McapReader({
    engine: client.engine,
    sizeBytes,
    maxRecordBytes,
  });
  try {
    signal?.throwIfAborted();
    for await (const bytes of readParts(chunks, signal)) {
      reader.append(bytes);
      for (let record; (record = reader.next()) !== undefined;) {
        const taken = run.take(record);
        if (taken) await taken;
      }
      onProgress?.(reader.bytesSeen, sizeBytes);
    }
    reader.finish();
    return await run.finish();
  } catch (reason) {
    throw await run.fail(reason);
  }
}

/** One import: takes the file's records in order, then ends, well or not. */
class McapImport {
  readonly #client: Client;
  readonly #options: ImportMcapOptions;
  readonly #file: string | undefined;
  #target: { sequence: SequenceWriter; topics: McapTopics } | undefined;
  #metadata: Json[] = [];
  #attachmentCount = 0;
  /** Times beyond int64, which no attachment can have. */
  #attachmentTimes: Json[] = [];
  #unknownRecordCount = 0;

  constructor(
    client: Client,
    options: ImportMcapOptions,
    file: string | undefined,
  ) {
    this.#client = client;
    this.#options = options;
    this.#file = file;
  }

  /** Takes a record. A promise that comes back is awaited before the next. */
  take(record: TypedMcapRecord): Promise<void> | undefined {
    if (!this.#target) return this.#begin(record);
    const { sequence, topics } = this.#target;
    switch (record.type) {
      case "Message":
        return topics.push(record);
      case "Channel":
        return topics.addChannel(record);
      case "Schema":
        topics.addSchema(record);
        break;
      case "Metadata":
        this.#metadata.push({
          name: record.name,
          metadata: Object.fromEntries(record.metadata),
        });
        break;
      case "Attachment":
        return this.#attach(sequence, record);
      case "Unknown":
        this.#unknownRecordCount++;
        break;
    }
    return undefined;
  }

  /** Commits the sequence. */
  async finish(): Promise<ImportMcapReport> {
    const { sequence, topics } = this.#target!;
    this.#options.signal?.throwIfAborted();
    this.#addMetadata();
    return {
      sequence: await sequence.finalize(),
      topics: topics.report,
      messageCount: topics.messageCount,
      attachmentCount: this.#attachmentCount,
      metadataCount: this.#metadata.length,
      droppedPublishTimes: topics.droppedPublishTimes,
      unknownRecordCount: this.#unknownRecordCount,
    };
  }

  /** Gives the sequence up and says so; returns what to throw. */
  async fail(reason: unknown): Promise<unknown> {
    const { name, signal } = this.#options;
    const what = `${
      this.#file === undefined ? "the MCAP file" : JSON.stringify(this.#file)
    } as sequence "${name}"`;
    if (signal?.aborted) {
      const kept = await this.#abort(reason, "delete");
      const text = `Import of ${what} was aborted${kept}`;
      return new SmaltiError("ABORTED", text, {
        sequence: name,
        cause: signal.reason,
      });
    }
    const kept = await this.#abort(reason, "report");
    if (!(reason instanceof SmaltiError)) return reason;
    return new SmaltiError(
      reason.code,
      `Cannot import ${what}: ${reason.rawMessage}${kept}`,
      {
        ...(this.#file !== undefined && { file: this.#file }),
        sequence: name,
        ...reason.details,
        cause: reason,
      },
    );
  }

  /** Starts the sequence at the first record, by when the file has shown that it is one. */
  async #begin(record: TypedMcapRecord): Promise<void> {
    const { name, metadata, envelope = false, maxBufferedBytes = DEFAULT_BUFFERED_BYTES } = this.#options;
    const sequence = await this.#client.sequenceCreate(name, {
      maxBufferedBytes,
      autoFlush: false, // what is lost can be imported again
      metadata: {
        ...metadata,
        ...(record.type === "Header" &&
          { "mcap.profile": record.profile, "mcap.library": record.library }),
      },
    });
    this.#target = { sequence, topics: new McapTopics(sequence, envelope) };
    await this.take(record);
  }

  async #attach(
    sequence: SequenceWriter,
    record: TypedMcapRecords["Attachment"],
  ): Promise<void> {
    const { name, mediaType, logTime, createTime, data } = record;
    const [timestampNs, createdNs] = [logTime, createTime].map((time) => time <= MAX_NS ? time : undefined);
    await sequence.attach({
      name,
      mediaType,
      ...(timestampNs !== undefined && { timestampNs }),
      ...(createdNs !== undefined && { createdNs }),
    }, data);
    if (timestampNs === undefined || createdNs === undefined) {
      this.#attachmentTimes.push({
        attachment: this.#attachmentCount,
        log_time: String(logTime),
        create_time: String(createTime),
      });
    }
    this.#attachmentCount++;
  }

  #addMetadata(): void {
    const { sequence, topics } = this.#target!;
    sequence.addMetadata({
      "mcap.metadata": this.#metadata,
      ...(this.#attachmentTimes.length > 0 && { "mcap.attachment_times": this.#attachmentTimes }),
      ...(topics.mergedChannels.length > 0 &&
        { "mcap.channels": [...topics.mergedChannels] }),
    });
  }

  /** Ends the sequence, if there is one, and says in words what is left. */
  async #abort(reason: unknown, policy: "delete" | "report"): Promise<string> {
    if (!this.#target) return "; no sequence was made";
    const { sequence, topics } = this.#target;
    try {
      if (sequence.status === "open") this.#addMetadata();
      await sequence.abort(reason, policy);
    } catch (failure) {
      return `; and the sequence could not be ended: ${(failure as Error).message}`;
    }
    if (policy === "delete") return "; nothing of it is kept";
    const topicCount = topics.report.length;
    return `; what came before is kept, in state failed: messages ${topics.messageCount}, topics ${topicCount}`;
  }
}
