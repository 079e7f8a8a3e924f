/**
 * What is written as JSON: integers exact, and numbers out of `parseJson` as they were.
 *
 * @module
 */
import { keepText, textOf } from "./number_texts.ts";
import { type JsonObject, type JsonValue, MAX_DIGITS, setMember } from "./parse_json.ts";

/** Of what is kept: a server takes little more. */
const MAX_DEPTH = 100;

/**
 * Value -> JSON text, with `indent` spaces for each level as JSON.stringify has them. A bigint is an integer; a number beyond
 * 2^53 has an exponent, so that it is read as number again. Members that are undefined are left out; NaN and infinities are
 * written as Python does, which has words for them.
 */
export function jsonText(value: unknown, indent: number = 0): string {
  return textAt(plainOf(value), indent, "\n");
}

function textAt(value: unknown, indent: number, lineFeed: string): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "bigint") return `${value}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = indent > 0 ? lineFeed + " ".repeat(indent) : "";
  const memberText = (key: string | number, member: unknown) =>
    typeof member === "number" && textOf(value, key, member) || textAt(member, indent, inner);
  const isList = Array.isArray(value);
  const members: string[] = [];
  if (isList) {
    for (let i = 0; i < value.length; i++) members.push(memberText(i, plainOf(value[i]) ?? null));
  } else {
    const colon = indent > 0 ? ": " : ":";
    for (const key of Object.keys(value)) {
      const member = plainOf((value as Record<string, unknown>)[key]);
      if (member !== undefined) members.push(JSON.stringify(key) + colon + memberText(key, member));
    }
  }
  const [open, close] = isList ? "[]" : "{}";
  if (members.length === 0 || indent === 0) return open + members.join(",") + close;
  return open + inner + members.join(`,${inner}`) + lineFeed + close;
}

function numberText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const text = `${value}`;
  const isLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLarge && !text.includes("e") ? value.toExponential() : text;
}

/** What stands for a value in JSON: a Date gives its text. */
function plainOf(value: unknown): unknown {
  const toJson = typeof value === "object" && value !== null && (value as { toJSON?: unknown }).toJSON;
  return typeof toJson === "function" ? toJson.call(value, "") : value;
}

/**
 * A copy of a value as it is once it was written and read again, free of the caller's objects; it keeps the texts of numbers.
 * TypeError for what JSON cannot say.
 */
export function copyJson(value: unknown): JsonValue {
  return copyAt(undefined, plainOf(value), 1);
}

function copyAt(key: string | undefined, value: unknown, depth: number): JsonValue {
  const refuse = (seen: string, wanted = "what JSON can say") =>
    new TypeError(`${key === undefined ? "it" : JSON.stringify(key)} is ${seen}, wanted ${wanted}`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw refuse(`${value}`);
      return value;
    case "bigint": {
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      const digits = `${value}`.length;
      if (digits > MAX_DIGITS) throw refuse(`of ${digits} digits`, `at most ${MAX_DIGITS}`);
      return value;
    }
    case "object":
      break;
    default:
      throw refuse(String(value));
  }
  if (value === null) return null;
  if (depth > MAX_DEPTH) throw refuse(`circular, or nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    const list: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) {
      list.push(copyAt(`${i}`, plainOf(value[i]), depth + 1));
      copyText(value, i, list);
    }
    return list;
  }
  const object: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const member = plainOf(item);
    if (member === undefined) continue;
    setMember(object, key, copyAt(key, member, depth + 1));
    copyText(value, key, object);
  }
  return object;
}

/** One object with the members of several; of those of one name the last. They keep the texts of their numbers. */
export function mergeJson<T extends object>(...objects: readonly T[]): T {
  const merged = {} as Record<string, unknown>;
  for (const object of objects) {
    for (const [key, value] of Object.entries(object)) {
      setMember(merged, key, value);
      copyText(object, key, merged);
    }
  }
  return merged as T;
}

function copyText(from: object, key: string | number, to: object): void {
  keepText(to, key, textOf(from, key, (from as Record<string | number, unknown>)[key]));
}
