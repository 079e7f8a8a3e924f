import { describe, expect, it } from "vitest";
import { GPS } from "../../src/ontology/builtin/mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import * as field from "../../src/ontology/field.ts";
import { typeName } from "../../src/schema.ts";

const { binary, bool, described, fixedSizeList, float32, float64, int8, list, optional, struct, utf8 } =
  field;

describe("field makers", () => {
  it.each([
    ["bool", bool()],
    ["int8", int8()],
    ["int16", field.int16()],
    ["int32", field.int32()],
    ["int64", field.int64()],
    ["uint8", field.uint8()],
    ["uint16", field.uint16()],
    ["uint32", field.uint32()],
    ["uint64", field.uint64()],
    ["float16", field.float16()],
    ["float32", float32()],
    ["float64", float64()],
    ["utf8", utf8()],
    ["binary", binary()],
    ["list<float64>", list(float64())],
    ["fixed_size_list<int8>[3]", fixedSizeList(int8(), 3)],
    ["struct<a: utf8, b: list<struct<c: bool>>>", struct({ a: utf8(), b: list(struct({ c: bool() })) })],
  ])("make a required %s without metadata", (name, made) => {
    expect(typeName(made)).toBe(name);
    expect(made.nullable).toBe(false);
    expect("metadata" in made).toBe(false);
  });

  it("keep unit and description as metadata, and leave out what is not given", () => {
    expect(float64({ unit: "K", description: "How hot." }).metadata).toEqual({
      unit: "K",
      description: "How hot.",
    });
    expect(Object.keys(float64({ unit: "K", description: undefined }).metadata!)).toEqual(["unit"]);
    expect("metadata" in float64({})).toBe(false);
  });

  it("list names its child item and keeps the item's nullability", () => {
    expect(list(float64()).children).toEqual([{ name: "item", ...float64() }]);
    expect(list(optional(float64())).children[0].nullable).toBe(true);
  });

  it("struct keeps the order of its properties", () => {
    const made = struct({ z: bool(), a: bool(), m: bool() });
    expect(made.children.map(({ name }) => name)).toEqual(["z", "a", "m"]);
  });

  it("optional changes nullability alone", () => {
    const made = struct({ x: float64() }, { unit: "m" });
    expect(optional(made)).toEqual({ ...made, nullable: true });
    expect(made.nullable).toBe(false);
    expect(optional(optional(made))).toEqual(optional(made));
  });

  it("described changes the description alone", () => {
    const made = optional(float32({ unit: "m", description: "Before." }));
    expect(described(made, "After.")).toEqual({
      ...made,
      metadata: { unit: "m", description: "After." },
    });
    expect(made.metadata!.description).toBe("Before.");
    expect(described(bool(), "New.").metadata).toEqual({ description: "New." });
  });

  it("make fields that do not change", () => {
    expect(Object.isFrozen(float64({ unit: "m" }))).toBe(true);
    expect(Object.isFrozen(float64({ unit: "m" }).metadata)).toBe(true);
    expect(Object.isFrozen(optional(list(int8())))).toBe(true);
    expect(Object.isFrozen(list(int8()).children)).toBe(true);
  });

  it.each([[0], [-1], [1.5], [NaN], [Infinity]])("fixedSizeList refuses a size of %s", (size) => {
    expect(() => fixedSizeList(float64(), size)).toThrow(RangeError);
    expect(() => fixedSizeList(float64(), size)).toThrow(
      `Cannot make a fixed size list of ${size} items: wanted a positive integer`,
    );
  });

  it("struct refuses to be empty and a field without a name", () => {
    expect(() => struct({})).toThrow(TypeError);
    expect(() => struct({})).toThrow("Cannot make a struct without fields: wanted at least one");
    expect(() => struct({ "": bool() })).toThrow(TypeError);
    expect(() => struct({ "": bool() })).toThrow(
      "Cannot make a struct with a field of no name: wanted a name",
    );
  });
});

describe("defineOntology", () => {
  it("gives tag, format and the fields in order", () => {
    const made = defineOntology("EngineTemp", {
      temperature: float64({ unit: "K" }),
      sensor: optional(utf8()),
    });
    expect(made.tag).toBe("EngineTemp");
    expect(made.format).toBe("default");
    expect(made.fields).toEqual([
      { name: "temperature", ...float64({ unit: "K" }) },
      { name: "sensor", ...optional(utf8()) },
    ]);
    expect(Object.isFrozen(made)).toBe(true);
    expect(defineOntology("Thermal", { data: binary() }, { format: "image" }).format).toBe("image");
  });

  it("refuses names with half of a character", () => {
    expect(() => defineOntology("\ud800", { a: bool() })).toThrow("half of a character");
    expect(() => defineOntology("A", { "\ud800": bool() })).toThrow(/field "\\ud800": half of a character/);
  });

  it("refuses an empty tag", () => {
    expect(() => defineOntology("", { a: bool() })).toThrow(TypeError);
    expect(() => defineOntology("", { a: bool() })).toThrow("with an empty tag");
  });

  it("refuses a field called timestamp_ns at the top, and takes it further down", () => {
    const define = () => defineOntology("Late", { timestamp_ns: field.int64() });
    expect(define).toThrow(TypeError);
    expect(define).toThrow(`Cannot define ontology "Late" with a field called "timestamp_ns"`);
    const inner = defineOntology("Inner", { echo: struct({ timestamp_ns: field.int64() }) });
    expect(typeName(inner.fields[0])).toBe("struct<timestamp_ns: int64>");
  });

  it("takes a built-in's tag for fields that read its messages, and refuses others", () => {
    const Place = defineOntology("GPS", { position: struct({ x: float64() }), note: optional(utf8()) });
    expect(Place.tag).toBe("GPS");
    const define = () => defineOntology("GPS", { a: field.int64() });
    expect(define).toThrow(TypeError);
    expect(define).toThrow(
      `Cannot define ontology "GPS": that is the tag of the built-in class GPS, and field "a" is missing there, wanted int64`,
    );
    expect(() => defineOntology(GPS.tag, { position: struct({ x: utf8() }) })).toThrow(
      `field "position.x" is float64 there, wanted utf8`,
    );
  });

  it("refuses to have no fields", () => {
    expect(() => defineOntology("Nothing", {})).toThrow(TypeError);
    expect(() => defineOntology("Nothing", {})).toThrow(`Cannot make ontology "Nothing" without fields`);
  });
});
