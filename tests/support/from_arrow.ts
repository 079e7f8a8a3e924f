import type { FieldSchema } from "../../src/schema.ts";
import { canonicalDecimal } from "./random_tables.ts";

/** A value of apache-arrow as the plain value that a push would take. */
export function fromArrow(field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  const { children, type } = field;
  if (type.kind === "decimal") return decimalFromArrow(value as Uint32Array, type.bits, type.scale);
  if (type.kind === "list" || type.kind === "fixedList") {
    return Array.from(value as Iterable<unknown>, (item) => fromArrow(children[0], item));
  }
  return type.kind === "struct" ? rowFromArrow(children, value as Iterable<[unknown, unknown]>) : value;
}

/** A decimal of apache-arrow's, which has no text of its own that is right: its words, lowest first. */
export function decimalFromArrow(words: Uint32Array, bits: number, scale: number): string {
  const unsigned = Array.from(words, BigInt).reduceRight((sum, word) => sum << 32n | word, 0n);
  return canonicalDecimal(BigInt.asIntN(bits, unsigned), scale);
}

/** The same for a row. By its iterator: fields may be called as apache-arrow's own members. */
export function rowFromArrow(
  fields: readonly FieldSchema[],
  row: Iterable<[unknown, unknown]>,
): Record<string, unknown> {
  return Object.fromEntries(Array.from(row, ([, value], i) => [fields[i].name, fromArrow(fields[i], value)]));
}
