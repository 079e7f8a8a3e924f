/**
 * Columns <-> apache-arrow's RecordBatch and Table, through Arrow IPC bytes. apache-arrow is loaded when it is asked for:
 * who never asks for a Table never loads it.
 *
 * @module
 */
import type { RecordBatch, Table } from "apache-arrow";
import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import type { Columns } from "./columns.ts";
import { decodeBatch, decodeFrame, decodeSchemaMessage, MessageType } from "./decode.ts";
import { encodeBatch, encodeSchemaMessage, END_OF_STREAM } from "./encode.ts";

/** A Table of these batches, in their order; without rows where there are none. */
export async function toTable(fields: readonly FieldSchema[], batches: readonly Columns[]): Promise<Table> {
  const { tableFromIPC } = await import("apache-arrow");
  const schema = encodeSchemaMessage({ fields, metadata: new Map() });
  return tableFromIPC([schema, ...batches.map((batch) => encodeBatch(batch)), END_OF_STREAM]);
}

/** One batch as apache-arrow's. */
export async function toRecordBatch(fields: readonly FieldSchema[], columns: Columns): Promise<RecordBatch> {
  return (await toTable(fields, [columns])).batches[0];
}

/**
 * A RecordBatch's columns; views on fresh bytes. INVALID_MESSAGE where its columns are not `fields`, by name, type and
 * order, or a value is missing where the field wants one.
 */
export async function columnsOfRecordBatch(
  batch: RecordBatch,
  fields: readonly FieldSchema[],
): Promise<Columns> {
  const { Table, tableToIPC } = await import("apache-arrow");
  if (typeof batch?.numRows !== "number" || !("schema" in batch)) {
    throw new SmaltiError("INVALID_MESSAGE", "The argument is no RecordBatch: wanted one of apache-arrow's");
  }
  const bytes = tableToIPC(new Table(batch), "stream");
  const seen = decodeSchemaMessage(bytes);
  checkFields(seen.fields, fields, "");
  const message = findBatch(bytes);
  const { rows, nodes, buffers } = decodeBatch(message);
  checkNulls(fields, nodes);
  return {
    rows,
    nodes: Array.from(nodes),
    buffers: Array.from(
      { length: buffers.length / 2 },
      // A copy, since the places of another writer's buffers need not be aligned.
      (_, i) => message.slice(buffers[2 * i], buffers[2 * i] + buffers[2 * i + 1]),
    ),
  };
}

/** The first record batch message of a stream. */
function findBatch(stream: Uint8Array): Uint8Array {
  let at = 0;
  for (;;) {
    const frame = decodeFrame(stream.subarray(at));
    if (!frame) throw new SmaltiError("INTERNAL", "apache-arrow wrote a stream without a record batch");
    const end = at + frame.headBytes + frame.bodyBytes;
    if (frame.type === MessageType.recordBatch) return stream.subarray(at, end);
    at = end;
  }
}

function checkFields(seen: readonly FieldSchema[], wanted: readonly FieldSchema[], path: string): void {
  wanted.forEach((field, i) => {
    const other = seen[i];
    // The one child of a list is called differently by different writers.
    const named = other?.name === field.name || path.endsWith("[].");
    if (named && typeName(shallow(other)) === typeName(shallow(field))) {
      const inner = field.type.kind === "struct" ? `${path}${field.name}.` : `${path}${field.name}[].`;
      checkFields(other.children, field.children, inner);
      return;
    }
    const found = other ? `"${other.name}", ${typeName(other)}` : "missing";
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `Column ${i} is ${found}: wanted "${path}${field.name}", ${typeName(field)}`,
    );
  });
  if (seen.length > wanted.length) {
    const { name } = seen[wanted.length];
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `Column "${path}${name}" is one too many: wanted ${wanted.length} columns`,
    );
  }
}

/** A nested type without the names within, which are compared one by one. */
function shallow(field: FieldSchema): FieldSchema {
  const children = field.children.map((child) => ({
    ...child,
    name: "",
    children: [],
    type: { kind: "null" as const },
  }));
  return { ...field, children };
}

/** A node per field, depth first: length, null count. */
function checkNulls(fields: readonly FieldSchema[], nodes: Float64Array): void {
  let at = 0;
  const visit = (field: FieldSchema, path: string): void => {
    const [length, counted] = [nodes[2 * at], nodes[2 * at + 1]];
    // apache-arrow leaves uncounted (-1) what has no bitmap.
    const nullCount = nodes[2 * at++ + 1] = counted !== -1
      ? counted
      : field.type.kind === "null"
      ? length
      : 0;
    if (nullCount > 0 && !field.nullable) {
      throw new SmaltiError(
        "INVALID_MESSAGE",
        `Column "${path}" has ${nullCount} missing values: wanted none`,
      );
    }
    for (const child of field.children) visit(child, `${path}.${child.name}`);
  };
  for (const field of fields) visit(field, field.name);
}
