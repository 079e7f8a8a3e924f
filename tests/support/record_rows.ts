/**
 * Rows of decoded records as plain values, read off the buffers here, so that they owe nothing to the code under test.
 *
 * @module
 */
import type { Engine } from "../../src/engine.ts";
import type { RecordColumns } from "../../src/record_plan.ts";
import type { CompiledRecords } from "../../src/import/records/plan_columns.ts";
import type { FieldSchema } from "../../src/schema.ts";

/** What became of records: 64-bit integers are bigint, lists arrays, structs objects, bytes Uint8Array. */
export interface DecodedRows {
  statuses: number[];
  rows: Record<string, unknown>[];
}

export function decodeRows(engine: Engine, compiled: CompiledRecords, records: Uint8Array[]): DecodedRows {
  const decoder = engine.createRecordDecoder(compiled.plan);
  const spans: number[] = [];
  let end = 0;
  for (const { length } of records) spans.push(end, end += length);
  const chunk = new Uint8Array(end);
  records.forEach((record, i) => chunk.set(record, spans[2 * i]));
  const statuses = new Uint8Array(records.length);
  engine.decodeRecords(chunk, [{ decoder, spans: Int32Array.from(spans), statuses }]);
  const columns = readColumns(compiled.fields, decoder.take());
  decoder.close();
  const rows = records.map((_, row) => structAt(columns, row));
  return { statuses: [...statuses], rows };
}

interface Column {
  readonly name: string;
  at(row: number): unknown;
}

function structAt(columns: readonly Column[], row: number): Record<string, unknown> {
  return Object.fromEntries(columns.map((column) => [column.name, column.at(row)]));
}

function readColumns(fields: readonly FieldSchema[], { buffers, nodes }: RecordColumns): Column[] {
  let node = 0;
  let buffer = 0;
  const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = ({ name, type, children }: FieldSchema): Column => {
    const nulls = nodes[2 * node++ + 1];
    const validity = buffers[buffer++];
    const hasOffsets = type.kind === "list" || type.kind === "utf8" || type.kind === "binary";
    const offsets = hasOffsets ? viewOf(buffers[buffer++]) : undefined;
    const span = (row: number) => [offsets!.getInt32(4 * row, true), offsets!.getInt32(4 * row + 4, true)];
    const isData = !["list", "fixedList", "struct"].includes(type.kind);
    const bytes = isData ? buffers[buffer++] : new Uint8Array(0);
    const data = viewOf(bytes);
    const within = children.map(read);
    const items = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => within[0].at(from + i));
    const valueAt = (row: number): unknown => {
      switch (type.kind) {
        case "bool":
          return (bytes[row >> 3] >> (row & 7) & 1) === 1;
        case "float":
          return type.bits === 32 ? data.getFloat32(4 * row, true) : data.getFloat64(8 * row, true);
        case "int": {
          const sign = type.signed ? "Int" : "Uint";
          const big = type.bits === 64 ? "Big" : "";
          const method = `get${big}${sign}${type.bits}` as "getInt32" | "getBigInt64";
          return data[method](type.bits / 8 * row, true);
        }
        case "utf8":
          return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(...span(row)));
        case "binary":
          return bytes.slice(...span(row));
        case "list":
          return items(...span(row) as [number, number]);
        case "fixedList":
          return items(type.size * row, type.size * (row + 1));
        default:
          return structAt(within, row);
      }
    };
    const isNull = (row: number) => nulls > 0 && (validity[row >> 3] & (1 << (row & 7))) === 0;
    return { name, at: (row) => isNull(row) ? null : valueAt(row) };
  };
  return fields.map(read);
}
