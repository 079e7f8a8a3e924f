/**
 * Builders of columns whose values hold no others.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import { bytesOf, type Columns, type NumberArray, numberArrayType } from "./columns.ts";
import { type DecimalType, unscaledOf, writeUnscaled } from "./decimal.ts";
import { Builder, type ByteCount, NO_BYTES, type Path } from "./field_builder.ts";
import { numberToHalf } from "./half.ts";

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

/** Numbers of 64 bits. */
export class Float64Builder extends NumberBuilder {
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

/** Numbers of 32 bits. */
export class Float32Builder extends NumberBuilder {
  protected write(value: unknown): void {
    if (typeof value !== "number") throw this.refuse(value);
    const single = Math.fround(value);
    if (Math.abs(single) === Infinity && Math.abs(value) !== Infinity) {
      throw this.refuse(value, "float32 (up to 3.4e38)");
    }
    (this.values as Float32Array)[this.length] = single;
  }
}

/** Numbers of 16 bits. */
export class HalfBuilder extends NumberBuilder {
  protected write(value: unknown): void {
    if (typeof value !== "number") throw this.refuse(value);
    const half = numberToHalf(value);
    if ((half & 0x7fff) === 0x7c00 && Math.abs(value) !== Infinity) {
      throw this.refuse(value, "float16 (up to 65504)");
    }
    (this.values as Uint16Array)[this.length] = half;
  }
}

/** Integers of up to 32 bits. */
export class IntBuilder extends NumberBuilder {
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

/** Integers of 64 bits. */
export class BigIntBuilder extends NumberBuilder {
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

/** Decimals. */
export class DecimalBuilder extends Builder {
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

/** Booleans. */
export class BoolBuilder extends Builder {
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

/** Nothing but nulls. */
export class NullBuilder extends Builder {
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

/** Types whose values are ranges of something else: offsets here, the rest in the subclass. */
export abstract class RangeBuilder extends Builder {
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

/** Bytes. */
export class BinaryBuilder extends RangeBuilder {
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
    this.data = this.enlarge(this.data, Math.max(64, 2 * this.data.length, start + bytes));
  }
  protected override collectData(out: Columns): void {
    super.collectData(out);
    out.buffers.push(this.data.subarray(0, this.offsets[this.length]));
  }
}

const encoder = new TextEncoder();

/** Text. */
export class Utf8Builder extends BinaryBuilder {
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
