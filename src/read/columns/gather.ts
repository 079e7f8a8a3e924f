/**
 * Picked rows of vectors -> a column. The vectors are of one plain type, each in its own encoding: such as a dictionary in
 * one batch, and plain text in another.
 *
 * @module
 */
import { type NumberArray, numberArrayType } from "../../arrow/columns.ts";
import { EncodedVector } from "../../arrow/encoded_vector.ts";
import { halfToNumber } from "../../arrow/half.ts";
import { vectorsOf } from "../../arrow/rearrange.ts";
import { takeEncoded } from "../../arrow/take.ts";
import {
  type BinaryVector,
  type BoolVector,
  FixedBinaryVector,
  FixedListVector,
  type ListVector,
  type NumberVector,
  StructVector,
  type Vector,
} from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, plainField } from "../../schema.ts";
import {
  BigIntColumn,
  BooleanColumn,
  BytesColumn,
  type Column,
  DecimalColumn,
  ListColumn,
  NullColumn,
  NumberColumn,
  StructColumn,
  TextColumn,
} from "./column.ts";
import { copyNumbers } from "./copy_numbers.ts";
import { Picks, StretchList } from "./picks.ts";

/** A vector a source; none where the source lacks the field: its rows have no value. */
type Vectors = readonly (Vector | undefined)[];

/** What to gather. */
export interface GatherRequest {
  /** The field in plain types. */
  readonly field: FieldSchema;
  /** The columns of each source; those without picks may be missing. */
  readonly tables: readonly (readonly Vector[] | undefined)[];
  /** Where the field is in each of them, on the way down structs; undefined where there is none. */
  readonly paths: readonly (readonly number[] | undefined)[];
  readonly picks: Picks;
  /** Whether every array must be a copy; else rows side by side may be views. */
  readonly copies: boolean;
  /** Gives the buffers of copied numbers. @default fresh ones */
  readonly allocate?: ((bytes: number) => ArrayBuffer) | undefined;
}

/** Gathers a field. CORRUPT where a buffer is damaged or a value not where it should be; TOO_LARGE. */
export function gatherColumn({ field, tables, paths, picks, copies, allocate }: GatherRequest): Column {
  const steps = paths.find((path) => path !== undefined)?.length ?? 1;
  let at = picks;
  let vectors: Vectors = tables.map((columns, source) => columns?.[paths[source]?.[0] ?? -1]);
  let validity: Uint8Array | undefined;
  for (let step = 1; step < steps; step++) {
    [vectors, at] = decoded(vectors, at);
    validity = validityOf(vectors, at, isNull, validity);
    vectors = vectors.map((vector, source) => vector?.children[paths[source]![step]]);
  }
  return new Gatherer(copies, allocate).column(field, vectors, at, validity);
}

/** Loads what gathering a field touches in a source's columns. */
export function loadPath(columns: readonly Vector[], path: readonly number[]): void {
  let vector = columns[path[0]];
  for (let step = 1; step < path.length && !(vector instanceof EncodedVector); step++) {
    if (!vector.loaded) vector.load();
    vector = vector.children[path[step]];
  }
  vector.loadAll();
}

class Gatherer {
  readonly #copies: boolean;
  readonly #allocate: GatherRequest["allocate"];

  constructor(copies: boolean, allocate: GatherRequest["allocate"]) {
    this.#copies = copies;
    this.#allocate = allocate;
  }

  /** @param outer Which rows have a value as far as the structs around say. */
  column(field: FieldSchema, encoded: Vectors, encodedPicks: Picks, outer?: Uint8Array): Column {
    const [vectors, picks] = decoded(encoded, encodedPicks);
    const { type } = field;
    const { length } = picks;
    if (type.kind === "null") return new NullColumn(field, length);
    const validity = validityOf(vectors, picks, type.kind === "struct" ? isMissing : isNull, outer);
    switch (type.kind) {
      case "bool":
        return new BooleanColumn(field, validity, copyBits(vectors, picks));
      case "utf8":
        return new TextColumn(field, validity, ...this.#bytes(vectors, picks, validity));
      case "binary":
      case "fixedBinary":
        return new BytesColumn(field, validity, ...this.#bytes(vectors, picks, validity));
      case "decimal":
        return new DecimalColumn(field, length, validity, this.#fixedBytes(vectors, picks, type.bits / 8));
      case "list":
      case "map":
      case "fixedList": {
        const { offsets, items } = itemsOf(field, vectors, picks, validity);
        const children = vectors.map((vector) => vector?.children[0]);
        return new ListColumn(field, validity, offsets, this.column(field.children[0], children, items));
      }
      case "struct": {
        const fields: Record<string, Column> = Object.create(null);
        field.children.forEach((child, i) => {
          fields[child.name] = this.column(child, vectors.map((vector) => vector?.children[i]), picks);
        });
        return new StructColumn(field, length, validity, fields);
      }
      default:
        return this.#numbers(field, vectors, picks, validity);
    }
  }

  #numbers(field: FieldSchema, vectors: Vectors, picks: Picks, validity: Uint8Array | undefined): Column {
    const type = numberArrayType(field.type)!;
    const arrays = vectors.map((vector) => (vector as NumberVector | undefined)?.values);
    const values = this.#values(arrays, picks) ?? copyNumbers(type, arrays, picks, this.#allocate);
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
      return new BigIntColumn(field, validity, values);
    }
    const isHalf = field.type.kind === "float" && field.type.bits === 16;
    if (isHalf) return new NumberColumn(field, validity, Float32Array.from(values, halfToNumber));
    return new NumberColumn(field, validity, values);
  }

  /** Values of rows side by side; undefined where they are not, or have no values. */
  #values<A extends NumberArray>(arrays: readonly (A | undefined)[], picks: Picks): A | undefined {
    if (!picks.areTogether) return undefined;
    const [source, from, count] = picks.stretches!;
    const array = arrays[source];
    if (!array) return undefined;
    return (this.#copies ? array.slice(from, from + count) : array.subarray(from, from + count)) as A;
  }

  #bytes(
    vectors: Vectors,
    picks: Picks,
    validity: Uint8Array | undefined,
  ): [offsets: Int32Array, bytes: Uint8Array] {
    const { offsets, items } = itemsOf(undefined, vectors, picks, validity);
    const arrays = vectors.map((vector) => (vector as BinaryVector | FixedBinaryVector | undefined)?.data);
    const bytes = this.#values(arrays, items) ?? copyNumbers(Uint8Array, arrays, items);
    return [offsets, bytes as Uint8Array];
  }

  #fixedBytes(vectors: Vectors, picks: Picks, width: number): Uint8Array {
    const list = new StretchList();
    const { sources, rows, length } = picks;
    for (let i = 0; i < length; i++) list.add(sources[i], rows[i] * width, width);
    const arrays = Array.from(vectors, (vector) => (vector as FixedBinaryVector | undefined)?.data);
    const items = Picks.ofStretches(list.stretches, length * width, picks.used);
    const found = this.#values(arrays, items);
    if (found) return found;
    return copyNumbers(Uint8Array, arrays, items) as Uint8Array;
  }
}

/** Vectors without an outermost encoding, and where the picked rows are in them. */
function decoded(vectors: Vectors, picks: Picks): [vectors: Vectors, picks: Picks] {
  const encoded = picks.used.filter((source) => vectors[source] instanceof EncodedVector);
  if (encoded.length === 0) return [vectors, picks];
  const { sources, length } = picks;
  const rows = picks.rows.slice(0, length);
  const plain = vectors.slice();
  for (const source of encoded) {
    const vector = vectors[source]!;
    const taken: number[] = [];
    for (let i = 0; i < length; i++) {
      if (sources[i] === source) rows[i] = taken.push(rows[i]) - 1;
    }
    const columns = takeEncoded(vector, Int32Array.from(taken));
    plain[source] = vectorsOf([plainField(vector.field)], columns).children[0];
  }
  return [plain, Picks.ofRows(sources, rows, length, vectors.length)];
}

/** Which rows have a value; undefined where all do. Loads the vectors. */
function validityOf(
  vectors: Vectors,
  picks: Picks,
  lacks: (vector: Vector, row: number) => boolean,
  outer?: Uint8Array,
): Uint8Array | undefined {
  let areAll = true;
  for (const source of picks.used) {
    const vector = vectors[source];
    if (vector && !vector.loaded) vector.load();
    const mayLack = vector instanceof StructVector && lacks === isMissing
      ? !vector.alwaysThere
      : vector?.validity !== null;
    if (mayLack) areAll = false;
  }
  if (areAll) return outer;
  const { sources, rows, length } = picks;
  const validity = new Uint8Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const vector = vectors[sources[i]];
    if (vector === undefined || outer !== undefined && outer[i] === 0 || lacks(vector, rows[i])) continue;
    validity[i] = 1;
    count++;
  }
  return count === length ? undefined : validity;
}

/** Whether a row is null. Of the structs around a field that is all there is to know: no other field need be looked at. */
function isNull({ validity }: Vector, row: number): boolean {
  return validity !== null && (validity[row >> 3] & (1 << (row & 7))) === 0;
}

/** Whether a row has no value, as messages tell it: of a struct also where none of its fields has one. */
function isMissing(vector: Vector, row: number): boolean {
  return vector.isMissing(row);
}

/** Where the picked rows have their items or bytes. */
function itemsOf(
  field: FieldSchema | undefined,
  vectors: Vectors,
  picks: Picks,
  validity: Uint8Array | undefined,
): { offsets: Int32Array; items: Picks } {
  const { sources, rows, length } = picks;
  const offsets = new Int32Array(length + 1);
  const list = new StretchList();
  let end = 0;
  for (let i = 0; i < length; i++) {
    if (validity === undefined || validity[i] === 1) {
      const source = sources[i];
      const vector = vectors[source]!;
      const from = startOf(vector, rows[i]);
      const count = extentOf(vector, rows[i]);
      list.add(source, from, count);
      end += count;
    }
    offsets[i + 1] = end;
  }
  if (end > 0x7fffffff) {
    const name = field?.name ?? vectors[picks.used[0]]?.field.name;
    throw new SmaltiError(
      "TOO_LARGE",
      `Column "${name}" has ${end} items in one block: wanted less than 2^31`,
    );
  }
  return { offsets, items: Picks.ofStretches(list.stretches, end, usedOf(list.stretches)) };
}

function usedOf(stretches: Int32Array): number[] {
  const used = new Set<number>();
  for (let s = 0; s < stretches.length; s += 3) used.add(stretches[s]);
  return [...used];
}

type Ranges = BinaryVector | ListVector;

/** How many items or bytes a row has. CORRUPT. */
function extentOf(vector: Vector, row: number): number {
  if (vector instanceof FixedBinaryVector || vector instanceof FixedListVector) return vector.size;
  return (vector as Ranges).extentOf(row);
}

function startOf(vector: Vector, row: number): number {
  if (vector instanceof FixedBinaryVector || vector instanceof FixedListVector) return row * vector.size;
  return (vector as Ranges).offsets[row];
}

function copyBits(vectors: Vectors, { sources, rows, length }: Picks): Uint8Array {
  const values = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const vector = vectors[sources[i]] as BoolVector | undefined;
    if (vector !== undefined) values[i] = (vector.bits[rows[i] >> 3] >> (rows[i] & 7)) & 1;
  }
  return values;
}
