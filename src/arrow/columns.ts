/**
 * A record batch as flat lists, the way Arrow IPC lays it out: one node a field and some buffers a field, both in
 * depth-first order. What builders make, what `take` makes, what the encoder writes.
 *
 * @module
 */
import type { DataType, FieldSchema } from "../schema.ts";

/** Columns in memory, raw. */
export interface Columns {
  /** Rows in the batch. */
  rows: number;
  /** Per field in depth-first order: length, null count. */
  nodes: number[];
  /** Per field in depth-first order: validity (empty when nothing is null), then what its type has. */
  buffers: Uint8Array[];
  /** Per view column: the number of its data buffers. Where there is none, undefined: such as in what is stored. */
  variadic?: number[];
}

/** Columns of no rows yet, to be filled field by field. */
export function emptyColumns(rows: number): Columns {
  return { rows, nodes: [], buffers: [] };
}

/** Bytes of all buffers. */
export function bytesIn({ buffers }: Columns): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** The bytes of any typed array; a view. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A typed array whose items are one Arrow value each. */
export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The constructor of a typed array. */
export interface NumberArrayType {
  new (length: number): NumberArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumberArray;
  readonly BYTES_PER_ELEMENT: number;
}

const SIGNED = { 8: Int8Array, 16: Int16Array, 32: Int32Array, 64: BigInt64Array } as const;
const UNSIGNED = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;
const FLOAT = { 16: Uint16Array, 32: Float32Array, 64: Float64Array } as const;

/** The typed array that holds a fixed-width number type's data buffer (half floats as their bits); undefined for other types. */
export function numberArrayType(type: DataType): NumberArrayType | undefined {
  switch (type.kind) {
    case "int":
      return (type.signed ? SIGNED : UNSIGNED)[type.bits];
    case "temporal":
      return SIGNED[type.bits];
    case "float":
      return FLOAT[type.bits];
    default:
      return undefined;
  }
}

/** Bytes a row of this field takes at least, for estimates: fixed parts and offsets, without validity. */
export function rowWidth(field: FieldSchema): number {
  if (field.dictionary) return field.dictionary.index.bits / 8;
  const { type } = field;
  const children = field.children.reduce((sum, child) => sum + rowWidth(child), 0);
  switch (type.kind) {
    case "int":
    case "float":
    case "temporal":
    case "decimal":
      return type.bits / 8;
    case "listView":
      return type.offsets / 4;
    case "runEnd":
      return 0; // of a run's values there may be any number
    case "utf8":
    case "binary":
    case "list":
      return type.offsets / 8;
    case "map":
      return 4;
    case "utf8View":
    case "binaryView":
      return 16;
    case "fixedBinary":
      return type.size;
    case "fixedList":
      return type.size * children;
    case "bool":
      return 1 / 8;
    default:
      return children;
  }
}
