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
const VECTOR = Symbol("vector");
const ROW = Symbol("row");

/** A class of row views. */
export type RowClass = new (vector: StructVector, row: number) => RowView;

/** What all row views share. */
export class RowView {
  readonly [VECTOR]: StructVector;
  readonly [ROW]: number;
  constructor(vector: StructVector, row: number) {
    this[VECTOR] = vector;
    this[ROW] = row;
  }
  /** For JSON.stringify: int64 as numbers while they are exact, else as decimal strings; bytes in base64. */
  toJSON(): unknown {
    return this[VECTOR].plainRow(this[ROW], true);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return this[VECTOR].plainRow(this[ROW], false);
  }
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown, options: unknown) => string, options: unknown): string {
    return inspect(this[VECTOR].plainRow(this[ROW], false), options);
  }
}

/** A plain object with the view's values, free of views on the batch. */
export function plainRow(view: RowView, json: boolean): Record<string, unknown> {
  return view[VECTOR].plainRow(view[ROW], json);
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
  const made = class extends RowView {};
  fields.forEach((field, index) => {
    Object.defineProperty(made.prototype, field.name, { get: getter(field, index), configurable: true });
  });
  if (classes.size < MAX_CLASSES) classes.set(key, made);
  return made;
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
      const vector = this[VECTOR].children[index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as Float64Array)[row] : undefined;
    };
  }
  if (number && number.kind === "int" && number.bits === 64) {
    return function () {
      const vector = this[VECTOR].children[index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as BigInt64Array)[row] : undefined;
    };
  }
  if (number && number.bits !== 16) {
    return function () {
      const vector = this[VECTOR].children[index] as NumberVector;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as Int32Array)[row] : undefined;
    };
  }
  if (type.kind === "struct") {
    return function () {
      return (this[VECTOR].children[index] as StructVector).get(this[ROW]);
    };
  }
  return function () {
    return (this[VECTOR].children[index] as Vector).get(this[ROW]);
  };
}
