import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasSdk, needsSdk, runPython } from "../flight/python_sdk.ts";
import * as ontology from "../../src/ontology/builtin/mod.ts";
import { type DataType, type FieldSchema, isOptional, schemaKey, TIMESTAMP_FIELD } from "../../src/schema.ts";

/** A field as ontology.json writes it. */
interface FixtureField {
  name: string;
  type: string;
  nullable: boolean;
  metadata?: Record<string, string>;
  children?: FixtureField[];
  list_size?: number;
}

interface FixtureClass {
  class: string;
  ontology_tag: string;
  serialization_format: string;
  schema: FixtureField[];
}

const fixture: { count: number; ontologies: FixtureClass[] } = JSON.parse(
  readFileSync(new URL("../fixtures/ontology.json", import.meta.url), "utf8"),
);

function typeOf({ type, list_size }: FixtureField): DataType {
  const number = /^(u?)(int|float)(8|16|32|64)$/.exec(type);
  if (number) {
    const bits = Number(number[3]) as 16 | 32 | 64;
    return number[2] === "float" ? { kind: "float", bits } : { kind: "int", bits, signed: number[1] === "" };
  }
  switch (type) {
    case "bool":
    case "struct":
      return { kind: type };
    case "utf8":
    case "binary":
    case "list":
      return { kind: type, offsets: 32 };
    case "fixed_size_list":
      return { kind: "fixedList", size: list_size! };
    default:
      throw new Error(`ontology.json has a type this test does not know: ${type}`);
  }
}

function schemaOf(field: FixtureField): FieldSchema {
  const { name, nullable, metadata, children = [] } = field;
  return {
    name,
    type: typeOf(field),
    nullable,
    children: children.map(schemaOf),
    ...(metadata && { metadata }),
  };
}

/** A field as the Arrow schema has it: what writing requires is no part of it. */
function stored({ required: _, children, ...field }: FieldSchema): FieldSchema {
  return { ...field, children: children.map(stored) };
}

/** The fields of the SDK's models: a type's name, with [] for a list of it and ? where None is taken. */
const sdk: { version: string; classes: Record<string, Record<string, string>> } = JSON.parse(
  readFileSync(new URL("../fixtures/sdk_fields.json", import.meta.url), "utf8"),
);

/** What may be missing by the models' word, at every depth: `header.frame_id`, `points[]`. */
function* optionalBySdk(fields: Record<string, string>, path = ""): Generator<string> {
  for (const [name, text] of Object.entries(fields)) yield* optionalWithin(text, path + name);
}

function* optionalWithin(text: string, path: string): Generator<string> {
  if (text.endsWith("?")) {
    yield path;
    yield* optionalWithin(text.slice(0, -1), path);
  } else if (text.endsWith("[]")) yield* optionalWithin(text.slice(0, -2), `${path}[]`);
  else if (text in sdk.classes) yield* optionalBySdk(sdk.classes[text], `${path}.`);
}

/** The same by our fields. */
function* optionalByUs(fields: readonly FieldSchema[], path = ""): Generator<string> {
  for (const field of fields) {
    const place = field.name === "item" ? path.replace(/\.$/, "[]") : path + field.name;
    if (isOptional(field)) yield place;
    yield* optionalByUs(field.children, `${place}.`);
  }
}

describe("built-in ontologies", () => {
  it("are the 59 of the SDK, in ASCII order of the tags", () => {
    const tags = fixture.ontologies.map((one) => one.ontology_tag).sort();
    expect(tags.length).toBe(59);
    expect(ontology.ALL.map(({ tag }) => tag)).toEqual(tags);
  });

  it.each(ontology.ALL.map((one) => [one.tag, one] as const))(
    "%s requires what the SDK's models require, at every depth",
    (tag, { fields }) => {
      expect(fields.map(({ name }) => name)).toEqual(Object.keys(sdk.classes[tag]));
      expect([...optionalByUs(fields)]).toEqual([...optionalBySdk(sdk.classes[tag])]);
    },
  );

  it.skipIf(!hasSdk)(`have the fields that the SDK tells of itself${needsSdk}`, async () => {
    expect(await runPython("../ontology/sdk_fields.py")).toEqual(sdk);
  });

  it("are exported under their tags, with nothing beside them but ALL", () => {
    const { ALL, ...named } = ontology;
    expect(Object.keys(named).sort()).toEqual(ALL.map(({ tag }) => tag));
    for (const [name, value] of Object.entries(named)) expect(value.tag).toBe(name);
  });

  it.each(fixture.ontologies.map((one) => [one.ontology_tag, one] as const))(
    "%s has the SDK's schema and format",
    (tag, expected) => {
      const found = ontology.ALL.find((one) => one.tag === tag)!;
      expect(found.format).toBe(expected.serialization_format);
      const schema = expected.schema.map(schemaOf);
      expect([TIMESTAMP_FIELD, ...found.fields].map(stored)).toEqual(schema);
      // toEqual takes an undefined property for a missing one; the key does not
      expect(schemaKey([TIMESTAMP_FIELD, ...found.fields], true)).toBe(schemaKey(schema, true));
    },
  );
});
