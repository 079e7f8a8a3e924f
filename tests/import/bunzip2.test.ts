import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { bunzip2 } from "../../src/import/bag/bunzip2.ts";
import { decodeBase64 } from "../../src/util/base64.ts";
import { concat, encode } from "./mcap_file.ts";

/** What Python 3's bz2.compress makes of some bytes, in base64. */
const EMPTY = decodeBase64("QlpoORdyRThQkAAAAAA=");
const HELLO = decodeBase64("QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=");
/** Byte `i`, `i` times, for all bytes. */
const RUNS = decodeBase64(
  "QlpoMTFBWSZTWYbc1UUAAAD/////////////////////////////////////////////wAKwAAAkwAEwABMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFv//1VVJifp//qqlN//qqqTAAAAAAATBMAAAAAAAAIwJgEwmAAAAAAAAAAAAAAAJiYmCZomJMABMAATAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABJgAJgACYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAYhhv5YhiOBh2B/DCYB/FwBwcIOJJg4VMGTC4ml/NLFEsVSxZLF0sYSxlLGksbSxxLHUseSx9LIEshSyJLI0skSyVLJksnSyhLKUsqSytLLEstSy5LL0swSzFLMkszSzRLNUs2SzdLOEs5SzpLO0s8Sz1LPkv6JZ+loCWgpaEloaX9UtES0VLRktHS0hLSUtKS0tLTEtNS05LT0tQS1FLUktTS1RLVUtWS1dLWEtZS1pLW0tcS11LXktfS2BLYUtiS2NLZEtlS2ZLZ0toS2lLaktrS2xLbUtuS29LcEtxS3JLc0t0S3VLdkt3S/sl/dLeEt5S3pLe0t8S31L/CW/Jb+lwCXApcElwaXCJcKl/lLhkuHS4hLiUv9JcUlxaXGJcalxyXHpcglyKXJJcmlyiXKpcsly6XMJcylzSXNpc4lzqXPJc+l0CXQpdEl0aXSJdKl0yXTpdQl1KXVJdWl1iXWpdcl16XYJdil2SXZpdol2qXbJdul3CXcpd0l3aXeJd6l3yXfpeAl4KXhJeGl4iXipeMl46XkJeSl5SXlpeYl5qXnJeel6CXopekl6aXqJeql6yXrpewl7KXtJe2l7iXupe8l76XwJfCl8SXxpfIl8qXzJf7S+dL6EvpS/4l9SX1pfYl/1L7UvuS+9L8EvxS/8l+SX5pYZLDJfol+qX//2wTE0sIYXAMSwhg/uLuSKcKEhDbmqig=",
);
/** 250,000 times `ab`, in blocks of 100,000 bytes. */
const BLOCKS = decodeBase64(
  "QlpoMTFBWSZTWfFLiycAYaMBADAAIAAwgCkZQlBaoSguYoKyTKayA328+ADDRgIAYABAAGEAUjVCUFlCUFzFBWSZTWfFLiycAYaMBADAAIAAwgCkZQlBaoSguYoKyTKayA328+ADDRgIAYABAAGEAUjVCUFlCUFzFBWSZTWfFLiycAYaMBADAAIAAwgCkZQlBaoSguYoKyTKaydrkWGAAALwIAYABAAGEAmo1UwXF3JFOFCQZ/A+sg==",
);

const runs = concat(Array.from({ length: 256 }, (_, i) => new Uint8Array(i).fill(i)));

/** What becomes of damaged bytes; never something else than what they held. */
function outcome(bytes: Uint8Array, wanted: Uint8Array): string {
  try {
    expect(bunzip2(bytes, wanted.length)).toEqual(wanted);
    return "right";
  } catch (reason) {
    if (!(reason instanceof SmaltiError)) throw reason;
    return reason.code;
  }
}

describe("bunzip2", () => {
  it("gives what was compressed", () => {
    expect(bunzip2(EMPTY, 0)).toEqual(new Uint8Array(0));
    expect(bunzip2(HELLO, 5)).toEqual(encode("hello"));
    expect(bunzip2(RUNS, runs.length)).toEqual(runs);
    expect(new TextDecoder().decode(bunzip2(BLOCKS, 500_000)) === "ab".repeat(250_000)).toBe(true);
    expect(bunzip2(concat([HELLO, EMPTY, HELLO]), 10)).toEqual(encode("hellohello"));
  });

  it("is CORRUPT where bytes are missing, more or fewer than wanted", () => {
    for (let length = 0; length < RUNS.length; length++) {
      expect([length, outcome(RUNS.subarray(0, length), runs)]).toEqual([length, "CORRUPT"]);
    }
    for (const [length, text] of [[4, "more than 4 bytes"], [6, "it holds 5 bytes, wanted 6"]] as const) {
      expect(() => bunzip2(HELLO, length)).toThrow(text);
    }
    expect(() => bunzip2(concat([HELLO, Uint8Array.of(0)]), 5)).toThrow(SmaltiError);
  });

  it("finds every bit that is wrong and matters", () => {
    const counts: Record<string, number> = {};
    for (let bit = 0; bit < 8 * RUNS.length; bit++) {
      const bytes = RUNS.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const found = outcome(bytes, runs);
      counts[found] = (counts[found] ?? 0) + 1;
    }
    // Those that do not are the level, which of two equal tables is taken, and what is after the end.
    expect(counts).toEqual({
      CORRUPT: 8 * RUNS.length - 1 - counts.right,
      UNSUPPORTED: 1,
      right: counts.right,
    });
    expect(counts.right).toBeLessThan(8 * RUNS.length / 50);
  });

  it("is bounded by what is wanted, not by what a block says", () => {
    const zeros = decodeBase64("QlpoOTFBWSZTWdjs3f4BMl9ACMAAABAACCAAMMwJqmmgSlFbUBKUV4u5IpwoSGx2bv8A");
    expect(() => bunzip2(zeros, 1000)).toThrow("it holds more than 1000 bytes");
  });
});
