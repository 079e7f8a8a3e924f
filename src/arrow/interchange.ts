/**
 * apache-arrow's RecordBatch -> columns, through Arrow IPC bytes; `tables.ts` is the other way.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { createJsEngine } from "../engine/js.ts";
import { type FieldSchema, isOptional, plainFields, typeName } from "../schema.ts";
import type { Columns } from "./columns.ts";
import { decodeSchemaMessage } from "./decode.ts";
import { decodeBatch, decodeFrame, MessageType } from "../engine/batch_message.ts";
import type { LoadArrow, RecordBatch } from "./library.ts";
import { decodeColumns, Dictionaries } from "./dictionaries.ts";
import { vectorsOf } from "./rearrange.ts";
import { FixedListVector, ListVector, type Vector } from "./vector.ts";

/**
 * A RecordBatch's columns, without dictionaries and views; views on fresh bytes. INVALID_MESSAGE where its columns are then
 * not `fields`, by name, type and order, or a value is missing where the field wants one.
 */
export async function columnsOfRecordBatch(
  load: LoadArrow,
  batch: RecordBatch,
  fields: readonly FieldSchema[],
): Promise<Columns> {
  const { Table, tableToIPC } = await load();
  if (typeof batch?.numRows !== "number" || !("schema" in batch)) {
    throw new SmaltiError("INVALID_MESSAGE", "The argument is no RecordBatch: wanted one of apache-arrow's");
  }
  const bytes = tableToIPC(new Table(batch), "stream");
  const seen = decodeSchemaMessage(bytes).fields;
  const plain = plainFields(seen);
  checkFields(plain, fields, "");
  const messages = messagesOf(bytes);
  const columns = plain === seen ? columnsIn(messages.at(-1)!) : decodedColumns(seen, messages);
  checkNulls(fields, columns);
  return columns;
}

/** A batch's columns as they are: copies, since the places of another writer's buffers need not be aligned. */
function columnsIn(message: Uint8Array): Columns {
  const { rows, nodes, buffers } = decodeBatch(message);
  return {
    rows,
    nodes: Array.from(nodes),
    buffers: Array.from(
      { length: buffers.length / 2 },
      (_, i) => message.slice(buffers[2 * i], buffers[2 * i] + buffers[2 * i + 1]),
    ),
  };
}

/** The plain columns of a batch, whose dictionaries come before it. */
function decodedColumns(fields: readonly FieldSchema[], messages: readonly Uint8Array[]): Columns {
  const engine = createJsEngine(); // any will do: nothing is compressed
  const dictionaries = new Dictionaries(engine, fields);
  for (const message of messages.slice(0, -1)) dictionaries.add(message, {});
  return decodeColumns(engine, messages.at(-1)!, fields, dictionaries);
}

/** The messages of a stream after its schema up to the first record batch. */
function messagesOf(stream: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0;;) {
    const frame = decodeFrame(stream.subarray(at));
    if (!frame) throw new SmaltiError("INTERNAL", "apache-arrow wrote a stream without a record batch");
    const end = at + frame.headBytes + frame.bodyBytes;
    if (frame.type !== MessageType.schema) messages.push(stream.subarray(at, end));
    if (frame.type === MessageType.recordBatch) return messages;
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

/**
 * Refuses missing values where a field wants one. Those below a missing value are nobody's, though apache-arrow's builders
 * leave them missing in any field: they are made present, as ours are.
 */
export function checkNulls(fields: readonly FieldSchema[], { rows, nodes, buffers }: Columns): void {
  for (let i = 0; i < nodes.length; i += 2) if (nodes[i + 1] === -1) nodes[i + 1] = 0; // uncounted where there is no bitmap
  const { children } = vectorsOf(fields, { rows, nodes: [...nodes], buffers: [...buffers] });
  let node = 0;
  const visit = (vector: Vector, path: string, live: () => Uint8Array): void => {
    const { field, nullCount } = vector;
    const at = 2 * node++ + 1;
    if (nullCount > 0 && !isOptional(field)) {
      const missing = live().filter((isLive, row) => isLive && !vector.isValid(row)).length;
      if (missing > 0) {
        throw new SmaltiError(
          "INVALID_MESSAGE",
          `Column "${path}" has ${missing} missing values: wanted none`,
        );
      }
      if (!field.nullable) {
        nodes[at] = 0;
        buffers[vector.at] = new Uint8Array(0);
      }
    }
    for (const child of vector.children) {
      visit(child, `${path}.${child.field.name}`, () => liveBelow(vector, child, live()));
    }
  };
  for (const column of children) visit(column, column.field.name, () => new Uint8Array(rows).fill(1));
}

/** Which of a child's values belong to a value that is there: 1 or 0 for each. */
function liveBelow(vector: Vector, child: Vector, live: Uint8Array): Uint8Array {
  const below = new Uint8Array(child.length);
  for (let row = 0; row < vector.length; row++) {
    if (!live[row] || !vector.isValid(row)) continue;
    if (vector instanceof ListVector) below.fill(1, vector.offsets[row], vector.offsets[row + 1]);
    else if (vector instanceof FixedListVector) below.fill(1, row * vector.size, (row + 1) * vector.size);
    else below[row] = 1;
  }
  return below;
}
