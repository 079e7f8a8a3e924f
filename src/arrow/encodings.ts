/**
 * Plain columns -> columns in the encodings that they came in, by `smalti:arrow_type` of their fields.
 *
 * @module
 */
import { type DataType, ENCODING_KEY, type FieldSchema, type IndexType } from "../schema.ts";
import { bytesOf, type Columns, emptyColumns, type NumberArray, numberArrayType } from "./columns.ts";
import { vectorsOf } from "./rearrange.ts";
import { takeColumn } from "./take.ts";
import {
  type BinaryVector,
  BoolVector,
  FixedBinaryVector,
  NumberVector,
  Utf8Vector,
  type Vector,
} from "./vector.ts";

/** Columns in encodings: what their dictionaries hold, and the batch that points into them. */
export interface EncodedColumns {
  /** A dictionary each, to be sent before the batch, in their order. */
  readonly dictionaries: readonly { readonly id: bigint; readonly columns: Columns }[];
  readonly columns: Columns;
}

/** How one column is encoded. */
interface Plan {
  /** The field as it comes out. */
  readonly field: FieldSchema;
  readonly encoding: "plain" | "view" | "listView" | "dictionary";
  readonly children: readonly Plan[];
  /** Of a dictionary: its values. */
  readonly values?: { readonly field: FieldSchema; readonly plan: Plan };
}

/** Bytes of a value at most that are within its view. */
const INLINE_BYTES = 12;

const latin1 = new TextDecoder("latin1");

/**
 * Encodes columns of some plain fields. An encoding that is not known, or none of the column's type, is left: anybody may
 * have written the text. So are runs, and dictionaries of what is nested. A dictionary comes back without an order.
 */
export class ColumnEncoder {
  /** The fields as they come out; the very same where no column has an encoding. */
  readonly fields: readonly FieldSchema[];
  readonly #plain: readonly FieldSchema[];
  readonly #plans: readonly Plan[];

  constructor(plain: readonly FieldSchema[]) {
    let dictionaries = 0n;
    const planner = new Planner(() => dictionaries++);
    this.#plain = plain;
    this.#plans = plain.map((field) => planner.planOf(field));
    this.fields = unlessSame(plain, this.#plans);
  }

  /** The columns encoded; undefined where a dictionary has more values than its indices can tell apart. */
  encode(columns: Columns): EncodedColumns | undefined {
    const writer = new EncodedWriter();
    const out = emptyColumns(columns.rows);
    const { children } = vectorsOf(this.#plain, columns);
    const fits = this.#plans.every((plan, i) => writer.write(plan, children[i], out));
    return fits ? { dictionaries: writer.dictionaries, columns: out } : undefined;
  }
}

/** The fields of plans, or the fields that they were made of, where none is another. */
function unlessSame(fields: readonly FieldSchema[], plans: readonly Plan[]): readonly FieldSchema[] {
  return plans.every(({ field }, i) => field === fields[i]) ? fields : plans.map(({ field }) => field);
}

class Planner {
  readonly #nextId: () => bigint;

  constructor(nextId: () => bigint) {
    this.#nextId = nextId;
  }

  planOf(field: FieldSchema): Plan {
    const { [ENCODING_KEY]: text, ...metadata } = field.metadata ?? {};
    const encoded = text === undefined
      ? undefined
      : this.#encodedBy(text.split(" of "), { ...field, metadata });
    return encoded ?? this.#plain(field);
  }

  #plain(field: FieldSchema): Plan {
    const children = field.children.map((child) => this.planOf(child));
    const fields = unlessSame(field.children, children);
    return {
      field: fields === field.children ? field : { ...field, children: fields },
      encoding: "plain",
      children,
    };
  }

  #encodedBy([encoding, ...further]: string[], field: FieldSchema): Plan | undefined {
    const index = indexOf(encoding);
    if (index) {
      const inner = further.length === 0 ? this.#plain(field) : this.#encodedBy(further, field);
      if (!inner || inner.field.dictionary || !isComparable(field.type)) return undefined;
      return {
        field: { ...inner.field, dictionary: { id: this.#nextId(), index } },
        encoding: "dictionary",
        children: [],
        values: { field, plan: inner },
      };
    }
    const type = further.length === 0 ? encodedType(encoding, field.type) : undefined;
    if (!type) return undefined;
    const { field: inner, children } = this.#plain(field);
    return {
      field: { ...inner, type },
      encoding: type.kind === "listView" ? "listView" : "view",
      children,
    };
  }
}

/** The index type of `dictionary[int8]`. */
function indexOf(encoding: string): IndexType | undefined {
  const found = /^dictionary\[(u?)int(8|16|32|64)(?:, ordered)?\]$/.exec(encoding);
  return found ? { bits: Number(found[2]) as IndexType["bits"], signed: found[1] === "" } : undefined;
}

/** The type that a plain one has in an encoding other than a dictionary. */
function encodedType(encoding: string, type: DataType): DataType | undefined {
  if (!("offsets" in type)) return undefined;
  const { kind, offsets } = type;
  if (encoding === "utf8_view" && kind === "utf8" && offsets === 32) return { kind: "utf8View" };
  if (encoding === "binary_view" && kind === "binary" && offsets === 32) return { kind: "binaryView" };
  const isListView = encoding === (offsets === 64 ? "large_list_view" : "list_view");
  return isListView && kind === "list" ? { kind: "listView", offsets } : undefined;
}

/** Whether equal values of a type are easily found. */
function isComparable({ kind }: DataType): boolean {
  return BUFFERS[kind] >= 2 && kind !== "list" && kind !== "map";
}

/** Buffers of a plain column's own. */
const BUFFERS: Readonly<Record<DataType["kind"], number>> = {
  null: 0,
  bool: 2,
  int: 2,
  float: 2,
  temporal: 2,
  decimal: 2,
  fixedBinary: 2,
  utf8: 3,
  binary: 3,
  list: 2,
  map: 2,
  fixedList: 1,
  struct: 1,
  utf8View: 0,
  binaryView: 0,
  listView: 0,
  runEnd: 0,
};

class EncodedWriter {
  readonly dictionaries: { id: bigint; columns: Columns }[] = [];

  /** Writes a plain column in its encoding; whether it fits. */
  write(plan: Plan, vector: Vector, out: Columns): boolean {
    vector.load();
    if (plan.encoding === "dictionary") return this.#writeDictionary(plan, vector, out);
    const { length, nullCount, source, at } = vector;
    out.nodes.push(length, nullCount);
    if (plan.encoding === "plain") {
      for (let i = 0; i < BUFFERS[vector.field.type.kind]; i++) out.buffers.push(source.buffer(at + i));
    } else {
      out.buffers.push(source.buffer(at));
      if (plan.encoding === "view") writeViews(vector as BinaryVector, out);
      else writeListViews(source.buffer(at + 1), plan.field.type, length, out);
    }
    return plan.children.every((child, i) => this.write(child, vector.children[i], out));
  }

  #writeDictionary({ field, values }: Plan, vector: Vector, out: Columns): boolean {
    const { id, index } = field.dictionary!;
    const found = distinctValues(vector, index);
    if (!found) return false;
    const dictionary = emptyColumns(found.rows.length);
    const taken = vectorsOf([values!.field], takeColumn(vector, found.rows)).children[0];
    if (!this.write(values!.plan, taken, dictionary)) return false;
    this.dictionaries.push({ id, columns: dictionary });
    out.nodes.push(vector.length, vector.nullCount);
    out.buffers.push(vector.source.buffer(vector.at), bytesOf(found.indices));
    return true;
  }
}

/** A row for each value, and which of these every row has; undefined where the indices cannot tell as many apart. */
function distinctValues(
  vector: Vector,
  { bits, signed }: IndexType,
): { rows: Int32Array; indices: NumberArray } | undefined {
  const most = 2 ** (signed ? bits - 1 : bits);
  const indices = new (numberArrayType({ kind: "int", bits, signed })!)(vector.length);
  const wide = bits === 64 ? BigInt : undefined;
  const known = new Map<unknown, number>();
  const rows: number[] = [];
  for (let row = 0; row < vector.length; row++) {
    if (!vector.isValid(row)) continue;
    const key = keyOf(vector, row);
    let index = known.get(key);
    if (index === undefined) {
      known.set(key, index = rows.length);
      if (rows.push(row) > most) return undefined;
    }
    indices[row] = wide ? wide(index) : index;
  }
  return { rows: Int32Array.from(rows), indices };
}

/** What equal values have in common, and no others. */
function keyOf(vector: Vector, row: number): unknown {
  if (vector instanceof NumberVector) {
    const value = vector.values[row];
    return Object.is(value, -0) ? "-0" : value; // a Map takes it for 0
  }
  if (vector instanceof BoolVector || vector instanceof Utf8Vector) return vector.get(row);
  if (vector instanceof FixedBinaryVector) {
    return latin1.decode(vector.data.subarray(row * vector.size, (row + 1) * vector.size));
  }
  const { data, offsets } = vector as BinaryVector;
  return latin1.decode(data.subarray(offsets[row], offsets[row + 1]));
}

/** Views on the column's own data. */
function writeViews({ length, data, offsets }: BinaryVector, out: Columns): void {
  const views = new Uint8Array(16 * length);
  const view = new DataView(views.buffer);
  let isLong = false;
  for (let row = 0; row < length; row++) {
    const [from, to] = [offsets[row], offsets[row + 1]];
    view.setInt32(16 * row, to - from, true);
    if (to - from <= INLINE_BYTES) views.set(data.subarray(from, to), 16 * row + 4);
    else {
      isLong = true;
      views.set(data.subarray(from, from + 4), 16 * row + 4);
      view.setInt32(16 * row + 12, from, true);
    }
  }
  out.buffers.push(views);
  if (isLong) out.buffers.push(data);
  (out.variadic ??= []).push(isLong ? 1 : 0);
}

/** Where lists begin, and how long they are. */
function writeListViews(offsets: Uint8Array, type: DataType, length: number, out: Columns): void {
  const isLarge = "offsets" in type && type.offsets === 64;
  if (length === 0) return void out.buffers.push(new Uint8Array(0), new Uint8Array(0));
  const { buffer, byteOffset } = offsets;
  const places = isLarge
    ? new BigInt64Array(buffer, byteOffset, length + 1)
    : new Int32Array(buffer, byteOffset, length + 1);
  const sizes = isLarge ? new BigInt64Array(length) : new Int32Array(length);
  for (let row = 0; row < length; row++) {
    sizes[row] = (places[row + 1] as number) - (places[row] as number);
  }
  out.buffers.push(bytesOf(places.subarray(0, length)), bytesOf(sizes));
}
