/**
 * Columns for reading. A vector knows where its buffers are and loads them when a value is first touched, so what
 * nobody reads is never decompressed. One class for each layout of the Arrow columnar format.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, MISSING_KEY, typeName } from "../schema.ts";
import { encodeBase64 } from "../util/base64.ts";
import { type NumberArray, numberArrayType } from "./columns.ts";
import { decimalText, type DecimalType, readUnscaled } from "./decimal.ts";
import { halfToNumber } from "./half.ts";
import { plainColumns, type RowClass, rowClass } from "./row_view.ts";

/** Gives the raw bytes of a batch's buffers by their number, loading them as needed. */
export interface BufferSource {
  /** Raw bytes, 8-byte aligned; the same array at every call. */
  buffer(index: number): Uint8Array;
}

/** Where a vector's data is: its field, its node, its buffers. */
export interface VectorPlace {
  field: FieldSchema;
  length: number;
  nullCount: number;
  source: BufferSource;
  /** Number of the first buffer, which is the validity bitmap in all types that have one. */
  at: number;
}

/** One column, or one child of a column. */
export abstract class Vector {
  readonly field: FieldSchema;
  /** The children, for types that have them. */
  readonly children: readonly Vector[];
  readonly length: number;
  /** Rows without a value; -1 where the writer did not count them. */
  readonly nullCount: number;
  readonly source: BufferSource;
  readonly at: number;
  /** Validity bitmap, bit set = value present; null when nothing is missing or it was not loaded yet. */
  validity: Uint8Array | null = null;
  /** Whether the buffers are at hand. */
  loaded = false;

  constructor(place: VectorPlace, children: readonly Vector[] = []) {
    this.field = place.field;
    this.children = children;
    this.length = place.length;
    this.nullCount = place.nullCount;
    this.source = place.source;
    this.at = place.at;
  }

  /** The value of a row, undefined when missing. `row` must lie within the vector. */
  abstract get(row: number): unknown;

  /** Loads and checks the buffers; tries again at the next call where that failed. */
  load(): void {
    this.read();
    this.loaded = true;
  }

  /** Takes up the buffers that the type has. */
  protected read(): void {
    // -1 where the writer did not count: then there may be a bitmap or not.
    if (this.nullCount > 0 || this.nullCount === -1 && this.source.buffer(this.at).length > 0) {
      this.validity = this.bytes(0, Math.ceil(this.length / 8));
    }
  }

  isValid(row: number): boolean {
    if (!this.loaded) this.load();
    return this.validity === null || (this.validity[row >> 3] & (1 << (row & 7))) !== 0;
  }

  /** Whether a value is there wherever no null is counted. */
  get countsNulls(): boolean {
    return true;
  }

  /** Whether reading gives undefined. */
  isMissing(row: number): boolean {
    return !this.isValid(row);
  }

  /** Loads this vector and all below it; then no length is a mere claim any more. */
  loadAll(): void {
    if (!this.loaded) this.load();
    for (const child of this.children) child.loadAll();
  }

  /** Loads as little as proves that the vector is as long as its batch claims. */
  prove(): void {
    if (!this.loaded) this.load();
  }

  /** Values of a range, as a list reads them. */
  slice(from: number, to: number): unknown {
    this.prove();
    const values = new Array<unknown>(to - from);
    for (let i = from; i < to; i++) values[i - from] = this.get(i);
    return values;
  }

  /** A value free of views on the batch; with `json`, made of what JSON can say. */
  plain(row: number, json: boolean): unknown {
    const value = this.get(row);
    if (json) return jsonValue(value);
    return value instanceof Uint8Array ? value.slice() : value;
  }

  /** Buffer `index` of this vector, CRC checked; CORRUPT when shorter than its rows need. */
  bytes(index: number, wanted: number): Uint8Array {
    const bytes = this.source.buffer(this.at + index);
    if (bytes.length < wanted) {
      throw this.corrupt(`has a buffer of ${bytes.length} bytes for ${this.length} rows: wanted ${wanted}`);
    }
    return bytes;
  }

  corrupt(what: string): SmaltiError {
    return new SmaltiError("CORRUPT", `Column "${this.field.name}" of type ${typeName(this.field)} ${what}`);
  }
}

function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  // JSON.stringify would make null of them.
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Uint8Array) return encodeBase64(value);
  return value === undefined ? null : value;
}

export class NullVector extends Vector {
  /** The type has no buffers. */
  protected override read(): void {}
  override get countsNulls(): boolean {
    return false;
  }
  get(_row: number): undefined {
    return undefined;
  }
  override isValid(_row: number): boolean {
    return false;
  }
}

export class BoolVector extends Vector {
  bits: Uint8Array = new Uint8Array(0);
  protected override read(): void {
    super.read();
    this.bits = this.bytes(1, Math.ceil(this.length / 8));
  }
  get(row: number): boolean | undefined {
    if (!this.isValid(row)) return undefined;
    return (this.bits[row >> 3] & (1 << (row & 7))) !== 0;
  }
}

/** Integers, floats and temporal values. */
export class NumberVector extends Vector {
  /** One item a row; empty until loaded. Half floats as their bits. */
  values: NumberArray = NOTHING;
  protected override read(): void {
    super.read();
    const type = numberArrayType(this.field.type)!;
    const bytes = this.bytes(1, this.length * type.BYTES_PER_ELEMENT);
    this.values = new type(bytes.buffer, bytes.byteOffset, this.length);
  }
  get(row: number): number | bigint | undefined {
    return this.isValid(row) ? this.values[row] : undefined;
  }
  override slice(from: number, to: number): unknown {
    if (!this.loaded) this.load();
    if (this.validity === null) return this.values.subarray(from, to);
    for (let i = from; i < to; i++) if (!this.isValid(i)) return super.slice(from, to);
    return this.values.subarray(from, to);
  }
}

const NOTHING = new Uint8Array(0);

export class HalfVector extends NumberVector {
  override get(row: number): number | undefined {
    return this.isValid(row) ? halfToNumber(this.values[row] as number) : undefined;
  }
  override slice(from: number, to: number): unknown {
    this.prove();
    return Array.from({ length: to - from }, (_, i) => this.get(from + i));
  }
}

export class FixedBinaryVector extends Vector {
  data: Uint8Array = NOTHING;
  readonly size: number;
  constructor(place: VectorPlace, size: number) {
    super(place);
    this.size = size;
  }
  protected override read(): void {
    super.read();
    this.data = this.bytes(1, this.length * this.size);
  }
  get(row: number): unknown {
    return this.isValid(row) ? this.data.subarray(row * this.size, (row + 1) * this.size) : undefined;
  }
}

export class DecimalVector extends FixedBinaryVector {
  /** Digits after the point. */
  readonly scale: number;
  readonly #bits: DecimalType["bits"];
  #view: DataView = new DataView(NOTHING.buffer);
  constructor(place: VectorPlace, type: DecimalType) {
    super(place, type.bits / 8);
    this.scale = type.scale;
    this.#bits = type.bits;
  }
  protected override read(): void {
    super.read();
    this.#view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
  }
  override get(row: number): string | undefined {
    const unscaled = this.unscaled(row);
    return unscaled === undefined ? undefined : decimalText(unscaled, this.scale);
  }
  /** The value as an integer, still to be divided by 10 to the power of the scale. */
  unscaled(row: number): bigint | undefined {
    return this.isValid(row) ? readUnscaled(this.#view, row * this.size, this.#bits) : undefined;
  }
}

/** Types whose rows are ranges of something else. */
abstract class RangeVector extends Vector {
  /** `length` + 1 places; row `i` is `offsets[i]` to `offsets[i + 1]`. */
  offsets: Int32Array | Float64Array = new Int32Array(1);
  protected override read(): void {
    super.read();
    if (this.length === 0) return;
    const large = "offsets" in this.field.type && this.field.type.offsets === 64;
    const bytes = this.bytes(1, (this.length + 1) * (large ? 8 : 4));
    this.offsets = large
      ? Float64Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, this.length + 1), Number)
      : new Int32Array(bytes.buffer, bytes.byteOffset, this.length + 1);
  }
  /** What the ranges are ranges of: its length. */
  protected abstract get extent(): number;
  /** How much a row's range holds. CORRUPT where it is no range. */
  extentOf(row: number): number {
    this.check(row);
    return this.offsets[row + 1] - this.offsets[row];
  }
  /** Refuses a row whose range is no range. */
  check(row: number): void {
    const from = this.offsets[row];
    const to = this.offsets[row + 1];
    if (!(from >= 0 && from <= to && to <= this.extent)) {
      throw this.corrupt(`has row ${row} at ${from} to ${to} of ${this.extent}`);
    }
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 as text; throws where it is none. */
export function strictText(bytes: Uint8Array): string {
  return strict.decode(bytes);
}

export class BinaryVector extends RangeVector {
  data: Uint8Array = NOTHING;
  protected override read(): void {
    super.read();
    this.data = this.bytes(2, 0);
  }
  protected override get extent(): number {
    return this.data.length;
  }
  get(row: number): unknown {
    if (!this.isValid(row)) return undefined;
    this.check(row);
    return this.data.subarray(this.offsets[row], this.offsets[row + 1]);
  }
}

/** Bytes as text where all of them are ASCII, which makes a place in the one a place in the other. Null where not. */
export function asciiText(bytes: Uint8Array): string | null {
  try {
    const text = strict.decode(bytes);
    // Valid UTF-8 gives as many UTF-16 units as bytes exactly when every byte is ASCII.
    return text.length === bytes.length ? text : null;
  } catch {
    // Bytes of a null row or between rows may be anything: each row tells for itself.
    return null;
  }
}

export class Utf8Vector extends BinaryVector {
  /** The whole data buffer as text where it is ASCII: slicing it is far cheaper than decoding each value. Null where not. */
  #text: string | null | undefined;
  override get(row: number): string | undefined {
    if (!this.isValid(row)) return undefined;
    this.check(row);
    const from = this.offsets[row];
    const to = this.offsets[row + 1];
    if (this.#text === undefined) this.#text = asciiText(this.data);
    return this.#text?.slice(from, to) ?? this.#decode(this.data.subarray(from, to));
  }
  #decode(bytes: Uint8Array): string {
    try {
      return strict.decode(bytes);
    } catch {
      throw this.corrupt("holds text that is not UTF-8");
    }
  }
}

/** Lists and maps: a map is a list of its entries. */
export class ListVector extends RangeVector {
  readonly #child: Vector;
  constructor(place: VectorPlace, child: Vector) {
    super(place, [child]);
    this.#child = child;
  }
  protected override get extent(): number {
    return this.#child.length;
  }
  /** Where a row's items are in the child. */
  range(row: number): [from: number, to: number] {
    this.check(row);
    return [this.offsets[row], this.offsets[row + 1]];
  }
  get(row: number): unknown {
    if (!this.isValid(row)) return undefined;
    this.check(row);
    return this.#child.slice(this.offsets[row], this.offsets[row + 1]);
  }
  override plain(row: number, json: boolean): unknown {
    if (!this.isValid(row)) return json ? null : undefined;
    this.check(row);
    return plainList(this.#child, this.offsets[row], this.offsets[row + 1], json);
  }
}

export class FixedListVector extends Vector {
  readonly #child: Vector;
  readonly size: number;
  constructor(place: VectorPlace, child: Vector, size: number) {
    super(place, [child]);
    this.#child = child;
    this.size = size;
    if (child.length < place.length * size) {
      throw this.corrupt(`has ${child.length} items for ${place.length} rows`);
    }
  }
  override prove(): void {
    this.#child.prove();
  }
  /** Where a row's items are in the child. */
  range(row: number): [from: number, to: number] {
    return [row * this.size, (row + 1) * this.size];
  }
  get(row: number): unknown {
    return this.isValid(row) ? this.#child.slice(row * this.size, (row + 1) * this.size) : undefined;
  }
  override plain(row: number, json: boolean): unknown {
    if (!this.isValid(row)) return json ? null : undefined;
    return plainList(this.#child, row * this.size, (row + 1) * this.size, json);
  }
}

/** Items of a list as plain values. */
export function plainList(child: Vector, from: number, to: number, json: boolean): unknown {
  if (!json && child instanceof NumberVector) {
    const values = child.slice(from, to);
    return ArrayBuffer.isView(values) ? (values as NumberArray).slice() : values;
  }
  child.prove();
  const items = new Array<unknown>(to - from);
  for (let i = from; i < to; i++) items[i - from] = child.plain(i, json);
  return items;
}

/** A struct column; the root of a batch is one too, with the table's columns as children. */
export class StructVector extends Vector {
  readonly #row: RowClass;
  /** Whether no row can be missing, by the counts of nulls alone: then nothing need be loaded to know. */
  readonly alwaysThere: boolean;
  /** Whether a row counts as missing where all of its fields are. */
  readonly #missingIfEmpty: boolean;
  constructor(place: VectorPlace, children: readonly Vector[]) {
    super(place, children);
    this.#row = rowClass(place.field.children);
    const { field, nullCount } = place;
    this.#missingIfEmpty = field.nullable && field.metadata?.[MISSING_KEY] !== "null";
    this.alwaysThere = nullCount === 0 && (!this.#missingIfEmpty ||
      children.some((child) =>
        child.nullCount === 0 && (child instanceof StructVector ? child.alwaysThere : child.countsNulls)
      ));
    for (const child of children) {
      if (child.length < place.length) {
        throw this.corrupt(`has ${place.length} rows but "${child.field.name}" ${child.length}`);
      }
    }
  }
  override prove(): void {
    // One column is proof; a struct without any takes no bytes, and `buildVectors` bounds those.
    this.children[0]?.prove();
  }
  get(row: number): object | undefined {
    return this.alwaysThere || !this.isMissing(row) ? new this.#row(this.children, row) : undefined;
  }
  /** A struct that may be missing, and whose fields are all missing, counts as missing, unless its field says other. */
  override isMissing(row: number): boolean {
    if (this.alwaysThere) return false;
    if (!this.isValid(row)) return true;
    if (!this.#missingIfEmpty) return false;
    const { children } = this;
    for (let i = 0; i < children.length; i++) if (!children[i].isMissing(row)) return false;
    return true;
  }
  override plain(row: number, json: boolean): unknown {
    return this.isMissing(row) ? (json ? null : undefined) : plainColumns(this.children, row, json);
  }
}
