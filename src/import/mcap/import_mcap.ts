/**
 * MCAP -> a sequence.
 *
 * @module
 */
import type { TypedMcapRecord, TypedMcapRecords } from "@mcap/core";
import type { Client } from "../../client.ts";
import type { FieldSchema } from "../../schema.ts";
import { type JsonValue, MAX_NS, type Metadata } from "../../types.ts";
import type { ImportSources } from "../byte_source.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import {
  IMPORT_OPTIONS,
  type ImportOptions,
  importRecording,
  type ImportReport,
  type RecordingImport,
} from "../recording_import.ts";
import { McapChannels, type McapTopics } from "./mcap_channels.ts";
import type { TopicImport } from "../topic_import.ts";
import { McapReader } from "./mcap_reader.ts";

/** Options of {@linkcode importMcap}. */
export interface ImportMcapOptions extends ImportOptions {
  /** Bound on a record of the file, and on a chunk once decompressed, in bytes; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

const MCAP_OPTIONS: OptionNames<ImportMcapOptions> = {
  ...IMPORT_OPTIONS,
  maxRecordBytes: true,
};

/** What {@linkcode importMcap} did. */
export interface ImportMcapReport extends ImportReport {
  /** Attachments kept with the sequence. */
  readonly attachmentCount: number;
  /** Metadata records kept in the sequence's metadata. */
  readonly metadataCount: number;
  /** Messages whose publish time was not their log time, and was dropped for want of `envelope` or `time`. */
  readonly droppedPublishTimes: number;
  /** Records of kinds that MCAP does not define; they were skipped. */
  readonly unknownRecordCount: number;
}

const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;

/** What MCAP says around a message, as columns. */
const LOG_TIME = unsigned("_log_time_ns", 64);
const PUBLISH_TIME = unsigned("_publish_time_ns", 64);
const SEQUENCE = unsigned("_sequence", 32);

function unsigned(name: string, bits: 32 | 64): FieldSchema {
  return { name, type: { kind: "int", bits, signed: false }, nullable: true, children: [] };
}

/**
 * Records MCAP files as a new sequence, in one pass over their bytes: a file without index or summary is as good as one
 * with them. Times are log times, or those that `time` names; messages of one time and topic keep the file's order.
 *
 * Several files, such as the parts of a split recording, become one sequence: channels of the same topic, schema and encoding
 * are one topic across them, and times may overlap. The sequence's metadata has `import.files` then, a list with each file's
 * name, its number of messages and attachments, and the facts that a single file leaves in the sequence's metadata itself.
 *
 * JSON messages with a JSON Schema become columns, all nullable: integer int64 (by `integers` float64), number float64,
 * string utf8, boolean bool, object struct, array list, null null. A column `_json` after them (utf8, null where not
 * needed) holds the text of every message that the columns do not hold whole: keys without a column, values of another
 * type or out of range. JSON without a usable schema is `_json` alone. Every other encoding is one column `data`
 * (binary). Fields called `timestamp_ns` or `_json` get an underscore more.
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
  sources: ImportSources,
  options: ImportMcapOptions,
): Promise<ImportMcapReport> {
  checkOptions(options, MCAP_OPTIONS, "Cannot import");
  const { maxRecordBytes = DEFAULT_RECORD_BYTES } = options;
  const topics: McapTopics = new Map();
  return await importRecording(client, sources, options, {
    what: "the MCAP file",
    async read(recording) {
      const { engine, sizeBytes } = recording;
      const reader = new McapReader({ engine, sizeBytes, maxRecordBytes });
      const records = new McapRecords(recording, topics);
      for await (const bytes of recording.bytes()) {
        reader.append(bytes);
        for (let record; (record = reader.next()) !== undefined;) {
          const taken = records.take(record);
          if (taken) await taken;
        }
      }
      reader.finish();
      return records.report;
    },
  });
}

/** Takes a file's records in order. */
class McapRecords {
  readonly #recording: RecordingImport;
  readonly #envelope: readonly FieldSchema[];
  readonly #channels: McapChannels;
  readonly #metadata: JsonValue[] = [];
  #attachmentCount = 0;
  /** Times beyond int64, which no attachment can have. */
  readonly #attachmentTimes: JsonValue[] = [];
  #droppedPublishTimes = 0;
  #unknownRecordCount = 0;

  /** @param topics Of all files. */
  constructor(recording: RecordingImport, topics: McapTopics) {
    this.#recording = recording;
    const { envelope, time } = recording;
    this.#envelope = [
      ...(time !== "log" ? [LOG_TIME] : []),
      ...(envelope || time === "field" ? [PUBLISH_TIME] : []),
      ...(envelope ? [SEQUENCE] : []),
    ];
    this.#channels = new McapChannels(recording, this.#envelope, topics);
  }

  /** What is said of the file beside what every import says. */
  get report(): Omit<ImportMcapReport, keyof ImportReport> {
    return {
      attachmentCount: this.#attachmentCount,
      metadataCount: this.#metadata.length,
      droppedPublishTimes: this.#droppedPublishTimes,
      unknownRecordCount: this.#unknownRecordCount,
    };
  }

  /** Takes a record. A promise that comes back is awaited before the next. */
  take(record: TypedMcapRecord): Promise<void> | undefined {
    if (!this.#recording.isBegun) return this.#begin(record);
    switch (record.type) {
      case "Message": {
        const topic = this.#channels.topicOf(record.channelId);
        if (this.#envelope.length > 0) return this.#pushWithEnvelope(topic, record);
        if (record.publishTime !== record.logTime) this.#droppedPublishTimes++;
        return topic.push(record.logTime, record.data);
      }
      case "Channel":
        return this.#channels.addChannel(record);
      case "Schema":
        this.#channels.addSchema(record);
        break;
      case "Metadata":
        this.#metadata.push({
          name: record.name,
          metadata: Object.fromEntries(record.metadata),
        });
        break;
      case "Attachment":
        return this.#attach(record);
      case "Unknown":
        this.#unknownRecordCount++;
        break;
    }
    return undefined;
  }

  #pushWithEnvelope(
    topic: TopicImport,
    { logTime, publishTime, sequence, data }: TypedMcapRecords["Message"],
  ): Promise<void> | undefined {
    const { envelope, time } = this.#recording;
    return topic.push(time === "publish" ? publishTime : logTime, data, {
      ...(time !== "log" && { [LOG_TIME.name]: logTime }),
      ...((envelope || time === "field") && { [PUBLISH_TIME.name]: publishTime }),
      ...(envelope && { [SEQUENCE.name]: sequence }),
    });
  }

  /** Starts the sequence at the first record, by when the file has shown that it is one. */
  async #begin(record: TypedMcapRecord): Promise<void> {
    const facts: Metadata = record.type === "Header"
      ? { "mcap.profile": record.profile, "mcap.library": record.library }
      : {};
    await this.#recording.begin(facts);
    this.#recording.metadata["mcap.metadata"] = this.#metadata;
    await this.take(record);
  }

  async #attach(record: TypedMcapRecords["Attachment"]): Promise<void> {
    const { name, mediaType, logTime, createTime, data } = record;
    const [timestampNs, createdNs] = [logTime, createTime].map((time) => time <= MAX_NS ? time : undefined);
    await this.#recording.attach({
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
      this.#recording.metadata["mcap.attachment_times"] = this.#attachmentTimes;
    }
    this.#attachmentCount++;
  }
}
