/**
 * JSON Schema -> columns.
 *
 * @module
 */
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import {
  ANY,
  fieldOf,
  intersect,
  MAX_NESTING,
  type Shape,
  shapeOf,
  type StructShape,
  unite,
} from "./shape.ts";

/** The columns for messages of one JSON Schema. */
export interface JsonColumns {
  /** One nullable field for each property that a column can hold, in the schema's order. */
  readonly fields: readonly FieldSchema[];
  /** Property -> column, for the properties whose column has another name. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Schemas looked at in one document, with repetition: `$ref` could ask for millions. */
const MAX_STEPS = 20_000;

type Node = Readonly<Record<string, unknown>>;

/**
 * Finds columns for the messages that a JSON Schema describes: integer as int64, or as uint64 where none is below 0 and some may
 * be beyond int64, number as float64, string as utf8,
 * boolean as bool, objects as structs, arrays as lists, null as null; all nullable, items too. Understands `type` (one
 * or several), `properties`, `items` and `prefixItems`, `enum` and `const`, `anyOf`, `oneOf`, `allOf`, and `$ref`
 * within the document. What no column can hold has none: values of several types, objects without known properties,
 * recursion, nesting beyond 60.
 *
 * Top-level properties called `timestamp_ns`, or as one of `reserved`, get columns with underscores after the name.
 *
 * Returns undefined where `schema` describes no object.
 *
 * Source: JSON Schema, drafts 4 to 2020-12.
 */
export function columnsOfJsonSchema(
  schema: unknown,
  reserved: readonly string[],
): JsonColumns | undefined {
  const root = new SchemaReader(schema).shape(schema);
  return root.kind === "struct" ? columnsOfShape(root, reserved) : undefined;
}

/** The columns for objects of a shape; names as {@linkcode columnsOfJsonSchema} gives them. */
export function columnsOfShape(root: StructShape, reserved: readonly string[]): JsonColumns {
  const taken = new Set([TIMESTAMP_FIELD.name, ...reserved]);
  const renamed = new Map<string, string>();
  const fields: FieldSchema[] = [];
  for (const [property, shape] of root.fields) {
    const field = fieldOf(property, shape);
    if (!field) continue;
    let name = property;
    while (taken.has(name) || (name !== property && root.fields.has(name))) {
      name += "_";
    }
    taken.add(name);
    if (name !== property) renamed.set(property, name);
    fields.push({ ...field, name });
  }
  return { fields, renamed };
}

class SchemaReader {
  readonly #root: unknown;
  /** Schemas that are being read: the way from the root to here. */
  readonly #trail = new Set<unknown>();
  #steps = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** The shape that a schema gives its values. */
  shape(schema: unknown): Shape {
    // One schema within itself is recursion. The trail bounds the depth: combinations need no level of columns.
    if (
      !isNode(schema) || this.#trail.has(schema) ||
      this.#trail.size > 4 * MAX_NESTING
    ) return ANY;
    if (++this.#steps > MAX_STEPS) return ANY;
    this.#trail.add(schema);
    const shape = this.#keywords(schema).reduce(intersect, ANY);
    this.#trail.delete(schema);
    return shape;
  }

  /** What each group of keywords says; all of it holds at once. */
  #keywords(schema: Node): Shape[] {
    const shapes = [this.#own(schema)];
    if (typeof schema.$ref === "string") {
      shapes.push(this.shape(this.#resolve(schema.$ref)));
    }
    if (Array.isArray(schema.allOf)) {
      shapes.push(...schema.allOf.map((branch) => this.shape(branch)));
    }
    for (const branches of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(branches) && branches.length > 0) {
        shapes.push(branches.map((branch) => this.shape(branch)).reduce(unite));
      }
    }
    return shapes;
  }

  #own(schema: Node): Shape {
    const { type } = schema;
    const types = typeof type === "string" ? [type] : Array.isArray(type) ? type : this.#impliedTypes(schema);
    if (types.length > 0) {
      return types.map((name) => this.#ofType(name, schema)).reduce(unite);
    }
    if ("const" in schema) return shapeOf(schema.const);
    if (Array.isArray(schema.enum) && schema.enum.length > 0) {
      return schema.enum.map(shapeOf).reduce(unite);
    }
    return ANY;
  }

  #impliedTypes(schema: Node): string[] {
    if (isNode(schema.properties)) return ["object"];
    return schema.items !== undefined || Array.isArray(schema.prefixItems) ? ["array"] : [];
  }

  #ofType(type: unknown, schema: Node): Shape {
    switch (type) {
      case "null":
        return { kind: "null" };
      case "boolean":
        return { kind: "bool" };
      case "integer":
        return { kind: isBeyondInt64(schema) ? "uint" : "int" };
      case "number":
        return { kind: "float" };
      case "string":
        return { kind: "utf8" };
      case "array":
        return { kind: "list", item: this.#item(schema) };
      case "object":
        return { kind: "struct", fields: this.#properties(schema) };
      default:
        return ANY;
    }
  }

  #properties({ properties }: Node): Map<string, Shape> {
    if (!isNode(properties)) return new Map();
    return new Map(
      Object.entries(properties).map((
        [key, schema],
      ) => [key, this.shape(schema)]),
    );
  }

  /** Tuples: `prefixItems` with `items` for the rest, or before 2020 `items` with `additionalItems`. */
  #item({ items, prefixItems, additionalItems }: Node): Shape {
    const tuple = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    const rest = tuple === items ? additionalItems : items;
    const schemas = isNode(rest) ? [...tuple, rest] : tuple;
    return schemas.length === 0 ? ANY : schemas.map((schema) => this.shape(schema)).reduce(unite);
  }

  /** The schema at a JSON pointer within the document: `#/$defs/Point`. Others are not to be had. */
  #resolve(reference: string): unknown {
    if (reference === "#") return this.#root;
    if (!reference.startsWith("#/")) return undefined;
    let target: unknown = this.#root;
    for (const part of reference.slice(2).split("/")) {
      const key = unescapePointer(part);
      if (
        typeof target !== "object" || target === null ||
        !Object.hasOwn(target, key)
      ) return undefined;
      target = (target as Node)[key];
    }
    return target;
  }
}

function unescapePointer(part: string): string {
  try {
    part = decodeURIComponent(part);
  } catch {
    // Not percent-encoded after all.
  }
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether what bounds an integer leaves out what is below 0, and takes in what no int64 holds. */
function isBeyondInt64({ minimum, maximum, exclusiveMaximum }: Node): boolean {
  const most = [maximum, exclusiveMaximum].filter((bound) => typeof bound === "number") as number[];
  return typeof minimum === "number" && minimum >= 0 && most.length > 0 && Math.min(...most) > 2 ** 63;
}
