import type { FieldSchema } from "../../schema.ts";

/** A JSON Schema. */
type Schema = Record<string, unknown>;

/**
 * A JSON Schema for messages with such columns. No member is required, and none is null: what is missing is left out. Bytes are
 * texts in base64.
 */
export function jsonSchemaOf(title: string, fields: readonly FieldSchema[]): Schema {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title, ...objectOf(fields) };
}

function objectOf(fields: readonly FieldSchema[]): Schema {
  return {
    type: "object",
    properties: Object.fromEntries(fields.map((field) => [field.name, schemaOf(field)])),
  };
}

function schemaOf(field: FieldSchema): Schema {
  const description = field.metadata?.description;
  return { ...ofType(field), ...(description !== undefined && { description }) };
}

function ofType({ type, children }: FieldSchema): Schema {
  switch (type.kind) {
    case "bool":
      return { type: "boolean" };
    case "int":
      // Who reads that has a reason to take them for unsigned.
      if (type.bits === 64 && !type.signed) return { type: "integer", minimum: 0, exclusiveMaximum: 2 ** 64 };
      return { type: "integer" };
    case "temporal":
      return { type: "integer" };
    case "float":
      return { type: "number" };
    case "binary":
    case "binaryView":
    case "fixedBinary":
      return { type: "string", contentEncoding: "base64" };
    case "utf8":
    case "utf8View":
    case "decimal":
      return { type: "string" };
    case "struct":
      return objectOf(children);
    case "list":
    case "listView":
    case "fixedList":
    case "map":
      return { type: "array", items: schemaOf(children[0]) };
    case "runEnd":
      return schemaOf(children[1]);
    case "null":
      return { type: "null" };
  }
}
