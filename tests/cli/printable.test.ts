import { describe, expect, it } from "vitest";
import { printable } from "../../src/cli/printable.ts";

describe("printable", () => {
  it.each([
    [
      "controls",
      "a\u001b[31m\u0007\u0085\n\r\t\u007f",
      "a\\u001b[31m\\u0007\\u0085\\u000a\\u000d\\u0009\\u007f",
    ],
    ["ends of lines", "a\u2028b\u2029", "a\\u2028b\\u2029"],
    [
      "bidirectional controls",
      "\u202eabc\u202c\u2066\u2069\u200e\u061c",
      "\\u202eabc\\u202c\\u2066\\u2069\\u200e\\u061c",
    ],
    ["zero widths", "a\u200bb\u200d\u2060\ufeff\u00ad", "a\\u200bb\\u200d\\u2060\\ufeff\\u00ad"],
    ["fillers and variation selectors", "\u3164\u115f\u034f\ufe0f", "\\u3164\\u115f\\u034f\\ufe0f"],
    ["tags", "a\u{e0041}\u{e007f}", "a\\udb40\\udc41\\udb40\\udc7f"],
    ["halves of pairs", "a\ud800b\udfff", "a\\ud800b\\udfff"],
  ])("escapes %s", (_, text, wanted) => {
    expect(printable(text)).toBe(wanted);
  });

  it("leaves what is seen as it is, in any script", () => {
    const text = "Größe 東京 \u{1f697} e\u0301 עברית العربية 한글 \\u0041 ~";
    expect(printable(text)).toBe(text);
  });

  it("leaves JSON JSON, of the same value", () => {
    const value = { a: "\u202e\u{e0041}\ud800\u001b", "b\u200b": ["x\u2028"] };
    const text = printable(JSON.stringify(value));
    expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(text)).toEqual(value);
  });
});
