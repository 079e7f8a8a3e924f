/**
 * Field makers: the vocabulary of an ontology. Each carries Arrow's name of the type it makes, and the
 * TypeScript type of the values that come back from reading.
 *
 * @module
 */
import type { DataType, FieldSchema } from "../schema.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";

/**
 * A field without its name: an Arrow type, whether values may be missing, and free text.
 * `T` is what reading one value gives, `L` what reading a list of them gives.
 */
export interface OntologyField<T = unknown, L = unknown> extends Omit<FieldSchema, "name"> {
  /** Carries `T` for inference; never present. */
  readonly "~value"?: (value: T) => T;
  /** Carries `L` for inference; never present. */
  readonly "~list"?: (value: L) => L;
}

/** What a field says about itself beside its type. Kept in the Arrow schema as field metadata. */
export interface FieldOptions {
  /** Unit of the values, such as `m`, `rad/s`, `K`. */
  unit?: string;
  /** What the values mean. */
  description?: string;
}

const FIELD_OPTIONS: OptionNames<FieldOptions> = { unit: true, description: true };

/** A table of fields by name: what `struct` and `defineOntology` take. */
// deno-lint-ignore no-explicit-any -- any Field, whatever its values; unknown would not infer
export type OntologyFields = Record<string, OntologyField<any, any>>;

/** What reading one value of a field gives. */
export type FieldValue<F> = F extends OntologyField<infer T, infer _> ? T : never;
/** Names of the fields whose values may be missing. */
export type OptionalKey<F extends OntologyFields> = {
  [K in keyof F]: undefined extends FieldValue<F[K]> ? K : never;
}[keyof F];

/** The values that a table of fields holds: one property a field, optional where the field is. */
export type FieldValues<F extends OntologyFields> = (
  & { [K in Exclude<keyof F, OptionalKey<F>>]: FieldValue<F[K]> }
  & { [K in OptionalKey<F>]?: FieldValue<F[K]> }
) extends infer Both ? { [K in keyof Both]: Both[K] } // one object: what editors show, and what tests of exact types compare
  : never;

/**
 * What `push` takes for a value that reads back as `T`: the same, but int64 and uint64 also as safe integers, decimals as any
 * text of a number, bigint and number, lists as anything with a length and indices, and `null` for a missing value.
 */
export type MessageInput<T> = T extends undefined ? undefined | null
  : T extends DecimalText ? string | number | bigint
  : T extends bigint ? bigint | number
  : T extends string | number | boolean ? T
  : T extends ArrayLike<infer Item> ? ArrayLike<MessageInput<Item>>
  : T extends object ? { [K in keyof T]: MessageInput<T[K]> }
  : T;

function make<T, L>(
  type: DataType,
  options: FieldOptions = {},
  children: readonly FieldSchema[] = [],
): OntologyField<T, L> {
  checkOptions(options, FIELD_OPTIONS, "Cannot make a field");
  const metadata = Object.fromEntries(Object.entries(options).filter(([, text]) => text !== undefined));
  return Object.freeze({
    type: Object.freeze(type),
    nullable: false,
    children: Object.freeze(children),
    ...(Object.keys(metadata).length > 0 && { metadata: Object.freeze(metadata) }),
  });
}

/** True or false. */
export function bool(options?: FieldOptions): OntologyField<boolean, boolean[]> {
  return make({ kind: "bool" }, options);
}

/** Integer from -2^7 to 2^7 - 1. */
export function int8(options?: FieldOptions): OntologyField<number, Int8Array> {
  return make({ kind: "int", bits: 8, signed: true }, options);
}

/** Integer from -2^15 to 2^15 - 1. */
export function int16(options?: FieldOptions): OntologyField<number, Int16Array> {
  return make({ kind: "int", bits: 16, signed: true }, options);
}

/** Integer from -2^31 to 2^31 - 1. */
export function int32(options?: FieldOptions): OntologyField<number, Int32Array> {
  return make({ kind: "int", bits: 32, signed: true }, options);
}

/** Integer from -2^63 to 2^63 - 1, read as bigint; `push` takes safe integers too. */
export function int64(options?: FieldOptions): OntologyField<bigint, BigInt64Array> {
  return make({ kind: "int", bits: 64, signed: true }, options);
}

/** Integer from 0 to 2^8 - 1. */
export function uint8(options?: FieldOptions): OntologyField<number, Uint8Array> {
  return make({ kind: "int", bits: 8, signed: false }, options);
}

/** Integer from 0 to 2^16 - 1. */
export function uint16(options?: FieldOptions): OntologyField<number, Uint16Array> {
  return make({ kind: "int", bits: 16, signed: false }, options);
}

/** Integer from 0 to 2^32 - 1. */
export function uint32(options?: FieldOptions): OntologyField<number, Uint32Array> {
  return make({ kind: "int", bits: 32, signed: false }, options);
}

/** Integer from 0 to 2^64 - 1, read as bigint; `push` takes safe integers too. */
export function uint64(options?: FieldOptions): OntologyField<bigint, BigUint64Array> {
  return make({ kind: "int", bits: 64, signed: false }, options);
}

/** IEEE 754 half precision: `push` rounds to the nearest. */
export function float16(options?: FieldOptions): OntologyField<number, number[]> {
  return make({ kind: "float", bits: 16 }, options);
}

/** IEEE 754 single precision: `push` rounds to the nearest. */
export function float32(options?: FieldOptions): OntologyField<number, Float32Array> {
  return make({ kind: "float", bits: 32 }, options);
}

/** IEEE 754 double precision. */
export function float64(options?: FieldOptions): OntologyField<number, Float64Array> {
  return make({ kind: "float", bits: 64 }, options);
}

/** A decimal as it is read: exact, with as many digits after the point as its field's scale says, such as `"12.50"`. */
export type DecimalText = `${number}`;

/**
 * A decimal number of up to `precision` digits, `scale` of them after the point (before it, all zeros, where the scale is
 * negative). It reads as text, exactly: `"12.50"` at scale 2. `push` takes text, with an exponent or without, bigint, and
 * number, which is what its shortest text says; INVALID_MESSAGE where a value does not fit without rounding.
 *
 * Stored as Arrow's decimal128, from 39 digits on as decimal256. RangeError where `precision` is no integer from 1 to 76 or
 * `scale` none from -127 to 127.
 */
export function decimal(
  precision: number,
  scale: number = 0,
  options?: FieldOptions,
): OntologyField<DecimalText, DecimalText[]> {
  if (!Number.isInteger(precision) || precision < 1 || precision > 76) {
    throw new RangeError(`Cannot make a decimal of ${precision} digits: wanted an integer from 1 to 76`);
  }
  if (!Number.isInteger(scale) || Math.abs(scale) > 127) {
    throw new RangeError(`Cannot make a decimal of scale ${scale}: wanted an integer from -127 to 127`);
  }
  return make({ kind: "decimal", bits: precision > 38 ? 256 : 128, precision, scale }, options);
}

/** Text; lone surrogates are refused. */
export function utf8(options?: FieldOptions): OntologyField<string, string[]> {
  return make({ kind: "utf8", offsets: 32 }, options);
}

/** Bytes. `push` copies them; reading gives a view. */
export function binary(options?: FieldOptions): OntologyField<Uint8Array, Uint8Array[]> {
  return make({ kind: "binary", offsets: 32 }, options);
}

/** Any number of items. Numbers read as a typed array while none is missing, else as an Array. */
// deno-lint-ignore no-explicit-any -- infers L alone, whatever the item's value type
export function list<L>(item: OntologyField<any, L>, options?: FieldOptions): OntologyField<L, L[]> {
  return make({ kind: "list", offsets: 32 }, options, [{ name: "item", ...item }]);
}

/** Exactly `size` items. Reads like {@linkcode list}. RangeError where `size` is not a positive integer. */
export function fixedSizeList<L>(
  // deno-lint-ignore no-explicit-any -- infers L alone, whatever the item's value type
  item: OntologyField<any, L>,
  size: number,
  options?: FieldOptions,
): OntologyField<L, L[]> {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`Cannot make a fixed size list of ${size} items: wanted a positive integer`);
  }
  return make({ kind: "fixedList", size }, options, [{ name: "item", ...item }]);
}

/** Fields within a field. TypeError where it holds none or a name is empty. */
export function struct<F extends OntologyFields>(
  fields: F,
  options?: FieldOptions,
): OntologyField<FieldValues<F>, FieldValues<F>[]> {
  return make({ kind: "struct" }, options, namedFields(fields, "a struct"));
}

/** The same field, but its value may be missing: `undefined` or `null` to `push`, `undefined` when read. */
export function optional<T, L>(
  field: OntologyField<T, L>,
): OntologyField<T | undefined, L | (T | undefined)[]> {
  const { required: _, ...rest } = field;
  return Object.freeze({ ...rest, nullable: true }) as unknown as OntologyField<
    T | undefined,
    L | (T | undefined)[]
  >;
}

/**
 * The same field in a nullable column: a value must be there when it is pushed all the same. So Mosaico declares what its
 * models require within structs that may be missing, since some Parquet readers make zeros of a missing struct's fields.
 */
export function inNullableColumn<T, L>(field: OntologyField<T, L>): OntologyField<T, L> {
  return Object.freeze({ ...field, nullable: true, required: true });
}

/** The same field with another description: for shared structs that mean something else in each place. */
export function described<T, L>(field: OntologyField<T, L>, description: string): OntologyField<T, L> {
  return Object.freeze({ ...field, metadata: { ...field.metadata, description } });
}

/** A table of fields as schema: names in order. */
export function namedFields(fields: OntologyFields, what: string): FieldSchema[] {
  const names = Object.keys(fields);
  if (names.length === 0) throw new TypeError(`Cannot make ${what} without fields: wanted at least one`);
  if (names.includes("")) throw new TypeError(`Cannot make ${what} with a field of no name: wanted a name`);
  const broken = names.find((name) => !name.isWellFormed());
  if (broken !== undefined) {
    const text = `Cannot make ${what} with a field ${
      JSON.stringify(broken)
    }: half of a character is none in UTF-8`;
    throw new TypeError(text);
  }
  return names.map((name) => ({ name, ...fields[name] }));
}
