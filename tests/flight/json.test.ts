import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeJson, decodeObject, encodeJson } from "../../src/flight/json.ts";
import { jsonText } from "../../src/util/json_text.ts";
import { errorOf } from "./support.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("decodeJson", () => {
  it("reads every JSON value as JSON.parse does", () => {
    fc.assert(fc.property(fc.json(), fc.boolean(), (text, pretty) => {
      const written = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text;
      expect(JSON.parse(jsonText(decodeJson(bytes(written))))).toEqual(
        JSON.parse(JSON.stringify(JSON.parse(text))),
      );
    }));
  });
  it("reads integers beyond 2^53 exactly, as bigint", () => {
    expect(decodeJson(bytes(`[${[9007199254740991n, 9007199254740992n, -(2n ** 63n), 2n ** 64n - 1n]}]`)))
      .toEqual([9007199254740991, 9007199254740992n, -(2n ** 63n), 2n ** 64n - 1n]);
  });
  it("reads Python's bare NaN and Infinity", () => {
    expect(decodeJson(bytes('{"a": NaN, "b": [Infinity, -Infinity]}'))).toEqual({
      a: NaN,
      b: [Infinity, -Infinity],
    });
  });
  it("takes __proto__ for a key like any other", () => {
    const object = decodeObject(bytes('{"__proto__": {"x": 1}, "constructor": 2}'), "Body");
    expect(Object.keys(object)).toEqual(["__proto__", "constructor"]);
    expect(object.x).toBeUndefined();
  });
  it.each([
    ["", "JSON ends at character 0: wanted a value"],
    ['{"a" 1}', 'JSON has "1}" at character 5: wanted ":"'],
    ["[1,]", 'JSON has "]" at character 3: wanted a value'],
    ["[1 2]", 'JSON has "2]" at character 3: wanted "," or "]"'],
    ['{"a":1', 'JSON ends at character 6: wanted "," or "}"'],
    ["01", 'JSON has "1" at character 1: wanted the end'],
    ['"a\nb"', "wanted a string without bare control characters"],
    ['"abc', "wanted a string"],
    ["[".repeat(100_000), "nested deeper than 128"],
    ["1".repeat(100_000), "wanted at most 400 digits"],
  ])("refuses %.20j and says where", async (text, message) => {
    const error = await errorOf(() => decodeJson(bytes(text)));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.rawMessage).toContain(message);
  });
  it("refuses what is not UTF-8, and bodies that are no object", async () => {
    expect((await errorOf(() => decodeJson(Uint8Array.of(0x22, 0xff, 0x22)))).code).toBe("INVALID_ARGUMENT");
    expect((await errorOf(() => decodeObject(bytes("[1]"), "Body"))).rawMessage)
      .toBe("Body is a list: wanted a JSON object");
  });
  it("reads a string of many megabytes", () => {
    const text = "é\\n".repeat(2_000_000);
    expect((decodeJson(bytes(`"${text}"`)) as string).length).toBe(4_000_000);
  });
});

describe("encodeJson", () => {
  it("gives back what decodeJson reads", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, true, false, NaN, Infinity, -Infinity),
        fc.double({ noDefaultInfinity: true, noNaN: true }).filter((number) => !Object.is(number, -0)),
        fc.bigInt(-(2n ** 63n), 2n ** 64n).filter((number) => !Number.isSafeInteger(Number(number))),
        fc.string({ unit: "binary" }).filter((text) => text.isWellFormed?.() ?? true),
        fc.array(tie("value")),
        fc.dictionary(fc.string(), tie("value"), { noNullPrototype: false }),
      ),
    })).value;
    fc.assert(fc.property(value, (value) => {
      expect(jsonText(decodeJson(encodeJson(value)))).toBe(jsonText(value));
    }));
  });
  it("leaves out members that are undefined", () => {
    expect(jsonText({ a: undefined, b: [undefined, 2n ** 60n] })).toBe('{"b":[null,1152921504606846976]}');
  });
});
