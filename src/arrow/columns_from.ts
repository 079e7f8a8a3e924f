import { SmaltiError } from "../error.ts";
import { type FieldSchema, isOptional, typeName } from "../schema.ts";
import { didYouMean } from "../util/nearest.ts";
import { createBuilder } from "./builder.ts";
import { isRecord } from "./field_builder.ts";
import { show } from "../util/show.ts";
import { bytesOf, type Columns, emptyColumns, numberArrayType } from "./columns.ts";

/**
 * Columns as a user has them -> columns as they are stored. A typed array of the field's own type is used as it is (a
 * view); anything else is appended value by value. INVALID_MESSAGE where a column does not fit its field.
 */
export function columnsFrom(fields: readonly FieldSchema[], rows: number, record: object): Columns {
  const out = emptyColumns(rows);
  addFields(fields, record as Record<string, unknown>, "", out);
  return out;
}

function addFields(
  fields: readonly FieldSchema[],
  record: Record<string, unknown>,
  path: string,
  out: Columns,
): void {
  for (const field of fields) addColumn(field, record[field.name], `${path}${field.name}`, out);
  for (const [name, column] of Object.entries(record)) {
    if (column === undefined || fields.some((field) => field.name === name)) continue;
    const names = fields.map((field) => field.name);
    const wanted = `no such column, only ${names.join(", ")}${didYouMean(name, names)}`;
    throw new SmaltiError("INVALID_MESSAGE", `Column "${path}${name}" is ${show(column)}: wanted ${wanted}`);
  }
}

function addColumn(field: FieldSchema, column: unknown, path: string, out: Columns): void {
  const { rows } = out;
  if (column === undefined && !isOptional(field)) {
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `Column "${path}" is missing: wanted ${typeName(field)} for ${rows} rows`,
    );
  }
  if (field.type.kind === "struct" && isRecord(column)) {
    out.nodes.push(rows, 0);
    out.buffers.push(new Uint8Array(0));
    addFields(field.children, column, `${path}.`, out);
    return;
  }
  const values = column === undefined ? new Array<undefined>(rows) : column as ArrayLike<unknown>;
  if (typeof values !== "object" || values === null || values.length !== rows) {
    const seen = typeof values === "object" && values !== null
      ? `${show(values)} with length ${values.length}`
      : show(values);
    throw new SmaltiError("INVALID_MESSAGE", `Column "${path}" is ${seen}: wanted an array of ${rows}`);
  }
  // Half floats are stored as their bits, which a user's Uint16Array are not.
  const isHalf = field.type.kind === "float" && field.type.bits === 16;
  const type = isHalf ? undefined : numberArrayType(field.type);
  if (type !== undefined && values.constructor === type) {
    out.nodes.push(rows, 0);
    out.buffers.push(new Uint8Array(0), bytesOf(values as unknown as ArrayBufferView));
    return;
  }
  const builder = createBuilder(field, path, { variable: 0, capacity: 0 });
  for (let i = 0; i < rows; i++) builder.append(values[i]);
  builder.collect(out);
}
