/**
 * Columns -> apache-arrow's RecordBatch and Table, through Arrow IPC bytes. apache-arrow is loaded when it is asked for:
 * who never asks for a Table never loads it.
 *
 * @module
 */
import { type FieldSchema, plainFields } from "../schema.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { Columns } from "./columns.ts";
import type { LoadArrow, RecordBatch, Table } from "./library.ts";

/** Batches that become a Table's at a time, and their bytes. */
const GROUP_BATCHES = 32;
const GROUP_BYTES = 4 * 2 ** 20;

/** A Table of these batches, in their order; without rows where there are none. Several may share a slice. */
export async function toTable(
  load: LoadArrow,
  fields: readonly FieldSchema[],
  batches: readonly Columns[],
  slice: TimeSlice = new TimeSlice(),
): Promise<Table> {
  const [{ Table, tableFromIPC }, { encodeBatch, encodeSchemaMessage, END_OF_STREAM }] = await Promise.all([
    load(),
    import("./encode.ts"),
  ]);
  const schema = encodeSchemaMessage({ fields: plainFields(fields), metadata: new Map() });
  const parts: RecordBatch[] = [];
  let group: Uint8Array[] = [];
  let bytes = 0;
  // In groups: one by one the schema would be decoded as often, and all at once would hold the event loop.
  for (const [i, batch] of batches.entries()) {
    await slice.pause();
    const message = encodeBatch(batch);
    group.push(message);
    bytes += message.length;
    if (bytes < GROUP_BYTES && group.length < GROUP_BATCHES && i < batches.length - 1) continue;
    parts.push(...tableFromIPC([schema, ...group, END_OF_STREAM]).batches);
    [group, bytes] = [[], 0];
  }
  return parts.length > 0 ? new Table(parts) : tableFromIPC([schema, END_OF_STREAM]);
}

/** One batch as apache-arrow's. */
export async function toRecordBatch(
  load: LoadArrow,
  fields: readonly FieldSchema[],
  columns: Columns,
): Promise<RecordBatch> {
  return (await toTable(load, fields, [columns])).batches[0];
}
