/**
 * Values as plain JSON that tells apart all that differs, in the form that Python's side of a test gives its own; it is described in
 * `tests/interop/values.py`.
 *
 * @module
 */
import type { FieldSchema } from "../../src/schema.ts";

function plain(field: FieldSchema, value: unknown): unknown {
  if (value === undefined) return undefined;
  const { type, children } = field;
  switch (type.kind) {
    case "int":
    case "temporal":
      return { int: String(value) };
    case "float":
      return { float: Number.isNaN(value) ? "nan" : bitsOf(value as number) };
    case "runEnd":
      return plain({ ...children[1], nullable: field.nullable }, value);
    case "list":
    case "listView":
    case "fixedList":
    case "map":
      return Array.from(value as ArrayLike<unknown>, (item) => plain(children[0], item) ?? null);
    case "struct":
      return { struct: plainRow(children, value as object) };
    default:
      return value instanceof Uint8Array
        ? { bytes: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) }
        : value;
  }
}

/** The values of a row that are there, by their fields' names. */
export function plainRow(fields: readonly FieldSchema[], row: object): Record<string, unknown> {
  const values = fields.map((
    field,
  ) => [field.name, plain(field, (row as Record<string, unknown>)[field.name])]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}
