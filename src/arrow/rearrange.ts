/**
 * Columns -> columns: parts of them, several as one, rows in another order. Column 0 is `timestamp_ns`.
 *
 * @module
 */
import type { FieldSchema } from "../schema.ts";
import { BatchAppender } from "./append.ts";
import { buildVectors } from "./build_vectors.ts";
import { type Columns, emptyColumns, numberArrayType } from "./columns.ts";
import { type Picks, rangePicks, take } from "./take.ts";
import type { StructVector } from "./vector.ts";

/** Columns at hand as vectors, views on them. */
export function vectorsOf(fields: readonly FieldSchema[], columns: Columns): StructVector {
  const { rows, nodes, buffers } = columns;
  const shape = { rows, nodes, bufferCount: buffers.length, variadic: [] };
  return buildVectors(fields, shape, { buffer: (index) => buffers[index] });
}

/** Rows `from` (inclusive) to `to` (exclusive); views where they can be. */
export function sliceColumns(
  fields: readonly FieldSchema[],
  columns: Columns,
  from: number,
  to: number,
): Columns {
  return viewRows(fields, columns, from, to) ?? take([vectorsOf(fields, columns)], rangePicks(from, to));
}

/** Views on rows of columns that are numbers alone, none of them missing; undefined of others. */
function viewRows(
  fields: readonly FieldSchema[],
  { nodes, buffers }: Columns,
  from: number,
  to: number,
): Columns | undefined {
  const out = emptyColumns(to - from);
  let [node, buffer] = [0, 0];
  const view = ({ type, children, dictionary }: FieldSchema): boolean => {
    const width = dictionary ? undefined : numberArrayType(type)?.BYTES_PER_ELEMENT;
    if (nodes[2 * node++ + 1] > 0 || width === undefined && type.kind !== "struct") return false;
    out.nodes.push(to - from, 0);
    out.buffers.push(buffers[buffer++].subarray(0, 0));
    if (width !== undefined) out.buffers.push(buffers[buffer++].subarray(from * width, to * width));
    return children.every(view);
  };
  return fields.every(view) ? out : undefined;
}

/** The rows of all pieces, one piece after another. */
export function stackColumns(fields: readonly FieldSchema[], pieces: readonly Columns[]): Columns {
  if (pieces.length === 1) return pieces[0];
  const all = new BatchAppender(fields);
  for (const { rows, nodes, buffers } of pieces) all.append({ rows, nodes, buffer: (i) => buffers[i] });
  return all.collect();
}

/** The same rows by time, equal times in the order they came, and the first and last time. There must be a row. */
export function inTimeOrder(
  fields: readonly FieldSchema[],
  columns: Columns,
): { sorted: Columns; firstNs: bigint; lastNs: bigint } {
  const picks = timeOrder(timesOf(columns));
  const sorted = picks ? take([vectorsOf(fields, columns)], picks) : columns;
  const times = timesOf(sorted);
  return { sorted, firstNs: times[0], lastNs: times[times.length - 1] };
}

/** The times of all rows; a view. */
export function timesOf({ rows, buffers }: Columns): BigInt64Array {
  const { buffer, byteOffset } = buffers[1];
  return new BigInt64Array(buffer, byteOffset, rows);
}

/**
 * The picks that put rows in time order; undefined where they are in order already. Times are compared as pairs of
 * 32-bit words: comparing bigints costs JavaScriptCore thirty times as much.
 */
function timeOrder(times: BigInt64Array): Picks | undefined {
  const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  let sorted = true;
  for (let i = 2; i < words.length && sorted; i += 2) sorted = !isBefore(words, i, i - 2);
  if (sorted) return undefined;
  const rows = Int32Array.from(times, (_, i) => i);
  rows.sort((a, b) => isBefore(words, 2 * a, 2 * b) ? -1 : isBefore(words, 2 * b, 2 * a) ? 1 : a - b);
  return { sources: new Int32Array(rows.length), rows };
}

function isBefore(words: Int32Array, a: number, b: number): boolean {
  const highA = words[a + 1];
  const highB = words[b + 1];
  return highA < highB || (highA === highB && (words[a] >>> 0) < (words[b] >>> 0));
}
