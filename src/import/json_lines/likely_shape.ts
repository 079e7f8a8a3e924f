/**
 * Some messages of a topic -> the shape that the others are likely to have.
 *
 * @module
 */
import { ANY, MAX_NESTING, type Shape, type StructShape, unite } from "../json/shape.ts";

/** Shapes in one another and side by side beyond which nothing is likely: columns cost more than the messages do. */
const MAX_SHAPES = 10_000;
const TWO_63 = 2 ** 63;
const LONG_INTEGER = /^-?[1-9]\d{15,18}$/;
const NON_FINITE = new Set(["NaN", "Infinity", "-Infinity"]);

/** How a walk over messages takes what may be one thing or another. */
interface Reading {
  kindOfText(text: string): "utf8" | "int" | "float";
  /** What 0 tells: nothing, or that it is a float. */
  readonly zero: "null" | "float";
}

const PLAIN: Reading = { kindOfText: () => "utf8", zero: "null" };
const EXPORTED: Reading = { kindOfText: kindOfExported, zero: "null" };
/** What remains where the others say nothing. */
const LAST: Reading = { kindOfText: () => "utf8", zero: "float" };

/**
 * The shape of all of some objects, of what `JSON.parse` gives. Where all that was seen of a number is 0 it is a float: a
 * state that has not moved yet, more often than not, and a float column holds integers too.
 */
export function likelyShape(messages: readonly object[]): StructShape {
  return choose(uniteAll(messages, PLAIN), uniteAll(messages, LAST)) as StructShape;
}

/**
 * The same of messages as an export writes them: text that is an integer beyond 2^53, or NaN or an infinity, is that number,
 * unless other text stands where it does.
 */
export function likelyExportedShape(messages: readonly object[]): StructShape {
  return choose(uniteAll(messages, EXPORTED), uniteAll(messages, LAST)) as StructShape;
}

function uniteAll(messages: readonly object[], reading: Reading): StructShape {
  const none: StructShape = { kind: "struct", fields: new Map() };
  let all: Shape = none;
  for (const message of messages) {
    all = unite(all, shapeOf(message, reading));
    if (sizeOf(all) > MAX_SHAPES) return none;
  }
  return all as StructShape;
}

function shapeOf(value: unknown, reading: Reading, nesting = 0): Shape {
  switch (typeof value) {
    case "string":
      return { kind: reading.kindOfText(value) };
    case "boolean":
      return { kind: "bool" };
    case "number":
      if (value === 0) return { kind: reading.zero };
      return { kind: Number.isInteger(value) && Math.abs(value) < TWO_63 ? "int" : "float" };
  }
  if (value === null) return { kind: "null" };
  if (nesting > MAX_NESTING) return ANY;
  const shapeOfItem = (item: unknown) => shapeOf(item, reading, nesting + 1);
  if (Array.isArray(value)) {
    return { kind: "list", item: value.map(shapeOfItem).reduce(unite, { kind: "null" }) };
  }
  const entries = Object.entries(value as object);
  return { kind: "struct", fields: new Map(entries.map(([key, item]) => [key, shapeOfItem(item)])) };
}

function sizeOf(shape: Shape): number {
  if (shape.kind === "list") return 1 + sizeOf(shape.item);
  if (shape.kind !== "struct") return 1;
  return [...shape.fields.values()].reduce((sum, field) => sum + sizeOf(field), 1);
}

function kindOfExported(text: string): "utf8" | "int" | "float" {
  if (NON_FINITE.has(text)) return "float";
  if (!LONG_INTEGER.test(text) || Number.isSafeInteger(Number(text))) return "utf8";
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? "int" : "utf8";
}

/** One shape, but the other where the first says nothing. */
function choose(shape: Shape, other: Shape): Shape {
  if (shape.kind === "any" || shape.kind === "null") return other;
  if (shape.kind === "list" && other.kind === "list") {
    return { kind: "list", item: choose(shape.item, other.item) };
  }
  if (shape.kind !== "struct" || other.kind !== "struct") return shape;
  const fields = [...shape.fields].map(([key, field]): [string, Shape] => {
    return [key, choose(field, other.fields.get(key) ?? ANY)];
  });
  return { kind: "struct", fields: new Map(fields) };
}
