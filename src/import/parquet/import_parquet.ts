/**
 * Parquet files -> a sequence.
 *
 * @module
 */
import { checkText } from "../../arrow/check_text.ts";
import type { Columns } from "../../arrow/columns.ts";
import { vectorsOf } from "../../arrow/rearrange.ts";
import type { Client } from "../../client.ts";
import { type ErrorCode, SmaltiError } from "../../error.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { type Table, TableTopics } from "../tables/table_topics.ts";
import { ColumnTimes, findTimeColumn } from "../tables/time_column.ts";
import { ParquetReader } from "./parquet_reader.ts";

/** Options of {@linkcode importParquet}. */
export interface ImportParquetOptions extends ImportOptions {
  /** The topic's name. @default the file's name up to the first dot; the sequence's where the source has no name */
  topic?: string;
  /** Bound on a row group decompressed, and on a file that is a stream, in bytes; memory goes with it. @default 1 GiB */
  maxRecordBytes?: number;
}

const PARQUET_OPTIONS: OptionNames<ImportParquetOptions> = {
  ...IMPORT_OPTIONS,
  topic: true,
  maxRecordBytes: true,
};

const DEFAULT_GROUP_BYTES = 2 ** 30;

/** What a row group that is no good is refused with. */
const DAMAGES: ReadonlySet<ErrorCode> = new Set(["CORRUPT", "INVALID_MESSAGE", "UNSUPPORTED", "TOO_LARGE"]);

/**
 * Records Parquet files as a new sequence: each is the rows of a topic, called by the file's name up to the first dot. Files of
 * one name and schema are one topic. All of Parquet's codecs but LZO are read. A file is read row group by row group, and
 * memory goes with the largest of them; one that is a stream is read into memory.
 *
 * Columns keep their names, and have the types that Arrow gives them: integers of their width, timestamps, times and dates
 * of their unit (INT96 is nanoseconds), decimals exactly, FLOAT16 as half floats, texts, bytes (UUID and INTERVAL are bytes of fixed length), lists, structs, maps.
 * The time of rows is found as {@linkcode importArrow} says.
 *
 * Rejects with CORRUPT where a file is cut or damaged, UNSUPPORTED where it is encrypted; with `salvage` a row group that cannot be read is left
 * out (kind `row_group`), but nothing is read of a file without its footer. INVALID_MESSAGE where a row has no time (kind `time`), TOO_LARGE where a row group is. Otherwise as {@linkcode importArrow}.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importParquet, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * await importParquet(client, await openFile("imu.parquet"), { name: "imu" });
 * ```
 *
 * Source: Apache Parquet Format, https://parquet.apache.org/docs/file-format.
 */
export async function importParquet(
  client: Client,
  sources: ImportSources,
  options: ImportParquetOptions,
): Promise<ImportReport> {
  checkOptions(options, PARQUET_OPTIONS, "Cannot import");
  const { topic, maxRecordBytes = DEFAULT_GROUP_BYTES } = options;
  let topics: TableTopics | undefined;
  return await importRecording(client, sources, options, {
    what: "the Parquet file",
    async read(recording) {
      topics ??= new TableTopics(recording, topic);
      await readFile(recording, topics, maxRecordBytes);
      return {};
    },
  });
}

async function readFile(recording: RecordingImport, topics: TableTopics, maxBytes: number): Promise<void> {
  const { engine, timeField, timeUnit } = recording;
  const reader = await ParquetReader.open(await recording.randomAccess(maxBytes), engine, maxBytes);
  const { fields } = reader;
  const found = findTimeColumn(fields, timeField);
  const time = [fields[found.index].name, ...found.within].join(".");
  const times = new ColumnTimes(fields, found, timeUnit);
  let table: Table | undefined;
  const open = async () => table ??= await topics.open({ fields, time, facts: times.facts });
  await recording.begin();
  for (let group = 0; group < reader.groupCount; group++) {
    if (reader.rowsOf(group) === 0) continue;
    const columns = await readGroup(recording, reader, group);
    if (!columns) continue;
    const rowTimes = times.read(vectorsOf(fields, columns).children);
    await (await open()).push(columns, rowTimes);
  }
  await open(); // one without rows has a topic too
}

/** The columns of a row group; undefined where they are damaged. */
async function readGroup(
  recording: RecordingImport,
  reader: ParquetReader,
  group: number,
): Promise<Columns | undefined> {
  try {
    const columns = await reader.read(group);
    checkText(reader.fields, columns);
    return columns;
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || !DAMAGES.has(reason.code)) throw reason;
    const { code, rawMessage: message } = reason;
    recording.flaw({ kind: "row_group", code, message, cause: reason, lost: `${reader.rowsOf(group)} rows` });
    return undefined;
  }
}
