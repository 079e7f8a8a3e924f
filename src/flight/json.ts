/**
 * The text of bodies and metadata: JSON with integers of any size, and the bare `NaN` that Python writes.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { excerpt } from "../util/excerpt.ts";
import { jsonText } from "../util/json_text.ts";
import { type JsonObject, type JsonValue, parseJson } from "../util/parse_json.ts";

export type { JsonObject as WireObject, JsonValue as WireValue } from "../util/parse_json.ts";

/** Deeper than any body. */
const MAX_DEPTH = 128;

/** UTF-8 JSON -> value. INVALID_ARGUMENT, which names the place, beyond `maxValues` values in it too. */
export function decodeJson(bytes: Uint8Array, maxValues: number = Infinity): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", "JSON is not valid UTF-8", { cause });
  }
  try {
    return parseJson(text, { maxValues, maxDepth: MAX_DEPTH, allowNonFinite: true });
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", (cause as SyntaxError).message, { cause });
  }
}

/** As {@linkcode decodeJson}, of what must be an object. `what` names it in errors. */
export function decodeObject(bytes: Uint8Array, what: string, maxValues?: number): JsonObject {
  let value: JsonValue;
  try {
    value = decodeJson(bytes, maxValues);
  } catch (reason) {
    throw new SmaltiError("INVALID_ARGUMENT", `${what}: ${(reason as SmaltiError).rawMessage}`, {
      cause: reason,
    });
  }
  if (isObject(value)) return value;
  throw new SmaltiError("INVALID_ARGUMENT", `${what} is ${kindOf(value)}: wanted a JSON object`);
}

/** Whether a value is an object, not a list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a value is, in a word. */
export function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : excerpt(`${value}`);
}

/** Value -> UTF-8 JSON, as {@linkcode jsonText}. */
export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(jsonText(value));
}
