import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyJson, jsonText, mergeJson } from "../../src/util/json_text.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../src/util/parse_json.ts";

/** Numbers as nobody but who wrote them would write them. */
const TEXTS = ["3.0", "-0.0", "-0", "1e+16", "1E3", "0.10", "5e-324", "1e-400", "0.30000000000000004444"];
const LIST = `[${TEXTS.join(",")}]`;

describe("parseJson", () => {
  it("gives integers beyond 2^53 as bigint, and all other numbers as number", () => {
    const text = "[9007199254740991,9007199254740992,-9007199254740993,1e400,9007199254740993.0,12e18]";
    expect(parseJson(text)).toEqual([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
      Infinity,
      9007199254740992,
      12e18,
    ]);
  });

  it("refuses the words for what is no number unless they are allowed", () => {
    for (const word of ["NaN", "Infinity", "-Infinity"]) {
      expect(() => parseJson(`[${word}]`)).toThrow(SyntaxError);
      expect(parseJson(`[${word}]`, { allowNonFinite: true })).toEqual([Number(word)]);
    }
  });

  it("bounds values and levels", () => {
    expect(() => parseJson("[1,2,3]", { maxValues: 3 })).toThrow("wanted at most 3 values");
    expect(parseJson("[1,2,3]", { maxValues: 4 })).toEqual([1, 2, 3]);
    expect(() => parseJson("[[1]]", { maxDepth: 2 })).toThrow("nested deeper than 2");
    expect(() => parseJson("[".repeat(1001))).toThrow("nested deeper than 1000");
  });

  it("reads what JSON.parse reads, but for numbers that it would round", () => {
    fc.assert(fc.property(fc.json({ noUnicodeString: false }), (text) => {
      const value = parseJson(text);
      if (jsonText(value).match(/\d{16}|e\+/)) return;
      expect(value).toEqual(JSON.parse(text));
    }));
  });
});

describe("jsonText", () => {
  it("writes numbers that were read as they were", () => {
    expect(jsonText(parseJson(LIST))).toBe(LIST);
    const object = `{${TEXTS.map((text, i) => `"k${i}":${text}`).join(",")},"__proto__":2.0}`;
    expect(jsonText(parseJson(object))).toBe(object);
    const deep = `{"a":[{"b":[1.0,1,[2.50]]}]}`;
    expect(jsonText(parseJson(deep))).toBe(deep);
  });

  it("writes what was changed since anew", () => {
    const list = parseJson(LIST) as JsonValue[];
    list[0] = 4;
    list[1] = 0;
    list.push(list.shift()!);
    expect((parseJson(jsonText(list)) as JsonValue[]).at(-1)).toBe(4);
    expect(jsonText(list).startsWith("[0,")).toBe(true);
    const object = parseJson('{"a":3.0,"b":3.0,"c":1.50}') as JsonObject;
    object.a = 5;
    object.b = 3; // the same value: nobody can tell
    delete object.c;
    expect(jsonText(object)).toBe('{"a":5,"b":3.0}');
  });

  it("gives every value back as it was, bigints and numbers apart", () => {
    const value = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, true, false),
        fc.double({ noDefaultInfinity: true, noNaN: true }),
        fc.integer(),
        fc.bigInt().filter((number) => !Number.isSafeInteger(Number(number))),
        fc.string(),
        fc.array(tie("value")),
        fc.dictionary(fc.string(), tie("value"), { noNullPrototype: true }),
      ),
    })).value;
    fc.assert(fc.property(value, fc.constantFrom(0, 2), (value, indent) => {
      expect(parseJson(jsonText(value, indent))).toEqual(value);
      expect(copyJson(value)).toEqual(value);
    }));
  });

  it("writes with an indent as JSON.stringify does", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, null, 2);
      if (!text.match(/\d{16}|-0/) && !JSON.stringify(value).match(/e\+/) && !hasNegativeZero(value)) {
        expect(jsonText(value, 2)).toBe(text);
      }
    }));
    const odd = { created: new Date(0), none: undefined, list: [undefined, {}, []], empty: {} };
    expect(jsonText(odd, 2)).toBe(JSON.stringify(odd, null, 2));
  });
});

describe("copyJson and mergeJson", () => {
  it("keep the texts of numbers, of whoever gave the member", () => {
    const [a, b] = ['{"x":3.0,"y":1.50,"z":2}', '{"x":3,"z":2.0}'].map((text) =>
      parseJson(text) as JsonObject
    );
    expect(jsonText(copyJson(a))).toBe('{"x":3.0,"y":1.50,"z":2}');
    expect(jsonText(mergeJson(a, b))).toBe('{"x":3,"y":1.50,"z":2.0}');
    expect(jsonText(mergeJson(b, a))).toBe('{"x":3.0,"z":2,"y":1.50}');
  });

  it("give a safe integer as number, whatever it was", () => {
    expect(copyJson({ a: 5n, b: 2n ** 53n })).toEqual({ a: 5, b: 2n ** 53n });
  });

  it("refuse what has no end, and more digits than anybody reads", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => copyJson(circle)).toThrow("circular, or nested deeper than 100");
    expect(() => copyJson({ a: 10n ** 400n })).toThrow('"a" is of 401 digits');
    expect(copyJson(10n ** 399n)).toBe(10n ** 399n);
  });
});

function hasNegativeZero(value: unknown): boolean {
  return Object.is(value, -0) ||
    (typeof value === "object" && value !== null &&
      Object.values(value).some(hasNegativeZero));
}
