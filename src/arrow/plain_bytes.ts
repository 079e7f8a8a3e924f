import { rowWidth } from "./columns.ts";
import { DictionaryVector, ListViewVector, RunEndVector, ViewVector } from "./encoded_vector.ts";
import { BinaryVector, FixedListVector, ListVector, StructVector, type Vector } from "./vector.ts";

/**
 * Bytes that a row's value takes in a plain column, about and at least one. The count ends beyond `most`: a few bytes can
 * stand for more than anybody can count. CORRUPT where the value is not there.
 */
export function plainBytes(vector: Vector, row: number, most: number): number {
  if (vector instanceof DictionaryVector) {
    const [part, at] = vector.place(row);
    return plainBytes(vector.dictionary.parts[part], at, most);
  }
  if (vector instanceof RunEndVector) return plainBytes(vector.values, vector.run(row), most);
  const width = 1 + rowWidth(vector.field);
  if (vector instanceof StructVector) return width + sum(vector.children, row, row + 1, most);
  if (vector instanceof FixedListVector) {
    return width + sum(vector.children, row * vector.size, (row + 1) * vector.size, most);
  }
  if (!vector.isValid(row)) return width;
  if (vector instanceof BinaryVector) {
    vector.check(row);
    return width + vector.offsets[row + 1] - vector.offsets[row];
  }
  if (vector instanceof ViewVector) return width + vector.value(row).length;
  if (vector instanceof ListVector || vector instanceof ListViewVector) {
    return width + sum(vector.children, ...vector.range(row), most);
  }
  return width;
}

function sum(vectors: readonly Vector[], from: number, to: number, most: number): number {
  let bytes = 0;
  for (const vector of vectors) {
    if (vector.children.length === 0 && isFixed(vector)) {
      bytes += Math.ceil((to - from) * rowWidth(vector.field));
      continue;
    }
    for (let row = from; row < to && bytes <= most; row++) bytes += plainBytes(vector, row, most - bytes);
  }
  return bytes;
}

/** Whether all values take the same. */
function isFixed(vector: Vector): boolean {
  const { kind } = vector.field.type;
  return !vector.field.dictionary && kind !== "utf8" && kind !== "binary" && kind !== "utf8View" &&
    kind !== "binaryView";
}
