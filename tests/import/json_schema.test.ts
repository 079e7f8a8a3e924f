import { describe, expect, it } from "vitest";
import { columnsOfJsonSchema } from "../../src/import/json/json_schema.ts";
import { type FieldSchema, typeName } from "../../src/schema.ts";

/** Columns in words; everything must be nullable. */
function columns(
  schema: unknown,
  reserved: string[] = ["_json"],
): Record<string, string> | undefined {
  const found = columnsOfJsonSchema(schema, reserved);
  found?.fields.forEach(checkNullable);
  return found &&
    Object.fromEntries(
      found.fields.map((field) => [field.name, typeName(field)]),
    );
}

function checkNullable(field: FieldSchema): void {
  expect(field.nullable).toBe(true);
  field.children.forEach(checkNullable);
}

/** The column of a property with this schema; undefined where it has none. */
const column = (schema: unknown, root: object = {}): string | undefined =>
  columns({ type: "object", properties: { a: schema }, ...root })?.a;

const point = {
  type: "object",
  properties: { x: { type: "number" }, y: { type: "number" } },
};

describe("columnsOfJsonSchema", () => {
  it.each<[string, unknown, string | undefined]>([
    ["integer", { type: "integer" }, "int64"],
    ["number", { type: "number" }, "float64"],
    ["string", { type: "string" }, "utf8"],
    [
      "string with contents",
      { type: "string", contentEncoding: "base64" },
      "utf8",
    ],
    ["boolean", { type: "boolean" }, "bool"],
    ["null", { type: "null" }, "null"],
    ["object", point, "struct<x: float64, y: float64>"],
    [
      "object without type",
      { properties: point.properties },
      "struct<x: float64, y: float64>",
    ],
    ["array", { type: "array", items: { type: "integer" } }, "list<int64>"],
    ["array without type", { items: { type: "boolean" } }, "list<bool>"],
    ["array of arrays of objects", {
      type: "array",
      items: { type: "array", items: point },
    }, "list<list<struct<x: float64, y: float64>>>"],
    ["array of null", { type: "array", items: { type: "null" } }, "list<null>"],
    ["type and null", { type: ["string", "null"] }, "utf8"],
    [
      "null and object",
      { ...point, type: ["null", "object"] },
      "struct<x: float64, y: float64>",
    ],
    ["integer and number", { type: ["integer", "number"] }, "float64"],
    ["one type in a list", { type: ["integer"] }, "int64"],
    ["several types", { type: ["string", "integer"] }, undefined],
    ["no type", {}, undefined],
    ["an unknown type", { type: "date" }, undefined],
    ["true", true, undefined],
    ["false", false, undefined],
    ["no schema", 7, undefined],
    ["free-form object", { type: "object" }, undefined],
    [
      "map",
      { type: "object", additionalProperties: { type: "number" } },
      undefined,
    ],
    ["object of what has no column", {
      type: "object",
      properties: { a: {}, b: { type: "object" } },
    }, undefined],
    ["object with an empty name", {
      type: "object",
      properties: { "": { type: "number" } },
    }, undefined],
    ["array without items", { type: "array" }, undefined],
    ["array of anything", { type: "array", items: {} }, undefined],
    ["tuple of one type", {
      type: "array",
      prefixItems: [{ type: "integer" }, { type: "integer" }],
    }, "list<int64>"],
    ["old tuple of one type", {
      type: "array",
      items: [{ type: "integer" }, { type: "number" }],
    }, "list<float64>"],
    ["tuple of several types", {
      type: "array",
      prefixItems: [{ type: "integer" }, { type: "string" }],
    }, undefined],
    ["tuple with another rest", {
      prefixItems: [{ type: "integer" }],
      items: { type: "string" },
    }, undefined],
    ["old tuple with another rest", {
      items: [{ type: "integer" }],
      additionalItems: { type: "string" },
    }, undefined],
    ["enum of strings", { enum: ["a", "b", null] }, "utf8"],
    ["enum of integers", { enum: [1, 2] }, "int64"],
    ["enum of numbers", { enum: [1, 2.5] }, "float64"],
    ["enum of several types", { enum: [1, "a"] }, undefined],
    ["const", { const: true }, "bool"],
    ["const null", { const: null }, "null"],
    ["const object", { const: { x: [1] } }, "struct<x: list<int64>>"],
    ["type before enum", { type: "number", enum: [1, 2] }, "float64"],
    [
      "anyOf with null",
      { anyOf: [{ type: "null" }, point] },
      "struct<x: float64, y: float64>",
    ],
    ["oneOf of one type", {
      oneOf: [{ type: "integer", minimum: 3 }, { type: "integer", maximum: 0 }],
    }, "int64"],
    [
      "anyOf of numbers",
      { anyOf: [{ type: "integer" }, { type: "number" }] },
      "float64",
    ],
    ["anyOf of several types", {
      anyOf: [{ type: "integer" }, { type: "string" }],
    }, undefined],
    [
      "anyOf of objects",
      {
        anyOf: [point, {
          type: "object",
          properties: { y: { type: "string" }, z: { type: "integer" } },
        }],
      },
      "struct<x: float64, z: int64>",
    ],
    ["anyOf that only restricts", {
      ...point,
      anyOf: [{ required: ["x"] }, { required: ["y"] }],
    }, "struct<x: float64, y: float64>"],
    [
      "allOf",
      { allOf: [point, { properties: { z: { type: "integer" } } }] },
      "struct<x: float64, y: float64, z: int64>",
    ],
    [
      "allOf that narrows",
      { type: "number", allOf: [{ type: "integer" }] },
      "int64",
    ],
    ["allOf that says more", {
      type: ["string", "number"],
      allOf: [{ type: "string" }],
    }, "utf8"],
    ["$ref", { $ref: "#/$defs/point" }, "struct<x: float64, y: float64>"],
    ["$ref with more beside it", {
      $ref: "#/$defs/point",
      properties: { z: { type: "null" } },
    }, "struct<z: null, x: float64, y: float64>"],
    [
      "$ref to a $ref",
      { $ref: "#/definitions/alias" },
      "struct<x: float64, y: float64>",
    ],
    ["$ref with escapes", { $ref: "#/$defs/a~1b~0%20c" }, "bool"],
    ["$ref to nowhere", { $ref: "#/$defs/nothing" }, undefined],
    ["$ref elsewhere", { $ref: "https://example.org/point.json" }, undefined],
    ["$ref to what all objects have", { $ref: "#/constructor" }, undefined],
    ["$ref to itself", { $ref: "#/properties/a" }, undefined],
    [
      "$ref that recurs deeper",
      { $ref: "#/$defs/node" },
      "struct<value: int64>",
    ],
    ["$ref to the root", { $ref: "#" }, undefined],
  ])("maps %s", (_, schema, expected) => {
    const root = {
      $defs: {
        point,
        "a/b~ c": { type: "boolean" },
        node: {
          type: "object",
          properties: {
            value: { type: "integer" },
            next: { $ref: "#/$defs/node" },
          },
        },
      },
      definitions: { alias: { $ref: "#/$defs/point" } },
    };
    expect(column(schema, root)).toBe(expected);
  });

  it.each<[string, unknown]>([
    ["a string", { type: "string" }],
    ["an array", { type: "array", items: point }],
    ["nothing", {}],
    ["true", true],
    ["null", null],
  ])("finds no columns where the schema is of %s", (_, schema) => {
    expect(columns(schema)).toBeUndefined();
  });

  it("finds columns where the root is a $ref", () => {
    expect(columns({ $ref: "#/definitions/p", definitions: { p: point } }))
      .toEqual({ x: "float64", y: "float64" });
  });

  it("keeps the order of properties and leaves out names that no column can have", () => {
    const { fields } = columnsOfJsonSchema(
      JSON.parse(
        `{"type":"object","properties":{"z":{"type":"null"},"__proto__":{"type":"null"},"\\ud800":{"type":"null"},"a":{"type":"null"}}}`,
      ),
      [],
    )!;
    expect(fields.map(({ name }) => name)).toEqual(["z", "a"]);
  });

  it("moves reserved names out of the way, past names that are taken", () => {
    const names = ["timestamp_ns", "timestamp_ns_", "_json", "nested"];
    const schema = {
      type: "object",
      properties: Object.fromEntries(
        names.map((name) => [name, { type: "integer" }]),
      ),
    };
    const { fields, renamed } = columnsOfJsonSchema(
      { ...schema, properties: { ...schema.properties, nested: schema } },
      ["_json"],
    )!;
    expect(fields.map(({ name }) => name)).toEqual([
      "timestamp_ns__",
      "timestamp_ns_",
      "_json_",
      "nested",
    ]);
    expect([...renamed]).toEqual([["timestamp_ns", "timestamp_ns__"], [
      "_json",
      "_json_",
    ]]);
    expect(fields[3].children.map(({ name }) => name)).toEqual(names);
  });

  it("stops at 60 levels of columns", () => {
    const nested = (levels: number): object =>
      levels === 1 ? { type: "integer" } : { type: "array", items: nested(levels - 1) };
    expect(column(nested(60))).toBe(
      "list<".repeat(59) + "int64" + ">".repeat(59),
    );
    expect(column(nested(61))).toBeUndefined();
    expect(column(nested(3000))).toBeUndefined();
  });

  it("gives up on schemas that unfold to millions", () => {
    const $defs: Record<string, object> = { d0: { type: "integer" } };
    for (let i = 1; i < 20; i++) {
      const ref = { $ref: `#/$defs/d${i - 1}` };
      $defs[`d${i}`] = {
        type: "object",
        properties: { a: ref, b: ref, c: ref, d: ref },
      };
    }
    const started = performance.now();
    column({ $ref: "#/$defs/d19" }, { $defs });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
