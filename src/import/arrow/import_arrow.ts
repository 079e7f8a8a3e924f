/**
 * Arrow IPC files and streams -> a sequence.
 *
 * @module
 */
import type { Columns } from "../../arrow/columns.ts";
import { checkText } from "../../arrow/check_text.ts";
import { decodeSchemaMessage } from "../../arrow/decode.ts";
import { decodeColumns, Dictionaries } from "../../arrow/dictionaries.ts";
import { checkNulls } from "../../arrow/interchange.ts";
import { vectorsOf } from "../../arrow/rearrange.ts";
import { decompressedBytes } from "../../arrow/stored_batch.ts";
import type { Client } from "../../client.ts";
import { MessageType } from "../../engine/batch_message.ts";
import { type ErrorCode, SmaltiError } from "../../error.ts";
import { type FieldSchema, plainFields } from "../../schema.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { type Table, TableTopics } from "../tables/table_topics.ts";
import { ColumnTimes, findTimeColumn } from "../tables/time_column.ts";
import { ArrowMessages } from "./arrow_messages.ts";

/** Options of {@linkcode importArrow}. */
export interface ImportArrowOptions extends ImportOptions {
  /** The topic's name. @default the file's name up to the first dot; the sequence's where the source has no name */
  topic?: string;
  /** Bound on a batch and what it holds decompressed, and on all dictionaries, in bytes; memory goes with it. @default 512 MiB */
  maxRecordBytes?: number;
}

const ARROW_OPTIONS: OptionNames<ImportArrowOptions> = {
  ...IMPORT_OPTIONS,
  topic: true,
  maxRecordBytes: true,
};

/** What a batch that is no good is refused with. */
const DAMAGES: ReadonlySet<ErrorCode> = new Set(["CORRUPT", "INVALID_MESSAGE"]);

const DEFAULT_RECORD_BYTES = 512 * 2 ** 20;

/**
 * Records Arrow IPC files and streams (Feather of version 2 too) as a new sequence, in one pass: each is the rows of a topic,
 * called by the file's name up to the first dot. Files of one name and schema are one topic. Batches may be compressed by LZ4
 * or ZSTD.
 *
 * The time of rows is the column `time`, or that of a path into structs (`header.stamp`); else the column `timestamp_ns`, the
 * first of type timestamp, or `timestamp`, `time`, `stamp`, `t` or `datetime`, whatever is before the name's first letter
 * (`__time`). A type of Arrow's has its own unit. Numbers count `timeUnit`, else what the largest number of the first batch suggests: below 1e11 seconds, below
 * 1e14 milli-, below 1e17 microseconds, else nanoseconds; the topic's metadata `table.time` says which. Texts are numbers or
 * ISO 8601.
 *
 * All columns are kept under their names and in their types, the time too unless it is `timestamp_ns`; a column
 * `timestamp_ns` that is not the time is called `_log_time_ns`. Dictionaries, views and runs are made plain, and
 * `smalti:arrow_type` in the field's metadata says what they were. Unions, intervals and big-endian data are UNSUPPORTED.
 *
 * Rejects with CORRUPT where a file is cut or damaged (with `salvage` the batches before are kept: kinds `cut`, `batch`),
 * INVALID_MESSAGE where a row has no time (kind `time`), INVALID_ARGUMENT where no column is the time, which lists them,
 * TOO_LARGE beyond `maxRecordBytes`. Otherwise as `importMcap`.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importArrow, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * await importArrow(client, await openFile("imu.arrow"), { name: "imu", time: "stamp" });
 * ```
 *
 * Source: Arrow Columnar Format, "Serialization and Interprocess Communication (IPC)".
 */
export async function importArrow(
  client: Client,
  sources: ImportSources,
  options: ImportArrowOptions,
): Promise<ImportReport> {
  checkOptions(options, ARROW_OPTIONS, "Cannot import");
  const { topic, maxRecordBytes = DEFAULT_RECORD_BYTES } = options;
  let topics: TableTopics | undefined;
  return await importRecording(client, sources, options, {
    what: "the Arrow file",
    async read(recording) {
      topics ??= new TableTopics(recording, topic);
      await new ArrowFile(recording, topics, maxRecordBytes).read();
      return {};
    },
  });
}

/** Takes the messages of one file. */
class ArrowFile {
  readonly #recording: RecordingImport;
  readonly #topics: TableTopics;
  readonly #maxBytes: number;
  #schema: { encoded: readonly FieldSchema[]; plain: readonly FieldSchema[] } | undefined;
  #dictionaries: Dictionaries | undefined;
  #times: ColumnTimes | undefined;
  #timeName = "";
  #table: Table | undefined;

  constructor(recording: RecordingImport, topics: TableTopics, maxBytes: number) {
    this.#recording = recording;
    this.#topics = topics;
    this.#maxBytes = maxBytes;
  }

  async read(): Promise<void> {
    const recording = this.#recording;
    const messages = new ArrowMessages(this.#maxBytes);
    try {
      for await (const bytes of recording.bytes()) {
        for (const { type, message, offset } of messages.append(bytes)) {
          recording.offset = offset;
          await this.#take(type, message);
        }
      }
      recording.offset = messages.offset;
      messages.finish();
    } catch (reason) {
      if (!(reason instanceof SmaltiError) || reason.code !== "CORRUPT" || !this.#schema) throw reason;
      const kind = messages.isCut ? "cut" : "batch";
      recording.flaw({ kind, message: reason.rawMessage, cause: reason, lost: "what follows" });
    }
    if (!this.#schema) throw new SmaltiError("CORRUPT", "it ends before its schema");
    // One without rows has a topic too.
    await this.#open();
  }

  async #take(type: number, message: Uint8Array): Promise<void> {
    const { engine } = this.#recording;
    if (!this.#schema) {
      const encoded = decodeSchemaMessage(message).fields;
      this.#schema = { encoded, plain: plainFields(encoded) };
      this.#dictionaries = new Dictionaries(engine, encoded);
      const { timeField, timeUnit } = this.#recording;
      const found = findTimeColumn(plainFields(encoded), timeField);
      this.#times = new ColumnTimes(encoded, found, timeUnit);
      this.#timeName = [encoded[found.index].name, ...found.within].join(".");
      await this.#recording.begin();
      return;
    }
    const rawBytes = decompressedBytes(engine, message);
    if (rawBytes > this.#maxBytes) throw this.#tooLarge("a batch", rawBytes);
    const dictionaries = this.#dictionaries!;
    if (type === MessageType.dictionaryBatch) {
      dictionaries.add(message, {}, this.#maxBytes);
      if (dictionaries.bytes > this.#maxBytes) throw this.#tooLarge("its dictionaries", dictionaries.bytes);
      return;
    }
    const { plain } = this.#schema;
    const columns = this.#decode(message);
    if (!columns || columns.rows === 0) return;
    const times = this.#times!.read(vectorsOf(plain, columns).children);
    await (await this.#open()).push(columns, times);
  }

  /** The columns of a batch; undefined where they are damaged. */
  #decode(message: Uint8Array): Columns | undefined {
    const { encoded, plain } = this.#schema!;
    const { engine } = this.#recording;
    try {
      const columns = decodeColumns(engine, message, encoded, this.#dictionaries!, this.#maxBytes);
      checkNulls(plain, columns);
      checkText(plain, columns);
      return columns;
    } catch (reason) {
      if (!(reason instanceof SmaltiError) || !DAMAGES.has(reason.code)) throw reason;
      const { code, rawMessage } = reason;
      const flaw = { kind: "batch", code, message: `a batch is damaged: ${rawMessage}`, cause: reason };
      this.#recording.flaw({ ...flaw, lost: "the rows of a batch" });
      return undefined;
    }
  }

  async #open(): Promise<Table> {
    return this.#table ??= await this.#topics.open({
      fields: this.#schema!.plain,
      time: this.#timeName,
      facts: this.#times!.facts,
    });
  }

  #tooLarge(what: string, bytes: number): SmaltiError {
    return new SmaltiError("TOO_LARGE", `${what} of ${bytes} bytes: wanted at most ${this.#maxBytes}`);
  }
}
