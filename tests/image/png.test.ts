import { Buffer } from "node:buffer";
import process from "node:process";
import { deflateSync } from "node:zlib";
import { crc32 } from "@foxglove/crc";
import { describe, expect, it } from "vitest";
import {
  type CompressedImage,
  decodeImage,
  encodeImage,
  imageFromPixels,
  imageSamples,
} from "../../src/image/mod.ts";
import { SmaltiError } from "../../src/error.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { bytesOf, randomImage } from "./pictures.ts";

const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [
  0,
  1,
  1,
  2,
]];
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

interface Kind {
  type: number;
  bits: number;
  width: number;
  height: number;
  interlaced?: boolean;
  extra?: [string, number[]][];
}

function chunk(name: string, content: Uint8Array | number[]): Uint8Array {
  const body = Buffer.concat([Buffer.from(name), Uint8Array.from(content)]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(content.length, 0);
  made.set(body, 4);
  made.writeUInt32BE(crc32(body), body.length + 4);
  return made;
}

/** A PNG whose sample `channel` of pixel (x, y) is `sample(x, y, channel)`; each row has the next of the five filters. */
function pngOf(kind: Kind, sample: (x: number, y: number, channel: number) => number): Uint8Array {
  const { type, bits, width, height, interlaced = false, extra = [] } = kind;
  const channels = CHANNELS[type];
  const rows: number[] = [];
  let filter = 0;
  for (const [x0, y0, stepX, stepY] of interlaced ? ADAM7 : [[0, 0, 1, 1]]) {
    let above: number[] | undefined;
    for (let y = y0; y < height; y += stepY) {
      const bitsOfRow: string[] = [];
      for (let x = x0; x < width; x += stepX) {
        for (let channel = 0; channel < channels; channel++) {
          bitsOfRow.push(sample(x, y, channel).toString(2).padStart(bits, "0"));
        }
      }
      const row = (bitsOfRow.join("").match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, "0"), 2));
      if (row.length === 0) continue;
      const back = Math.max(1, channels * bits / 8);
      rows.push(filter, ...row.map((byte, i) => (byte - guess(filter, row, above, i, back)) & 255));
      above = row;
      filter = (filter + 1) % 5;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, type, 0, 0, interlaced ? 1 : 0], 8);
  const compressed = deflateSync(Uint8Array.from(rows));
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("gAMA", [0, 0, 0xb1, 0x8f]),
    ...extra.map(([name, content]) => chunk(name, content)),
    chunk("IDAT", compressed.subarray(0, 5)),
    chunk("IDAT", compressed.subarray(5)),
    chunk("IEND", []),
  ]);
}

function guess(filter: number, row: number[], above: number[] | undefined, i: number, back: number): number {
  const [a, b, c] = [row[i - back] ?? 0, above?.[i] ?? 0, above?.[i - back] ?? 0];
  if (filter < 3) return [0, a, b][filter];
  if (filter === 3) return Math.floor((a + b) / 2);
  const nearest = [a, b, c].map((value) => Math.abs(a + b - c - value));
  return [a, b, c][nearest.indexOf(Math.min(...nearest))];
}

const png = (data: Uint8Array): CompressedImage => ({ data, format: "png" });

describe(`PNG (seed ${SEED})`, () => {
  const kinds = [
    ...[1, 2, 4, 8, 16].map((bits) => [0, bits, bits === 16 ? "mono16" : "mono8"] as const),
    ...[1, 2, 4, 8].map((bits) => [3, bits, "rgb8"] as const),
    [2, 8, "rgb8"] as const,
    [2, 16, "rgb16"] as const,
    [4, 8, "rgba8"] as const,
    [4, 16, "rgba16"] as const,
    [6, 8, "rgba8"] as const,
    [6, 16, "rgba16"] as const,
  ];
  const palette = [...bytesOf(3 * 256, SEED)];

  it.each(kinds)("of colour type %i with %i bits is %s, interlaced or not", async (type, bits, encoding) => {
    for (const [width, height] of [[13, 11], [1, 1], [3, 2], [1, 9]]) {
      const random = bytesOf(width * height * 8, SEED);
      const sample = (x: number, y: number, channel: number) => {
        const at = 2 * (CHANNELS[type] * (y * width + x) + channel);
        return (random[at] << 8 | random[at + 1]) >> (16 - bits);
      };
      const full = bits === 16 ? 65535 : 255;
      const wanted: number[] = [];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const scaled = (channel: number) => sample(x, y, channel) * (bits < 8 ? full / (2 ** bits - 1) : 1);
          if (type === 3) wanted.push(...palette.slice(3 * sample(x, y, 0), 3 * sample(x, y, 0) + 3));
          else if (type === 4) wanted.push(scaled(0), scaled(0), scaled(0), scaled(1));
          else for (let channel = 0; channel < CHANNELS[type]; channel++) wanted.push(scaled(channel));
        }
      }
      for (const interlaced of [false, true]) {
        const extra: [string, number[]][] = type === 3 ? [["PLTE", palette]] : [];
        const image = await decodeImage(png(pngOf({ type, bits, width, height, interlaced, extra }, sample)));
        expect(image).toMatchObject({ width, height, encoding, format: "raw" });
        expect([...(await imageSamples(image)).data]).toEqual(wanted);
      }
    }
  });

  it("has what is transparent", async () => {
    const size = { width: 3, height: 1 };
    const number = (x: number) => x;
    const colours = pngOf(
      { ...size, type: 3, bits: 2, extra: [["PLTE", [1, 2, 3, 4, 5, 6, 7, 8, 9]], ["tRNS", [0, 128]]] },
      number,
    );
    const samplesOf = async (
      data: Uint8Array,
    ) => [...(await imageSamples(await decodeImage(png(data)))).data];
    expect(await samplesOf(colours)).toEqual([1, 2, 3, 0, 4, 5, 6, 128, 7, 8, 9, 255]);
    const gray = pngOf({ ...size, type: 0, bits: 8, extra: [["tRNS", [0, 1]]] }, number);
    expect(await samplesOf(gray)).toEqual([0, 0, 0, 255, 1, 1, 1, 0, 2, 2, 2, 255]);
    const rgb = pngOf({ ...size, type: 2, bits: 16, extra: [["tRNS", [0, 2, 0, 2, 0, 2]]] }, number);
    expect(await samplesOf(rgb)).toEqual([0, 0, 0, 65535, 1, 1, 1, 65535, 2, 2, 2, 0]);
  });

  it.each([
    ["mono8", "mono8"],
    ["mono16", "mono16"],
    ["8UC1", "mono8"],
    ["16UC1", "mono16"],
    ["rgb8", "rgb8"],
    ["rgb16", "rgb16"],
    ["rgba8", "rgba8"],
    ["rgba16", "rgba16"],
    ["8UC3", "rgb8"],
    ["16UC4", "rgba16"],
  ])("keeps %s", async (encoding, back) => {
    for (const is_bigendian of [false, true]) {
      const image = randomImage(encoding, { padding: 2, is_bigendian, seed: SEED });
      const decoded = await decodeImage(await encodeImage(image));
      expect(decoded.encoding).toBe(back);
      expect((await imageSamples(decoded)).data).toEqual((await imageSamples(image)).data);
    }
  });

  it.each([["bgr8", "rgb8"], ["bgr16", "rgb16"], ["bgra8", "rgba8"], ["bgra16", "rgba16"]])(
    "keeps %s as %s",
    async (encoding, back) => {
      const image = randomImage(encoding, { seed: SEED });
      const before = image.data.slice();
      const { data, channels } = await imageSamples(await decodeImage(await encodeImage(image)));
      const { data: wanted } = await imageSamples(image);
      for (let i = 0; i < data.length; i++) {
        const channel = i % channels;
        expect(data[i]).toBe(wanted[channel < 3 ? i - channel + 2 - channel : i]);
      }
      expect((await decodeImage(await encodeImage(image))).encoding).toBe(back);
      expect(image.data).toEqual(before);
    },
  );

  it("is found behind the header of ROS's compressedDepth", async () => {
    const image = randomImage("16UC1", { seed: SEED });
    const { data } = await encodeImage(image);
    const behind = new Uint8Array(12 + data.length);
    behind.set(data, 12);
    expect((await imageSamples(await decodeImage(png(behind)))).data).toEqual(
      (await imageSamples(image)).data,
    );
  });

  it("that is cut or damaged is CORRUPT", async () => {
    const image = randomImage("rgb8", { seed: SEED });
    const { data } = await encodeImage(image);
    // Without IEND (12 bytes), whose loss costs nothing.
    for (let length = 0; length < data.length - 12; length++) {
      const reason = await thrownBy(() => decodeImage(png(data.subarray(0, length))));
      // What does not even begin as a PNG is tried as what it is said to be, which is the same.
      expect(reason, `${length} bytes`).toBeInstanceOf(SmaltiError);
      expect((reason as SmaltiError).code).toBe("CORRUPT");
    }
    for (let at = 0; at < data.length - 12; at++) {
      const damaged = data.slice();
      damaged[at] ^= 1 << (at % 8);
      await expectError(() => decodeImage(png(damaged)), "CORRUPT", "Cannot read a PNG");
    }
  });

  it("that claims more than it has is refused before memory is taken for it", async () => {
    const bomb = pngOf({ type: 6, bits: 16, width: 1, height: 1 }, () => 0);
    const view = new DataView(bomb.buffer, bomb.byteOffset);
    view.setUint32(16, 0x7fffffff);
    view.setUint32(29, crc32(bomb.subarray(12, 29)));
    await expectError(
      () => decodeImage(png(bomb)),
      "CORRUPT",
      "Cannot read a PNG",
      "cannot hold 17179869177",
    );
  });

  it("is what else has no encoding of its own as RGBA", async () => {
    const metres = imageFromPixels({ width: 2, height: 1, encoding: "32FC1", data: Float32Array.of(1, 3) });
    const { data } = await imageSamples(await decodeImage(await encodeImage(metres, { range: [0, 4] })));
    expect([...data]).toEqual([64, 64, 64, 255, 191, 191, 191, 255]);
  });

  it("is written as well where there is no zlib, as in browsers", async () => {
    const image = randomImage("rgb16", { width: 50, height: 40 });
    const usual = await encodeImage(image);
    const { getBuiltinModule } = process;
    try {
      Object.assign(process, { getBuiltinModule: undefined });
      const other = await encodeImage(image);
      expect(other.data).not.toEqual(usual.data);
      expect((await imageSamples(await decodeImage(other))).data)
        .toEqual((await imageSamples(await decodeImage(usual))).data);
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
  });
});
