/**
 * Random ontologies out of the field makers, rows in the forms that writers take them, and what JSON has to say of them.
 *
 * @module
 */
import {
  Binary,
  Bool,
  type DataType,
  Decimal,
  Field as ArrowField,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import * as fc from "fast-check";
import { numberArrayType } from "../../src/arrow/columns.ts";
import { defineOntology, type Ontology } from "../../src/ontology/define_ontology.ts";
import * as makers from "../../src/ontology/field.ts";
import type { OntologyField, OntologyFields } from "../../src/ontology/field.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../src/schema.ts";
import { anyRow, expected } from "./random_tables.ts";

const {
  binary,
  bool,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint16,
  uint32,
  uint64,
  uint8,
  utf8,
} = makers;
const LEAVES = [
  bool,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  float32,
  float64,
  utf8,
  binary,
  () => makers.decimal(9, 3),
  () => makers.decimal(20, -4),
  () => makers.decimal(60, 50),
];

/** Names that objects, messages and their JSON have members of. */
const NAMES = [
  "a",
  "b",
  "c",
  "data",
  "topic",
  "toJSON",
  "length",
  "then",
  "0",
  "ünï",
  "x.y",
  "item",
  "timestamp",
];

// deno-lint-ignore no-explicit-any -- any Field, whatever its values
type AnyField = OntologyField<any, any>;

/** A field of any maker, nested up to `depth` times. */
function anyMade(depth: number): fc.Arbitrary<AnyField> {
  const leaf: fc.Arbitrary<AnyField> = fc.constantFrom(...LEAVES).map((make) => make() as AnyField);
  const nested = (): fc.Arbitrary<AnyField> => {
    const inner = anyMade(depth - 1);
    return fc.oneof(
      inner.map((item) => makers.list(item) as AnyField),
      fc.tuple(inner, fc.integer({ min: 1, max: 3 })).map(([item, size]) =>
        makers.fixedSizeList(item, size) as AnyField
      ),
      anyMadeFields(depth - 1, 3).map((fields) => makers.struct(fields) as AnyField),
    );
  };
  const made = depth === 0 ? leaf : fc.oneof(leaf, nested());
  return fc.tuple(made, fc.boolean()).map(([field, missing]) =>
    missing ? makers.optional(field) as AnyField : field
  );
}

function anyMadeFields(depth: number, most: number): fc.Arbitrary<OntologyFields> {
  return fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: most })
    .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), anyMade(depth)))))
    .map((entries) => Object.fromEntries(entries));
}

/** An ontology of one's own. */
export const anyOntology: fc.Arbitrary<Ontology> = anyMadeFields(2, 4)
  .map((fields) => defineOntology("Own", fields) as Ontology);

/** Rows of an ontology. Those that are checked as a whole are pictures. */
export function anyRows({ fields, check }: Ontology): fc.Arbitrary<Record<string, unknown>[]> {
  const row = anyRow(fields);
  return fc.array(check ? row.map(readablePicture) : row, { maxLength: 12 });
}

/** A row of a known format whose sizes are none below 0; that is all that an unknown encoding wants. */
function readablePicture(row: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(row).map(([name, value]) => {
    if (name === "format") return [name, "png"];
    return [name, typeof value === "number" ? Math.max(0, value) : value];
  });
  return Object.fromEntries(entries);
}

/** Rows as what `pushColumns` takes; `typed`: typed arrays, columns of structs, and nothing where nothing is. */
export function asColumns(
  fields: readonly FieldSchema[],
  rows: readonly Record<string, unknown>[],
  typed: boolean,
): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field) => [field.name, asColumn(field, rows.map((row) => row[field.name]), typed)]),
  );
}

function asColumn(field: FieldSchema, values: unknown[], typed: boolean): unknown {
  const { type, children } = field;
  const missing = values.filter((value) => value === undefined || value === null).length;
  if (!typed || missing > 0 && missing < values.length) return values;
  if (missing > 0) return undefined;
  if (type.kind === "struct") return asColumns(children, values as Record<string, unknown>[], typed);
  const ArrayType = numberArrayType(type);
  if (ArrayType === undefined || type.kind === "float" && type.bits === 16) return values;
  const numbers = values.map((value) => expected(field, value));
  return (ArrayType as unknown as { from(values: unknown[]): unknown }).from(numbers);
}

const INTS = { 8: Int8, 16: Int16, 32: Int32, 64: Int64 };
const UINTS = { 8: Uint8, 16: Uint16, 32: Uint32, 64: Uint64 };
const FLOATS = { 16: Float16, 32: Float32, 64: Float64 };

function arrowField(field: FieldSchema): ArrowField {
  return new ArrowField(field.name, arrowType(field), field.nullable);
}

function arrowType({ type, children }: FieldSchema): DataType {
  switch (type.kind) {
    case "bool":
      return new Bool();
    case "int":
      return new (type.signed ? INTS : UINTS)[type.bits]();
    case "float":
      return new FLOATS[type.bits]();
    case "decimal":
      return new Decimal(type.scale, type.precision, type.bits);
    case "utf8":
      return new Utf8();
    case "binary":
      return new Binary();
    case "list":
      return new List(arrowField(children[0]));
    case "fixedList":
      return new FixedSizeList(type.size, arrowField(children[0]));
    case "struct":
      return new Struct(children.map(arrowField));
    default:
      throw new Error(`No maker makes ${type.kind}`);
  }
}

/** Rows at times from 0 on as a RecordBatch made by apache-arrow alone. */
export function asRecordBatch(
  fields: readonly FieldSchema[],
  rows: readonly Record<string, unknown>[],
): RecordBatch {
  const schema = new Schema([TIMESTAMP_FIELD, ...fields].map(arrowField));
  const times = rows.map((_, i) => BigInt(i));
  const columns = [times, ...fields.map((field) => rows.map((row) => forArrow(field, row[field.name])))];
  const children = columns.map((values, i) => vectorFromArray(values, schema.fields[i].type).data[0]);
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
  );
}

/** apache-arrow's builders take null for a missing value and arrays for lists. */
function forArrow(field: FieldSchema, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const { type, children } = field;
  if (type.kind === "int" && type.bits === 64) return BigInt(value as number | bigint);
  if (type.kind === "decimal") return wordsOf(expected(field, value) as string, type.bits, type.scale);
  if (type.kind === "list" || type.kind === "fixedList") {
    return Array.from(value as ArrayLike<unknown>, (item) => forArrow(children[0], item));
  }
  if (type.kind !== "struct") return value;
  const record = value as Record<string, unknown>;
  return Object.fromEntries(children.map((child) => [child.name, forArrow(child, record[child.name])]));
}

/** A decimal's words, lowest first. */
function wordsOf(text: string, bits: number, scale: number): Uint32Array {
  const digits = BigInt(text.replace(".", ""));
  const unscaled = scale < 0 ? digits / 10n ** BigInt(-scale) : digits;
  return Uint32Array.from(
    { length: bits / 32 },
    (_, i) => Number(BigInt.asUintN(32, unscaled >> BigInt(32 * i))),
  );
}

/** What `toJSON` has to give for a value. */
export function jsonOf(field: FieldSchema, value: unknown): unknown {
  const { type, children } = field;
  const read = expected(field, value);
  if (read === undefined) return null;
  if (typeof read === "bigint") {
    return read > 2n ** 53n - 1n || read < -(2n ** 53n) + 1n ? String(read) : Number(read);
  }
  if (typeof read === "number" && !Number.isFinite(read)) return String(read);
  if (type.kind === "binary") return btoa(String.fromCharCode(...read as Uint8Array));
  if (type.kind === "list" || type.kind === "fixedList") {
    return Array.from(value as ArrayLike<unknown>, (item) => jsonOf(children[0], item));
  }
  return type.kind === "struct" ? jsonRow(children, value as Record<string, unknown>) : read;
}

/** The same for a row. */
export function jsonRow(
  fields: readonly FieldSchema[],
  row: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, jsonOf(field, row[field.name])]));
}
