/**
 * Messages out of what `JSON.parse` gives, as `toJSON` of a message writes them.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, isOptional, typeName } from "../schema.ts";
import { decodeBase64 } from "../util/base64.ts";
import { didYouMean } from "../util/nearest.ts";
import { quoted } from "../util/excerpt.ts";

/** What a float is written as where JSON has no number for it. */
const NON_FINITE: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity };
const INTEGER = /^-?(0|[1-9]\d*)$/;
const DECIMAL = /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/;

/** A message of `fields` out of its JSON; INVALID_MESSAGE where it is none, and names the field. */
export function messageFromJson(
  tag: string,
  fields: readonly FieldSchema[],
  json: unknown,
): { timestampNs: bigint; data: Record<string, unknown> } {
  if (!isRecord(json)) throw invalid(`A message is ${quoted(json)}: wanted an object as toJSON() gives it`);
  const { timestamp_ns, ontology, data } = json;
  if (ontology !== undefined && ontology !== tag) {
    throw invalid(`The message's ontology is ${quoted(ontology)}: wanted "${tag}"`);
  }
  return { timestampNs: timeFromJson(timestamp_ns), data: dataFromJson(fields, data) };
}

/** What `data` of such a message holds; INVALID_MESSAGE as {@linkcode messageFromJson}. */
export function dataFromJson(fields: readonly FieldSchema[], data: unknown): Record<string, unknown> {
  return structFromJson(fields, data, "");
}

function timeFromJson(value: unknown): bigint {
  if (typeof value === "string" && INTEGER.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  const seen = value === undefined ? "missing" : quoted(value);
  throw invalid(`timestamp_ns is ${seen}: wanted nanoseconds as a decimal string`);
}

function structFromJson(
  fields: readonly FieldSchema[],
  json: unknown,
  path: string,
): Record<string, unknown> {
  if (!isRecord(json)) throw refused(path, json, "an object");
  const entries: [string, unknown][] = [];
  for (const field of fields) {
    const value = Object.hasOwn(json, field.name) ? json[field.name] : undefined;
    const read = valueFromJson(field, value, join(path, field.name));
    if (read !== undefined) entries.push([field.name, read]);
  }
  const names = fields.map(({ name }) => name);
  for (const [name, value] of Object.entries(json)) {
    if (value === null || value === undefined || names.includes(name)) continue;
    throw refused(join(path, name), value, `no such field${didYouMean(name, names)}`);
  }
  return Object.fromEntries(entries);
}

/** The value of a field out of its JSON; undefined where it is missing. INVALID_MESSAGE names the field by `path`. */
export function valueFromJson(field: FieldSchema, json: unknown, path: string): unknown {
  const { type, children } = field;
  if (json === null || json === undefined) {
    if (isOptional(field)) return undefined;
    throw refused(path, undefined, type.kind === "struct" ? "an object" : typeName(field));
  }
  switch (type.kind) {
    case "bool":
      if (typeof json === "boolean") return json;
      break;
    case "int":
      if (typeof json === "number" && Number.isSafeInteger(json)) return json;
      if (type.bits === 64 && typeof json === "string" && INTEGER.test(json)) return BigInt(json);
      break;
    case "float":
      if (typeof json === "number") return json;
      if (typeof json === "string" && Object.hasOwn(NON_FINITE, json)) return NON_FINITE[json];
      break;
    case "decimal":
      if (typeof json === "number" || (typeof json === "string" && DECIMAL.test(json))) return json;
      break;
    case "utf8":
      if (typeof json === "string") return json;
      break;
    case "binary":
      return bytesFromJson(json, path);
    case "struct":
      return structFromJson(children, json, path);
    case "list":
    case "fixedList":
      if (!Array.isArray(json)) throw refused(path, json, "an array");
      return json.map((item, i) => valueFromJson(children[0], item, `${path}[${i}]`));
  }
  throw refused(
    path,
    json,
    type.kind === "int" && type.bits === 64
      ? `${typeName(field)} as a safe integer or a decimal string`
      : typeName(field),
  );
}

function bytesFromJson(json: unknown, path: string): Uint8Array {
  if (typeof json === "string") {
    try {
      return decodeBase64(json);
    } catch {
      // Told of below.
    }
  }
  throw refused(path, json, "bytes in base64");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function refused(path: string, value: unknown, wanted: string): SmaltiError {
  const seen = value === undefined ? "missing" : quoted(value);
  return invalid(`Field "${path || "data"}" is ${seen}: wanted ${wanted}`);
}

function invalid(text: string): SmaltiError {
  return new SmaltiError("INVALID_MESSAGE", text);
}
