/**
 * A canonical text of messages, whose hash other readers of the same file reach too: one line a message, `TIME TOPIC JSON`, keys
 * sorted, nulls left out, whole numbers as integers, bytes in base64, times as nanoseconds.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** What must be known of a topic to write its messages so: paths of fields, `[]` for an item. */
export interface ExpectedTopic {
  readonly rows: number;
  readonly first_ns: number;
  readonly last_ns: number;
  readonly sha256: string;
  readonly sha256_nan_as_null?: string;
  readonly times?: readonly string[];
  readonly bytes?: readonly string[];
  readonly int64?: readonly string[];
  readonly maps?: readonly string[];
  readonly enums?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Fields of ULog that are left out. */
  readonly skip?: readonly string[];
}

type Json = null | boolean | number | bigint | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** The hash of a topic's lines. */
export function hashOf(lines: readonly string[]): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line);
  return hash.digest("hex");
}

/** The line for a message, given as JSON lines have it. */
export function lineOf(
  timestampNs: string,
  topic: string,
  data: Json,
  expected: ExpectedTopic,
  isUlog: boolean,
): string {
  const made = canonical(data, "", expected) ?? {};
  return `${timestampNs} ${topic} ${write(isUlog ? flat(made, expected) : made)}\n`;
}

function canonical(value: Json, path: string, expected: ExpectedTopic): Json {
  const { times = [], maps = [], int64 = [], enums = {} } = expected;
  if (value === null) return null;
  if (times.includes(path)) {
    return Array.isArray(value) ? value.map(nanoseconds) : nanoseconds(value);
  }
  if (maps.includes(path)) {
    const entries = (value as readonly { key: Json; value: Json }[]).map((
      { key, value },
    ) => [String(key), canonical(value, `${path}{}`, expected)] as const);
    return Object.fromEntries(entries);
  }
  if (typeof value === "string") {
    if (int64.includes(path)) return BigInt(value);
    return enums[path]?.[value] ?? value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => canonical(item, `${path}[]`, expected));
  }
  if (typeof value !== "object") return value;
  const kept: Record<string, Json> = {};
  for (const [key, inner] of Object.entries(value)) {
    const made = canonical(
      inner,
      path === "" ? key : `${path}.${key}`,
      expected,
    );
    if (made !== null) kept[key] = made;
  }
  return kept;
}

/** A time in nanoseconds: seconds and nanoseconds by whatever names. */
function nanoseconds(value: Json): Json {
  if (typeof value === "string") return BigInt(value);
  if (typeof value !== "object" || value === null) return value;
  const [seconds = 0, nanos = 0] = Object.values(value);
  return BigInt(seconds as number) * 1_000_000_000n + BigInt(nanos as number);
}

/** Nested values by dotted names, as pyulog has them. */
function flat(value: Json, { skip = [], int64 = [] }: ExpectedTopic): Json {
  const out: Record<string, Json> = {};
  const visit = (inner: Json, path: string) => {
    if (skip.includes(path.split("[")[0])) return;
    if (typeof inner === "object" && inner !== null) {
      for (const [key, item] of Object.entries(inner)) {
        visit(item, path === "" ? key : `${path}.${key}`);
      }
    } else out[path] = int64.includes(path) && typeof inner === "string" ? BigInt(inner) : inner;
  };
  visit(value, "");
  return out;
}

function write(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
    return `{${
      entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`)
        .join(",")
    }}`;
  }
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" ? number(value) : JSON.stringify(value);
}

/** A number as Python writes it. */
function number(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= 16 || power < -4) {
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  if (power >= -6) return power < 0 ? fixed(digits, -power) : String(value);
  return String(value);
}

/** Digits `-1.23` moved to the right by so many places. */
function fixed(digits: string, places: number): string {
  const sign = digits.startsWith("-") ? "-" : "";
  return `${sign}0.${"0".repeat(places - 1)}${digits.replace(/[-.]/g, "")}`;
}
