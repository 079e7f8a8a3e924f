/**
 * A bag of ROS 2 in SQLite -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import type { MessageSchema } from "../message_decoder.ts";
import { decompressAll, isZstd } from "../frames.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { chooseDefinition, type RosSchema } from "../ros/choose_definition.ts";
import { LOG_TIME_FIELD, type TopicImport } from "../topic_import.ts";
import { SqliteFile, type SqlValue } from "./sqlite_file.ts";
import { readWal } from "./sqlite_wal.ts";

/** Options of {@linkcode importDb3}. */
export interface ImportDb3Options extends ImportOptions {
  /** Bound on a message, in bytes, and on a file that cannot be read at any place; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

const DB3_OPTIONS: OptionNames<ImportDb3Options> = {
  ...IMPORT_OPTIONS,
  maxRecordBytes: true,
};

/** What the journal of a transaction begins with that has not ended. */
const JOURNAL_MAGIC: readonly number[] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;

/**
 * Records a bag of ROS 2 (rosbag2's SQLite storage) as a new sequence. The database is read as it is, with the log of a writer
 * that died (`-wal`); nothing is written. Times are those at which messages were received.
 *
 * CDR messages become columns by the definitions in the file, else those given, else those of ROS 2 Humble and before, where
 * the first message fits them. A topic of a type that is not known keeps its messages as bytes. Messages that are compressed
 * by ZSTD one by one are decompressed.
 *
 * The topic's metadata has the keys of importMcap (`mcap.topic`, `mcap.message_encoding`, `mcap.schema_name`,
 * `mcap.schema_encoding`, `mcap.schema_data`), and `ros2.qos_profiles` and `ros2.type_description_hash` where they are there.
 *
 * The source must be one that can be read at any place, as openFile gives; another is held in memory.
 *
 * Rejects as {@linkcode importMcap} does.
 *
 * Source: rosbag2_storage_sqlite3 of ros2/rosbag2.
 */
export async function importDb3(
  client: Client,
  sources: ImportSources,
  options: ImportDb3Options,
): Promise<ImportReport> {
  checkOptions(options, DB3_OPTIONS, "Cannot import");
  const { maxRecordBytes = DEFAULT_RECORD_BYTES } = options;
  const byKey = new Map<string, TopicImport>();
  return await importRecording(client, sources, options, {
    what: "the bag",
    async read(recording) {
      const file = await recording.randomAccess(maxRecordBytes);
      const wal = await recording.beside("-wal", maxRecordBytes);
      await checkJournal(recording, maxRecordBytes);
      const database = await SqliteFile.open(file, {
        maxRowBytes: maxRecordBytes,
        wal: wal && readWal(wal),
        flaw: (flaw) => recording.flaw(flaw),
      });
      if (!database.has("messages") || !database.has("topics")) {
        const text =
          "the file is an SQLite database, but no bag of ROS 2: it has no tables topics and messages";
        throw new SmaltiError("UNSUPPORTED", text);
      }
      await recording.begin();
      await new Db3Import(recording, database, byKey, maxRecordBytes).run();
      return {};
    },
  });
}

/**
 * Tells of a rollback journal beside the file, whose writer died within a transaction: the file may hold a part of it.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_rollback_journal.
 */
async function checkJournal(recording: RecordingImport, maxBytes: number): Promise<void> {
  const journal = await recording.beside("-journal", maxBytes);
  if (!journal || JOURNAL_MAGIC.some((byte, i) => journal[i] !== byte)) return;
  const message = "the file has a journal beside it (-journal): its writer died while it changed the file, " +
    "which SQLite undoes when it opens it to write";
  recording.flaw({ kind: "journal", message, offset: 0, lost: "perhaps a part of what was written last" });
}

/** A topic of the bag. */
interface BagTopic {
  readonly name: string;
  readonly type: string;
  readonly encoding: string;
  readonly metadata: Record<string, string>;
  /** Made when its first message is there, by which its definition is chosen. */
  topic: TopicImport | undefined;
}

class Db3Import {
  readonly #recording: RecordingImport;
  readonly #database: SqliteFile;
  /** Topics by name, type and encoding, of all files. */
  readonly #byKey: Map<string, TopicImport>;
  readonly #maxRecordBytes: number;
  readonly #envelope: readonly FieldSchema[];
  readonly #topics = new Map<bigint, BagTopic>();
  /** Definitions in the file, by type. */
  readonly #definitions = new Map<string, RosSchema>();

  constructor(
    recording: RecordingImport,
    database: SqliteFile,
    byKey: Map<string, TopicImport>,
    maxRecordBytes: number,
  ) {
    this.#recording = recording;
    this.#byKey = byKey;
    this.#maxRecordBytes = maxRecordBytes;
    this.#database = database;
    this.#envelope = recording.time === "field" ? [LOG_TIME_FIELD] : [];
  }

  async run(): Promise<void> {
    await this.#readDefinitions();
    await this.#readTopics();
    for await (
      const [id, topicId, timestamp, data] of this.#database.rows("messages", [
        "id",
        "topic_id",
        "timestamp",
        "data",
      ], ["topic_id", "timestamp", "data"])
    ) {
      const bagTopic = this.#topics.get(topicId as bigint);
      if (!bagTopic || typeof timestamp !== "bigint" || !(data instanceof Uint8Array)) {
        const what = bagTopic ? "has no time or no bytes" : `is of topic ${topicId}, which is not there`;
        this.#recording.flaw({
          kind: "message",
          message: `the file is damaged: message ${id} ${what}`,
          lost: "1 message",
        });
        continue;
      }
      const bytes = this.#decompressed(data, id);
      if (!bytes) continue;
      bagTopic.topic ??= await this.#topicOf(bagTopic, bytes);
      const envelope = this.#envelope.length > 0 ? { [LOG_TIME_FIELD.name]: timestamp } : undefined;
      const pushed = bagTopic.topic.push(timestamp, bytes, envelope);
      if (pushed) await pushed;
    }
    for (const bagTopic of this.#topics.values()) bagTopic.topic ??= await this.#topicOf(bagTopic, undefined);
  }

  async #readDefinitions(): Promise<void> {
    const columns = ["topic_type", "encoding", "encoded_message_definition"];
    for await (const [type, encoding, text] of this.#database.rows("message_definitions", columns)) {
      if (
        typeof type !== "string" || typeof encoding !== "string" || typeof text !== "string" || text === ""
      ) continue;
      this.#definitions.set(type, { encoding, text });
    }
  }

  async #readTopics(): Promise<void> {
    const columns = [
      "id",
      "name",
      "type",
      "serialization_format",
      "offered_qos_profiles",
      "type_description_hash",
    ];
    const rows = this.#database.rows("topics", columns, ["id", "name", "type"]);
    for await (const [id, name, type, encoding, qos, hash] of rows) {
      if (typeof id !== "bigint" || typeof name !== "string" || this.#topics.has(id)) {
        const message = `the file is damaged: topic ${id} has no name, or is there twice`;
        this.#recording.flaw({ kind: "topic", message, lost: "its messages" });
        continue;
      }
      this.#topics.set(id, {
        name,
        type: String(type ?? ""),
        encoding: String(encoding ?? "cdr"),
        metadata: {
          ...(typeof qos === "string" && qos !== "" && { "ros2.qos_profiles": qos }),
          ...(typeof hash === "string" && hash !== "" && { "ros2.type_description_hash": hash }),
        },
        topic: undefined,
      });
    }
  }

  /** The topic of a name, type and encoding; of another file it may be there. */
  async #topicOf(bagTopic: BagTopic, first: Uint8Array | undefined): Promise<TopicImport> {
    const key = JSON.stringify([bagTopic.name, bagTopic.type, bagTopic.encoding]);
    const topic = this.#byKey.get(key) ?? await this.#createTopic(bagTopic, first);
    this.#byKey.set(key, topic);
    return topic;
  }

  /** Creates a topic; its first message tells which of several definitions is right. */
  async #createTopic(
    { name, type, encoding, metadata }: BagTopic,
    first: Uint8Array | undefined,
  ): Promise<TopicImport> {
    const { engine, definitions } = this.#recording;
    const given = this.#definitions.get(type);
    const found = encoding === "cdr"
      ? await chooseDefinition(engine, type, first, given, definitions)
      : given;
    const schema: MessageSchema | undefined = found && {
      name: type,
      encoding: found.encoding,
      data: new TextEncoder().encode(found.text),
    };
    return await this.#recording.createTopic({
      name,
      tag: type || encoding || "rosbag2",
      format: { encoding, schema },
      envelope: this.#envelope,
      metadata: {
        "mcap.topic": name,
        "mcap.message_encoding": encoding,
        "mcap.schema_name": type,
        ...(found && { "mcap.schema_encoding": found.encoding, "mcap.schema_data": found.text }),
        ...metadata,
      },
    });
  }

  /** A message that was compressed by itself; one in CDR begins with a zero. */
  #decompressed(data: Uint8Array, id: SqlValue): Uint8Array | undefined {
    if (!isZstd(data)) return data;
    try {
      return decompressAll(this.#recording.engine, "zstd", data, this.#maxRecordBytes);
    } catch (reason) {
      const { code, rawMessage: why } = SmaltiError.from(reason, "CORRUPT");
      const message = `the file is damaged: message ${id} cannot be decompressed: ${why}`;
      this.#recording.flaw({ kind: "message", code, message, lost: "1 message", cause: reason });
      return undefined;
    }
  }
}
