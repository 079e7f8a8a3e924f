/**
 * What a JSON value may look like, as far as columns care, and the Arrow fields that hold it.
 *
 * @module
 */
import { type DataType, type FieldSchema, MISSING_KEY } from "../../schema.ts";

/** What a value is. `any` is everything that one column cannot hold; null is allowed everywhere. */
export type Shape =
  | { readonly kind: "any" | ScalarKind }
  | { readonly kind: "list"; readonly item: Shape }
  | StructShape;

/** What an object is. */
export interface StructShape {
  readonly kind: "struct";
  readonly fields: ReadonlyMap<string, Shape>;
}

type ScalarKind = "null" | "bool" | "int" | "uint" | "float" | "utf8";

/** No column. */
export const ANY: Shape = { kind: "any" };

/**
 * Lists and structs within each other, a top-level column being the first: readers of Arrow files refuse more than 64.
 */
export const MAX_NESTING = 60;

const TYPES: Record<ScalarKind, DataType> = {
  null: { kind: "null" },
  bool: { kind: "bool" },
  int: { kind: "int", bits: 64, signed: true },
  uint: { kind: "int", bits: 64, signed: false },
  float: { kind: "float", bits: 64 },
  utf8: { kind: "utf8", offsets: 32 },
};

/** The shape of values that have one shape or the other. */
export function unite(a: Shape, b: Shape): Shape {
  if (a.kind === "null") return b;
  if (b.kind === "null") return a;
  if (a.kind === "list" && b.kind === "list") {
    return { kind: "list", item: unite(a.item, b.item) };
  }
  if (a.kind === "struct" && b.kind === "struct") {
    return { kind: "struct", fields: merge(a.fields, b.fields, unite) };
  }
  if (a.kind === b.kind) return a;
  if (!isNumber(a) || !isNumber(b)) return ANY;
  return { kind: a.kind === "float" || b.kind === "float" ? "float" : "int" };
}

/** The shape of values that have both shapes at once; `any` says nothing. */
export function intersect(a: Shape, b: Shape): Shape {
  if (a.kind === "any") return b;
  if (b.kind === "any") return a;
  if (a.kind === "list" && b.kind === "list") {
    return { kind: "list", item: intersect(a.item, b.item) };
  }
  if (a.kind === "struct" && b.kind === "struct") {
    return { kind: "struct", fields: merge(a.fields, b.fields, intersect) };
  }
  if (a.kind === b.kind) return a;
  if (!isNumber(a) || !isNumber(b)) return ANY;
  return { kind: a.kind === "uint" || b.kind === "uint" ? "uint" : "int" };
}

/** The shape of a JSON value. */
export function shapeOf(value: unknown): Shape {
  switch (typeof value) {
    case "string":
      return { kind: "utf8" };
    case "boolean":
      return { kind: "bool" };
    case "number":
      return { kind: Number.isInteger(value) ? "int" : "float" };
  }
  if (value === null) return { kind: "null" };
  if (Array.isArray(value)) {
    return {
      kind: "list",
      item: value.map(shapeOf).reduce(unite, { kind: "null" }),
    };
  }
  if (typeof value !== "object") return ANY;
  return {
    kind: "struct",
    fields: new Map(
      Object.entries(value).map(([key, item]) => [key, shapeOf(item)]),
    ),
  };
}

/**
 * The field for a shape: nullable, and so is everything in it. Undefined where there is none: for `any`, for
 * objects in which no property has a field, for names that no column can have, and beyond {@linkcode MAX_NESTING}.
 */
export function fieldOf(
  name: string,
  shape: Shape,
  nesting = 1,
): FieldSchema | undefined {
  if (shape.kind === "any" || nesting > MAX_NESTING || !isFieldName(name)) {
    return undefined;
  }
  if (shape.kind === "list") {
    const item = fieldOf("item", shape.item, nesting + 1);
    return item &&
      {
        name,
        type: { kind: "list", offsets: 32 },
        nullable: true,
        children: [item],
      };
  }
  if (shape.kind === "struct") {
    const children = [...shape.fields]
      .map(([key, child]) => fieldOf(key, child, nesting + 1))
      .filter((child) => child !== undefined);
    if (children.length === 0) return undefined;
    // JSON tells `{}` from null.
    return { name, type: { kind: "struct" }, nullable: true, children, metadata: { [MISSING_KEY]: "null" } };
  }
  return { name, type: TYPES[shape.kind], nullable: true, children: [] };
}

/** `__proto__` is out: a plain object has it without being given it. Arrow's names are UTF-8. */
function isFieldName(name: string): boolean {
  return name !== "" && name !== "__proto__" && name.isWellFormed();
}

function isNumber({ kind }: Shape): boolean {
  return kind === "int" || kind === "uint" || kind === "float";
}

function merge(
  a: ReadonlyMap<string, Shape>,
  b: ReadonlyMap<string, Shape>,
  both: (a: Shape, b: Shape) => Shape,
): Map<string, Shape> {
  const merged = new Map(a);
  for (const [key, shape] of b) {
    const known = merged.get(key);
    merged.set(key, known ? both(known, shape) : shape);
  }
  return merged;
}
