import { describe, expect, it } from "vitest";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { decompressFrames } from "../../src/import/frames.ts";
import { headerChecksum } from "../../src/engine/lz4.ts";
import { lz4Compress } from "../../src/engine/lz4_compress.ts";
import { concat, encode, zstdStore } from "./mcap_file.ts";
import { u64 } from "./mcap_parts.ts";

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

/** A frame of {@linkcode lz4Compress}, which does not say how much it holds, made to say so. */
function withSize(frame: Uint8Array, size: number): Uint8Array {
  const descriptor = concat([Uint8Array.of(frame[4] | 8, frame[5]), u64(size)]);
  return concat([
    frame.subarray(0, 4),
    descriptor,
    Uint8Array.of(headerChecksum(descriptor)),
    frame.subarray(7),
  ]);
}

describe.each([["in TypeScript", {}], [
  "with native code where there is some",
  loadNativeCodecs(),
]])(
  "decompressFrames %s",
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
      ["frames that do not say their size", [
        unsized,
        unsized,
        zstdStore(xs),
        unsized,
      ], [
        text,
        text,
        xs,
        text,
      ]],
      ["zeros after a frame", [unsized, new Uint8Array(11)], [text]],
    ])("reads ZSTD: %s", (_, frames, contents) => {
      const raw = concat(contents);
      expect(decompressFrames(engine, "zstd", concat(frames), raw.length))
        .toEqual(raw);
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
        "two frames of unknown size that hold less",
        [unsized, unsized],
        65,
        /CORRUPT/,
      ],
      ["two that hold more", [unsized, unsized], 63, /CORRUPT/],
      [
        "something behind zeros",
        [unsized, new Uint8Array(9), Uint8Array.of(1)],
        32,
        /CORRUPT/,
      ],
    ])("refuses ZSTD: %s", (_, frames, rawLength, error) => {
      expect(() => decompressFrames(engine, "zstd", concat(frames), rawLength))
        .toThrow(
          error,
        );
    });

    const long = encode("All work and no play. ".repeat(9000)); // more than one block
    const noise = concat([
      new Uint8Array(70_000).map((_, i) => (i * i * 7919) >> 5),
      new Uint8Array(70_000),
    ]);
    const [lz4, more] = [long, noise].map((bytes) => lz4Compress(bytes)!);
    it.each<[string, Uint8Array[], Uint8Array[]]>([
      ["one frame", [lz4], [long]],
      ["frames that do not say their size", [lz4, more, lz4], [
        long,
        noise,
        long,
      ]],
      ["frames that say it, and one that does not", [
        withSize(lz4, long.length),
        more,
      ], [long, noise]],
      ["frames to skip, and zeros", [
        skipped,
        lz4,
        skipped,
        more,
        new Uint8Array(5),
      ], [long, noise]],
    ])("reads LZ4: %s", (_, frames, contents) => {
      const raw = concat(contents);
      expect(decompressFrames(engine, "lz4", concat(frames), raw.length))
        .toEqual(raw);
    });

    it.each<[string, Uint8Array[], number]>([
      ["too little", [lz4, more], long.length + noise.length + 1],
      ["too much", [lz4, more], long.length + noise.length - 1],
      ["too much in the first", [lz4, more], 5],
      [
        "a cut second frame",
        [lz4, more.subarray(0, -9)],
        long.length + noise.length,
      ],
      ["something after the frame", [lz4, Uint8Array.of(1)], long.length],
      ["a wrong size", [withSize(lz4, 5), more], long.length + noise.length],
    ])("refuses LZ4: %s", (_, frames, rawLength) => {
      expect(() => decompressFrames(engine, "lz4", concat(frames), rawLength))
        .toThrow(/CORRUPT/);
    });
  },
);
