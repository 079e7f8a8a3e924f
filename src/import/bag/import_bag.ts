/**
 * A bag of ROS 1 -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import type { FieldSchema } from "../../schema.ts";
import { quoted } from "../../util/excerpt.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import type { MessageBatch } from "../message_batch.ts";
import { LOG_TIME_FIELD, type TopicImport } from "../topic_import.ts";
import {
  type BagConnection,
  type BagMessage,
  BagReader,
  type BagReaderOptions,
  type BagRecord,
} from "./bag_reader.ts";

/** Options of {@linkcode importBag}. */
export interface ImportBagOptions extends ImportOptions {
  /** Bound on a record of the file, and on a chunk once decompressed, in bytes; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

const BAG_OPTIONS: OptionNames<ImportBagOptions> = { ...IMPORT_OPTIONS, maxRecordBytes: true };

const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;
/** Connections of one topic that the metadata tell of. */
const MAX_CONNECTIONS = 1000;

/**
 * Records a bag of ROS 1 (version 2.0) as a new sequence, in one pass over its bytes: the index is not needed. Times are those
 * at which messages were received. Chunks may be LZ4 or bz2.
 *
 * Messages become columns as importMcap says of `ros1`. The topic's metadata has the keys that it gives too (`mcap.topic`,
 * `mcap.message_encoding`, `mcap.schema_name`, `mcap.schema_encoding`, `mcap.schema_data`), and `bag.connections`, with what else
 * its connections say (`md5sum`, `callerid`, `latching`).
 *
 * Rejects as {@linkcode importMcap} does.
 *
 * Source: http://wiki.ros.org/Bags/Format/2.0.
 */
export async function importBag(
  client: Client,
  sources: ImportSources,
  options: ImportBagOptions,
): Promise<ImportReport> {
  checkOptions(options, BAG_OPTIONS, "Cannot import");
  const { maxRecordBytes = DEFAULT_RECORD_BYTES } = options;
  const byKey = new Map<string, TopicImport>();
  return await importRecording(client, sources, options, {
    what: "the bag",
    async read(recording) {
      const { engine, sizeBytes } = recording;
      const options = { engine, sizeBytes, maxRecordBytes };
      const reader = new BagReader({ ...options, flaw: (flaw) => recording.flaw(flaw) });
      const topics = new BagTopics(recording, byKey, () => readConnections(recording, options));
      const takeAll = async (records: Iterable<BagRecord>) => {
        for (const record of records) {
          recording.offset = reader.start;
          if (!recording.isBegun) await recording.begin();
          const taken = topics.take(record);
          if (taken) await taken;
        }
      };
      for await (const bytes of recording.bytes()) await takeAll(reader.read(bytes));
      await takeAll(reader.finish());
      return {};
    },
  });
}

/** The connections that the index tells of; none where the file is a stream. */
async function readConnections(
  recording: RecordingImport,
  options: Omit<BagReaderOptions, "flaw" | "outside">,
): Promise<ReadonlyMap<number, BagConnection>> {
  const found = new Map<number, BagConnection>();
  const take = (records: Iterable<BagRecord>) => {
    for (const record of records) {
      if (record.type === "connection") found.set(record.id, record);
    }
  };
  const file = recording.bytesAgain();
  if (!file) return found;
  const reader = new BagReader({ ...options, flaw: () => {}, outside: true });
  for await (const bytes of file) take(reader.read(bytes));
  take(reader.finish());
  return found;
}

/** A message of a batch. */
function messageOf(batch: MessageBatch, i: number): BagMessage {
  return {
    type: "message",
    connection: batch.channels[i],
    timeNs: batch.timeNs(i),
    data: batch.content(i),
  };
}

/** The topics of a bag. Connections of one topic, type and definition share a topic of the sequence. */
class BagTopics {
  readonly #recording: RecordingImport;
  readonly #byConnection = new Map<number, { key: string; topic: TopicImport }>();
  readonly #byKey: Map<string, TopicImport>;
  readonly #envelope: readonly FieldSchema[];
  readonly #connections: Record<string, Record<string, string>[]> = {};
  readonly #readConnections: () => Promise<ReadonlyMap<number, BagConnection>>;
  #indexed: Promise<ReadonlyMap<number, BagConnection>> | undefined;

  /**
   * @param byKey Topics by name, type and definition, of all files.
   * @param readConnections Reads what the file's index says of connections; called once at most.
   */
  constructor(
    recording: RecordingImport,
    byKey: Map<string, TopicImport>,
    readConnections: () => Promise<ReadonlyMap<number, BagConnection>>,
  ) {
    this.#readConnections = readConnections;
    this.#byKey = byKey;
    this.#recording = recording;
    this.#envelope = recording.time === "field" ? [LOG_TIME_FIELD] : [];
  }

  take(record: BagRecord): Promise<void> | undefined {
    if (record.type === "Messages") {
      const topicOf = (connection: number) => this.#byConnection.get(connection)?.topic;
      return this.#recording.takeMessages(record, topicOf, (i) => this.take(messageOf(record, i)));
    }
    if (record.type === "connection") return this.#connect(record);
    const known = this.#byConnection.get(record.connection);
    if (known) return this.#push(known.topic, record);
    return this.#recording.salvages ? this.#find(record) : this.#orphan(record);
  }

  #push(topic: TopicImport, { timeNs, data }: BagMessage): Promise<void> | undefined {
    return topic.push(
      timeNs,
      data,
      this.#envelope.length > 0 ? { [LOG_TIME_FIELD.name]: timeNs } : undefined,
    );
  }

  #orphan({ connection }: BagMessage): undefined {
    const message =
      `the file is damaged at byte ${this.#recording.offset}: a message is of connection ${connection}, which is not there`;
    this.#recording.flaw({ kind: "message", message, lost: "1 message" });
  }

  /** Takes a message whose connection has not come, as the index tells of it. */
  async #find(record: BagMessage): Promise<void> {
    this.#indexed ??= this.#readConnections();
    const connection = (await this.#indexed).get(record.connection);
    if (!connection) return this.#orphan(record);
    await this.#connect(connection);
    await this.#push(this.#byConnection.get(record.connection)!.topic, record);
  }

  async #connect({ id, topic: name, fields }: BagConnection): Promise<void> {
    const type = fields.get("type") ?? "";
    const definition = fields.get("message_definition") ?? "";
    const key = JSON.stringify([name, type, definition]);
    const known = this.#byConnection.get(id);
    if (known?.key === key) return; // the index tells them again
    if (known) {
      const message =
        `the file is damaged at byte ${this.#recording.offset}: connection ${id} is there twice, ` +
        `on ${quoted(known.topic.name)} and on ${quoted(name)} or of another type`;
      const lost = `connection ${id} as it was: later messages go by the new one`;
      this.#recording.flaw({ kind: "connection", message, lost });
    }
    let topic = this.#byKey.get(key);
    if (!topic) {
      topic = await this.#recording.createTopic({
        name,
        tag: type || "ros1",
        format: {
          encoding: "ros1",
          schema: { name: type, encoding: "ros1msg", data: new TextEncoder().encode(definition) },
        },
        envelope: this.#envelope,
        metadata: {
          "mcap.topic": name,
          "mcap.message_encoding": "ros1",
          "mcap.schema_name": type,
          "mcap.schema_encoding": "ros1msg",
          "mcap.schema_data": definition,
        },
      });
      this.#byKey.set(key, topic);
    }
    this.#byConnection.set(id, { key, topic });
    if (topic.isLeftOut) return;
    const others = [...fields].filter(([field]) => !["type", "message_definition", "topic"].includes(field));
    // A topic may be called constructor.
    if (!Object.hasOwn(this.#connections, topic.name)) this.#connections[topic.name] = [];
    const connections = this.#connections[topic.name];
    if (connections.length < MAX_CONNECTIONS) connections.push(Object.fromEntries(others));
    this.#recording.topicFacts["bag.connections"] = this.#connections;
  }
}
