/**
 * Arrow schemas as plain data: what a topic's table looks like, independent of any library.
 *
 * @module
 */

/**
 * An Arrow type. Names and meaning are those of the Arrow columnar format (Schema.fbs); `offsets` is the width
 * of the offsets, so `{ kind: "utf8", offsets: 64 }` is Arrow's LargeUtf8. Temporal types are read as
 * the integers they hold, decimals as text.
 */
export type DataType =
  | { readonly kind: "null" }
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 16 | 32 | 64 }
  | {
    readonly kind: "temporal";
    readonly of: TemporalKind;
    readonly bits: 32 | 64;
    readonly unit: TimeUnit;
    readonly timezone?: string;
  }
  | {
    readonly kind: "decimal";
    readonly bits: 32 | 64 | 128 | 256;
    readonly precision: number;
    readonly scale: number;
  }
  | { readonly kind: "utf8" | "binary"; readonly offsets: 32 | 64 }
  | { readonly kind: "utf8View" | "binaryView" }
  | { readonly kind: "fixedBinary"; readonly size: number }
  | { readonly kind: "list" | "listView"; readonly offsets: 32 | 64 }
  | { readonly kind: "runEnd" }
  | { readonly kind: "map"; readonly keysSorted: boolean }
  | { readonly kind: "fixedList"; readonly size: number }
  | { readonly kind: "struct" };

/** Which of Arrow's temporal types. */
export type TemporalKind = "date" | "time" | "timestamp" | "duration";

/** What one step of a temporal value is. */
export type TimeUnit = "day" | "s" | "ms" | "us" | "ns";

/** An integer that points into a dictionary. */
export interface IndexType {
  /** Its width. */
  readonly bits: 8 | 16 | 32 | 64;
  /** Whether it may be negative, which no index is. */
  readonly signed: boolean;
}

/** One column or child of a column. */
export interface FieldSchema {
  /** The name; in a list the one child is named `item`. */
  readonly name: string;
  /** The Arrow type. */
  readonly type: DataType;
  /** Whether the column may hold nulls. */
  readonly nullable: boolean;
  /** Set where writing wants a value although the column is nullable. No part of the Arrow schema. */
  readonly required?: true;
  /** Children: the fields of a struct, the one item field of a list, run ends and values. Empty for all others. */
  readonly children: readonly FieldSchema[];
  /** Free text by key, such as `description` and `unit`; readers go by {@linkcode MISSING_KEY} alone. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Set where the column holds indices into a dictionary; `type` is then the type of the dictionary's values. */
  readonly dictionary?: {
    readonly id: bigint;
    readonly index: IndexType;
    /** Set where the order of the dictionary's values means something. */
    readonly isOrdered?: true;
  };
}

/** A table's schema: its columns in order, and free text by key. */
export interface Schema {
  /** The columns. In a topic's table the first is `timestamp_ns`. */
  readonly fields: readonly FieldSchema[];
  /** Free text by key. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Column 0 of every topic's table: nanoseconds, the key of every time order and window. */
export const TIMESTAMP_FIELD: FieldSchema = {
  name: "timestamp_ns",
  type: { kind: "int", bits: 64, signed: true },
  nullable: false,
  children: [],
  metadata: { description: "Ingestion timestamp in nanoseconds (record time)." },
};

/**
 * Key in the metadata of a struct field that tells when its value is missing: with `null` where it is null, so that a
 * struct of nulls is there; without the key, as with Mosaico, also where all of its fields are missing.
 */
export const MISSING_KEY = "smalti:missing";

/** Whether a message may lack the field's value. */
export function isOptional(field: Pick<FieldSchema, "nullable" | "required">): boolean {
  return field.nullable && !field.required;
}

/** A type in the words of Arrow, for messages: `int64`, `list<float64>`, `struct<x: float64, y: float64>`. */
export function typeName(field: Pick<FieldSchema, "type" | "children" | "dictionary">): string {
  if (field.dictionary) return `dictionary<${typeName({ ...field, dictionary: undefined })}>`;
  const { type, children } = field;
  const large = "offsets" in type && type.offsets === 64 ? "large_" : "";
  switch (type.kind) {
    case "int":
      return `${type.signed ? "" : "u"}int${type.bits}`;
    case "float":
      return `float${type.bits}`;
    case "temporal":
      return `${type.of}[${type.unit}${type.timezone ? `, ${type.timezone}` : ""}]`;
    case "decimal":
      return `decimal${type.bits}(${type.precision}, ${type.scale})`;
    case "utf8":
    case "binary":
      return large + type.kind;
    case "utf8View":
      return "utf8_view";
    case "binaryView":
      return "binary_view";
    case "fixedBinary":
      return `fixed_size_binary[${type.size}]`;
    case "list":
      return `${large}list<${typeName(children[0])}>`;
    case "listView":
      return `${large}list_view<${typeName(children[0])}>`;
    case "runEnd":
      return `run_end_encoded<${typeName(children[1])}>`;
    case "map":
      return `map<${children[0].children.map(typeName).join(", ")}>`;
    case "fixedList":
      return `fixed_size_list<${typeName(children[0])}>[${type.size}]`;
    case "struct":
      return `struct<${children.map((child) => `${child.name}: ${typeName(child)}`).join(", ")}>`;
    default:
      return type.kind;
  }
}

/**
 * A text that two lists of fields share exactly when they describe the same columns: names, types, nullability
 * and dictionaries, in order. Field metadata counts only where `withMetadata` is set.
 */
export function schemaKey(fields: readonly FieldSchema[], withMetadata = false): string {
  return JSON.stringify(fields.map((field) => canonical(field, withMetadata)));
}

function canonical(field: FieldSchema, withMetadata: boolean): unknown[] {
  const { type } = field;
  const parameters = Object.keys(type).sort().map((key) => [key, type[key as keyof DataType]]);
  return [
    field.name,
    parameters,
    field.nullable,
    field.children.map((child) => canonical(child, withMetadata)),
    field.dictionary
      ? [String(field.dictionary.id), field.dictionary.index.bits, field.dictionary.index.signed]
      : 0,
    withMetadata ? Object.entries(field.metadata ?? {}).sort() : 0,
  ];
}

/** Key of a field's metadata: the encoding in which the column came, where it is stored in a plain type. */
export const ENCODING_KEY = "smalti:arrow_type";

/**
 * The same fields in plain types: what a dictionary or runs of equal values stand for, and text, bytes and lists with offsets
 * instead of views. `smalti:arrow_type` in a field's metadata tells what it was. Fields that are plain are given as they are.
 */
export function plainFields(fields: readonly FieldSchema[]): readonly FieldSchema[] {
  const plain = fields.map(plainField);
  return plain.every((field, i) => field === fields[i]) ? fields : plain;
}

/** {@linkcode plainFields} of one. */
export function plainField(field: FieldSchema): FieldSchema {
  const decoded = decodedOnce(field);
  if (decoded) {
    const { field: inner, encoding } = decoded;
    const plain = plainField({ ...inner, metadata: undefined });
    const further = plain.metadata?.[ENCODING_KEY];
    const text = further === undefined ? encoding : `${encoding} of ${further}`;
    return { ...plain, metadata: { ...inner.metadata, [ENCODING_KEY]: text } };
  }
  const children = plainFields(field.children);
  return children === field.children ? field : { ...field, children };
}

/** A field without its outermost encoding, and that encoding's name; undefined where it has none. */
function decodedOnce(field: FieldSchema): { field: FieldSchema; encoding: string } | undefined {
  const { type, dictionary, children } = field;
  if (dictionary) {
    const { index: { bits, signed }, isOrdered } = dictionary;
    const { dictionary: _, ...values } = field;
    return {
      field: values,
      encoding: `dictionary[${signed ? "" : "u"}int${bits}${isOrdered ? ", ordered" : ""}]`,
    };
  }
  const large = "offsets" in type && type.offsets === 64 ? "large_" : "";
  switch (type.kind) {
    case "utf8View":
      return { field: { ...field, type: { kind: "utf8", offsets: 32 } }, encoding: "utf8_view" };
    case "binaryView":
      return { field: { ...field, type: { kind: "binary", offsets: 32 } }, encoding: "binary_view" };
    case "listView":
      return {
        field: { ...field, type: { kind: "list", offsets: type.offsets } },
        encoding: `${large}list_view`,
      };
    case "runEnd": {
      const [ends, values] = children;
      const nullable = field.nullable || values.nullable;
      const { name, metadata } = field;
      return {
        field: { ...values, name, nullable, metadata },
        encoding: `run_end_encoded[${typeName(ends)}]`,
      };
    }
    default:
      return undefined;
  }
}
