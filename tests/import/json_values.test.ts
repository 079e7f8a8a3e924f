import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INEXACT, parseJson } from "../../src/import/json/json_values.ts";

describe("parseJson", () => {
  it.each<[string, unknown]>([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["1700000000123456789", 1700000000123456789n],
    ["[1,18446744073709551616]", [1, 18446744073709551616n]],
    ["0.1234567890123456789", 0.1234567890123456789],
    ["-0.12345678901234567", -0.12345678901234567],
    ["1234567890123456.5", 1234567890123456.5],
    ["1234567890123456e-20", 1234567890123456e-20],
    ["1.5e3", 1500],
    ["1e300", 1e300],
    ["1e-300", 1e-300],
    ["0e999", 0],
    ["-0", -0],
    ["[0,1700000000123456789]", [0, 1700000000123456789n]],
    ["[-0,0.0,1700000000123456789]", [-0, 0, 1700000000123456789n]],
    ["1e400", INEXACT],
    ["[-1E+400,1e-400]", [INEXACT, INEXACT]],
    ["1" + "0".repeat(500), INEXACT],
    [`{"a":"1700000000123456789"}`, { a: "1700000000123456789" }],
    [`{"a":"__proto__","b\\"__proto__":1700000000123456789}`, {
      a: "__proto__",
      'b"__proto__': 1700000000123456789n,
    }],
    [`{"a":1,"a":1700000000123456789}`, { a: 1700000000123456789n }],
    [`{"a":{"b":1700000000123456789},"a":2}`, { a: 2 }],
  ])("reads %s", (text, expected) => {
    expect(parseJson(text).value).toEqual(expected);
  });

  it.each<[string, boolean]>([
    ["[0.1,1.50,1e3,12345678901234567890]", true],
    ["0.12345678901234568", true],
    ["[0.10000000000000001,1.0000000000000000,5e-324]", true],
    ["1700000000.123456", true],
    ["1700000000.123456789", false],
    ["[1,-1700000000.123456789]", false],
    [`{"a":1700000000123456789,"b":1700000000.123456789}`, false],
    [`"1700000000.123456789"`, true],
    [`["\\"",1700000000.123456789]`, false],
    [`["\\"1700000000.123456789"]`, true],
    [`[1700000000.123456789,"1700000000123456789.5"]`, false],
    [`{"a 1700000000.123456789":1700000000123456789}`, true],
    ["1234567890123456789e-9", false],
    ["123456789.1234567891e-300", false],
    ["[0.5,3e-324]", false],
    ["1.0000000000000000001", false],
  ])("tells whether it has every decimal of %s", (text, isExact) => {
    for (let pad = 0; pad < 20; pad++) {
      expect(parseJson(`[${" ".repeat(pad)}${text},${pad}]`).isExact).toBe(
        isExact,
      );
    }
  });

  it("keeps a key called __proto__ a key", () => {
    for (const key of ["__proto__", "\\u005f_proto__", "__\\u0070roto__"]) {
      const value = parseJson(
        `{"${key}":{"x":1},"n":1700000000123456789,"m":5,"f":0.5}`,
      ).value as Record<string, unknown>;
      expect(Object.keys(value)).toEqual(["__proto__", "n", "m", "f"]);
      expect(value.x).toBeUndefined();
      expect(value.n).toBe(INEXACT);
      expect([value.m, value.f]).toEqual([5, 0.5]);
    }
  });

  it("takes what JSON.parse takes, and refuses what it refuses, wherever a long number may be", () => {
    const edit = fc.record({
      at: fc.nat(200),
      cut: fc.nat(2),
      text: fc.constantFrom(
        "",
        ".",
        "e",
        "-",
        "0",
        ",",
        "{",
        "]",
        '"',
        " ",
        ":",
        "\\",
        "\u0001",
        "1700000000123456789",
        "null",
        "\u00a0",
      ),
    });
    fc.assert(
      fc.property(
        fc.json(),
        fc.array(edit, { maxLength: 3 }),
        fc.constantFrom("", "1700000000123456789", "1e400"),
        (json, edits, long) => {
          let text = long ? `[${json},${long}]` : json;
          for (const { at, cut, text: put } of edits) {
            text = text.slice(0, at) + put + text.slice(at + cut);
          }
          const outcome = (parse: (text: string) => unknown) => {
            try {
              return rounded(parse(text));
            } catch (reason) {
              expect(reason).toBeInstanceOf(SyntaxError);
              return SyntaxError;
            }
          };
          expect(outcome((text) => parseJson(text).value)).toEqual(
            outcome(JSON.parse),
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("keeps every integer exact", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
        fc.string(),
        (integer, pad) => {
          const [text, value] = parseJson(
            `[${JSON.stringify(pad)}, ${integer}]`,
          ).value as [string, number | bigint];
          expect(text).toBe(pad);
          expect(BigInt(value)).toBe(integer);
          if (typeof value === "number") {
            expect(Number.isSafeInteger(value))
              .toBe(true);
          }
        },
      ),
    );
  });
});

/** A value with one word for all numbers that may come in several ways. */
function rounded(value: unknown): unknown {
  if (typeof value === "bigint" || value === INEXACT || value === 0) {
    return "delicate";
  }
  if (typeof value === "number" && !Number.isSafeInteger(Math.trunc(value))) {
    return "delicate";
  }
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).map(([key, item]) => [key, rounded(item)]);
}
