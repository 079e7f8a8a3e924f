/**
 * A sequence -> MCAP.
 *
 * @module
 */
import type { Vector } from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import { type MessageData, RowMessage, type TopicBatch } from "../../read/merge/message.ts";
import type { RowBlock } from "../../read/merge/row_block.ts";
import type { SequenceHandler } from "../../read/sequence_handler.ts";
import type { TopicSchema } from "../../types.ts";
import { VERSION } from "../../version.ts";
import {
  type ExportOptions,
  exportRecording,
  type ExportReport,
  type RecordingExport,
} from "../recording_export.ts";
import type { EncodeRow, RowEncoder } from "../messages/row_encoder.ts";
import { openEncoder } from "../messages/topic_encoder.ts";
import type { McapCompression } from "./chunk_compression.ts";
import { McapWriter } from "./mcap_writer.ts";
import { attachmentOf, channelMetadata, metadataRecords, sourceName } from "./source_facts.ts";

/** Options of {@linkcode exportMcap}. */
export interface ExportMcapOptions extends ExportOptions {
  /** Of its chunks; one that it does not make smaller is stored as it is. `zstd` wants Deno, Bun, or Node from 22.15 on. @default "lz4" */
  compression?: McapCompression;
}

/**
 * Writes a sequence as an MCAP file: messages in strict time order, in chunks with indexes, CRCs and a summary.
 *
 * Topics that came from ROS 1 or ROS 2, in MCAP, a bag or a db3, go out as the messages that they were, byte for byte (bytes
 * that pad are zero), and so do those whose messages were kept as bytes. JSON and Protocol Buffers go out as such, by the
 * schemas that they came with. The built-in classes that ROS knows become messages of ROS 2 (`cdr`, with the definitions of
 * Humble). All else becomes JSON with a schema made of the columns: what is missing is left out, bytes are in base64, and
 * integers beyond 2^53, NaN and the infinities texts.
 *
 * A topic has the name that it had in its file, else its own after a `/`. Log times are the messages' times; publish times and
 * sequence numbers are those of columns `_publish_time_ns` and `_sequence`, else the log time and 0. Attachments and metadata
 * go out too; what was told of the sequence here becomes a metadata record `smalti`.
 *
 * The sink is closed at the end and aborted where it fails. Memory is bounded by the stream's, a chunk of about a mebibyte (or
 * one message), and its index.
 *
 * Rejects as reading does (CORRUPT, NOT_FOUND of a topic, RangeError of a window); with UNSUPPORTED where a message is before
 * 1970, which MCAP cannot say, a topic has both raw and compressed images, which are of two types in ROS, or for ZSTD on a
 * runtime that has none; TOO_LARGE beyond 65,535 topics; with the signal's reason, or with what the sink fails with.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createFile, exportMcap } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * const report = await exportMcap(handler, await createFile("drive_log_01.mcap"));
 * console.log(report.messageCount, report.byteCount);
 * ```
 *
 * Source: MCAP specification, https://mcap.dev/spec.
 */
export async function exportMcap(
  handler: SequenceHandler,
  sink: WritableStream<Uint8Array>,
  { compression = "lz4", ...options }: ExportMcapOptions = {},
): Promise<ExportReport> {
  return await exportRecording(handler, sink, options, async (recording) => {
    const { handler } = recording;
    const writer = new McapWriter(handler.engine, compression, (bytes) => recording.write(bytes));
    const topics = new Topics(handler, writer);
    const addAll = async () => {
      for (const name of recording.topics) await topics.add(name, await handler.topicSchema(name));
    };
    if (!options.follow && !handler.isOneShot) await addAll();
    let isStarted = false;
    const start = async () => {
      if (!isStarted) await writer.start(topics.profile, `smalti ${VERSION}`);
      isStarted = true;
    };
    for await (const block of recording.rowBlocks()) {
      await topics.addNew(block);
      // Not before: of what is passed on as it comes the first rows tell what it is.
      await start();
      await writeRows(block, topics, writer, recording);
      // The next block may be long in coming.
      if (options.follow) await writer.flush();
    }
    await start();
    if (handler.isOneShot) await addAll();
    for await (const [index, info, bytes] of recording.attachments()) {
      await writer.attach(attachmentOf(info, index, handler.metadata), bytes);
    }
    for (const [name, texts] of metadataRecords(handler.metadata)) await writer.addMetadata(name, texts);
    await writer.finish();
  });
}

/** A topic and how its rows become messages. */
interface Topic {
  readonly channelId: number;
  readonly encoder: RowEncoder;
  /** Places of the columns for the publish time and the sequence number; -1 where there is none. */
  readonly publishTime: number;
  readonly sequence: number;
}

/** The topics that are written. */
class Topics {
  readonly #handler: SequenceHandler;
  readonly #writer: McapWriter;
  readonly #byName = new Map<string, Topic>();

  constructor(handler: SequenceHandler, writer: McapWriter) {
    this.#handler = handler;
    this.#writer = writer;
  }

  /** The profile that the file came with; else that of ROS, where all that is written is of it. */
  get profile(): string {
    const { "mcap.profile": profile } = this.#handler.metadata;
    if (typeof profile === "string") return profile;
    const encodings = new Set([...this.#byName.values()].map(({ encoder }) => encoder.format.encoding));
    if (encodings.size !== 1) return "";
    return encodings.has("cdr") ? "ros2" : encodings.has("ros1") ? "ros1" : "";
  }

  get(name: string): Topic {
    return this.#byName.get(name)!;
  }

  /** Adds the topics of a block that are not known yet. */
  async addNew({ batches }: RowBlock): Promise<void> {
    for (const batch of batches) {
      if (!batch || this.#byName.has(batch.name)) continue;
      await this.add(batch.name, batch.topic.schema, new RowMessage(batch, 0).data);
    }
  }

  /** Adds a topic, of which a message may be known; one that was added stays as it is. */
  async add(name: string, schema: TopicSchema, data?: MessageData): Promise<void> {
    if (this.#byName.has(name)) return;
    const encoder = await openEncoder(schema, async () => data ?? await this.#first(name));
    const names = schema.fields.slice(1).map((field) => field.name);
    const channelId = this.#writer.addChannel({
      topic: sourceName(name, schema),
      format: encoder.format,
      metadata: channelMetadata(name, schema, this.#handler.metadata),
    });
    const [publishTime, sequence] = ["_publish_time_ns", "_sequence"].map((key) => names.indexOf(key));
    this.#byName.set(name, { channelId, encoder, publishTime, sequence });
  }

  /** A message of the time at which the topic begins; undefined where it has none, as far as is known. */
  async #first(name: string): Promise<MessageData | undefined> {
    const { firstNs } = this.#handler.topics.find((topic) => topic.name === name) ?? {};
    if (firstNs === undefined || this.#handler.isOneShot || this.#handler.state === "recording") {
      return undefined;
    }
    return (await this.#handler.latestAt(firstNs, { topics: [name] })).get(name)?.data;
  }
}

/** A batch whose columns are ready to be encoded. */
interface BoundBatch {
  readonly batch: TopicBatch;
  readonly topic: Topic;
  /** The columns; others where the reader made room for others meanwhile. */
  columns: readonly Vector[];
  encode: EncodeRow;
}

async function writeRows(
  block: RowBlock,
  topics: Topics,
  writer: McapWriter,
  recording: RecordingExport,
): Promise<void> {
  const { runs, rows, length, batches } = block;
  const bound: BoundBatch[] = [];
  for (let i = 0; i < length; i++) {
    const from = bound[runs[i]] ??= bind(batches[runs[i]]!, topics);
    const { batch, topic } = from;
    if (from.columns !== batch.columns) rebind(from);
    const { columns, encode } = from;
    const row = rows[i];
    const ns = batch.times[row];
    if (ns < 0n) {
      recording.leaveOutMessage(beforeEpoch(batch, ns), batch.name, ns);
      continue;
    }
    const publishNs = topic.publishTime < 0 ? ns : unsigned(columns[topic.publishTime].get(row), ns);
    const sequence = topic.sequence < 0 ? 0 : Number(columns[topic.sequence].get(row) ?? 0);
    const out = writer.begin(topic.channelId, ns, publishNs, sequence);
    try {
      encode(row, out);
    } catch (reason) {
      const error = reason instanceof SmaltiError
        ? reason.at({ sequence: batch.topic.sequence, topic: batch.name })
        : reason;
      recording.leaveOutMessage(error, batch.name, ns);
      writer.drop();
      continue;
    }
    const full = writer.end();
    if (full) await full;
  }
}

function bind(batch: TopicBatch, topics: Topics): BoundBatch {
  const topic = topics.get(batch.name);
  const { columns } = batch;
  return { batch, topic, columns, encode: topic.encoder.bind(columns) };
}

function rebind(bound: BoundBatch): void {
  bound.columns = bound.batch.columns;
  bound.encode = bound.topic.encoder.bind(bound.columns);
}

function unsigned(value: unknown, otherwise: bigint): bigint {
  return typeof value === "bigint" && value >= 0n ? value : otherwise;
}

function beforeEpoch({ name, topic: { sequence } }: TopicBatch, ns: bigint): SmaltiError {
  const text =
    `Cannot write topic "${name}" of sequence "${sequence}" to MCAP: it has a message at ${ns} ns; ` +
    "wanted times from 0 ns on";
  return new SmaltiError("UNSUPPORTED", text, { sequence, topic: name });
}
