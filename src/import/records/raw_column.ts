import { bytesOf, type Columns } from "../../arrow/columns.ts";
import type { FieldSchema } from "../../schema.ts";

/** The column for messages that the other columns do not hold. */
export const RAW_FIELD: FieldSchema = {
  name: "_raw",
  type: { kind: "binary", offsets: 32 },
  nullable: true,
  children: [],
  metadata: { description: "The message as it was, where the other columns do not hold all of it." },
};

/**
 * The column for messages in CDR whose values are all in the other columns, but do not tell their bytes: padding that is not zero,
 * the encapsulation of another writer. One that merely ends with zeros, up to a multiple of 4 bytes, is an empty value here, since a
 * copy of each message would double the topic.
 */
export const PADDING_FIELD: FieldSchema = {
  name: "_padding",
  type: { kind: "binary", offsets: 32 },
  nullable: true,
  children: [],
  metadata: {
    description:
      "The message as it was, where ROS 2 pads or encapsulates otherwise; empty where zeros follow.",
  },
};

/** Adds a column such as {@linkcode RAW_FIELD}: the bytes of messages, by row, in order. */
export function addBytesColumn(columns: Columns, messages: ReadonlyMap<number, Uint8Array>): void {
  const { rows } = columns;
  // A column of nulls alone has a bitmap; one without nulls has none.
  const validity = new Uint8Array(messages.size === rows ? 0 : Math.ceil(rows / 8));
  const offsets = new Int32Array(rows + 1);
  const data = new Uint8Array([...messages.values()].reduce((sum, { length }) => sum + length, 0));
  let bytes = 0;
  let next = 0;
  for (const [row, message] of messages) {
    if (validity.length > 0) validity[row >> 3] |= 1 << (row & 7);
    data.set(message, bytes);
    offsets.fill(bytes, next, row + 1);
    bytes += message.length;
    next = row + 1;
  }
  offsets.fill(bytes, next);
  columns.nodes.push(rows, rows - messages.size);
  columns.buffers.push(validity, bytesOf(offsets), data);
}
