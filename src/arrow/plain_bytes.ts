import { rowWidth } from "./columns.ts";
import { DictionaryVector, ListViewVector, RunEndVector, ViewVector } from "./encoded_vector.ts";
import {
  BinaryVector,
  FixedBinaryVector,
  FixedListVector,
  ListVector,
  NumberVector,
  StructVector,
  type Vector,
} from "./vector.ts";

/** What an item of a list takes while it is taken: the numbers of its source and row. */
const PICK_BYTES = 8;

/**
 * Bytes that a row's value takes in a plain column, about and at least one. The count ends beyond `most`: a few bytes can
 * stand for more than anybody can count. CORRUPT where the value is not there, though it is live: not below a missing one.
 */
export function plainBytes(vector: Vector, row: number, most: number, isLive: boolean): number {
  if (vector instanceof DictionaryVector) {
    const [part, at] = vector.find(row) ?? (isLive ? vector.place(row) : [0, 0]);
    return plainBytes(vector.dictionary.parts[part], at, most, isLive);
  }
  if (vector instanceof RunEndVector) return plainBytes(vector.values, vector.run(row), most, isLive);
  const isThere = vector.isValid(row);
  if (vector instanceof StructVector) {
    return 1 + sum(vector.children, row, row + 1, most, isLive && isThere);
  }
  if (vector instanceof FixedListVector) {
    return 1 + sum(vector.children, ...vector.range(row), most, isLive && isThere, PICK_BYTES);
  }
  const width = 1 + rowWidth(vector.field);
  if (!isThere) return width;
  if (vector instanceof ListVector) {
    return width + sum(vector.children, ...vector.range(row), most, isLive, PICK_BYTES);
  }
  if (vector instanceof BinaryVector) return width + vector.extentOf(row);
  if (vector instanceof ViewVector) {
    return width + (isLive ? vector.value(row).length : vector.extentOf(row));
  }
  if (vector instanceof ListViewVector) {
    const [from, to] = vector.find(row) ?? (isLive ? vector.range(row) : [0, 0]);
    return width + sum(vector.children, from, to, most, isLive, PICK_BYTES);
  }
  return width;
}

/** Of each of these rows of some columns. `perRow` is what a row takes beside its values. */
function sum(
  vectors: readonly Vector[],
  from: number,
  to: number,
  most: number,
  isLive: boolean,
  perRow = 0,
): number {
  let bytes = 0;
  for (const vector of vectors) {
    if (isDirect(vector)) {
      bytes += (to - from) * rowWidth(vector.field);
      continue;
    }
    for (let row = from; row < to && bytes <= most; row++) {
      bytes += perRow + plainBytes(vector, row, most - bytes, isLive);
    }
  }
  return bytes;
}

/** Whether a column is nothing but values of one width that are all there. */
export function isDirect(vector: Vector): boolean {
  return (vector instanceof NumberVector || vector instanceof FixedBinaryVector) && vector.validity === null;
}
