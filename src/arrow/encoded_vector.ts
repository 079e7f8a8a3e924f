/**
 * Columns whose values are not where their rows are: dictionaries, views, list views, runs. Smalti stores none of them, but
 * reads them from others. `take` makes plain columns of them.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import type { NumberArray, NumberArrayType } from "./columns.ts";
import { type NumberVector, plainList, strictText, Vector, type VectorPlace } from "./vector.ts";

const NOTHING = new Uint8Array(0);

/** A column in an encoding. */
export abstract class EncodedVector extends Vector {}

/** Whether a column, or one within it, is in an encoding. */
export function isEncoded(vector: Vector): boolean {
  return vector instanceof EncodedVector || vector.children.some(isEncoded);
}

/** Utf8View and BinaryView: 16 bytes a row, short values inline, long ones in one of several data buffers. */
export class ViewVector extends EncodedVector {
  #views: DataView = new DataView(new ArrayBuffer(0));
  #bytes: Uint8Array = NOTHING;
  readonly #dataBuffers: number;
  constructor(place: VectorPlace, dataBuffers: number) {
    super(place);
    this.#dataBuffers = dataBuffers;
  }
  protected override read(): void {
    super.read();
    this.#bytes = this.bytes(1, this.length * 16);
    this.#views = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }
  override loadAll(): void {
    super.loadAll();
    for (let i = 0; i < this.#dataBuffers; i++) this.bytes(2 + i, 0);
  }
  get(row: number): unknown {
    if (!this.isValid(row)) return undefined;
    const bytes = this.value(row);
    if (this.field.type.kind === "binaryView") return bytes;
    try {
      return strictText(bytes);
    } catch {
      throw this.corrupt("holds text that is not UTF-8");
    }
  }
  /** How many bytes a row has. */
  extentOf(row: number): number {
    return this.find(row)?.length ?? 0;
  }
  /** The bytes of a row, which must not be missing; a view. CORRUPT where they are not there. */
  value(row: number): Uint8Array {
    const found = this.find(row);
    if (found) return found;
    const [length, _, index, offset] = [0, 4, 8, 12].map((at) => this.#views.getInt32(16 * row + at, true));
    throw this.corrupt(
      `has row ${row} at ${offset} of data buffer ${index}, ${length} bytes: outside of it`,
    );
  }
  /** {@linkcode value}; undefined where it is not there. */
  find(row: number): Uint8Array | undefined {
    const length = this.#views.getInt32(16 * row, true);
    if (length >= 0 && length <= 12) return this.#bytes.subarray(16 * row + 4, 16 * row + 4 + length);
    const index = this.#views.getInt32(16 * row + 8, true);
    const offset = this.#views.getInt32(16 * row + 12, true);
    const known = index >= 0 && index < this.#dataBuffers;
    const data = known ? this.bytes(2 + index, 0) : NOTHING;
    const isWithin = length >= 0 && offset >= 0 && offset + length <= data.length;
    return isWithin ? data.subarray(offset, offset + length) : undefined;
  }
}

/** Lists by offset and length: they may be in any order, share items, and leave items out. */
export class ListViewVector extends EncodedVector {
  readonly #child: Vector;
  #offsets: NumberArray = NOTHING;
  #sizes: NumberArray = NOTHING;
  constructor(place: VectorPlace, child: Vector) {
    super(place, [child]);
    this.#child = child;
  }
  protected override read(): void {
    super.read();
    const large = "offsets" in this.field.type && this.field.type.offsets === 64;
    const array: NumberArrayType = large ? BigInt64Array : Int32Array;
    const bytes = this.length * array.BYTES_PER_ELEMENT;
    const [offsets, sizes] = [this.bytes(1, bytes), this.bytes(2, bytes)];
    this.#offsets = new array(offsets.buffer, offsets.byteOffset, this.length);
    this.#sizes = new array(sizes.buffer, sizes.byteOffset, this.length);
  }
  /** How many items a row has. */
  extentOf(row: number): number {
    const [from, to] = this.find(row) ?? [0, 0];
    return to - from;
  }
  /** Where a row's items are in the child. CORRUPT where that is not within it. */
  range(row: number): [from: number, to: number] {
    const found = this.find(row);
    if (found) return found;
    const [offset, size] = [this.#offsets[row], this.#sizes[row]];
    throw this.corrupt(
      `has row ${row} at ${offset}, ${size} items: wanted them within ${this.#child.length}`,
    );
  }
  /** {@linkcode range}; undefined where it is not within the child. */
  find(row: number): [from: number, to: number] | undefined {
    if (!this.loaded) this.load();
    const from = Number(this.#offsets[row]);
    const to = from + Number(this.#sizes[row]);
    return from >= 0 && from <= to && to <= this.#child.length ? [from, to] : undefined;
  }
  get(row: number): unknown {
    return this.isValid(row) ? this.#child.slice(...this.range(row)) : undefined;
  }
  override plain(row: number, json: boolean): unknown {
    if (!this.isValid(row)) return json ? null : undefined;
    return plainList(this.#child, ...this.range(row), json);
  }
}

/** The values of a dictionary, in the parts that they came in. */
export class Dictionary {
  /** Its parts: the first is one row without a value, which stands for what is missing. */
  readonly parts: Vector[];
  /** How many values come before each part. */
  readonly #starts: number[] = [0];
  #length = 0;

  /** @param missing One row without a value. */
  constructor(missing: Vector) {
    this.parts = [missing];
  }

  /** Values in all parts. */
  get length(): number {
    return this.#length;
  }

  /** Adds values after those that are there. */
  add(part: Vector): void {
    this.parts.push(part);
    this.#starts.push(this.#length);
    this.#length += part.length;
  }

  /** The last part that begins at or before a value's number, which must be less than the length. */
  partOf(index: number): number {
    let [low, high] = [1, this.parts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** How many values come before a part. */
  startOf(part: number): number {
    return this.#starts[part];
  }
}

/** Indices into a dictionary that came before. */
export class DictionaryVector extends EncodedVector {
  readonly #indices: NumberVector;
  /** What the indices point into. */
  readonly dictionary: Dictionary;
  constructor(place: VectorPlace, indices: NumberVector, dictionary: Dictionary) {
    super(place);
    this.#indices = indices;
    this.dictionary = dictionary;
  }
  override get countsNulls(): boolean {
    return false;
  }
  override loadAll(): void {
    super.loadAll();
    this.#indices.loadAll();
    for (const part of this.dictionary.parts) part.loadAll();
  }
  override prove(): void {
    this.#indices.prove();
  }
  /** Where a row's value is: a part and a row of it; of a missing one the row that stands for those. CORRUPT. */
  place(row: number): [part: number, row: number] {
    const found = this.find(row);
    if (found) return found;
    const index = this.#indices.get(row);
    throw this.corrupt(`has row ${row} at ${index} of a dictionary of ${this.dictionary.length}`);
  }
  /** {@linkcode place}; undefined where the index is beyond the dictionary. */
  find(row: number): [part: number, row: number] | undefined {
    if (!this.isValid(row)) return [0, 0];
    const index = Number(this.#indices.get(row));
    const { dictionary } = this;
    if (!(index >= 0 && index < dictionary.length)) return undefined;
    const part = dictionary.partOf(index);
    return [part, index - dictionary.startOf(part)];
  }
  get(row: number): unknown {
    const [part, at] = this.place(row);
    return this.dictionary.parts[part].get(at);
  }
  override isMissing(row: number): boolean {
    const [part, at] = this.place(row);
    return this.dictionary.parts[part].isMissing(at);
  }
  override plain(row: number, json: boolean): unknown {
    const [part, at] = this.place(row);
    return this.dictionary.parts[part].plain(at, json);
  }
}

/** Runs of equal values: where each ends, and its value. It has no buffers of its own. */
export class RunEndVector extends EncodedVector {
  readonly #ends: NumberVector;
  /** A value for each run. */
  readonly values: Vector;
  constructor(place: VectorPlace, ends: NumberVector, values: Vector) {
    super(place, [ends, values]);
    this.#ends = ends;
    this.values = values;
  }
  protected override read(): void {
    this.#ends.loadAll();
    const { values: ends } = this.#ends;
    const last = ends.length === 0 ? 0 : Number(ends[ends.length - 1]);
    if (last < this.length || ends.length > this.values.length) {
      throw this.corrupt(
        `has ${this.length} rows, but ${ends.length} runs that end at ${last}, and ${this.values.length} values`,
      );
    }
  }
  override get countsNulls(): boolean {
    return false;
  }
  override isValid(row: number): boolean {
    return this.values.isValid(this.run(row));
  }
  /** The run that a row is in. */
  run(row: number): number {
    if (!this.loaded) this.load();
    const { values: ends } = this.#ends;
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  get(row: number): unknown {
    return this.values.get(this.run(row));
  }
  override isMissing(row: number): boolean {
    return this.values.isMissing(this.run(row));
  }
  override plain(row: number, json: boolean): unknown {
    return this.values.plain(this.run(row), json);
  }
}

/** The error for columns that say more than anybody has room for. */
export function tooLarge(vector: Vector, most: number): SmaltiError {
  return new SmaltiError(
    "TOO_LARGE",
    `Column "${vector.field.name}" takes more than ${most} bytes without its encoding: wanted at most that`,
  );
}
