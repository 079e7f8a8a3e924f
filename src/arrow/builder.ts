/**
 * Values -> columns. One builder a field, chosen once by its type, so that appending a message is a walk over known
 * builders. A value that does not fit throws and leaves every builder as it was before the message.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, isOptional, typeName } from "../schema.ts";
import { bytesOf, type Columns, type NumberArray, numberArrayType, rowWidth } from "./columns.ts";
import { type DecimalType, unscaledOf, writeUnscaled } from "./decimal.ts";
import { numberToHalf } from "./half.ts";
import { isView } from "./row_view.ts";
import { didYouMean } from "../util/nearest.ts";

const START_CAPACITY = 64;
const NO_BYTES = new Uint8Array(0);

/** A builder's place in a message: fixed, or known when it is asked for. */
export type Path = string | (() => string);

/** Collects the values of one field. */
export abstract class Builder {
  /** The field. */
  readonly field: FieldSchema;
  readonly #path: Path;
  /** Values so far. */
  length = 0;
  /** Values that fit before the arrays must grow. */
  protected capacity = 0;
  protected readonly count: ByteCount;
  readonly #isOptional: boolean;
  #validity: Uint8Array | undefined;

  constructor(field: FieldSchema, path: Path, count: ByteCount) {
    this.field = field;
    this.#path = path;
    this.#isOptional = isOptional(field);
    this.count = count;
  }

  /** Where it is in a message, for errors: `position.x`; `ranges[2]` while that item is written. */
  get path(): string {
    return typeof this.#path === "string" ? this.#path : this.#path();
  }

  /** Whether a value was missing so far. */
  protected get hasNulls(): boolean {
    return this.#validity !== undefined;
  }

  /** Takes one value; INVALID_MESSAGE where it is none of the field's. */
  append(value: unknown): void {
    if (this.length === this.capacity) this.#grow();
    if (value === undefined || value === null) {
      if (!this.#isOptional) throw this.refuse(value, briefType(this.field));
      this.appendEmpty();
      this.mark(false);
    } else {
      this.write(value);
      if (this.#validity) this.mark(true);
    }
    this.length++;
  }

  /** A place holder under a missing parent: no value, and null only where the field allows it. */
  appendMissing(): void {
    if (this.length === this.capacity) this.#grow();
    this.appendEmpty();
    if (this.field.nullable) this.mark(false);
    this.length++;
  }

  /** Forgets all values from `length` on. */
  truncate(length: number): void {
    this.length = length;
  }

  /** Adds this field's node and buffers. They are views: the next append overwrites them. */
  collect(out: Columns): void {
    const bits = this.#validity?.subarray(0, Math.ceil(this.length / 8));
    const nullCount = bits ? countZeros(bits, this.length) : 0;
    out.nodes.push(this.length, nullCount);
    out.buffers.push(nullCount > 0 ? bits! : NO_BYTES);
    this.collectData(out);
  }

  /** Writes the value at `this.length`. */
  protected abstract write(value: unknown): void;
  /** Writes a place holder at `this.length`. */
  protected abstract appendEmpty(): void;
  /** Makes room for `capacity` values, keeping those there are. */
  protected abstract resize(capacity: number): void;
  /** Adds the buffers after the validity. */
  protected abstract collectData(out: Columns): void;

  /** The error for a value that is none of the field's. */
  refuse(value: unknown, wanted: string = typeName(this.field)): SmaltiError {
    const seen = value === undefined ? "missing" : show(value);
    return new SmaltiError("INVALID_MESSAGE", `Field "${this.path || "data"}" is ${seen}: wanted ${wanted}`);
  }

  #grow(): void {
    this.capacity = Math.max(START_CAPACITY, this.capacity * 2);
    this.resize(this.capacity);
    if (this.#validity) this.#validity = this.enlarge(this.#validity, this.capacity / 8);
  }

  /** A larger array that begins with what `array` holds. */
  protected enlarge<A extends Uint8Array | NumberArray>(array: A, length: number): A {
    const larger = new (array.constructor as new (length: number) => A)(length);
    larger.set(array as never);
    this.count.capacity += larger.byteLength - array.byteLength;
    return larger;
  }

  private mark(valid: boolean): void {
    // Until the first null there is no bitmap: everything before it is present.
    this.#validity ??= new Uint8Array(this.capacity / 8).fill(255);
    const bit = 1 << (this.length & 7);
    if (valid) this.#validity[this.length >> 3] |= bit;
    else this.#validity[this.length >> 3] &= ~bit;
  }
}

/** A type in few words: what is missing need not be told in full. */
function briefType(field: FieldSchema): string {
  const { kind } = field.type;
  if (kind === "struct") return "an object";
  return kind === "list" || kind === "fixedList" ? "an array" : typeName(field);
}

function countZeros(bits: Uint8Array, length: number): number {
  let zeros = 0;
  for (let i = 0; i < length; i++) if ((bits[i >> 3] & (1 << (i & 7))) === 0) zeros++;
  return zeros;
}

/** A value in few words. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? value.slice(0, 40) + "…" : value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an Array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === "object" && value !== null) {
    return `an object (${value.constructor?.name ?? "no class"})`;
  }
  return typeof value === "function" ? "a function" : String(value);
}

/** Numbers of a typed array; what is allowed differs by type. */
abstract class NumberBuilder extends Builder {
  protected values: NumberArray = new (numberArrayType(this.field.type)!)(0);
  protected appendEmpty(): void {
    this.values[this.length] = this.values instanceof BigInt64Array || this.values instanceof BigUint64Array
      ? 0n
      : 0;
  }
  protected resize(capacity: number): void {
    this.values = this.enlarge(this.values, capacity);
  }
  protected collectData(out: Columns): void {
    out.buffers.push(bytesOf(this.values.subarray(0, this.length)));
  }
}

class Float64Builder extends NumberBuilder {
  /** Most values there are come here: one call instead of two. */
  override append(value: unknown): void {
    if (typeof value === "number" && this.length < this.capacity && !this.hasNulls) {
      (this.values as Float64Array)[this.length++] = value;
    } else super.append(value);
  }
  protected write(value: unknown): void {
    if (typeof value !== "number") throw this.refuse(value);
    (this.values as Float64Array)[this.length] = value;
  }
}

class Float32Builder extends NumberBuilder {
  protected write(value: unknown): void {
    if (typeof value !== "number") throw this.refuse(value);
    const single = Math.fround(value);
    if (Math.abs(single) === Infinity && Math.abs(value) !== Infinity) {
      throw this.refuse(value, "float32 (up to 3.4e38)");
    }
    (this.values as Float32Array)[this.length] = single;
  }
}

class HalfBuilder extends NumberBuilder {
  protected write(value: unknown): void {
    if (typeof value !== "number") throw this.refuse(value);
    const half = numberToHalf(value);
    if ((half & 0x7fff) === 0x7c00 && Math.abs(value) !== Infinity) {
      throw this.refuse(value, "float16 (up to 65504)");
    }
    (this.values as Uint16Array)[this.length] = half;
  }
}

class IntBuilder extends NumberBuilder {
  readonly #least: number;
  readonly #most: number;
  constructor(field: FieldSchema, path: Path, count: ByteCount, bits: number, signed: boolean) {
    super(field, path, count);
    this.#least = signed ? -(2 ** (bits - 1)) : 0;
    this.#most = 2 ** (signed ? bits - 1 : bits) - 1;
  }
  protected write(value: unknown): void {
    if (typeof value !== "number" || !Number.isInteger(value) || value < this.#least || value > this.#most) {
      throw this.refuse(value, `${typeName(this.field)} (${this.#least} to ${this.#most})`);
    }
    (this.values as Int32Array)[this.length] = value;
  }
}

class BigIntBuilder extends NumberBuilder {
  readonly #least: bigint;
  readonly #most: bigint;
  constructor(field: FieldSchema, path: Path, count: ByteCount, signed: boolean) {
    super(field, path, count);
    this.#least = signed ? -(2n ** 63n) : 0n;
    this.#most = 2n ** (signed ? 63n : 64n) - 1n;
  }
  protected write(value: unknown): void {
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) {
        throw this.refuse(value, `${typeName(this.field)} as bigint or safe integer`);
      }
      value = BigInt(value);
    }
    if (typeof value !== "bigint") {
      throw this.refuse(value, `${typeName(this.field)} as bigint or safe integer`);
    }
    if (value < this.#least || value > this.#most) {
      throw this.refuse(value, `${typeName(this.field)} (${this.#least} to ${this.#most})`);
    }
    (this.values as BigInt64Array)[this.length] = value;
  }
}

class DecimalBuilder extends Builder {
  readonly #type: DecimalType;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = new DataView(NO_BYTES.buffer);
  constructor(field: FieldSchema, path: Path, count: ByteCount, type: DecimalType) {
    super(field, path, count);
    this.#type = type;
  }
  protected write(value: unknown): void {
    const unscaled = unscaledOf(value, this.#type);
    if (unscaled === undefined) {
      const { precision, scale } = this.#type;
      const digits = `${precision} digits, ${scale} of them after the point`;
      throw this.refuse(value, `${typeName(this.field)} (${digits}), as text, bigint or number`);
    }
    this.#put(unscaled);
  }
  protected appendEmpty(): void {
    this.#put(0n);
  }
  #put(unscaled: bigint): void {
    const { bits } = this.#type;
    writeUnscaled(this.#view, this.length * bits / 8, bits, unscaled);
  }
  protected resize(capacity: number): void {
    this.#bytes = this.enlarge(this.#bytes, capacity * this.#type.bits / 8);
    this.#view = new DataView(this.#bytes.buffer);
  }
  protected collectData(out: Columns): void {
    out.buffers.push(this.#bytes.subarray(0, this.length * this.#type.bits / 8));
  }
}

class BoolBuilder extends Builder {
  #bits: Uint8Array = NO_BYTES;
  protected write(value: unknown): void {
    if (typeof value !== "boolean") throw this.refuse(value);
    this.#put(value);
  }
  protected appendEmpty(): void {
    this.#put(false);
  }
  #put(value: boolean): void {
    const bit = 1 << (this.length & 7);
    if (value) this.#bits[this.length >> 3] |= bit;
    else this.#bits[this.length >> 3] &= ~bit;
  }
  protected resize(capacity: number): void {
    this.#bits = this.enlarge(this.#bits, capacity / 8);
  }
  protected collectData(out: Columns): void {
    out.buffers.push(this.#bits.subarray(0, Math.ceil(this.length / 8)));
  }
}

class NullBuilder extends Builder {
  protected write(value: unknown): void {
    throw this.refuse(value);
  }
  protected appendEmpty(): void {}
  protected resize(): void {}
  override collect(out: Columns): void {
    out.nodes.push(this.length, this.length);
  }
  protected collectData(): void {}
}

/** Bytes counted across all builders of a topic, so that it is flushed in time. */
export interface ByteCount {
  /** Bytes of texts, binaries and list items appended; what rows of fixed width take comes on top. */
  variable: number;
  /** Bytes of memory held, used or not. */
  capacity: number;
}

/** Types whose values are ranges of something else: offsets here, the rest in the subclass. */
abstract class RangeBuilder extends Builder {
  protected offsets: Int32Array = new Int32Array(1);
  protected appendEmpty(): void {
    this.offsets[this.length + 1] = this.offsets[this.length];
  }
  protected resize(capacity: number): void {
    this.offsets = this.enlarge(this.offsets, capacity + 1);
  }
  protected collectData(out: Columns): void {
    out.buffers.push(bytesOf(this.offsets.subarray(0, this.length + 1)));
  }
  /** Sets the end of the value being written. */
  protected close(end: number): void {
    if (end > 0x7fffffff) {
      throw new SmaltiError("TOO_LARGE", `Field "${this.path}" passes 2 GiB in one batch: wanted less`);
    }
    this.offsets[this.length + 1] = end;
  }
}

class BinaryBuilder extends RangeBuilder {
  protected data: Uint8Array = NO_BYTES;
  protected write(value: unknown): void {
    if (!(value instanceof Uint8Array)) throw this.refuse(value, `${typeName(this.field)} as Uint8Array`);
    const start = this.offsets[this.length];
    this.room(start, value.length);
    this.data.set(value, start);
    this.finish(start, value.length);
  }
  protected finish(start: number, bytes: number): void {
    this.close(start + bytes);
    this.count.variable += bytes;
  }
  override truncate(length: number): void {
    this.count.variable -= this.offsets[this.length] - this.offsets[length];
    super.truncate(length);
  }
  /** Makes room for `bytes` more at `start`. */
  protected room(start: number, bytes: number): void {
    if (start + bytes <= this.data.length) return;
    this.data = this.enlarge(this.data, Math.max(1024, 2 * this.data.length, start + bytes));
  }
  protected override collectData(out: Columns): void {
    super.collectData(out);
    out.buffers.push(this.data.subarray(0, this.offsets[this.length]));
  }
}

const encoder = new TextEncoder();

class Utf8Builder extends BinaryBuilder {
  #last = "";
  #lastStart = -1;
  protected override write(value: unknown): void {
    if (typeof value !== "string") throw this.refuse(value);
    const start = this.offsets[this.length];
    // Frame ids and states repeat from message to message: copying the last bytes beats encoding them again.
    if (value === this.#last && this.#lastStart >= 0 && this.#lastStart < start) {
      const bytes = this.offsets[this.length] - this.#lastStart;
      this.room(start, bytes);
      this.data.copyWithin(start, this.#lastStart, start);
      this.#lastStart = start;
      this.finish(start, bytes);
      return;
    }
    this.room(start, value.length * 3);
    let bytes = value.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127 || i === 64) {
        if (!value.isWellFormed()) throw this.refuse(value, "utf8 without lone surrogates");
        bytes = encoder.encodeInto(value, this.data.subarray(start)).written;
        break;
      }
      this.data[start + i] = unit;
    }
    this.finish(start, bytes);
    this.#last = value;
    this.#lastStart = start;
  }
  protected override appendEmpty(): void {
    super.appendEmpty();
    this.#lastStart = -1;
  }
  override truncate(length: number): void {
    super.truncate(length);
    this.#lastStart = -1;
  }
}

class ListBuilder extends RangeBuilder {
  readonly #item: Builder;
  readonly #itemWidth: number;
  constructor(field: FieldSchema, path: Path, count: ByteCount) {
    super(field, path, count);
    // Without a number until it is made: a type that cannot be written is refused by then.
    const item = () => `${this.path}[${this.#item ? this.#item.length - this.offsets[this.length] : ""}]`;
    this.#item = createBuilder(field.children[0], item, count);
    this.#itemWidth = rowWidth(field.children[0]);
  }
  protected write(value: unknown): void {
    const items = arrayLike(value);
    if (!items) throw this.refuse(value, `${typeName(this.field)} as an array`);
    for (let i = 0; i < items.length; i++) this.#item.append(items[i]);
    this.count.variable += items.length * this.#itemWidth;
    this.close(this.#item.length);
  }
  override truncate(length: number): void {
    this.count.variable -= (this.offsets[this.length] - this.offsets[length]) * this.#itemWidth;
    super.truncate(length);
    this.#item.truncate(this.offsets[length]);
  }
  protected override collectData(out: Columns): void {
    super.collectData(out);
    this.#item.collect(out);
  }
}

class FixedListBuilder extends Builder {
  readonly #item: Builder;
  readonly #size: number;
  constructor(field: FieldSchema, path: Path, count: ByteCount, size: number) {
    super(field, path, count);
    const item = () => `${this.path}[${this.#item ? this.#item.length - this.length * size : ""}]`;
    this.#item = createBuilder(field.children[0], item, count);
    this.#size = size;
  }
  protected write(value: unknown): void {
    const items = arrayLike(value);
    if (!items || items.length !== this.#size) throw this.refuse(value, `an array of ${this.#size}`);
    for (let i = 0; i < this.#size; i++) this.#item.append(items[i]);
  }
  protected appendEmpty(): void {
    for (let i = 0; i < this.#size; i++) this.#item.appendMissing();
  }
  protected resize(): void {}
  override truncate(length: number): void {
    super.truncate(length);
    this.#item.truncate(length * this.#size);
  }
  protected collectData(out: Columns): void {
    this.#item.collect(out);
  }
}

/** Arrays, typed arrays and what is like them; not a plain object, which may well have a key called `length`. */
function arrayLike(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  return Number.isInteger((value as { length?: unknown }).length) ? value as ArrayLike<unknown> : undefined;
}

/** A struct's fields; also the root, whose fields are a message's. */
export class StructBuilder extends Builder {
  readonly #names: string[];
  readonly #children: Builder[];
  /** Whether a field is called as something that every object has, such as `constructor`. */
  readonly #shadowing: boolean;
  constructor(field: FieldSchema, path: Path, count: ByteCount) {
    super(field, path, count);
    this.#names = field.children.map((child) => child.name);
    this.#shadowing = this.#names.some((name) => name in Object.prototype);
    this.#children = field.children.map((child) =>
      createBuilder(child, () => this.path ? `${this.path}.${child.name}` : child.name, count)
    );
  }
  protected write(value: unknown): void {
    if (typeof value !== "object" || ArrayBuffer.isView(value) || Array.isArray(value)) {
      throw this.refuse(value, "an object");
    }
    const names = this.#names;
    const children = this.#children;
    const record = value as Record<string, unknown>;
    const count = names.length;
    if (this.#shadowing) return this.#writeByName(record);
    let i = 0;
    // Engines read a property by the key of the loop that is at it far faster than by any other.
    for (const key in record) {
      while (i < count && key !== names[i] && record[names[i]] === undefined) children[i++].append(undefined);
      if (i === count || key !== names[i]) {
        // The one key of a view; its fields are getters.
        if (key === "toObject" && isView(record)) break;
        return this.#writeByName(record);
      }
      children[i++].append(record[key]);
    }
    // What the loop does not show: missing fields, and getters of a class.
    for (; i < count; i++) children[i].append(record[names[i]]);
  }
  /** For keys in another order than the fields, and unknown ones. */
  #writeByName(record: Record<string, unknown>): void {
    for (const key in record) {
      if (record[key] === undefined || this.#names.includes(key)) continue;
      if (key === "toObject" && typeof record[key] === "function") {
        if (isView(record)) continue;
        const copy = `Field "${this.path || "data"}" is a copy of a message's view`;
        throw new SmaltiError(
          "INVALID_MESSAGE",
          `${copy}, which has none of its fields: copy its toObject()`,
        );
      }
      const path = this.path ? `${this.path}.${key}` : key;
      const known = this.#names.join(", ");
      throw new SmaltiError(
        "INVALID_MESSAGE",
        `Field "${path}" is ${show(record[key])}: wanted no such field, only ${known}` +
          didYouMean(key, this.#names),
      );
    }
    this.#children.forEach((child, i) => {
      const name = this.#names[i];
      const own = !(name in Object.prototype) || record[name] !== Object.prototype[name as keyof object];
      child.truncate(this.length);
      child.append(own ? record[name] : undefined);
    });
  }
  protected appendEmpty(): void {
    for (const child of this.#children) child.appendMissing();
  }
  protected resize(): void {}
  override truncate(length: number): void {
    super.truncate(length);
    for (const child of this.#children) child.truncate(length);
  }
  protected collectData(out: Columns): void {
    for (const child of this.#children) child.collect(out);
  }
  /** The fields' columns alone, as a table has them. */
  collectFields(out: Columns): void {
    this.collectData(out);
  }
}

/** The builder for a field. UNSUPPORTED for types that smalti reads but does not write. */
export function createBuilder(field: FieldSchema, path: Path, count: ByteCount): Builder {
  const { type } = field;
  const place = () => typeof path === "string" ? path : path();
  if (field.dictionary) throw unwritable(field, place());
  switch (type.kind) {
    case "null":
      return new NullBuilder(field, path, count);
    case "bool":
      return new BoolBuilder(field, path, count);
    case "int":
      return type.bits === 64
        ? new BigIntBuilder(field, path, count, type.signed)
        : new IntBuilder(field, path, count, type.bits, type.signed);
    case "float":
      if (type.bits === 16) return new HalfBuilder(field, path, count);
      return type.bits === 32
        ? new Float32Builder(field, path, count)
        : new Float64Builder(field, path, count);
    case "decimal":
      return new DecimalBuilder(field, path, count, type);
    case "utf8":
      if (type.offsets === 32) return new Utf8Builder(field, path, count);
      break;
    case "binary":
      if (type.offsets === 32) return new BinaryBuilder(field, path, count);
      break;
    case "list":
      if (type.offsets === 32) return new ListBuilder(field, path, count);
      break;
    case "fixedList":
      return new FixedListBuilder(field, path, count, type.size);
    case "struct":
      return new StructBuilder(field, path, count);
  }
  throw unwritable(field, place());
}

function unwritable(field: FieldSchema, path: string): SmaltiError {
  return new SmaltiError("UNSUPPORTED", `Cannot write field "${path}" of type ${typeName(field)}`);
}
