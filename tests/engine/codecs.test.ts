import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { lz4Compress } from "../../src/engine/lz4_compress.ts";
import { lz4Decompress } from "../../src/engine/lz4.ts";
import { xxh32, xxh64 } from "../../src/engine/xxhash.ts";
import { SmaltiError } from "../../src/error.ts";
import { somePositions } from "../support/positions.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

const big = Uint8Array.from(
  { length: 70_000 },
  (_, i) => ((i >> 12) & 7) * 8 + (i & 7),
);
const small = ascii(
  "the same words, the same words, and the same words again: 0123456789 0123456789",
);
const short = ascii("0123456789abcdef");
const empty = new Uint8Array(0);

/** Frames by liblz4 1.9.4 (through python-lz4) and pyarrow 26. */
const LZ4_FRAMES: [name: string, raw: Uint8Array, frame: string][] = [
  [
    "independent blocks",
    big,
    "BCJNGGBAgo4BAACPAAECAwQFBgcIAP////////////////////SPCAkKCwwNDg8IAP////////////////////SPEBESExQV" +
    "FhcIAP////////////////////SPGBkaGxwdHh8IAP////////////////////SPICEiIyQlJicIAP//////////////////" +
    "//SPKCkqKywtLi8IAP////////////////////SPMDEyMzQ1NjcIAP////////////////////SPODk6Ozw9Pj8IAP//////" +
    "//////////////QP+H/////////////////////0BPgPD/h/////////////////////9AT4Dw/4f///////////////////" +
    "//QE+A8P+H/////////////////////0BPgPD/h/////////////////////9AT4Dw/4f/////////////////////QE+A8P" +
    "+H/////////////////////0BPgPD/h/////////////////////9IA4OTo7PD0+Py4AAACPAAECAwQFBgcIAP//////////" +
    "//////////SPCAkKCwwNDg8IAP9RUAsMDQ4PAAAAAA==",
  ],
  [
    "linked blocks",
    big,
    "BCJNGEBAwGUBAACPAAECAwQFBgcIAP////////////////////SPCAkKCwwNDg8IAP////////////////////SPEBESExQV" +
    "FhcIAP////////////////////SPGBkaGxwdHh8IAP////////////////////SPICEiIyQlJicIAP//////////////////" +
    "//SPKCkqKywtLi8IAP////////////////////SPMDEyMzQ1NjcIAP////////////////////SPODk6Ozw9Pj8IAP//////" +
    "//////////////QOAHgPAID/////////////////////////////////////////////////////////////////////////" +
    "////////////////////////////////////////////////////////////////////////////////////////////////" +
    "/1ZQOzw9Pj8eAAAADgB4DwCA//////////////////////9XUAsMDQ4PAAAAAA==",
  ],
  [
    "linked blocks, all checksums, content size",
    big,
    "BCJNGFxAcBEBAAAAAADjZQEAAI8AAQIDBAUGBwgA////////////////////9I8ICQoLDA0ODwgA////////////////////" +
    "9I8QERITFBUWFwgA////////////////////9I8YGRobHB0eHwgA////////////////////9I8gISIjJCUmJwgA////////" +
    "////////////9I8oKSorLC0uLwgA////////////////////9I8wMTIzNDU2NwgA////////////////////9I84OTo7PD0+" +
    "PwgA////////////////////9A4AeA8AgP//////////////////////////////////////////////////////////////" +
    "////////////////////////////////////////////////////////////////////////////////////////////////" +
    "////////////VlA7PD0+P41y+K4eAAAADgB4DwCA//////////////////////9XUAsMDQ4P8gXC5QAAAAAiN9TO",
  ],
  [
    "one block, content checksum",
    small,
    "BCJNGGRApzkAAAD8AXRoZSBzYW1lIHdvcmRzLCAQADthbmQUAPAOIGFnYWluOiAwMTIzNDU2Nzg5IDAxMjM0NTY3ODkAAAAA" +
    "MR3+jw==",
  ],
  [
    "one block, block checksum, content size",
    small,
    "BCJNGHhATwAAAAAAAAB1OQAAAPwBdGhlIHNhbWUgd29yZHMsIBAAO2FuZBQA8A4gYWdhaW46IDAxMjM0NTY3ODkgMDEyMzQ1" +
    "Njc4OaLZHDsAAAAA",
  ],
  [
    "a stored block with checksum",
    short,
    "BCJNGHxAEAAAAAAAAABpEAAAgDAxMjM0NTY3ODlhYmNkZWZpW8TCAAAAAGlbxMI=",
  ],
  [
    "pyarrow",
    small,
    "BCJNGGBAgjkAAAD8AXRoZSBzYW1lIHdvcmRzLCAQADthbmQUAPAOIGFnYWluOiAwMTIzNDU2Nzg5IDAxMjM0NTY3ODkAAAAA",
  ],
  ["nothing", empty, "BCJNGGRApwAAAAAFXcwC"],
];

/** Frames by libzstd 1.5 (through zstandard) and pyarrow 26. */
const ZSTD_FRAMES: [name: string, raw: Uint8Array, frame: string][] = [
  [
    "pyarrow",
    small,
    "KLUv/SBP1QEABAN0aGUgc2FtZSB3b3JkcywgYW5kIGFnYWluOiAwMTIzNDU2Nzg5IDAxMjM0NTY3ODkCADe7YZC5BA==",
  ],
  [
    "pyarrow",
    big,
    "KLUv/aBwEQEAlQQABAQAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5" +
    "Ojs8PT4/GwBtQAF4of7AA3ih/sADeKH+wAN4of7AA3ih/sADeKH+wAN4of7AA3ih/sADeKH++z/zQf2Bz+sPfF5/4PP6A5/X" +
    "H/i8/sDn9Qc+r//8wgU=",
  ],
  [
    "no content size, checksum",
    big,
    "KLUv/QRoHQMABAQAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8" +
    "PT4/CaBQ4vmQ2z8HbZEBgF5/fv39+vv176+/X/9+/eHXv49samiFlA==",
  ],
  [
    "content size, checksum",
    small,
    "KLUv/SRPjQEAVAJ0aGUgc2FtZSB3b3JkcywgYW5kIGFnYWluOiAwMTIzNDU2Nzg5AwBcjHCzcwaZYB2F770=",
  ],
  [
    "no content size",
    small,
    "KLUv/QBYjQEAVAJ0aGUgc2FtZSB3b3JkcywgYW5kIGFnYWluOiAwMTIzNDU2Nzg5AwBcjHCzcwaZYA==",
  ],
  ["nothing", empty, "KLUv/SQAAQAAmenYUQ=="],
];

/** A generator of floats in [0, 1): mulberry32. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function noise(length: number, seed = 1): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length }, () => next() * 256);
}

/** What LZ4 likes and what it does not, in one array: runs, repeats from near and far, noise. */
function mixture(length: number, seed: number): Uint8Array {
  const next = random(seed);
  const out = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const piece = Math.min(length - at, 1 + Math.floor(next() ** 4 * 5000));
    const kind = next();
    if (kind < 0.3) out.fill(next() * 256, at, at + piece);
    else if (kind < 0.4 || at === 0) {
      for (let i = 0; i < piece; i++) out[at + i] = next() * 256;
    } else {
      const distance = 1 + Math.floor(next() ** 3 * Math.min(at, 100_000));
      for (let i = 0; i < piece; i++) out[at + i] = out[at + i - distance];
    }
    at += piece;
  }
  return out;
}

/** Bytes of 8-byte readings from a sensor, steps of 0.25. */
function walk(rows: number, seed: number): Uint8Array {
  const next = random(seed);
  let value = 20;
  return new Uint8Array(
    Float64Array.from(
      { length: rows },
      () => value += Math.floor(next() * 3 - 1) / 4,
    ).buffer,
  );
}

/** The block format word by word, for frames of independent blocks without checksums; asserts the rules for a block's end. */
function naiveDecompress(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  expect(view.getUint32(0, true)).toBe(0x184d2204);
  expect(frame[4]).toBe(0x60);
  const out: number[] = [];
  let ip = 7;
  while (true) {
    const size = view.getUint32(ip, true);
    ip += 4;
    if (size === 0) break;
    const end = ip + (size % 2 ** 31);
    const blockStart = out.length;
    let matchStart = -1;
    while (size >= 2 ** 31 && ip < end) out.push(frame[ip++]);
    while (ip < end) {
      const token = frame[ip++];
      const more = (length: number) => {
        if (length === 15) {
          do length += frame[ip]; while (frame[ip++] === 255);
        }
        return length;
      };
      const literals = more(token >> 4);
      for (let i = 0; i < literals; i++) out.push(frame[ip++]);
      if (ip === end) {
        if (matchStart >= 0) {
          expect(literals).toBeGreaterThanOrEqual(5);
          expect(out.length - matchStart).toBeGreaterThanOrEqual(12);
        }
        break;
      }
      const distance = frame[ip] + 256 * frame[ip + 1];
      ip += 2;
      matchStart = out.length;
      expect(distance).toBeGreaterThan(0);
      expect(matchStart - distance).toBeGreaterThanOrEqual(blockStart);
      const length = more(token & 15) + 4;
      for (let i = 0; i < length; i++) out.push(out[out.length - distance]);
    }
    expect(ip).toBe(end);
  }
  expect(ip).toBe(frame.length);
  return Uint8Array.from(out);
}

/** Compares at native speed: `toEqual` takes seconds on megabytes. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The bytes, or the error as text; errors other than SmaltiError pass through. */
function attempt(work: () => Uint8Array): Uint8Array | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof SmaltiError) return error.message;
    throw error;
  }
}

function lz4Frame(
  flags: number,
  rest: readonly number[],
  descriptor: readonly number[] = [],
): Uint8Array {
  const header = [flags, 0x40, ...descriptor];
  const checksum = (xxh32(Uint8Array.from(header)) >>> 8) & 0xff;
  return Uint8Array.from([
    0x04,
    0x22,
    0x4d,
    0x18,
    ...header,
    checksum,
    ...rest,
  ]);
}

const END = [0, 0, 0, 0];
const lz4Damage = (rawLength: number) => `[CORRUPT] LZ4 frame is damaged or does not hold ${rawLength} bytes`;
const zstdDamage = (rawLength: number) =>
  `[CORRUPT] ZSTD frame is damaged or does not hold ${rawLength} bytes`;

describe("lz4Compress", () => {
  it.each([
    ["zeros", new Uint8Array(1000)],
    ["zeros, 5 MB", new Uint8Array(5_000_000)],
    ["the shortest run worth it", new Uint8Array(40)],
    ["a sensor's walk", walk(4096, 1)],
    ["a sensor's walk, sampled", walk(65_536, 2)],
    ["a sensor's walk over several blocks", walk(1_200_000, 3)],
    [
      "text",
      ascii("left wheel 12.5 rad/s, right wheel 12.25 rad/s\n".repeat(300)),
    ],
    ["a mixture", mixture(300_000, 4)],
    ["a view that starts at an odd byte", mixture(50_001, 5).subarray(1)],
  ])("gives a frame that decodes to the same bytes: %s", (_, raw) => {
    const frame = lz4Compress(raw)!;
    expect(frame.length).toBeLessThanOrEqual(raw.length - raw.length / 8);
    expect(same(lz4Decompress(frame, raw.length), raw)).toBe(true);
    if (raw.length < 500_000) {
      expect(same(naiveDecompress(frame), raw)).toBe(true);
    }
  });

  it("stores a block that does not compress between blocks that do", () => {
    const raw = new Uint8Array(20 << 20);
    raw.set(noise(1 << 22), 1 << 22);
    const frame = lz4Compress(raw)!;
    expect(frame.length).toBeGreaterThan(1 << 22);
    expect(frame.length).toBeLessThan((1 << 22) + 200_000);
    expect(same(lz4Decompress(frame, raw.length), raw)).toBe(true);
  });

  it("returns undefined where it would not save a quarter", () => {
    expect(lz4Compress(empty)).toBeUndefined();
    for (let length = 1; length < 20; length++) {
      expect(lz4Compress(new Uint8Array(length))).toBeUndefined();
    }
    for (const length of [100, 10_000, 65_536, 5 << 20]) {
      expect(lz4Compress(noise(length))).toBeUndefined();
    }
    const nearly = new Uint8Array(8000);
    nearly.set(noise(6400));
    expect(lz4Compress(nearly)).toBeUndefined();
    nearly.fill(0, 5500);
    expect(lz4Compress(nearly)).toBeDefined();
  });

  it("wants another part saved where it is told so", () => {
    for (const [noisy, size] of [[71, 20_000], [71, 300_000]]) {
      const raw = noise(size);
      for (let at = 0; at < size; at += 1000) raw.fill(0, at + 10 * noisy, at + 1000);
      expect(lz4Compress(raw)).toBeDefined();
      expect(lz4Compress(raw, 3)).toBeUndefined();
      expect(lz4Compress(new Uint8Array(size), 3)).toBeDefined();
    }
  });

  it("judges a long input by its start and its middle alone", () => {
    const size = 1 << 20;
    const raw = new Uint8Array(size);
    const sample = 1 << 14;
    raw.set(noise(sample), 0);
    raw.set(noise(sample), size / 2);
    expect(lz4Compress(raw)).toBeUndefined();
    expect(lz4Compress(raw.fill(0, 0, sample))).toBeDefined();
    const end = noise(size);
    for (const start of [0, size / 2]) end.fill(0, start, start + sample);
    expect(lz4Compress(end)).toBeUndefined();
  });

  it("gives the same frame whatever it compressed before", () => {
    const raw = mixture(100_000, 6);
    const frame = lz4Compress(raw)!;
    for (let seed = 7; seed < 40; seed++) {
      lz4Compress(mixture(1 + seed * 1000, seed));
      lz4Compress(noise(70_000, seed));
      expect(same(lz4Compress(raw)!, frame)).toBe(true);
    }
  });

  it("does not touch its input and hands out fresh memory", () => {
    const raw = mixture(10_000, 8);
    const copy = raw.slice();
    const frame = lz4Compress(raw)!;
    const frameCopy = frame.slice();
    lz4Compress(walk(4096, 9));
    expect(raw).toEqual(copy);
    expect(frame).toEqual(frameCopy);
    expect(frame.buffer.byteLength).toBe(frame.length);
  });

  it("survives a round trip of any structure", () => {
    const piece = fc.oneof(
      fc.record({
        bytes: fc.uint8Array({ maxLength: 40 }),
        times: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({
        bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
        times: fc.integer({ min: 1, max: 3000 }),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.integer({ min: 0, max: 7 }),
        (pieces, offset) => {
          const all = pieces.flatMap(({ bytes, times }) =>
            Array.from({ length: times }, () => [...bytes]).flat()
          );
          const raw = Uint8Array.from([...new Array(offset).fill(0), ...all])
            .subarray(offset);
          const frame = lz4Compress(raw);
          if (frame === undefined) return;
          expect(same(naiveDecompress(frame), raw)).toBe(true);
          expect(same(lz4Decompress(frame, raw.length), raw)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("lz4Decompress", () => {
  it.each(LZ4_FRAMES)("reads a reference frame: %s", (_, raw, text) => {
    const frame = fromBase64(text);
    const output = lz4Decompress(frame, raw.length);
    expect(same(output, raw)).toBe(true);
    expect(output.byteOffset).toBe(0);
    expect(output.buffer.byteLength).toBe(raw.length);
    const shifted = new Uint8Array(frame.length + 8);
    shifted.set(frame, 3);
    expect(
      same(
        lz4Decompress(shifted.subarray(3, 3 + frame.length), raw.length),
        raw,
      ),
    ).toBe(true);
  });

  it.each(LZ4_FRAMES)(
    "refuses another length than the frame holds: %s",
    (_, raw, text) => {
      const frame = fromBase64(text);
      for (
        const length of [
          raw.length + 1,
          raw.length - 1,
          raw.length * 2 + 1,
          2 ** 40,
          2 ** 53,
          -8,
          NaN,
        ]
      ) {
        expect(attempt(() => lz4Decompress(frame, length))).toBe(
          lz4Damage(length),
        );
      }
    },
  );

  it.each(LZ4_FRAMES)(
    "refuses every truncation and any byte more: %s",
    (_, raw, text) => {
      const frame = fromBase64(text);
      for (let length = 0; length < frame.length; length++) {
        expect(
          attempt(() => lz4Decompress(frame.subarray(0, length), raw.length)),
        ).toMatch(/^\[CORRUPT\]/);
      }
      const longer = new Uint8Array(frame.length + 1);
      longer.set(frame);
      expect(attempt(() => lz4Decompress(longer, raw.length))).toBe(
        lz4Damage(raw.length),
      );
    },
  );

  it.each(LZ4_FRAMES)(
    "turns any flipped bit into CORRUPT or bytes of the right length: %s",
    (name, raw, text) => {
      const frame = fromBase64(text);
      for (const bit of somePositions(8 * frame.length)) {
        frame[bit >> 3] ^= 1 << (bit & 7);
        const result = attempt(() => lz4Decompress(frame, raw.length));
        if (typeof result === "string") expect(result).toMatch(/^\[CORRUPT\]/);
        else {
          expect(result.length).toBe(raw.length);
          // A checksum leaves no room for wrong bytes; without one they cannot be told from right ones.
          if (/checksum|nothing/.test(name)) {
            expect(same(result, raw)).toBe(true);
          }
        }
        frame[bit >> 3] ^= 1 << (bit & 7);
      }
    },
  );

  it("answers any damage with CORRUPT, UNSUPPORTED or bytes of the right length", () => {
    const sound = [
      lz4Compress(mixture(3000, 10))!,
      ...LZ4_FRAMES.map(([, , text]) => fromBase64(text)),
    ];
    const lengths = [3000, ...LZ4_FRAMES.map(([, raw]) => raw.length)];
    const change = fc.record({
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: sound.length - 1 }),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        (which, changes) => {
          const frame = sound[which].slice();
          for (const { at, byte } of changes) {
            frame[7 + Math.floor(at * (frame.length - 7))] = byte;
          }
          const result = attempt(() => lz4Decompress(frame, lengths[which]));
          if (typeof result === "string") {
            expect(result).toMatch(/^\[(CORRUPT|UNSUPPORTED)\]/);
          } else expect(result.length).toBe(lengths[which]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("agrees with the block format on blocks that no compressor makes", () => {
    const block = (bytes: number[]) => [bytes.length, 0, 0, 0, ...bytes];
    const literals = (count: number) => Array.from({ length: count }, (_, i) => 65 + i);
    for (const distance of [1, 2, 3, 4, 5, 7, 8, 9, 16, 20]) {
      for (const extra of [0, 1, 4, 5, 8, 11, 14, 15, 40, 100, 250]) {
        for (const tail of [0, 1, 5, 8, 9, 30, 60]) {
          const count = Math.max(distance, extra % 9);
          const code = (length: number) => Math.min(15, length);
          const long = (length: number) => length >= 15 ? [length - 15] : [];
          const sequence = [
            (code(count) << 4) | code(extra),
            ...long(count),
            ...literals(count),
            distance,
            0,
            ...long(extra),
          ];
          const frame = lz4Frame(0x60, [
            ...block([
              ...sequence,
              code(tail) << 4,
              ...long(tail),
              ...literals(tail),
            ]),
            ...END,
          ]);
          const expected = literals(count);
          for (let i = 0; i < extra + 4; i++) {
            expected.push(expected[expected.length - distance]);
          }
          expected.push(...literals(tail));
          const result = attempt(() => lz4Decompress(frame, expected.length));
          expect(result, `distance ${distance}, extra ${extra}, tail ${tail}`)
            .toEqual(Uint8Array.from(expected));
        }
      }
    }
  });

  it.each([
    ["no bytes", empty, "[CORRUPT] Bytes are not an LZ4 frame"],
    [
      "another magic number",
      ascii("ARROW1 and more"),
      "[CORRUPT] Bytes are not an LZ4 frame",
    ],
    [
      "a skippable frame",
      Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]),
      "[CORRUPT] Bytes are not an LZ4 frame",
    ],
    [
      "a dictionary",
      lz4Frame(0x61, END, [1, 2, 3, 4]),
      "[UNSUPPORTED] LZ4 frame needs a dictionary",
    ],
    ["another version", lz4Frame(0xa0, END), lz4Damage(8)],
    ["a reserved flag", lz4Frame(0x62, END), lz4Damage(8)],
    [
      "a wrong header checksum",
      lz4Frame(0x60, END).fill(0, 6, 7),
      lz4Damage(8),
    ],
    [
      "distance 0",
      lz4Frame(0x60, [4, 0, 0, 0, 0x10, 65, 0, 0, ...END]),
      lz4Damage(8),
    ],
    [
      "a distance past the start",
      lz4Frame(0x60, [6, 0, 0, 0, 0x14, 65, 2, 0, 0x00, 0, ...END]),
      lz4Damage(8),
    ],
    [
      "a distance past the start of an independent block",
      lz4Frame(0x60, [
        2,
        0,
        0,
        0,
        0x10,
        65,
        6,
        0,
        0,
        0,
        0x11,
        65,
        2,
        0,
        0x10,
        65,
        ...END,
      ]),
      lz4Damage(8),
    ],
    [
      "a match past the end",
      lz4Frame(0x60, [4, 0, 0, 0, 0x1f, 65, 1, 0, 255, ...END]),
      lz4Damage(8),
    ],
    [
      "a length without end",
      lz4Frame(0x60, [4, 0, 0, 0, 0xf0, 255, 255, 255, ...END]),
      lz4Damage(8),
    ],
    [
      "literals past the end of the block",
      lz4Frame(0x60, [2, 0, 0, 0, 0x80, 65, ...END]),
      lz4Damage(8),
    ],
    [
      "half a distance",
      lz4Frame(0x60, [3, 0, 0, 0, 0x10, 65, 1, ...END]),
      lz4Damage(8),
    ],
    [
      "a block that ends with a match",
      lz4Frame(0x60, [4, 0, 0, 0, 0x13, 65, 1, 0, ...END]),
      lz4Damage(8),
    ],
    [
      "a block above the frame's own limit",
      lz4Frame(0x60, [1, 0, 1, 0x80, ...noise(65_537), ...END]),
      lz4Damage(8),
    ],
  ])("refuses %s", (_, frame, message) => {
    expect(attempt(() => lz4Decompress(frame, 8))).toBe(message);
  });

  it("lets a linked block reach back into the block before", () => {
    const blocks = [
      9,
      0,
      0,
      0,
      0x80,
      ...short.subarray(0, 8),
      6,
      0,
      0,
      0,
      0x11,
      90,
      9,
      0,
      0x10,
      91,
      ...END,
    ];
    expect(attempt(() => lz4Decompress(lz4Frame(0x40, blocks), 15))).toEqual(
      ascii("01234567Z01234["),
    );
    expect(attempt(() => lz4Decompress(lz4Frame(0x60, blocks), 15))).toBe(
      lz4Damage(15),
    );
  });
});

describe("checksums", () => {
  const count = (length: number) => Uint8Array.from({ length }, (_, i) => i);
  it.each<[string, Uint8Array, number, bigint, number]>([
    ["nothing", empty, 0x2cc5d05, 0xef46db3751d8e999n, 0],
    ["a", ascii("a"), 0x550d7456, 0xd24ec4f1a98c6e5bn, 0xe8b7be43],
    ["abc", ascii("abc"), 0x32d153ff, 0x44bc2cf5ad770999n, 0x352441c2],
    [
      "123456789",
      ascii("123456789"),
      0x937bad67,
      0x8cb841db40e6ae83n,
      0xcbf43926,
    ],
    ["16 bytes", count(16), 0xb72837f4, 0x44b6ef2fb84169f7n, 0xcecee288],
    ["32 bytes", count(32), 0x830741c1, 0xcbf59c5116ff32b4n, 0x91267e8a],
    ["101 bytes", count(101), 0x1a20e95b, 0xe99038495f85381en, 0x5552856d],
    [
      "101 bytes from an odd place",
      count(102).map((i) => i - 1).subarray(1),
      0x1a20e95b,
      0xe99038495f85381en,
      0x5552856d,
    ],
  ])(
    "XXH32, XXH64 and CRC-32 have the published values: %s",
    (_, bytes, hash32, hash64, crc) => {
      expect(xxh32(bytes)).toBe(hash32);
      expect(xxh64(bytes)).toBe(hash64);
      expect(createCodecs().crc32(bytes)).toBe(crc);
      const half = createCodecs().crc32(bytes.subarray(0, bytes.length >> 1));
      expect(createCodecs().crc32(bytes.subarray(bytes.length >> 1), half)).toBe(crc);
      expect(createCodecs(loadNativeCodecs()).crc32(bytes)).toBe(crc);
    },
  );

  it("CRC-32 is the same in TypeScript and native code", () => {
    const js = createCodecs().crc32;
    const native = createCodecs(loadNativeCodecs()).crc32;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 0, max: 9 }),
        (bytes, from) => {
          expect(js(bytes.subarray(from))).toBe(native(bytes.subarray(from)));
        },
      ),
    );
  });
});

describe.each([
  ["in TypeScript", createCodecs()],
  ["with native code where there is some", createCodecs(loadNativeCodecs())],
])("createCodecs %s", (_, codecs) => {
  const zstd = (frame: Uint8Array, length: number) => attempt(() => codecs.decompress("zstd", frame, length));

  it("compresses and decompresses LZ4", () => {
    const raw = walk(5000, 11);
    expect(
      same(codecs.decompress("lz4", codecs.compress(raw)!, raw.length), raw),
    ).toBe(true);
  });

  it.each(ZSTD_FRAMES)("reads a ZSTD frame: %s", (_, raw, text) => {
    const output = codecs.decompress("zstd", fromBase64(text), raw.length);
    expect(same(output, raw)).toBe(true);
    expect(output.byteOffset % 8).toBe(0);
  });

  it.each(ZSTD_FRAMES)(
    "refuses another length than a ZSTD frame holds: %s",
    (_, raw, text) => {
      for (
        const length of [
          raw.length + 1,
          raw.length - 1,
          raw.length * 2 + 1,
          2 ** 40,
          2 ** 53,
          -8,
          NaN,
        ]
      ) {
        expect(zstd(fromBase64(text), length)).toMatch(
          length > 2 ** 30 ? /^\[(CORRUPT|UNSUPPORTED)\]/ : zstdDamage(length),
        );
      }
    },
  );

  it.each(ZSTD_FRAMES)(
    "refuses every truncation of a ZSTD frame and any byte more: %s",
    (_, raw, text) => {
      const frame = fromBase64(text);
      for (let length = 0; length < frame.length; length++) {
        expect(zstd(frame.subarray(0, length), raw.length)).toMatch(
          /^\[CORRUPT\]/,
        );
      }
      const longer = new Uint8Array(frame.length + 1);
      longer.set(frame);
      expect(zstd(longer, raw.length)).toBe(zstdDamage(raw.length));
    },
  );

  it.each(ZSTD_FRAMES)(
    "turns any flipped bit of a ZSTD frame into an error or bytes of the right length: %s",
    (name, raw, text) => {
      const frame = fromBase64(text);
      for (const bit of somePositions(8 * frame.length)) {
        frame[bit >> 3] ^= 1 << (bit & 7);
        const result = zstd(frame, raw.length);
        if (typeof result === "string") {
          expect(result).toMatch(/^\[(CORRUPT|UNSUPPORTED)\]/);
        } else {
          expect(result.length).toBe(raw.length);
          // Byte 4 holds the flags: with that bit turned the frame has no checksum, or another header.
          if (name.includes("checksum") && bit >> 3 !== 4) {
            expect(same(result, raw)).toBe(true);
          }
        }
        frame[bit >> 3] ^= 1 << (bit & 7);
      }
    },
  );

  it.each([
    ["no bytes", [], "[CORRUPT] Bytes are not a ZSTD frame"],
    [
      "an LZ4 frame",
      [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40],
      "[CORRUPT] Bytes are not a ZSTD frame",
    ],
    [
      "a dictionary",
      [0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 8, 1, 0, 0],
      "[UNSUPPORTED] ZSTD frame needs a dictionary",
    ],
    ["a content size that is not the caller's", [
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x20,
      9,
      0x41,
      0,
      0,
      ...short.subarray(0, 8),
    ], zstdDamage(8)],
    [
      "a window above 128 MiB",
      [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x90, 0x41, 0, 0, ...short.subarray(0, 8)],
      "[UNSUPPORTED] ZSTD frame needs a window of 268435456 bytes: at most 134217728 are supported",
    ],
    ["a run longer than the content", [
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x00,
      0,
      0x03,
      0,
      0x10,
      65,
    ], zstdDamage(8)],
    ["too many runs", [
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x00,
      0,
      ...new Array(500).fill([0x42, 0, 0, 65]).flat(),
      1,
      0,
      0,
    ], zstdDamage(8)],
    ["too few bytes under the right content size", [
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x20,
      8,
      0x39,
      0,
      0,
      ...short.subarray(0, 7),
    ], zstdDamage(8)],
    ["a reserved block type", [
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x20,
      8,
      0x47,
      0,
      0,
      ...short.subarray(0, 8),
    ], zstdDamage(8)],
  ])("refuses ZSTD with %s", (_, bytes, message) => {
    expect(zstd(Uint8Array.from(bytes), 8)).toBe(message);
  });

  it("reads an empty and a stored ZSTD frame, with a content size and without", () => {
    expect(zstd(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]), 0))
      .toEqual(empty);
    expect(zstd(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0, 1, 0, 0]), 0))
      .toEqual(empty);
    const stored = [0x41, 0, 0, ...short.subarray(0, 8)];
    expect(
      zstd(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 8, ...stored]), 8),
    ).toEqual(short.slice(0, 8));
    expect(
      zstd(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38, ...stored]), 8),
    ).toEqual(short.slice(0, 8));
  });
});
