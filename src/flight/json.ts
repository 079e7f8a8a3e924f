/**
 * The text of bodies and metadata. JSON's own parser rounds integers beyond 2^53, which nanoseconds pass, and refuses
 * the bare `NaN` that Python writes.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** A value as it goes over the wire: integers beyond 2^53 are bigint, all other numbers number. */
export type WireValue = null | boolean | number | bigint | string | WireValue[] | WireObject;

/** An object as it goes over the wire. Made without a prototype, so that no key means anything else. */
export type WireObject = { [key: string]: WireValue };

/** Deeper than any body; bounds the recursion that a hostile one can ask for. */
const MAX_DEPTH = 128;
const MAX_DIGITS = 400;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS: readonly (readonly [string, WireValue])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
];

/** UTF-8 JSON -> value. INVALID_ARGUMENT, which names the place. */
export function decodeJson(bytes: Uint8Array): WireValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", "JSON is not valid UTF-8", { cause });
  }
  return new Parser(text).whole();
}

/** As {@linkcode decodeJson}, of what must be an object. `what` names it in errors. */
export function decodeObject(bytes: Uint8Array, what: string): WireObject {
  let value: WireValue;
  try {
    value = decodeJson(bytes);
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
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `${value}`;
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
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): WireValue {
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#refuse("wanted the end");
    return value;
  }

  #value(): WireValue {
    if (++this.#depth > MAX_DEPTH) throw this.#refuse(`nested deeper than ${MAX_DEPTH}`);
    this.#match(SPACE);
    const value = this.#bare();
    this.#match(SPACE);
    this.#depth--;
    return value;
  }

  #bare(): WireValue {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        return this.#string();
    }
    for (const [word, value] of WORDS) if (this.#take(word)) return value;
    const match = this.#match(NUMBER);
    if (!match) throw this.#refuse("wanted a value");
    const number = Number(match[0]);
    if (match[1] !== undefined || match[2] !== undefined || Number.isSafeInteger(number)) return number;
    // Reading digits takes time that grows with their square.
    if (match[0].length > MAX_DIGITS) throw this.#refuse(`wanted at most ${MAX_DIGITS} digits before`);
    return BigInt(match[0]);
  }

  #object(): WireObject {
    const object: WireObject = Object.create(null);
    this.#at++;
    this.#match(SPACE);
    if (this.#take("}")) return object;
    do {
      this.#match(SPACE);
      const key = this.#string();
      this.#match(SPACE);
      if (!this.#take(":")) throw this.#refuse('wanted ":"');
      object[key] = this.#value();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#refuse('wanted "," or "}"');
    return object;
  }

  #list(): WireValue[] {
    const list: WireValue[] = [];
    this.#at++;
    this.#match(SPACE);
    if (this.#take("]")) return list;
    do list.push(this.#value()); while (this.#take(","));
    if (!this.#take("]")) throw this.#refuse('wanted "," or "]"');
    return list;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#refuse("wanted a string");
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw this.#refuse("wanted a string that ends");
    } while (this.#isEscaped(end));
    try {
      const text = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return text;
    } catch {
      throw this.#refuse("wanted a string without bare control characters or unknown escapes");
    }
  }

  /** Whether an odd number of backslashes stands before a character. */
  #isEscaped(at: number): boolean {
    let start = at;
    while (this.#text[start - 1] === "\\") start--;
    return (at - start) % 2 === 1;
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at += match[0].length;
    return match;
  }

  #refuse(what: string): SmaltiError {
    const seen = this.#text.slice(this.#at, this.#at + 20);
    const found = seen === "" ? "ends" : `has ${JSON.stringify(seen)}`;
    return new SmaltiError("INVALID_ARGUMENT", `JSON ${found} at character ${this.#at}: ${what}`);
  }
}
