/**
 * How large batches are, and how rows that come in other sizes are made into them: small pieces are collected, large ones
 * are cut.
 *
 * @module
 */
import type { FieldSchema } from "../schema.ts";
import type { Columns } from "./columns.ts";
import { sliceColumns, stackColumns } from "./rearrange.ts";

/** A batch is full when it has so many rows... */
export const BATCH_ROWS = 65_536;
/** ...or so many bytes in memory, whichever comes first. */
export const BATCH_BYTES: number = 1 << 19;

/** Rows of a full batch, where so many rows have so many bytes. */
export function rowsPerBatch(rows: number, bytes: number): number {
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(rows * BATCH_BYTES / bytes)));
}

/** Columns in parts of `rowsPerPart` rows, and what is left. What is no larger than a part is given as it is. */
export function* cutColumns(
  fields: readonly FieldSchema[],
  columns: Columns,
  rowsPerPart: number,
): Generator<Columns> {
  const { rows } = columns;
  if (rows <= rowsPerPart) return yield columns;
  for (let from = 0; from < rows; from += rowsPerPart) {
    yield sliceColumns(fields, columns, from, Math.min(rows, from + rowsPerPart));
  }
}

/** Columns that come in pieces too small to be batches, until they make one. */
export class BatchPieces {
  readonly #fields: readonly FieldSchema[];
  #pieces: Columns[] = [];
  /** Bytes of all pieces; 0 where there are none. */
  bytes = 0;

  constructor(fields: readonly FieldSchema[]) {
    this.#fields = fields;
  }

  /** The pieces, in the order they came. */
  get all(): readonly Columns[] {
    return this.#pieces;
  }

  /** Whether they make a batch. */
  get isFull(): boolean {
    return this.bytes >= BATCH_BYTES;
  }

  /** Takes a piece of so many bytes, which is its own from then on. */
  add(piece: Columns, bytes: number): void {
    this.#pieces.push(piece);
    this.bytes += bytes;
  }

  /** All of them as one, and forgets them. There must be one. */
  take(): Columns {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.bytes = 0;
    return stackColumns(this.#fields, pieces);
  }
}

/** The same columns in memory of their own. */
export function copyColumns(columns: Columns): Columns {
  return { ...columns, buffers: columns.buffers.map((buffer) => buffer.slice()) };
}
