/**
 * Fields -> the elements of a Parquet schema. Turns `import/parquet/parquet_schema.ts` round.
 *
 * @module
 */
import type { SchemaElement } from "hyparquet-writer";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, TIMESTAMP_FIELD, typeName } from "../../schema.ts";

const UNITS = { ms: "MILLIS", us: "MICROS", ns: "NANOS" } as const;

/** The elements of a table, the root first. UNSUPPORTED for a struct without fields, which Parquet has not. */
export function elementsOf(fields: readonly FieldSchema[]): SchemaElement[] {
  const [, ...others] = fields;
  const time: SchemaElement = {
    name: TIMESTAMP_FIELD.name,
    type: "INT64",
    repetition_type: "REQUIRED",
    // Of times that are said to be UTC DuckDB keeps microseconds alone.
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "NANOS" },
  };
  return [
    { name: "schema", num_children: fields.length },
    time,
    ...others.flatMap((field) => elements(field)),
  ];
}

function elements(field: FieldSchema, name = field.name, nullable = field.nullable): SchemaElement[] {
  const { type, children } = field;
  const own = { name, repetition_type: nullable ? "OPTIONAL" : "REQUIRED" } as const;
  switch (type.kind) {
    case "struct":
      if (children.length === 0) throw unsupported(field);
      return [{ ...own, num_children: children.length }, ...children.flatMap((child) => elements(child))];
    case "list":
    case "fixedList":
      return [
        { ...own, num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elements(children[0], "element"),
      ];
    case "map": {
      const [key, value] = children[0].children;
      return [
        { ...own, num_children: 1, converted_type: "MAP", logical_type: { type: "MAP" } },
        { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
        ...elements(key, "key", false),
        ...elements(value, "value"),
      ];
    }
    default:
      return [{ ...own, ...leaf(field) }];
  }
}

function leaf(field: FieldSchema): Omit<SchemaElement, "name"> {
  const { type } = field;
  switch (type.kind) {
    case "null":
      return { type: "INT32" };
    case "bool":
      return { type: "BOOLEAN" };
    case "int": {
      const converted = `${type.signed ? "" : "U"}INT_${type.bits}` as const;
      return { type: type.bits === 64 ? "INT64" : "INT32", converted_type: converted };
    }
    case "float":
      if (type.bits === 16) {
        return { type: "FIXED_LEN_BYTE_ARRAY", type_length: 2, logical_type: { type: "FLOAT16" } };
      }
      return { type: type.bits === 32 ? "FLOAT" : "DOUBLE" };
    case "temporal": {
      const { of, unit, bits } = type;
      const stored = { type: bits === 64 ? "INT64" : "INT32" } as const;
      if (of === "date" && unit === "day") return { ...stored, converted_type: "DATE" };
      // Parquet has no seconds, and no durations: they stay integers.
      if (of === "duration" || unit === "s" || unit === "day" || of === "date") return stored;
      const isAdjustedToUTC = type.timezone !== undefined;
      const kind = of === "time" ? "TIME" : "TIMESTAMP";
      return { ...stored, logical_type: { type: kind, isAdjustedToUTC, unit: UNITS[unit] } };
    }
    case "decimal": {
      const { precision, scale } = type;
      if (scale < 0) throw unsupported(field);
      const stored = { type: "FIXED_LEN_BYTE_ARRAY", type_length: type.bits / 8 } as const;
      return { ...stored, converted_type: "DECIMAL", precision, scale };
    }
    case "utf8":
      return { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
    case "binary":
      return { type: "BYTE_ARRAY" };
    case "fixedBinary":
      return { type: "FIXED_LEN_BYTE_ARRAY", type_length: type.size };
    default:
      throw unsupported(field);
  }
}

function unsupported(field: FieldSchema): SmaltiError {
  const text = `Field "${field.name}" is of type ${typeName(field)}, which Parquet has not`;
  return new SmaltiError("UNSUPPORTED", text);
}
