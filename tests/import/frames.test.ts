import { describe, expect, it } from "vitest";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { decompressFrames } from "../../src/import/mcap/frames.ts";
import { concat, encode, zstdStore } from "./mcap_file.ts";

const text = encode("0123456789abcdef0123456789abcdef");
/** `text` in a frame that does not say how much it holds: a window of 1 KiB, one stored block. */
const unsized = concat([
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, (32 << 3) | 1, 1, 0),
  text,
]);
const empty = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0);
const skipped = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
/** 32 times `x`, in a block of one repeated byte. */
const repeated = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 32, 3, 1, 0, 120);
const xs = encode("x".repeat(32));

describe.each([["in TypeScript", {}], [
  "with native code where there is some",
  loadNativeCodecs(),
]])(
  "decompressZstd %s",
  (_, native) => {
    const engine = createCodecs(native);
    it.each<[string, Uint8Array[], Uint8Array[]]>([
      ["one frame", [zstdStore(text)], [text]],
      ["a frame that does not say its size", [unsized], [text]],
      ["an empty frame at the end", [unsized, empty], [text]],
      ["an empty frame at the beginning", [empty, zstdStore(text)], [text]],
      ["frames to skip", [skipped, unsized, skipped, skipped], [text]],
      ["several frames", [zstdStore(text), repeated, unsized, zstdStore(xs)], [
        text,
        xs,
        text,
        xs,
      ]],
      ["empty frames alone", [empty, empty], []],
    ])("reads %s", (_, frames, contents) => {
      const raw = concat(contents);
      expect(decompressFrames(engine, "zstd", concat(frames), raw.length)).toEqual(raw);
    });

    it.each<[string, Uint8Array[], number, RegExp]>([
      ["nothing", [], 1, /CORRUPT/],
      ["another format", [text], 32, /CORRUPT/],
      ["a cut frame", [zstdStore(text).subarray(0, 20)], 32, /CORRUPT/],
      [
        "something after the frame",
        [unsized, Uint8Array.of(1, 2, 3)],
        32,
        /CORRUPT/,
      ],
      ["a cut second frame", [unsized, repeated.subarray(0, 9)], 64, /CORRUPT/],
      [
        "a cut frame to skip",
        [unsized, skipped.subarray(0, 10)],
        32,
        /CORRUPT/,
      ],
      ["too little", [repeated, repeated], 65, /CORRUPT/],
      ["too much", [repeated, repeated], 63, /CORRUPT/],
      [
        "too much in a frame of unknown size",
        [repeated, unsized],
        63,
        /CORRUPT/,
      ],
      [
        "two frames of unknown size",
        [unsized, unsized],
        64,
        /UNSUPPORTED.*2 of 2 do not say/,
      ],
    ])("refuses %s", (_, frames, rawLength, error) => {
      expect(() => decompressFrames(engine, "zstd", concat(frames), rawLength)).toThrow(
        error,
      );
    });
  },
);
