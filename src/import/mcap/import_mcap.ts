/**
 * MCAP -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import type { FieldSchema } from "../../schema.ts";
import { type JsonValue, MAX_NS, type Metadata } from "../../types.ts";
import type { ImportSources } from "../byte_source.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import type { MessageBatch } from "../message_batch.ts";
import type { TopicImport } from "../topic_import.ts";
import { HeldMessages } from "./held_messages.ts";
import { type Definitions, McapChannels, type McapTopics } from "./mcap_channels.ts";
import { McapReader, type McapReaderOptions } from "./mcap_reader.ts";
import {
  type McapAttachment,
  type McapChannel,
  type McapMessage,
  type McapRecord,
  type McapSchema,
  messageOf,
} from "./mcap_records.ts";

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
 * type or out of range, decimals that no float64 keeps (`1700000000.123456789`, of which the column has the nearest). JSON without a usable schema is `_json` alone. Every other encoding is one column `data`
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
 * With `salvage` the import goes on where the file is flawed. A chunk that is bad is left out whole, of one without a CRC
 * what comes after its records break; a bad attachment, metadata or other record alone; messages whose channel the file
 * defines nowhere, or whose time is beyond int64. A channel that is not there is looked up in the rest of a source that
 * `isRepeatable`; from another, 32 MiB of its messages wait for it. Where a channel or schema is defined anew, and not the
 * same, later messages go by the new one; the messages of a channel without its schema are kept as they are. After a wrong
 * length reading goes on at the next record that is beyond doubt; a message outside of chunks is believed where a record
 * follows it and none is in it. The report's `flaws` tell of all that.
 *
 * Rejects with CORRUPT where the file is no MCAP (before any sequence is made), is cut or is damaged (CRCs are checked);
 * UNSUPPORTED where a chunk is neither LZ4 nor ZSTD or a time is beyond int64; TOO_LARGE beyond `maxRecordBytes`;
 * ALREADY_EXISTS, INVALID_NAME and others as the client says. Whatever was read before stays readable, as a sequence in
 * state `failed`; the message says how much that is. ABORTED by the signal: then nothing stays. With `salvage`: CORRUPT
 * where nothing is whole, and then there is no sequence; what the store fails with.
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
      const { engine, sizeBytes, salvages: salvage } = recording;
      const options = { engine, sizeBytes, maxRecordBytes, salvage };
      const reader = new McapReader({ ...options, flaw: (flaw) => recording.flaw(flaw) });
      const records = new McapRecords(recording, topics, () => readDefinitions(recording, options));
      for await (const bytes of recording.bytes()) {
        for (const record of reader.read(bytes)) {
          recording.offset = reader.start;
          const taken = records.take(record, reader.isInSummary);
          if (taken) await taken;
        }
      }
      for (const record of reader.finish()) {
        recording.offset = reader.start;
        await records.take(record, reader.isInSummary);
      }
      records.finish();
      return records.report;
    },
  });
}

/** What all of the file says of schemas and channels outside of chunks, as the summary does; nothing where it is a stream. */
async function readDefinitions(
  recording: RecordingImport,
  options: Omit<McapReaderOptions, "flaw" | "outside">,
): Promise<Definitions> {
  const schemas = new Map<number, McapSchema>();
  const channels = new Map<number, McapChannel>();
  const take = (record: McapRecord) => {
    if (record.type === "Schema" && record.id !== 0) schemas.set(record.id, record);
    if (record.type === "Channel") channels.set(record.id, record);
  };
  const reader = new McapReader({ ...options, flaw: () => {}, outside: true });
  const file = recording.bytesAgain();
  if (!file) return { schemas, channels, areRight: true };
  for await (const bytes of file) {
    for (const record of reader.read(bytes)) take(record);
  }
  for (const record of reader.finish()) take(record);
  return { schemas, channels, areRight: reader.isSummaryRight };
}

/** Takes a file's records in order. */
class McapRecords {
  readonly #recording: RecordingImport;
  readonly #envelope: readonly FieldSchema[];
  readonly #channels: McapChannels;
  readonly #held = new HeldMessages();
  readonly #metadata: JsonValue[] = [];
  #hasHeader = false;
  #attachmentCount = 0;
  /** Times beyond int64, which no attachment can have. */
  readonly #attachmentTimes: JsonValue[] = [];
  #droppedPublishTimes = 0;
  #unknownRecordCount = 0;

  /**
   * @param topics Of all files.
   * @param readDefinitions Reads the file's schemas and channels, which is done once at most.
   */
  constructor(recording: RecordingImport, topics: McapTopics, readDefinitions: () => Promise<Definitions>) {
    this.#recording = recording;
    const { envelope, time } = recording;
    this.#envelope = [
      ...(time !== "log" ? [LOG_TIME] : []),
      ...(envelope || time === "field" ? [PUBLISH_TIME] : []),
      ...(envelope ? [SEQUENCE] : []),
    ];
    let definitions: Promise<Definitions> | undefined;
    const lookUp = () => definitions ??= readDefinitions();
    this.#channels = new McapChannels(recording, this.#envelope, topics, lookUp);
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

  /** Takes a record, which merely repeats another where it is in the summary. A promise is awaited before the next. */
  take(record: McapRecord, isInSummary: boolean): Promise<void> | undefined {
    if (!this.#recording.isBegun) return this.#begin(record, isInSummary);
    switch (record.type) {
      case "Messages":
        return this.#takeMessages(record, isInSummary);
      case "Message": {
        const topic = this.#channels.topicOf(record.channelId);
        return topic ? this.#push(topic, record) : this.#takeOrphan(record);
      }
      case "Channel": {
        const added = this.#channels.addChannel(record, isInSummary);
        return this.#held.has(record.id) ? this.#release(record.id, added) : added;
      }
      case "Schema":
        this.#channels.addSchema(record, isInSummary);
        break;
      case "Metadata": {
        const { name, metadata, twice } = record;
        if (twice.length > 0) {
          const [key, where] = [twice[0], name].map((text) => JSON.stringify(text.slice(0, 100)));
          const message = `metadata ${where} has key ${key} twice: the last value is kept`;
          this.#recording.flaw({ kind: "metadata", message });
        }
        this.#metadata.push({ name, metadata: Object.fromEntries(metadata) });
        break;
      }
      case "Attachment":
        return this.#attach(record);
      case "Header":
        if (this.#hasHeader) {
          const message = `the file has another header at byte ${this.#recording.offset}`;
          this.#recording.flaw({ kind: "header", message });
        }
        this.#hasHeader = true;
        break;
      case "Unknown":
        this.#unknownRecordCount++;
        break;
    }
    return undefined;
  }

  #takeMessages(batch: MessageBatch, isInSummary: boolean): Promise<void> {
    const { view, starts, lows, highs } = batch;
    return this.#recording.takeMessages(
      batch,
      (channel) => this.#channels.topicOf(channel),
      (i) => this.take(messageOf(batch, i), isInSummary),
      (i) => {
        const publishTimeAt = starts[i] - 8;
        const isSame = view.getUint32(publishTimeAt, true) === lows[i] &&
          view.getUint32(publishTimeAt + 4, true) === highs[i];
        if (!isSame) this.#droppedPublishTimes++;
      },
    );
  }

  /** Says that there are no more records. */
  finish(): void {
    for (const channelId of this.#held.channelIds) {
      const { messages, lostCount, offset } = this.#held.release(channelId)!;
      this.#loseMessages(channelId, messages.length + lostCount, offset, "which it does not define");
    }
  }

  /** @param index Its number in the file, where it was held back. */
  #push(topic: TopicImport, message: McapMessage, index?: number): Promise<void> | undefined {
    const { logTime, publishTime, sequence, data } = message;
    if (this.#envelope.length === 0) {
      if (publishTime !== logTime) this.#droppedPublishTimes++;
      return topic.push(logTime, data, undefined, index);
    }
    const { envelope, time } = this.#recording;
    return topic.push(time === "publish" ? publishTime : logTime, data, {
      ...(time !== "log" && { [LOG_TIME.name]: logTime }),
      ...((envelope || time === "field") && { [PUBLISH_TIME.name]: publishTime }),
      ...(envelope && { [SEQUENCE.name]: sequence }),
    }, index);
  }

  /** Takes a message whose channel has not come. */
  async #takeOrphan(message: McapMessage): Promise<void> {
    const { salvages, offset } = this.#recording;
    const { channelId } = message;
    if (!salvages) this.#loseMessages(channelId, 1, offset, "which comes later or not at all");
    const topic = this.#held.has(channelId) ? undefined : await this.#channels.find(channelId);
    if (topic) await this.#push(topic, message);
    else this.#held.hold({ ...message, index: this.#recording.numberMessage() }, offset);
  }

  /** Takes what was held of a channel, which has come. */
  async #release(channelId: number, added: Promise<void> | undefined): Promise<void> {
    await added;
    const { messages, lostCount, offset } = this.#held.release(channelId)!;
    const topic = this.#channels.topicOf(channelId)!;
    for (const message of messages) await this.#push(topic, message, message.index);
    if (lostCount > 0) {
      this.#loseMessages(channelId, lostCount, offset, "which comes too late to have them held");
    }
  }

  #loseMessages(channelId: number, count: number, offset: number, why: string): void {
    const lost = `${count} message${count === 1 ? "" : "s"}`;
    const message = `the file is damaged at byte ${offset}: ${lost} on channel ${channelId}, ${why}`;
    this.#recording.flaw({ kind: "message", message, offset, lost });
  }

  /** Starts the sequence at the first record, by when the file has shown that it is one. */
  async #begin(record: McapRecord, isInSummary: boolean): Promise<void> {
    const facts: Metadata = record.type === "Header"
      ? { "mcap.profile": record.profile, "mcap.library": record.library }
      : {};
    await this.#recording.begin(facts);
    this.#recording.metadata["mcap.metadata"] = this.#metadata;
    await this.take(record, isInSummary);
  }

  async #attach(record: McapAttachment): Promise<void> {
    const { name, mediaType, logTime, createTime, data } = record;
    const [timestampNs, createdNs] = [logTime, createTime].map((time) => time <= MAX_NS ? time : undefined);
    await this.#recording.attach({
      name,
      mediaType,
      ...(timestampNs !== undefined && { timestampNs }),
      ...(createdNs !== undefined && { createdNs }),
    }, data.slice());
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
