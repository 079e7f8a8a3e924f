/**
 * Columns as they are handed out: typed arrays, and what says which rows have a value.
 *
 * @module
 */
import { decimalText, type DecimalType, readUnscaled } from "../../arrow/decimal.ts";
import { asciiText, strictText } from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, typeName } from "../../schema.ts";

/** What all columns have. */
export abstract class BaseColumn<T> {
  /** What it holds: its type and, where the recording tells, its unit. Of several topics it is the first one's. */
  readonly field: FieldSchema;
  /** Rows in it. */
  readonly length: number;
  /** A byte a row: 1 where it has a value, 0 where that is missing; undefined where none is. */
  readonly validity: Uint8Array | undefined;

  /** @internal Made by streamers. */
  constructor(field: FieldSchema, length: number, validity: Uint8Array | undefined) {
    this.field = field;
    this.length = length;
    this.validity = validity;
  }

  /** Whether a row has a value. */
  isValid(row: number): boolean {
    return this.validity === undefined || this.validity[row] === 1;
  }

  /** The value of a row, as a message has it; undefined where it is missing. For a few rows: arrays are the fast way. */
  at(row: number): T | undefined {
    return row >= 0 && row < this.length && this.isValid(row) ? this.valueAt(row) : undefined;
  }

  /** @internal The value of a row that has one. */
  protected abstract valueAt(row: number): T;
}

/** Numbers of up to 32 bits, and floats. What stands where a value is missing means nothing. */
export class NumberColumn extends BaseColumn<number> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "number";
  /** A number a row; half floats as Float32Array. */
  readonly values:
    | Float64Array
    | Float32Array
    | Int32Array
    | Uint32Array
    | Int16Array
    | Uint16Array
    | Int8Array
    | Uint8Array;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    validity: Uint8Array | undefined,
    values: NumberColumn["values"],
  ) {
    super(field, values.length, validity);
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): number {
    return this.values[row];
  }
}

/** Integers of 64 bits, and temporal values of as many. What stands where a value is missing means nothing. */
export class BigIntColumn extends BaseColumn<bigint> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "bigint";
  /** An integer a row. */
  readonly values: BigInt64Array | BigUint64Array;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    validity: Uint8Array | undefined,
    values: BigIntColumn["values"],
  ) {
    super(field, values.length, validity);
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): bigint {
    return this.values[row];
  }
}

/** True and false. */
export class BooleanColumn extends BaseColumn<boolean> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "boolean";
  /** A byte a row: 1 for true, 0 for false. */
  readonly values: Uint8Array;

  /** @internal Made by streamers. */
  constructor(field: FieldSchema, validity: Uint8Array | undefined, values: Uint8Array) {
    super(field, values.length, validity);
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): boolean {
    return this.values[row] === 1;
  }
}

/** Texts, of which a row has the bytes from `offsets[row]` to before `offsets[row + 1]`: UTF-8. A missing one has none. */
export class TextColumn extends BaseColumn<string> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "text";
  /** `length` + 1 places in `values`, from 0 on. */
  readonly offsets: Int32Array;
  /** The bytes of all texts, one after another. They were not decoded: `at` throws CORRUPT where they are no UTF-8. */
  readonly values: Uint8Array;
  /** All of it, where it is ASCII: a slice is cheaper than decoding each text. Null where it is not. */
  #text: string | null | undefined;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    validity: Uint8Array | undefined,
    offsets: Int32Array,
    values: Uint8Array,
  ) {
    super(field, offsets.length - 1, validity);
    this.offsets = offsets;
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): string {
    const [from, to] = [this.offsets[row], this.offsets[row + 1]];
    if (this.#text === undefined) this.#text = asciiText(this.values);
    if (this.#text !== null) return this.#text.slice(from, to);
    try {
      return strictText(this.values.subarray(from, to));
    } catch {
      const { name } = this.field;
      throw new SmaltiError(
        "CORRUPT",
        `Column "${name}" of type ${typeName(this.field)} holds text that is not UTF-8`,
      );
    }
  }
}

/** Bytes, of which a row has those from `offsets[row]` to before `offsets[row + 1]`. A missing value has none. */
export class BytesColumn extends BaseColumn<Uint8Array> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "bytes";
  /** `length` + 1 places in `values`, from 0 on. */
  readonly offsets: Int32Array;
  /** The bytes of all rows, one after another. */
  readonly values: Uint8Array;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    validity: Uint8Array | undefined,
    offsets: Int32Array,
    values: Uint8Array,
  ) {
    super(field, offsets.length - 1, validity);
    this.offsets = offsets;
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): Uint8Array {
    return this.values.subarray(this.offsets[row], this.offsets[row + 1]);
  }
}

/** Decimals: integers still to be divided by 10 to the power of the type's scale. `at` gives exact text. */
export class DecimalColumn extends BaseColumn<string> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "decimal";
  /** As many bytes a row as the type has, two's complement, the least first. What stands where a value is missing means nothing. */
  readonly values: Uint8Array;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    length: number,
    validity: Uint8Array | undefined,
    values: Uint8Array,
  ) {
    super(field, length, validity);
    this.values = values;
  }

  /** @internal */
  protected override valueAt(row: number): string {
    const { bits, scale } = this.field.type as DecimalType;
    const { buffer, byteOffset, byteLength } = this.values;
    const view = new DataView(buffer, byteOffset, byteLength);
    return decimalText(readUnscaled(view, row * bits / 8, bits), scale);
  }
}

/** Lists, of which a row has the items from `offsets[row]` to before `offsets[row + 1]`. A missing one has none. */
export class ListColumn extends BaseColumn<unknown> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "list";
  /** `length` + 1 places in `items`, from 0 on. */
  readonly offsets: Int32Array;
  /** The items of all rows, one after another; entries with `key` and `value` in a map. */
  readonly items: Column;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    validity: Uint8Array | undefined,
    offsets: Int32Array,
    items: Column,
  ) {
    super(field, offsets.length - 1, validity);
    this.offsets = offsets;
    this.items = items;
  }

  /** @internal */
  protected override valueAt(row: number): unknown {
    const { items } = this;
    const [from, to] = [this.offsets[row], this.offsets[row + 1]];
    const isWhole = items.validity === undefined || !items.validity.subarray(from, to).includes(0);
    if (isWhole && (items.kind === "number" || items.kind === "bigint")) {
      return items.values.subarray(from, to);
    }
    return Array.from({ length: to - from }, (_, i) => items.at(from + i));
  }
}

/** Structs: a column a field. Below a struct that is missing nothing has a meaning. */
export class StructColumn extends BaseColumn<Record<string, unknown>> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "struct";
  /** Its fields by their names. An object without a prototype. */
  readonly fields: Readonly<Record<string, Column>>;

  /** @internal Made by streamers. */
  constructor(
    field: FieldSchema,
    length: number,
    validity: Uint8Array | undefined,
    fields: Readonly<Record<string, Column>>,
  ) {
    super(field, length, validity);
    this.fields = fields;
  }

  /** @internal */
  protected override valueAt(row: number): Record<string, unknown> {
    const entries = Object.entries(this.fields).map(([name, column]) => [name, column.at(row)] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
}

/** A column of Arrow's type null, in which every value is missing. */
export class NullColumn extends BaseColumn<never> {
  /** Which of the kinds of {@linkcode Column}. */
  readonly kind = "null";

  /** @internal Made by streamers. */
  constructor(field: FieldSchema, length: number) {
    super(field, length, new Uint8Array(length));
  }

  /** @internal */
  protected override valueAt(): never {
    throw new SmaltiError("INTERNAL", `Column "${this.field.name}" has no value`);
  }
}

/** One field of some rows; `kind` tells what its arrays hold. Whether they are copies is told by the streamer. */
export type Column =
  | NumberColumn
  | BigIntColumn
  | BooleanColumn
  | TextColumn
  | BytesColumn
  | DecimalColumn
  | ListColumn
  | StructColumn
  | NullColumn;
