/**
 * The text of bodies and metadata. JSON's own parser rounds integers beyond 2^53, which nanoseconds pass, and refuses
 * the bare `NaN` that Python writes.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { excerpt } from "../util/excerpt.ts";

/** A value as it goes over the wire: integers beyond 2^53 are bigint, all other numbers number. */
export type WireValue = null | boolean | number | bigint | string | WireValue[] | WireObject;

/** An object as it goes over the wire. Made without a prototype, so that no key means anything else. */
export type WireObject = { [key: string]: WireValue };

/** Deeper than any body; bounds the recursion that a hostile one can ask for. */
const MAX_DEPTH = 128;
const MAX_DIGITS = 400;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
/** Where a string may end, or may not be taken as it is: one search over the text instead of a look at each character. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const STRING_STOP = /["\\\u0000-\u001f]/g;
/** By their first character. */
const WORDS: ReadonlyMap<string, readonly [string, WireValue]> = new Map([
  ["t", ["true", true]],
  ["f", ["false", false]],
  ["n", ["null", null]],
  ["N", ["NaN", NaN]],
  ["I", ["Infinity", Infinity]],
  ["-", ["-Infinity", -Infinity]],
]);

/** UTF-8 JSON -> value. INVALID_ARGUMENT, which names the place, beyond `maxValues` values in it too. */
export function decodeJson(bytes: Uint8Array, maxValues: number = Infinity): WireValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", "JSON is not valid UTF-8", { cause });
  }
  return new Parser(text, maxValues).whole();
}

/** As {@linkcode decodeJson}, of what must be an object. `what` names it in errors. */
export function decodeObject(bytes: Uint8Array, what: string, maxValues?: number): WireObject {
  let value: WireValue;
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
export function isObject(value: WireValue | undefined): value is WireObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a value is, in a word. */
export function kindOf(value: WireValue | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : excerpt(`${value}`);
}

/** Value -> UTF-8 JSON. Members that are undefined are left out; what JSON has no word for is written as Python does. */
export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(jsonText(value));
}

/** Value -> JSON text, as {@linkcode encodeJson}. */
export function jsonText(value: unknown): string {
  if (typeof value === "bigint") return `${value}`;
  if (typeof value === "number") return Number.isFinite(value) ? JSON.stringify(value) : `${value}`;
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`);
  return `{${members.join(",")}}`;
}

class Parser {
  readonly #text: string;
  readonly #maxValues: number;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, maxValues: number) {
    this.#text = text;
    this.#maxValues = maxValues;
  }

  whole(): WireValue {
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#refuse("wanted the end");
    return value;
  }

  #value(): WireValue {
    if (++this.#depth > MAX_DEPTH) throw this.#refuse(`nested deeper than ${MAX_DEPTH}`);
    if (++this.#values > this.#maxValues) throw this.#refuse(`wanted at most ${this.#maxValues} values`);
    this.#skipSpace();
    const value = this.#bare();
    this.#skipSpace();
    this.#depth--;
    return value;
  }

  #bare(): WireValue {
    const first = this.#text[this.#at];
    switch (first) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        return this.#string();
    }
    const word = WORDS.get(first);
    if (word && this.#take(word[0])) return word[1];
    return this.#number();
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (!match) throw this.#refuse("wanted a value");
    const [digits, fraction, exponent] = match;
    this.#at += digits.length;
    const number = Number(digits);
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(number)) return number;
    // Reading digits takes time that grows with their square.
    if (digits.length > MAX_DIGITS) throw this.#refuse(`wanted at most ${MAX_DIGITS} digits before`);
    return BigInt(digits);
  }

  #object(): WireObject {
    const object: WireObject = Object.create(null);
    this.#at++;
    this.#skipSpace();
    if (this.#take("}")) return object;
    do {
      this.#skipSpace();
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(":")) throw this.#refuse('wanted ":"');
      object[key] = this.#value();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#refuse('wanted "," or "}"');
    return object;
  }

  #list(): WireValue[] {
    const list: WireValue[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return list;
    do list.push(this.#value()); while (this.#take(","));
    if (!this.#take("]")) throw this.#refuse('wanted "," or "]"');
    return list;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#refuse("wanted a string");
    let end = this.#nextStop(start + 1);
    if (this.#text[end] === '"') {
      this.#at = end + 1;
      return this.#text.slice(start + 1, end);
    }
    while (end >= 0 && this.#text[end] !== '"') {
      end = this.#nextStop(this.#text[end] === "\\" ? end + 2 : end + 1);
    }
    if (end < 0) throw this.#refuse("wanted a string that ends");
    try {
      const text = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return text;
    } catch {
      throw this.#refuse("wanted a string without bare control characters or unknown escapes");
    }
  }

  /** The next quote, backslash or control character; -1 where there is none. */
  #nextStop(from: number): number {
    STRING_STOP.lastIndex = from;
    return STRING_STOP.exec(this.#text)?.index ?? -1;
  }

  #skipSpace(): void {
    for (;; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #refuse(what: string): SmaltiError {
    const seen = this.#text.slice(this.#at, this.#at + 20);
    const found = seen === "" ? "ends" : `has ${JSON.stringify(seen)}`;
    return new SmaltiError("INVALID_ARGUMENT", `JSON ${found} at character ${this.#at}: ${what}`);
  }
}
