/**
 * A sequence -> Parquet files.
 *
 * @module
 */
import type { SequenceHandler } from "../../read/sequence_handler.ts";
import type { ExportOptions, ExportReport } from "../recording_export.ts";
import { exportTables, groupsOf, type TableOutput } from "../topic_files.ts";
import { openParquet } from "./parquet_file.ts";

/** A row group is full when it has so many bytes in memory... */
const GROUP_BYTES = 2 * 2 ** 20;
/** ...or so many rows. */
const GROUP_ROWS = 131_072;
/** Tables that are written side by side share those bytes; each has so many at least. */
const LEAST_GROUP_BYTES = 2 ** 18;

/**
 * Writes a sequence as Parquet files, a file for each topic: its rows in time order, compressed by Snappy, in row groups of
 * about two mebibytes in memory. The first column is `timestamp_ns`, a TIMESTAMP of nanoseconds without a zone (of those with
 * one DuckDB keeps microseconds alone), which is UTC; the others keep names and types: structs, lists and maps are nested
 * columns, lists of one length become lists, durations and times of whole seconds integers. The file's
 * key-value metadata has the names of sequence and topic, the ontology's tag, and what was told of both as JSON (`smalti:topic`, ...). Loads `hyparquet-writer`.
 *
 * Into a directory (`createDirectory`) go all topics, as `TOPIC.parquet`; a topic `gps/front` is `gps/front.parquet`. A
 * stream takes one topic: INVALID_ARGUMENT where others are chosen or there. What it writes to is closed at the end and
 * aborted where it fails. Memory is bounded by the stream's and a row group.
 *
 * Rejects as reading does (CORRUPT, NOT_FOUND of a topic, RangeError of a window), with UNSUPPORTED where a struct has no
 * fields, with the signal's reason, or with what writing fails with.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createFile, exportParquet } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportParquet(handler, await createFile("imu.parquet"), { topics: ["imu"] });
 * ```
 *
 * Source: Apache Parquet Format, https://parquet.apache.org/docs/file-format.
 */
export async function exportParquet(
  handler: SequenceHandler,
  output: TableOutput,
  options: ExportOptions = {},
): Promise<ExportReport> {
  let open = 0;
  const groupBytes = () => Math.max(LEAST_GROUP_BYTES, GROUP_BYTES / open);
  return await exportTables(handler, output, options, "parquet", async (topic) => {
    open++;
    try {
      const facts = [...topic.facts].map(([key, value]) => ({ key, value }));
      const parquet = await openParquet(topic.fields, facts, (bytes) => topic.write(bytes));
      for await (const columns of groupsOf(topic, groupBytes, GROUP_ROWS)) await parquet.add(columns);
      await parquet.finish();
    } finally {
      open--;
    }
  });
}
