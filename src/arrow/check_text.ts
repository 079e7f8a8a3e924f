import type { Columns } from "./columns.ts";
import { vectorsOf } from "./rearrange.ts";
import { Utf8Vector, type Vector } from "./vector.ts";
import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";

/**
 * Refuses text that is not UTF-8: readers would take it for damage of the store. INVALID_MESSAGE. The columns are such as
 * `take` makes: what lies between a text column's offsets is all of its data.
 */
export function checkText(fields: readonly FieldSchema[], columns: Columns): void {
  vectorsOf(fields, columns).children.forEach(checkColumn);
}

function checkColumn(column: Vector): void {
  if (column instanceof Utf8Vector && !isText(column)) {
    throw new SmaltiError("INVALID_MESSAGE", `Column "${column.field.name}" holds text that is not UTF-8`);
  }
  column.children.forEach(checkColumn);
}

/** All of the data at once, which is much faster than value by value; then no value may begin within a character. */
function isText(column: Utf8Vector): boolean {
  column.load();
  const { data, offsets } = column;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    return false;
  }
  for (let row = 0; row < column.length; row++) {
    if ((data[offsets[row]] & 0xc0) === 0x80) return false;
  }
  return true;
}
