import { SmaltiError } from "../error.ts";
import { MAX_NS, MIN_NS } from "../types.ts";
import { excerpt, quoted } from "../util/excerpt.ts";
import { parseIsoTime } from "../util/iso_time.ts";
import { membersOf, type Span, textAt } from "./json/json_scan.ts";

/** What a number that is a time counts. */
export type TimeUnit = "s" | "ms" | "us" | "ns";

/** Nanoseconds in each, as a power of ten. */
export const TIME_UNITS: Readonly<Record<TimeUnit, number>> = { s: 9, ms: 6, us: 3, ns: 0 };

/** Whether a text names a unit. */
export function isTimeUnit(text: string): text is TimeUnit {
  return Object.hasOwn(TIME_UNITS, text);
}

/** What the parts of a time are called: in ROS 1, in ROS 2, in Foxglove's schemas, in protobuf's JSON. */
const SECONDS = ["sec", "secs", "seconds"];
const NANOSECONDS = ["nanosec", "nsec", "nsecs", "nanos"];

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
/** Digits beyond which no number is a time; one of millions of them would take minutes to make. */
const MAX_DIGITS = 400;

/** A number as it was written, with all its digits. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The field of a topic's messages that says when they were. */
export class TimeField {
  /** Names from the message's own field to this one. */
  readonly keys: readonly string[];
  readonly #path: string;
  readonly #unit: TimeUnit;
  readonly #topic: string;

  /** @param path Names with `.` between them, such as `header.stamp`; one before the first is left out. */
  constructor(path: string, unit: TimeUnit, topic: string) {
    this.#path = path;
    this.keys = path.replace(/^\./, "").split(".");
    this.#unit = unit;
    this.#topic = topic;
  }

  /** The time in a message that was decoded. INVALID_MESSAGE where it has none, UNSUPPORTED where it is beyond int64. */
  of(message: unknown): bigint {
    let value = message;
    for (const key of this.keys) value = memberOf(value, key);
    return this.ofValue(value);
  }

  /** The time in a message that is JSON, exactly as it is written there; else as {@linkcode of}. */
  ofJson(bytes: Uint8Array): bigint {
    let span: Span | undefined = { start: 0, end: bytes.length };
    for (const key of this.keys) span = span && membersOf(bytes, span)?.get(key);
    return this.ofValue(span && exactValue(bytes, span));
  }

  /** The time that the field's value says; undefined is one that is missing. As {@linkcode of}. */
  ofValue(value: unknown): bigint {
    const ns = timeToNs(value, this.#unit);
    if (ns === undefined) {
      const wanted = `a number of ${this.#unit}, an ISO 8601 text, or an object with sec and nanosec`;
      throw this.#error("INVALID_MESSAGE", value, `wanted ${wanted}`);
    }
    if (ns >= MIN_NS && ns <= MAX_NS) return ns;
    throw this.#error("UNSUPPORTED", value, `times from -2^63 to 2^63 - 1 ns are supported`);
  }

  /** What to throw at messages of the topic that stay bytes, in an encoding, and why they do. */
  unreadable(encoding: string, reason?: string): SmaltiError {
    const text =
      `the file's topic "${this.#topic}" has messages in ${
        encoding === "" ? "no known encoding" : encoding
      }, ` +
      `which stay bytes${reason === undefined ? "" : ` (${reason})`}: field ${this.#path} cannot be their ` +
      `time; wanted messages that are decoded, or the log or publish time`;
    return new SmaltiError("UNSUPPORTED", text, { topic: this.#topic });
  }

  #error(code: "INVALID_MESSAGE" | "UNSUPPORTED", value: unknown, wanted: string): SmaltiError {
    const seen = value === undefined
      ? "is missing"
      : `is ${
        typeof value === "bigint"
          ? value
          : value instanceof NumberText
          ? excerpt(value.text)
          : quoted(plain(value))
      }`;
    const text =
      `the file has a message on topic "${this.#topic}" whose time, field ${this.#path}, ${seen}: ${wanted}`;
    return new SmaltiError(code, text, { topic: this.#topic });
  }
}

/** A decimal number of units in nanoseconds, rounded to the nearest; undefined where the text is no number. */
export function decimalToNs(text: string, unit: TimeUnit): bigint | undefined {
  return decimal(text, TIME_UNITS[unit]);
}

/** Whatever may be a time in nanoseconds: a number of units, text, or an object with seconds and nanoseconds; else undefined. */
export function timeToNs(value: unknown, unit: TimeUnit): bigint | undefined {
  return partsToNs(value) ?? scalarToNs(value, TIME_UNITS[unit]);
}

function decimal(text: string, power: number): bigint | undefined {
  const [, sign, whole, fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === undefined || text.length > MAX_DIGITS) return undefined;
  const digits = BigInt(whole + fraction);
  const shift = power + Number(exponent) - fraction.length;
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : (digits / 10n ** BigInt(-shift - 1) + 5n) / 10n;
  return sign === "-" ? -size : size;
}

/** A number, or text that is one or a date. */
function scalarToNs(value: unknown, power: number): bigint | undefined {
  switch (typeof value) {
    case "bigint":
      return value * 10n ** BigInt(power);
    case "number":
      return decimal(String(value), power);
    case "string":
      return decimal(value, power) ?? parseIsoTime(value);
  }
  return value instanceof NumberText ? decimal(value.text, power) : undefined;
}

/** A time in two parts; where the second is left out it is 0, as protobuf's JSON leaves it out. */
function partsToNs(value: unknown): bigint | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const part = (names: readonly string[]) => {
    const name = names.find((name) => Object.hasOwn(value, name));
    return name === undefined ? undefined : memberOf(value, name);
  };
  const [seconds, nanoseconds = 0] = [part(SECONDS), part(NANOSECONDS)];
  const [secondsNs, restNs] = [scalarToNs(seconds, TIME_UNITS.s), scalarToNs(nanoseconds, TIME_UNITS.ns)];
  return secondsNs === undefined || restNs === undefined ? undefined : secondsNs + restNs;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** A value of JSON whose numbers keep their digits, at its first level and in its members. */
function exactValue(bytes: Uint8Array, span: Span): unknown {
  const members = membersOf(bytes, span);
  if (members) return Object.fromEntries([...members].map(([key, at]) => [key, exactScalar(bytes, at)]));
  return exactScalar(bytes, span);
}

/** Undefined where it is none: the message need not be JSON. */
function exactScalar(bytes: Uint8Array, span: Span): unknown {
  try {
    const text = textAt(bytes, span) ?? "";
    return NUMBER.test(text) ? new NumberText(text) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As errors show it, with members that are numbers. */
function plain(value: unknown): unknown {
  const number = (item: unknown) => item instanceof NumberText ? Number(item.text) : item;
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText) {
    return number(value);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, number(item)]));
}
