/**
 * A sequence -> CSV.
 *
 * @module
 */
import { NumberVector, StructVector, Utf8Vector, type Vector } from "../arrow/vector.ts";
import { uniqueNames } from "../import/tables/table_topics.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { FieldSchema } from "../schema.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { ExportOptions, ExportReport } from "./recording_export.ts";
import { TextChunks } from "./text_chunks.ts";
import { exportTables, type TableOutput, type TopicTable } from "./topic_files.ts";

/** RFC 4180. */
const LINE_END = "\r\n";

/**
 * Writes a sequence as CSV (RFC 4180) in UTF-8, a file for each topic: a header line, then a line for each message in time
 * order, with `,` between cells, lines ended by CRLF, and quotes where a cell has a separator, quote, line end, or a space at
 * an end. The first column is `timestamp_ns`, in whole nanoseconds.
 *
 * Fields of structs are columns with dotted names (`position.x`). Integers are whole, whatever their size; floats have a point or an
 * exponent, so that they come in as such, or are `NaN`, `Infinity`, `-Infinity`; those of 32 and 16 bits have the digits of the
 * same float64. Booleans are `true` and `false`, bytes base64, times the integers that they are stored as. Lists and maps are
 * JSON as `toJSON()` of a message has it, with integers beyond 2^53, NaN and the infinities as texts. A missing value is an empty cell; an empty
 * text, or no bytes, is `""`.
 *
 * Into a directory (`createDirectory`) go all topics, as `TOPIC.csv`; a topic `gps/front` is `gps/front.csv`. A stream takes
 * one topic: INVALID_ARGUMENT where others are chosen or there. What it writes to is closed at the end and aborted
 * where it fails. Memory is bounded by the stream's and 64 KiB of text.
 *
 * Rejects as reading does (CORRUPT, NOT_FOUND of a topic, RangeError of a window), with the signal's reason, or with what
 * writing fails with.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createFile, exportCsv } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportCsv(handler, await createFile("imu.csv"), { topics: ["imu"] });
 * ```
 *
 * Source: RFC 4180.
 */
export async function exportCsv(
  handler: SequenceHandler,
  output: TableOutput,
  options: ExportOptions = {},
): Promise<ExportReport> {
  return await exportTables(handler, output, options, "csv", writeTopic);
}

async function writeTopic(topic: TopicTable): Promise<void> {
  const out = new TextChunks((bytes) => topic.write(bytes.slice()));
  const names = uniqueNames(topic.fields.flatMap((field) => namesOf(field, "")));
  await out.write(names.map(quotedIfNeeded).join(",") + LINE_END);
  const slice = new TimeSlice();
  for await (const { table, from, to } of topic.pieces()) {
    await slice.pause();
    const cells = table.children.flatMap((column) => cellsOf(column));
    for (let row = from; row < to; row++) {
      let line = cells[0](row);
      for (let i = 1; i < cells.length; i++) line += "," + cells[i](row);
      const full = out.write(line + LINE_END);
      if (full) await full;
    }
  }
  await out.flush();
}

/** The names of the columns that a field becomes. */
function namesOf({ name, type, children }: FieldSchema, before: string): string[] {
  const path = before + name;
  if (type.kind !== "struct" || children.length === 0) return [path];
  return children.flatMap((child) => namesOf(child, `${path}.`));
}

/** The text of a column in a row. */
type Cell = (row: number) => string;

/** The cells of a column; those of a struct that is missing are empty. */
function cellsOf(column: Vector): Cell[] {
  if (!(column instanceof StructVector) || column.children.length === 0) return [cellOf(column)];
  const cells = column.children.flatMap((child) => cellsOf(child));
  if (column.nullCount === 0) return cells;
  return cells.map((cell) => (row) => column.isValid(row) ? cell(row) : "");
}

function cellOf(column: Vector): Cell {
  const { kind } = column.field.type;
  if (column instanceof Utf8Vector) {
    return (row) => {
      const text = column.get(row);
      return text === undefined ? "" : quotedText(text);
    };
  }
  if (kind === "float" && column instanceof NumberVector) {
    return (row) => {
      const value = column.get(row);
      return value === undefined ? "" : floatText(value as number);
    };
  }
  if (column instanceof NumberVector) {
    return (row) => {
      const value = column.get(row);
      return value === undefined ? "" : String(value);
    };
  }
  return (row) => {
    const value = column.get(row);
    if (value === undefined) return "";
    if (typeof value === "string") return quotedText(value);
    if (typeof value !== "object") return String(value);
    const json = column.plain(row, true);
    return typeof json === "string" ? quotedText(json) : quotedIfNeeded(JSON.stringify(json));
  };
}

function floatText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return Number.isInteger(value) && !text.includes("e") ? text + ".0" : text;
}

function quotedText(text: string): string {
  return text === "" ? '""' : quotedIfNeeded(text);
}

function quotedIfNeeded(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
