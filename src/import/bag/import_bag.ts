/**
 * A bag of ROS 1 -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import {
  IMPORT_OPTIONS,
  type ImportOptions,
  importRecording,
  type ImportReport,
  type RecordingImport,
} from "../recording_import.ts";
import type { TopicImport } from "../topic_import.ts";
import { type BagConnection, BagReader, type BagRecord, type Bunzip2 } from "./bag_reader.ts";

/** Options of {@linkcode importBag}. */
export interface ImportBagOptions extends ImportOptions {
  /** Bound on a record of the file, and on a chunk once decompressed, in bytes; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

const BAG_OPTIONS: OptionNames<ImportBagOptions> = { ...IMPORT_OPTIONS, maxRecordBytes: true };

const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;

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
      const reader = new BagReader({
        engine,
        sizeBytes,
        maxRecordBytes,
        flaw: (flaw) => recording.flaw(flaw),
      });
      const topics = new BagTopics(recording, byKey);
      for await (const bytes of recording.bytes()) {
        for (const record of reader.read(bytes)) {
          recording.offset = reader.start;
          if (record === "bz2") {
            reader.bunzip2 = await loadBunzip2();
            continue;
          }
          if (!recording.isBegun) await recording.begin();
          const taken = topics.take(record);
          if (taken) await taken;
        }
      }
      reader.finish();
      return {};
    },
  });
}

async function loadBunzip2(): Promise<Bunzip2> {
  const { default: Bzip2 } = await import("@foxglove/wasm-bz2");
  const bzip2 = await Bzip2.init();
  return (bytes, rawLength) => bzip2.decompress(bytes, rawLength);
}

/** The topics of a bag. Connections of one topic, type and definition share a topic of the sequence. */
class BagTopics {
  readonly #recording: RecordingImport;
  readonly #byConnection = new Map<number, TopicImport>();
  readonly #byKey: Map<string, TopicImport>;
  readonly #connections: Record<string, Record<string, string>[]> = {};

  /** @param byKey Topics by name, type and definition, of all files. */
  constructor(recording: RecordingImport, byKey: Map<string, TopicImport>) {
    this.#byKey = byKey;
    this.#recording = recording;
  }

  take(record: BagRecord): Promise<void> | undefined {
    if (record.type === "connection") return this.#connect(record);
    const topic = this.#byConnection.get(record.connection);
    if (topic) return topic.push(record.timeNs, record.data);
    const message =
      `the file is damaged at byte ${this.#recording.offset}: a message is of connection ${record.connection}, which is not there`;
    this.#recording.flaw({ kind: "message", message, lost: "1 message" });
    return undefined;
  }

  async #connect({ id, topic: name, fields }: BagConnection): Promise<void> {
    if (this.#byConnection.has(id)) return; // the index tells them again
    const type = fields.get("type") ?? "";
    const definition = fields.get("message_definition") ?? "";
    const key = JSON.stringify([name, type, definition]);
    let topic = this.#byKey.get(key);
    if (!topic) {
      topic = await this.#recording.createTopic({
        name,
        tag: type || "ros1",
        format: {
          encoding: "ros1",
          schema: { name: type, encoding: "ros1msg", data: new TextEncoder().encode(definition) },
        },
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
    this.#byConnection.set(id, topic);
    const others = [...fields].filter(([field]) => !["type", "message_definition", "topic"].includes(field));
    const connections = this.#connections[topic.name] ??= [];
    connections.push(Object.fromEntries(others));
    this.#recording.metadata["bag.connections"] = this.#connections;
  }
}
