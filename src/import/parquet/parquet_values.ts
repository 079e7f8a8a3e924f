/**
 * Values as hyparquet gives them -> columns.
 *
 * @module
 */
import { bytesOf, type Columns, type NumberArray, numberArrayType } from "../../arrow/columns.ts";
import { type DecimalType, writeUnscaled } from "../../arrow/decimal.ts";
import { SmaltiError } from "../../error.ts";
import type { DataType } from "../../schema.ts";
import type { ParquetColumn } from "./parquet_schema.ts";

type Values = ArrayLike<unknown>;

const NO_BYTES = new Uint8Array(0);

/**
 * Adds a column of these values, of which null and undefined are missing ones. CORRUPT where they are none of its type.
 *
 * @param missingAround Rows in which the struct around it is missing: there the column is, whatever its type says.
 */
export function addColumn(column: ParquetColumn, values: Values, out: Columns, missingAround = 0): void {
  const { field: { type }, children, entries } = column;
  const { length } = values;
  const validity = validityOf(values);
  if (validity && !column.field.nullable && validity.nullCount > missingAround) {
    throw new SmaltiError("CORRUPT", `column "${column.field.name}" lacks values that it must have`);
  }
  out.nodes.push(length, validity?.nullCount ?? 0);
  out.buffers.push(validity?.bits ?? NO_BYTES);
  switch (type.kind) {
    case "bool":
      out.buffers.push(bits(values));
      return;
    case "int":
    case "float":
    case "temporal":
      out.buffers.push(numbers(type, values));
      return;
    case "decimal":
      out.buffers.push(decimals(type, values));
      return;
    case "fixedBinary":
      out.buffers.push(fixed(type.size, values));
      return;
    case "utf8":
    case "binary":
      addBytes(values, out);
      return;
    case "struct":
      for (const child of children) {
        const { name } = child.field;
        addColumn(
          child,
          pick(values, (value) => (value as Record<string, unknown>)[name]),
          out,
          validity?.nullCount,
        );
      }
      return;
    default: {
      const key = entries;
      const lists = key === undefined
        ? values
        : pick(values, (value) => (value as Record<string, unknown>)[key]);
      const items = addLists(lists, out);
      const named = type.kind === "map" ? pick(items, renamed(column)) : items;
      addColumn(children[0], named, out);
    }
  }
}

/** Entries of maps by our names; the file's may be others. */
function renamed({ children: [entries] }: ParquetColumn): (entry: unknown) => unknown {
  return (entry) => {
    const parts = Object.values(entry as object);
    return Object.fromEntries(entries.children.map(({ field }, i) => [field.name, parts[i]]));
  };
}

function pick(values: Values, of: (value: unknown) => unknown): unknown[] {
  const picked = new Array<unknown>(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    picked[i] = value === null || value === undefined ? null : of(value);
  }
  return picked;
}

function validityOf(values: Values): { bits: Uint8Array; nullCount: number } | undefined {
  if (ArrayBuffer.isView(values)) return undefined;
  const { length } = values;
  let bits: Uint8Array | undefined;
  let nullCount = 0;
  for (let i = 0; i < length; i++) {
    if (values[i] !== null && values[i] !== undefined) continue;
    bits ??= new Uint8Array(Math.ceil(length / 8)).fill(255);
    bits[i >> 3] &= ~(1 << (i & 7));
    nullCount++;
  }
  return bits && { bits, nullCount };
}

function bits(values: Values): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i]) bits[i >> 3] |= 1 << (i & 7);
  return bits;
}

function numbers(type: DataType, values: Values): Uint8Array {
  const array = new (numberArrayType(type)!)(values.length);
  if (type.kind === "float" && type.bits === 16) {
    for (let i = 0; i < values.length; i++) {
      const bytes = values[i] as Uint8Array | undefined | null;
      if (bytes) array[i] = bytes[0] | bytes[1] << 8;
    }
  } else if (ArrayBuffer.isView(values) && isAlike(values as NumberArray, array)) {
    array.set(values as never);
  } else if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as bigint | number | null | undefined;
      if (value !== null && value !== undefined) array[i] = BigInt(value);
    }
  } else {
    for (let i = 0; i < values.length; i++) array[i] = Number(values[i] ?? 0);
  }
  return bytesOf(array);
}

/** Whether one can be set by the other: both are of bigints, or none. */
function isAlike(a: NumberArray, b: NumberArray): boolean {
  const isLarge = (array: NumberArray) => array instanceof BigInt64Array || array instanceof BigUint64Array;
  return isLarge(a) === isLarge(b);
}

function decimals({ bits }: DecimalType, values: Values): Uint8Array {
  const width = bits / 8;
  const data = new Uint8Array(values.length * width);
  const view = new DataView(data.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    const unscaled = value instanceof Uint8Array ? bigEndian(value) : BigInt(value as number | bigint);
    if (BigInt.asIntN(bits, unscaled) !== unscaled) {
      throw new SmaltiError("CORRUPT", "a decimal is too large for its type");
    }
    writeUnscaled(view, i * width, bits, unscaled);
  }
  return data;
}

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length > 64) throw new SmaltiError("CORRUPT", `a decimal has ${bytes.length} bytes`);
  let value = 0n;
  for (const byte of bytes) value = value << 8n | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

function fixed(size: number, values: Values): Uint8Array {
  const data = new Uint8Array(values.length * size);
  for (let i = 0; i < values.length; i++) {
    const bytes = values[i] as Uint8Array | null | undefined;
    if (!bytes) continue;
    if (bytes.length !== size) {
      throw new SmaltiError("CORRUPT", `a value has ${bytes.length} bytes, wanted ${size}`);
    }
    data.set(bytes, i * size);
  }
  return data;
}

function addBytes(values: Values, out: Columns): void {
  const offsets = new Int32Array(values.length + 1);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += (values[i] as Uint8Array | null | undefined)?.length ?? 0;
    if (total > 0x7fffffff) {
      throw new SmaltiError("TOO_LARGE", "a column of bytes passes 2 GiB in a row group");
    }
    offsets[i + 1] = total;
  }
  const data = new Uint8Array(total);
  for (let i = 0; i < values.length; i++) {
    const bytes = values[i] as Uint8Array | null | undefined;
    if (bytes) data.set(bytes, offsets[i]);
  }
  out.buffers.push(bytesOf(offsets), data);
}

/** Adds the offsets of lists; gives the items of all. */
function addLists(values: Values, out: Columns): unknown[] {
  const offsets = new Int32Array(values.length + 1);
  const items: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const list = values[i] as ArrayLike<unknown> | null | undefined;
    if (list) { for (let at = 0; at < list.length; at++) items.push(list[at]); }
    offsets[i + 1] = items.length;
  }
  out.buffers.push(bytesOf(offsets));
  return items;
}
