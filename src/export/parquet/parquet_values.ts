/**
 * Values of columns -> bytes as Parquet has them in plain encoding.
 *
 * Source: Apache Parquet Format, "Plain".
 *
 * @module
 */
import { bytesOf, type NumberArray } from "../../arrow/columns.ts";
import {
  BinaryVector,
  BoolVector,
  DecimalVector,
  FixedBinaryVector,
  NullVector,
  NumberVector,
  Utf8Vector,
} from "../../arrow/vector.ts";
import type { ByteBuilder } from "../byte_builder.ts";
import type { Leaf } from "./parquet_levels.ts";

/** The row of a leaf's value. */
export function rowOf({ levels: { rows, first } }: Leaf, value: number): number {
  return rows === null ? first + value : rows[value];
}

/** Adds the values of a leaf from one on and up to before another. CORRUPT. */
export function putValues(leaf: Leaf, from: number, to: number, out: ByteBuilder): void {
  const { vector } = leaf;
  if (vector instanceof NumberVector) out.raw(bytesOf(numbersOf(leaf, from, to)));
  else if (vector instanceof BoolVector) {
    const at = out.take(Math.ceil((to - from) / 8));
    out.bytes.fill(0, at, out.length);
    for (let i = from; i < to; i++) {
      const row = rowOf(leaf, i);
      const bit = (vector.bits[row >> 3] >> (row & 7)) & 1;
      out.bytes[at + ((i - from) >> 3)] |= bit << ((i - from) & 7);
    }
  } else if (vector instanceof DecimalVector) {
    for (let i = from; i < to; i++) {
      const start = rowOf(leaf, i) * vector.size;
      const at = out.take(vector.size);
      // Arrow has the lowest byte first, Parquet the highest.
      for (let k = 0; k < vector.size; k++) out.bytes[at + k] = vector.data[start + vector.size - 1 - k];
    }
  } else if (vector instanceof FixedBinaryVector) {
    const { data, size } = vector;
    for (let i = from; i < to; i++) {
      const row = rowOf(leaf, i);
      out.raw(data.subarray(row * size, (row + 1) * size));
    }
  } else if (vector instanceof BinaryVector) {
    for (let i = from; i < to; i++) putBytes(vector, rowOf(leaf, i), out);
  } else if (!(vector instanceof NullVector)) {
    throw new TypeError(`Parquet has no values of column "${vector.field.name}"`);
  }
}

/** Adds the bytes or text of a row. CORRUPT where it is none. */
export function putBytes(vector: BinaryVector, row: number, out: ByteBuilder): void {
  // Bytes may be no UTF-8.
  if (vector instanceof Utf8Vector) vector.get(row);
  vector.check(row);
  const [start, end] = [vector.offsets[row], vector.offsets[row + 1]];
  out.uint32(end - start);
  out.raw(vector.data.subarray(start, end));
}

/** Bytes of a leaf's values, about. */
export function valueBytes({ vector, levels: { valueCount } }: Leaf): number {
  if (vector instanceof NumberVector) return valueCount * Math.max(4, vector.values.BYTES_PER_ELEMENT);
  if (vector instanceof FixedBinaryVector) return valueCount * vector.size;
  if (vector instanceof BinaryVector) {
    return 4 * valueCount + vector.data.length * valueCount / Math.max(1, vector.length);
  }
  return valueCount / 8;
}

/** Numbers as Parquet stores them, which has none below 32 bits but half floats: views where they lie together. */
function numbersOf(leaf: Leaf, from: number, to: number): NumberArray {
  const { values, field: { type } } = leaf.vector as NumberVector;
  const { rows, first } = leaf.levels;
  const isNarrow = values.BYTES_PER_ELEMENT < 4 && type.kind !== "float";
  if (rows === null) {
    const numbers = values.subarray(first + from, first + to);
    return isNarrow ? Int32Array.from(numbers as Uint8Array) : numbers;
  }
  if (isNarrow) return Int32Array.from({ length: to - from }, (_, i) => values[rows[from + i]] as number);
  // As words: floats that are moved as such may lose what a NaN holds, and bigints are dear.
  const words = Math.max(1, values.BYTES_PER_ELEMENT / 4);
  const place = [values.buffer, values.byteOffset, words * values.length] as const;
  const source = values.BYTES_PER_ELEMENT < 4 ? new Uint16Array(...place) : new Uint32Array(...place);
  const count = words * (to - from);
  const numbers = values.BYTES_PER_ELEMENT < 4 ? new Uint16Array(count) : new Uint32Array(count);
  for (let i = from, at = 0; i < to; i++) {
    for (let word = 0; word < words; word++) numbers[at++] = source[words * rows[i] + word];
  }
  return numbers;
}

/** The least value and the most. */
export interface Bounds {
  readonly min: number | bigint;
  readonly max: number | bigint;
}

/** The least and the most of a leaf's values; undefined where there is none, or it has no order of numbers. */
export function boundsOf(
  leaf: Leaf,
): Bounds | undefined {
  const { vector, levels: { valueCount } } = leaf;
  if (!(vector instanceof NumberVector)) return undefined;
  const { kind } = vector.field.type;
  const { values } = vector;
  if (kind === "float" && values instanceof Uint16Array) return undefined;
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return bigBoundsOf(leaf, values);
  let min: number | undefined;
  let max: number | undefined;
  for (let i = 0; i < valueCount; i++) {
    const value = values[rowOf(leaf, i)] as number;
    // NaN has no place in an order.
    if (value !== value) continue;
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  if (min === undefined || max === undefined) return undefined;
  // Of zeros the format wants the lower as the least, the higher as the most.
  return { min: kind === "float" && min === 0 ? -0 : min, max: max === 0 ? 0 : max };
}

/** The same of 64 bits, which are compared as pairs of words: bigints cost many times as much. */
function bigBoundsOf(leaf: Leaf, values: BigInt64Array | BigUint64Array): Bounds | undefined {
  const { valueCount } = leaf.levels;
  if (valueCount === 0) return undefined;
  const { buffer, byteOffset, length } = values;
  const lows = new Uint32Array(buffer, byteOffset, 2 * length);
  const highs = values instanceof BigInt64Array ? new Int32Array(buffer, byteOffset, 2 * length) : lows;
  let min = rowOf(leaf, 0);
  let max = min;
  const isLess = (a: number, b: number) =>
    highs[2 * a + 1] < highs[2 * b + 1] || highs[2 * a + 1] === highs[2 * b + 1] && lows[2 * a] < lows[2 * b];
  for (let i = 1; i < valueCount; i++) {
    const row = rowOf(leaf, i);
    if (isLess(row, min)) min = row;
    if (isLess(max, row)) max = row;
  }
  return { min: values[min], max: values[max] };
}
