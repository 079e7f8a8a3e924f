/**
 * The schema of a Parquet file -> fields, and where hyparquet puts the values of each.
 *
 * @module
 */
import type { SchemaElement, SchemaTree } from "hyparquet";
import { SmaltiError } from "../../error.ts";
import type { DataType, FieldSchema } from "../../schema.ts";

/** A column or a part of one: its field, and how its values are found in those of its parent. */
export interface ParquetColumn {
  readonly field: FieldSchema;
  readonly children: readonly ParquetColumn[];
  /** Of a map: what hyparquet calls the list of its entries. */
  readonly entries?: string;
}

/** Levels of nesting. */
const MAX_DEPTH = 64;

/**
 * The elements as they are given to hyparquet: without what their values mean, so that it hands over the values as they are
 * stored and nothing is rounded. Maps are lists of structs then.
 */
export function storedElements(elements: readonly SchemaElement[]): SchemaElement[] {
  return elements.map((element) => {
    const { type, type_length, repetition_type, name, num_children } = element;
    const stored: SchemaElement = { name };
    if (type !== undefined) Object.assign(stored, { type, type_length });
    if (repetition_type !== undefined) stored.repetition_type = repetition_type;
    if (num_children !== undefined) stored.num_children = num_children;
    if (isList(element)) stored.converted_type = "LIST";
    return stored;
  });
}

function isList({ type, logical_type, converted_type }: SchemaElement): boolean {
  return type === undefined && (converted_type === "LIST" || logical_type?.type === "LIST");
}

function isMap({ type, logical_type, converted_type }: SchemaElement): boolean {
  return type === undefined &&
    (converted_type === "MAP" || converted_type === "MAP_KEY_VALUE" || logical_type?.type === "MAP");
}

/** The column of an element and those below. UNSUPPORTED, which names it. */
export function columnOf(tree: SchemaTree, depth = 0): ParquetColumn {
  const { element, children } = tree;
  const { name } = element;
  if (depth > MAX_DEPTH) {
    throw new SmaltiError("UNSUPPORTED", `column "${name}" is nested deeper than ${MAX_DEPTH}`);
  }
  // hyparquet makes objects of them.
  const names = new Set(children.map(({ element }) => element.name));
  if (names.size < children.length || names.has("__proto__")) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `column "${name}" has two parts of one name, or one called __proto__`,
    );
  }
  const single = singleColumn(tree, depth);
  if (element.repetition_type !== "REPEATED") return single;
  const item = { ...single, field: { ...single.field, name: "item", nullable: false } };
  return listOf(name, item, false);
  function singleColumn(tree: SchemaTree, depth: number): ParquetColumn {
    const nullable = element.repetition_type === "OPTIONAL";
    if (children.length === 0) return { field: leaf(element, nullable), children: [] };
    const [first] = children;
    const isRepeated = children.length === 1 && first.element.repetition_type === "REPEATED";
    // As hyparquet takes them apart.
    if (isRepeated && isList(element) && first.children.length <= 1) {
      const inner = first.children[0] ?? unrepeated(first);
      const item = columnOf(inner, depth + 1);
      return listOf(name, { ...item, field: { ...item.field, name: "item" } }, nullable);
    }
    if (isRepeated && isMap(element) && first.children.length === 2) {
      const [key, value] = first.children.map((child, i) => {
        const column = columnOf(child, depth + 1);
        return { ...column, field: { ...column.field, name: ["key", "value"][i], nullable: i > 0 } };
      });
      const entries = structOf("entries", [key, value], false);
      return {
        field: { name, type: { kind: "map", keysSorted: false }, nullable, children: [entries.field] },
        children: [entries],
        entries: first.element.name,
      };
    }
    return structOf(name, tree.children.map((child) => columnOf(child, depth + 1)), nullable);
  }
}

function unrepeated(tree: SchemaTree): SchemaTree {
  return { ...tree, element: { ...tree.element, repetition_type: "REQUIRED" } };
}

function listOf(name: string, item: ParquetColumn, nullable: boolean): ParquetColumn {
  const type = { kind: "list", offsets: 32 } as const;
  return { field: { name, type, nullable, children: [item.field] }, children: [item] };
}

function structOf(name: string, children: readonly ParquetColumn[], nullable: boolean): ParquetColumn {
  const fields = children.map(({ field }) => field);
  return { field: { name, type: { kind: "struct" }, nullable, children: fields }, children };
}

function leaf(element: SchemaElement, nullable: boolean): FieldSchema {
  return { name: element.name, type: typeOf(element), nullable, children: [] };
}

/** What decimals may be stored as. */
const DECIMAL_TYPES: ReadonlySet<string> = new Set(["INT32", "INT64", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"]);
const UNITS = { MILLIS: "ms", MICROS: "us", NANOS: "ns" } as const;

function typeOf(element: SchemaElement): DataType {
  const { type, converted_type: converted, logical_type: logical, type_length: size } = element;
  if (logical?.type === "DECIMAL" || converted === "DECIMAL") return decimal(element);
  switch (type) {
    case "BOOLEAN":
      return { kind: "bool" };
    case "INT32":
    case "INT64":
      return integer(element, type === "INT64" ? 64 : 32);
    case "INT96":
      return { kind: "temporal", of: "timestamp", bits: 64, unit: "ns" };
    case "FLOAT":
      return { kind: "float", bits: 32 };
    case "DOUBLE":
      return { kind: "float", bits: 64 };
    case "BYTE_ARRAY": {
      const isText = ["STRING", "ENUM", "JSON"].includes(logical?.type ?? "") ||
        ["UTF8", "ENUM", "JSON"].includes(converted ?? "");
      return { kind: isText ? "utf8" : "binary", offsets: 32 };
    }
    case "FIXED_LEN_BYTE_ARRAY":
      if (!(Number.isInteger(size) && size! > 0)) {
        throw new SmaltiError("CORRUPT", `column "${element.name}" has values of ${size} bytes`);
      }
      if (logical?.type === "FLOAT16" && size === 2) return { kind: "float", bits: 16 };
      return { kind: "fixedBinary", size: size! };
    default:
      throw new SmaltiError("UNSUPPORTED", `column "${element.name}" is of type ${type ?? "none"}`);
  }
}

/** Times of milliseconds and dates are stored in 32 bits, others in 64. */
function integer({ name, converted_type, logical_type }: SchemaElement, bits: 32 | 64): DataType {
  const hasBits = (wanted: 32 | 64, what: string): typeof wanted => {
    if (bits === wanted) return wanted;
    throw new SmaltiError("CORRUPT", `column "${name}" has ${what} in ${bits} bits, wanted ${wanted}`);
  };
  const time = (unit: "ms" | "us" | "ns"): DataType => {
    const width = hasBits(unit === "ms" ? 32 : 64, `times of ${unit}`);
    return { kind: "temporal", of: "time", bits: width, unit };
  };
  const date = (): DataType => {
    hasBits(32, "dates");
    return { kind: "temporal", of: "date", bits: 32, unit: "day" };
  };
  switch (logical_type?.type) {
    case "TIMESTAMP": {
      hasBits(64, "timestamps");
      const zone = logical_type.isAdjustedToUTC ? { timezone: "UTC" } : {};
      return { kind: "temporal", of: "timestamp", bits: 64, unit: UNITS[logical_type.unit], ...zone };
    }
    case "TIME":
      return time(UNITS[logical_type.unit]);
    case "DATE":
      return date();
    case "INTEGER": {
      const { bitWidth, isSigned } = logical_type;
      if (typeof isSigned !== "boolean") {
        throw new SmaltiError("CORRUPT", `column "${name}" does not say whether its integers have a sign`);
      }
      return { kind: "int", bits: widthOf(bitWidth, bits), signed: isSigned };
    }
  }
  switch (converted_type) {
    case "TIMESTAMP_MILLIS":
    case "TIMESTAMP_MICROS": {
      hasBits(64, "timestamps");
      const unit = converted_type === "TIMESTAMP_MILLIS" ? "ms" : "us";
      return { kind: "temporal", of: "timestamp", bits: 64, unit, timezone: "UTC" };
    }
    case "TIME_MILLIS":
    case "TIME_MICROS":
      return time(converted_type === "TIME_MILLIS" ? "ms" : "us");
    case "DATE":
      return date();
  }
  const [, unsigned, width] = /^(U?)INT_(8|16|32|64)$/.exec(converted_type ?? "") ?? [];
  if (width === undefined) return { kind: "int", bits, signed: true };
  return { kind: "int", bits: widthOf(Number(width), bits), signed: unsigned === "" };
}

function widthOf(bits: number, most: 32 | 64): 8 | 16 | 32 | 64 {
  return (bits === 8 || bits === 16 || bits === 32) && bits <= most ? bits : most;
}

function decimal({ name, type, logical_type, precision, scale }: SchemaElement): DataType {
  const of = logical_type?.type === "DECIMAL"
    ? logical_type
    : { precision: precision ?? 0, scale: scale ?? 0 };
  const { precision: digits, scale: places = 0 } = of;
  const isSound = Number.isInteger(digits) && digits >= 1 && digits <= 76 && Number.isInteger(places) &&
    places >= 0 && places <= digits;
  if (!isSound || !DECIMAL_TYPES.has(type ?? "")) {
    throw new SmaltiError("UNSUPPORTED", `column "${name}" is decimal(${digits}, ${places}) of ${type}`);
  }
  return { kind: "decimal", bits: digits <= 38 ? 128 : 256, precision: digits, scale: places };
}
