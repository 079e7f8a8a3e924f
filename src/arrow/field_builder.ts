/**
 * What builders of columns have in common: their place, room for values, and which of them are missing.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, isOptional, typeName } from "../schema.ts";
import { show } from "../util/show.ts";
import type { Columns, NumberArray } from "./columns.ts";

/** Rows that there is room for at first: of thousands of topics most are slow. */
export const START_CAPACITY = 8;
/** No bytes at all. */
export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

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

/** Whether a value may be one of a struct. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !Array.isArray(value);
}

/** A type in few words: what is missing need not be told in full. */
function briefType(field: FieldSchema): string {
  const { kind } = field.type;
  if (kind === "struct") return "an object";
  return kind === "list" || kind === "fixedList" ? "an array" : typeName(field);
}

/** How many of the first `length` bits are clear. */
export function countZeros(bits: Uint8Array, length: number): number {
  let zeros = 0;
  for (let i = 0; i < length; i++) if ((bits[i >> 3] & (1 << (i & 7))) === 0) zeros++;
  return zeros;
}

/** Bytes counted across all builders of a topic, so that it is flushed in time. */
export interface ByteCount {
  /** Bytes of texts, binaries and list items appended; what rows of fixed width take comes on top. */
  variable: number;
  /** Bytes of memory held, used or not. */
  capacity: number;
}
