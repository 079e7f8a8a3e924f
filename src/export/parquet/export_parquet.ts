/**
 * A sequence -> Parquet files.
 *
 * @module
 */
import { bytesIn, type Columns } from "../../arrow/columns.ts";
import { stackColumns, vectorsOf } from "../../arrow/rearrange.ts";
import { SmaltiError } from "../../error.ts";
import type { SequenceHandler } from "../../read/sequence_handler.ts";
import { VERSION } from "../../version.ts";
import { copyPiece } from "../column_pieces.ts";
import type { ExportOptions, ExportReport } from "../recording_export.ts";
import { exportTables, type TableOutput, type TopicTable } from "../topic_files.ts";
import { elementsOf } from "./parquet_elements.ts";
import { hasNegativeZero, valuesOf } from "./parquet_values.ts";

/** A row group is full when it has so many bytes in memory: as values of JavaScript they take many times that... */
const GROUP_BYTES = 4 * 2 ** 20;
/** ...or so many rows. */
const GROUP_ROWS = 131_072;
/** Tables that are written side by side share those bytes; each has so many at least. */
const LEAST_GROUP_BYTES = 2 ** 18;

/**
 * Writes a sequence as Parquet files, a file for each topic: its rows in time order, compressed by Snappy, in row groups of
 * about four mebibytes in memory. The first column is `timestamp_ns`, a TIMESTAMP of nanoseconds without a zone (of those with
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
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  let open = 0;
  const groupBytes = () => Math.max(LEAST_GROUP_BYTES, GROUP_BYTES / open);
  const writeTable = async (topic: TopicTable) => {
    const bytes = new ByteWriter();
    const parquet = new ParquetWriter({
      writer: bytes,
      schema: schemaOf(handler, topic),
      kvMetadata: [...topic.facts].map(([key, value]) => ({ key, value })),
      createdBy: `smalti ${VERSION}`,
    });
    const flush = async () => {
      await topic.write(bytes.getBytes().slice());
      bytes.index = 0;
    };
    for await (const columns of rowGroups(topic, groupBytes)) {
      const columnData = vectorsOf(topic.fields, columns).children.map((column) => ({
        name: column.field.name,
        data: valuesOf(column) as unknown[],
        // A dictionary of the writer's has one zero for both.
        encoding: hasNegativeZero(column) ? "PLAIN" as const : undefined,
      }));
      await parquet.write({ columnData, rowGroupSize: columns.rows });
      await flush();
    }
    await parquet.finish();
    await flush();
  };
  return await exportTables(handler, output, options, "parquet", async (topic) => {
    open++;
    try {
      await writeTable(topic);
    } finally {
      open--;
    }
  });
}

function schemaOf({ name: sequence }: SequenceHandler, { name: topic, fields }: TopicTable) {
  try {
    return elementsOf(fields);
  } catch (reason) {
    throw reason instanceof SmaltiError ? reason.at({ sequence, topic }) : reason;
  }
}

/** A topic's rows in row groups of about so many bytes. */
async function* rowGroups({ fields, pieces }: TopicTable, groupBytes: () => number): AsyncGenerator<Columns> {
  let parts: Columns[] = [];
  let [bytes, rows] = [0, 0];
  for await (const piece of pieces()) {
    const columns = copyPiece(piece);
    parts.push(columns);
    bytes += bytesIn(columns);
    rows += columns.rows;
    if (bytes < groupBytes() && rows < GROUP_ROWS) continue;
    yield stackColumns(fields, parts);
    parts = [];
    [bytes, rows] = [0, 0];
  }
  if (parts.length > 0) yield stackColumns(fields, parts);
}
