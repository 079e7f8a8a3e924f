/**
 * Members of JSON bodies, checked. INVALID_ARGUMENT names the member, the value seen and the kind wanted.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { MAX_NS, type Metadata, MIN_NS } from "../../types.ts";
import { excerpt, quoted } from "../../util/excerpt.ts";
import { decodeObject, isObject, kindOf, type WireObject, type WireValue } from "../json.ts";

/** Bytes of a body, and values in it: what takes longer to read would keep all others waiting. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_VALUES = 50_000;

/** A body, or a descriptor's command. INVALID_ARGUMENT, TOO_LARGE. */
export function readBody(bytes: Uint8Array, what: string): WireObject {
  if (bytes.length <= MAX_BYTES) return decodeObject(bytes, what, MAX_VALUES);
  throw new SmaltiError("TOO_LARGE", `${what} has ${bytes.length} bytes: wanted at most ${MAX_BYTES}`);
}

/** A member that must be text. */
export function textMember(body: WireObject, key: string): string {
  const value = body[key];
  if (typeof value === "string") return value;
  throw refusal(key, value, "text");
}

/** A member that must be an integer of 64 bits, or may be missing. */
export function timeMember(body: WireObject, key: string): bigint | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  const isInteger = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
  const time = isInteger ? BigInt(value) : undefined;
  if (time !== undefined && time >= MIN_NS && time <= MAX_NS) return time;
  throw refusal(key, value, "int64");
}

/** A member that must be an object of facts to be kept. */
export function metadataMember(body: WireObject, key: string): Metadata {
  const value = body[key];
  if (!isObject(value)) throw refusal(key, value, "an object");
  refuseNonFinite(value, key);
  return value;
}

/** NaN and infinities have no counterpart in a manifest. */
function refuseNonFinite(value: WireValue, path: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw refusal(path, value, "a finite number");
  if (Array.isArray(value)) value.forEach((item, i) => refuseNonFinite(item, `${path}[${i}]`));
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) refuseNonFinite(item, `${path}.${key}`);
  }
}

/** The error for a member that is none of what is wanted. */
export function refusal(key: string, value: WireValue | undefined, wanted: string): SmaltiError {
  const seen = typeof value === "string" ? quoted(value) : kindOf(value);
  return new SmaltiError("INVALID_ARGUMENT", `${excerpt(key)} is ${seen}: wanted ${wanted}`);
}
