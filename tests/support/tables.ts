/**
 * Rows as columns, batches and text.
 *
 * @module
 */
import { createBuilder, StructBuilder } from "../../src/arrow/builder.ts";
import type { Builder, ByteCount } from "../../src/arrow/field_builder.ts";
import { bytesOf, type Columns, emptyColumns } from "../../src/arrow/columns.ts";
import type { LoadArrow } from "../../src/arrow/library.ts";
import { rowClass, type RowView } from "../../src/arrow/row_view.ts";
import type { Vector } from "../../src/arrow/vector.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { type OpenBatch, openBatch } from "../../src/arrow/stored_batch.ts";
import { type DataType, type FieldSchema, TIMESTAMP_FIELD } from "../../src/schema.ts";

export const engine = createJsEngine(loadNativeCodecs());

/** For clients and writers that are made without `connect`. */
export const loadArrow: LoadArrow = () => import("apache-arrow");

export const field = (
  name: string,
  type: DataType,
  nullable = false,
  children: FieldSchema[] = [],
): FieldSchema => ({
  name,
  type,
  nullable,
  children,
});

/** A value as text that tells apart all that differs: -0 from 0, 1n from 1, a typed array from another. */
export function written(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name}[${Array.from(value as Uint8Array, written).join(", ")}]`;
  }
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}: ${written(item)}`).join(", ")}}`;
}

/** A value read, with the views of rows in it turned into plain objects by touching each property. */
export function touched(field: FieldSchema, value: unknown): unknown {
  if (value === undefined) return undefined;
  const item = field.children[0];
  if (Array.isArray(value)) return value.map((one) => touched(item, one));
  return field.type.kind === "struct" ? touchedRow(field.children, value as object) : value;
}

/** The same for a row. */
export function touchedRow(fields: readonly FieldSchema[], row: object): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field) => [field.name, touched(field, (row as Record<string, unknown>)[field.name])]),
  );
}

export const newCount = (): ByteCount => ({ variable: 0, capacity: 0 });

/** The builder of a table's columns after `timestamp_ns`. */
export function rootBuilder(fields: readonly FieldSchema[], count: ByteCount = newCount()): StructBuilder {
  return new StructBuilder(
    { name: "", type: { kind: "struct" }, nullable: false, children: fields },
    "",
    count,
  );
}

/** A builder's rows as a table's columns, with times counted up from `firstNs`. */
export function withTimes(root: Pick<StructBuilder, "length" | "collectFields">, firstNs = 0n): Columns {
  const columns = emptyColumns(root.length);
  const times = BigInt64Array.from({ length: root.length }, (_, i) => firstNs + BigInt(i));
  columns.nodes.push(root.length, 0);
  columns.buffers.push(new Uint8Array(0), bytesOf(times));
  root.collectFields(columns);
  return columns;
}

/** The columns of some rows. */
export function columnsOf(fields: readonly FieldSchema[], rows: readonly object[]): Columns {
  const root = rootBuilder(fields);
  for (const row of rows) root.append(row);
  return withTimes(root);
}

/** A table's fields, `timestamp_ns` first. */
export function tableFields(fields: readonly FieldSchema[]): FieldSchema[] {
  return [TIMESTAMP_FIELD, ...fields];
}

/** Opens a message as the store's readers do. */
export function open(message: Uint8Array, fields: readonly FieldSchema[], headerCrc?: number): OpenBatch {
  return openBatch(engine, message, { fields: tableFields(fields), where: { file: "f" }, headerCrc });
}

/** A row of columns as an object whose properties read them, as messages have it. */
export function view(fields: readonly FieldSchema[], columns: readonly Vector[], row: number): RowView {
  return new (rowClass(fields))(columns, row);
}

/** A row of a batch's columns after `timestamp_ns`. */
export function dataView(fields: readonly FieldSchema[], batch: OpenBatch, row: number): RowView {
  return view(fields, batch.table.children.slice(1), row);
}

/** All rows of an open batch, each property touched, as text. */
export function rowsWritten(fields: readonly FieldSchema[], batch: OpenBatch): string[] {
  return Array.from(
    { length: batch.rows },
    (_, row) => written(touchedRow(fields, dataView(fields, batch, row))),
  );
}

export function oneBuilder(field: Omit<FieldSchema, "name" | "children"> & Partial<FieldSchema>): Builder {
  const whole = { name: "f", children: [], ...field };
  return createBuilder(whole, whole.name, newCount());
}
