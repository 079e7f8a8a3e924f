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

/** Adds {@linkcode RAW_FIELD}: the messages that do not fit as they were, by row, in order. */
export function addRawColumn(columns: Columns, misfits: ReadonlyMap<number, Uint8Array>): void {
  const { rows } = columns;
  // A column of nulls alone has a bitmap; one without nulls has none.
  const validity = new Uint8Array(misfits.size === rows ? 0 : Math.ceil(rows / 8));
  const offsets = new Int32Array(rows + 1);
  const data = new Uint8Array([...misfits.values()].reduce((sum, { length }) => sum + length, 0));
  let bytes = 0;
  let next = 0;
  for (const [row, misfit] of misfits) {
    if (validity.length > 0) validity[row >> 3] |= 1 << (row & 7);
    data.set(misfit, bytes);
    offsets.fill(bytes, next, row + 1);
    bytes += misfit.length;
    next = row + 1;
  }
  offsets.fill(bytes, next);
  columns.nodes.push(rows, rows - misfits.size);
  columns.buffers.push(validity, bytesOf(offsets), data);
}
