/**
 * JSON's own parser rounds integers beyond 2^53, which nanoseconds pass, forgets how numbers were written, and refuses the
 * bare `NaN` that Python writes.
 *
 * @module
 */
import { keepText } from "./number_texts.ts";

/** A value that JSON can hold: integers beyond 2^53 are bigint, all other numbers number. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | {
  [key: string]: JsonValue;
};

/** An object that JSON can hold. */
export type JsonObject = { [key: string]: JsonValue };

/** Options of {@linkcode parseJson}. */
export interface ParseOptions {
  /** Values in it at most. @default no bound */
  maxValues?: number;
  /** Levels at most: bounds the recursion that a hostile text can ask for. @default 1000 */
  maxDepth?: number;
  /** Whether it may hold the `NaN`, `Infinity` and `-Infinity` that Python writes. @default false */
  allowNonFinite?: boolean;
}

const MAX_DEPTH = 1000;
/** Of an integer: reading its digits takes time that grows with their square. */
export const MAX_DIGITS = 400;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
/** Where a string may end, or may not be taken as it is: one search over the text instead of a look at each character. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const STRING_STOP = /["\\\u0000-\u001f]/g;
/** By their first character. */
const WORDS: ReadonlyMap<string, readonly [string, JsonValue]> = new Map([
  ["t", ["true", true]],
  ["f", ["false", false]],
  ["n", ["null", null]],
]);
const NON_FINITE: ReadonlyMap<string, readonly [string, JsonValue]> = new Map([
  ...WORDS,
  ["N", ["NaN", NaN]],
  ["I", ["Infinity", Infinity]],
  ["-", ["-Infinity", -Infinity]],
]);

/**
 * JSON text -> value. What `jsonText` writes of it has every number as it was. SyntaxError, which names the place, also beyond
 * the bounds.
 */
export function parseJson(text: string, options: ParseOptions = {}): JsonValue {
  return new Parser(text, options).whole();
}

class Parser {
  readonly #text: string;
  readonly #maxValues: number;
  readonly #maxDepth: number;
  readonly #words: typeof WORDS;
  #at = 0;
  #depth = 0;
  #values = 0;
  /** How the number that was read last is written; undefined where JSON.stringify writes it so too. */
  #numberText: string | undefined;

  constructor(text: string, options: ParseOptions) {
    this.#text = text;
    this.#maxValues = options.maxValues ?? Infinity;
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#words = options.allowNonFinite ? NON_FINITE : WORDS;
  }

  whole(): JsonValue {
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#refuse("wanted the end");
    return value;
  }

  #value(): JsonValue {
    if (++this.#depth > this.#maxDepth) throw this.#refuse(`nested deeper than ${this.#maxDepth}`);
    if (++this.#values > this.#maxValues) throw this.#refuse(`wanted at most ${this.#maxValues} values`);
    this.#skipSpace();
    const value = this.#bare();
    this.#skipSpace();
    this.#depth--;
    return value;
  }

  #bare(): JsonValue {
    const first = this.#text[this.#at];
    switch (first) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        return this.#string();
    }
    const word = this.#words.get(first);
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
    if (fraction === undefined && exponent === undefined && !Number.isSafeInteger(number)) {
      if (digits.length > MAX_DIGITS) throw this.#refuse(`wanted at most ${MAX_DIGITS} digits before`);
      return BigInt(digits);
    }
    if (`${number}` !== digits) this.#numberText = digits;
    return number;
  }

  #object(): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    this.#skipSpace();
    if (this.#take("}")) return object;
    do {
      this.#skipSpace();
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(":")) throw this.#refuse('wanted ":"');
      const value = this.#value();
      setMember(object, key, value);
      this.#keepText(object, key, value);
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#refuse('wanted "," or "}"');
    return object;
  }

  #list(): JsonValue[] {
    const list: JsonValue[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return list;
    do {
      const value = this.#value();
      list.push(value);
      this.#keepText(list, list.length - 1, value);
    } while (this.#take(","));
    if (!this.#take("]")) throw this.#refuse('wanted "," or "]"');
    return list;
  }

  #keepText(container: object, key: string | number, value: JsonValue): void {
    if (this.#numberText === undefined) return;
    if (typeof value === "number") keepText(container, key, this.#numberText);
    this.#numberText = undefined;
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

  #refuse(what: string): SyntaxError {
    const seen = this.#text.slice(this.#at, this.#at + 20);
    const found = seen === "" ? "ends" : `has ${JSON.stringify(seen)}`;
    return new SyntaxError(`JSON ${found} at character ${this.#at}: ${what}`);
  }
}

/** Sets a member by whatever name: `__proto__` too is one. */
export function setMember<V>(object: { [key: string]: V }, key: string, value: V): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
