/**
 * Rows as objects. One class per list of fields, with a getter per field on its prototype: an object holds only the
 * vector and the row number, and a property is read from the columns when it is touched. No code is generated, so
 * it runs where `eval` is forbidden.
 *
 * @module
 */
import { type FieldSchema, schemaKey } from "../schema.ts";
import type { NumberVector, StructVector, Vector } from "./vector.ts";

// Symbols, so that no field name can collide with them.
const COLUMNS = Symbol("columns");
const ROW = Symbol("row");

/** A class of row views. It takes the columns themselves: every step on the way to a value costs a load from memory. */
export type RowClass = new (columns: readonly Vector[], row: number) => RowView;

/** What all row views share. */
export class RowView {
  declare readonly [COLUMNS]: readonly Vector[];
  declare readonly [ROW]: number;
  /** For JSON.stringify: int64 as numbers while they are exact, else as decimal strings; bytes in base64. */
  toJSON(): unknown {
    return plainRow(this, true);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return plainRow(this, false);
  }
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown, options: unknown) => string, options: unknown): string {
    return inspect(plainRow(this, false), options);
  }
}

/** A plain object with the view's values, free of views on the batch. */
export function plainRow(view: RowView, json: boolean): Record<string, unknown> {
  return plainColumns(view[COLUMNS], view[ROW], json);
}

/** The same for a row of columns. */
export function plainColumns(columns: readonly Vector[], row: number, json: boolean): Record<string, unknown> {
  return Object.fromEntries(
    columns.map((column) => [column.field.name, column.plain(row, json)] as const).filter(([, value]) => value !== undefined),
  );
}

/** Classes by their fields: topics of one ontology share one class, so that call sites see one shape. */
const classes = new Map<string, RowClass>();
/** More schemas than any program uses at once; beyond it classes are made anew, which is slower, not wrong. */
const MAX_CLASSES = 4096;

/** The class of views on rows with these fields. */
export function rowClass(fields: readonly FieldSchema[]): RowClass {
  const key = schemaKey(fields);
  const known = classes.get(key);
  if (known) return known;
  // Not derived from RowView but given its prototype: a derived constructor costs as much as all the rest.
  const made = class {
    readonly [COLUMNS]: readonly Vector[];
    readonly [ROW]: number;
    constructor(columns: readonly Vector[], row: number) {
      this[COLUMNS] = columns;
      this[ROW] = row;
    }
  };
  Object.setPrototypeOf(made.prototype, RowView.prototype);
  fields.forEach((field, index) => {
    Object.defineProperty(made.prototype, field.name, { get: getter(field, index), configurable: true });
  });
  if (classes.size < MAX_CLASSES) classes.set(key, made as RowClass);
  return made as RowClass;
}

/**
 * Getters by type. Each is a function literal of its own although some look alike: V8 keeps what it learned of the
 * types per literal, and mixing float64 with bigint arrays in one makes both slow.
 */
function getter(field: FieldSchema, index: number): (this: RowView) => unknown {
  const { type } = field;
  const number = !field.dictionary && (type.kind === "int" || type.kind === "float") && type;
  if (number && number.kind === "float" && number.bits === 64) {
    return function () {
      const vector = this[COLUMNS][index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as Float64Array)[row] : undefined;
    };
  }
  if (number && number.kind === "int" && number.bits === 64) {
    return function () {
      const vector = this[COLUMNS][index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as BigInt64Array)[row] : undefined;
    };
  }
  if (number && number.bits !== 16) {
    return function () {
      const vector = this[COLUMNS][index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as Int32Array)[row] : undefined;
    };
  }
  if (type.kind === "struct" && !field.dictionary) {
    const row = rowClass(field.children);
    return function () {
      const vector = this[COLUMNS][index] as StructVector;
      return vector.alwaysThere || !vector.isMissing(this[ROW]) ? new row(vector.children, this[ROW]) : undefined;
    };
  }
  return function () {
    return (this[COLUMNS][index] as Vector).get(this[ROW]);
  };
}
