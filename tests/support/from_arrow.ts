import type { FieldSchema } from "../../src/schema.ts";

/** A value of apache-arrow as the plain value that a push would take. */
export function fromArrow(field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  const { children, type } = field;
  if (type.kind === "list" || type.kind === "fixedList") {
    return Array.from(value as Iterable<unknown>, (item) => fromArrow(children[0], item));
  }
  return type.kind === "struct" ? rowFromArrow(children, value as Iterable<[unknown, unknown]>) : value;
}

/** The same for a row. By its iterator: fields may be called as apache-arrow's own members. */
export function rowFromArrow(
  fields: readonly FieldSchema[],
  row: Iterable<[unknown, unknown]>,
): Record<string, unknown> {
  return Object.fromEntries(Array.from(row, ([, value], i) => [fields[i].name, fromArrow(fields[i], value)]));
}
