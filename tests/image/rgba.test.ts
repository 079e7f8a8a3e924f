import { describe, expect, it } from "vitest";
import { imageFromPixels, imageToRgba, packImage, type Pixels } from "../../src/image/mod.ts";
import { expectError } from "../support/errors.ts";
import { bytesOf, randomImage, SAMPLED, YUV } from "./pictures.ts";

/** Red, green, blue and opacity of each pixel. */
async function rgba(pixels: Pixels, range?: [number, number]): Promise<number[][]> {
  const { data } = await imageToRgba(imageFromPixels(pixels), { range });
  return Array.from({ length: data.length / 4 }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]);
}
const gray = (value: number) => [value, value, value, 255];
const row = (encoding: string, data: Pixels["data"], width: number): Pixels => ({
  encoding,
  data,
  width,
  height: 1,
});

describe("RGBA", () => {
  it.each<[string, number[], number[][]]>([
    ["mono8", [0, 200], [gray(0), gray(200)]],
    ["8UC1", [0, 200], [gray(0), gray(200)]],
    ["rgb8", [1, 2, 3], [[1, 2, 3, 255]]],
    ["8UC3", [1, 2, 3], [[1, 2, 3, 255]]],
    ["bgr8", [1, 2, 3], [[3, 2, 1, 255]]],
    ["rgba8", [1, 2, 3, 4], [[1, 2, 3, 4]]],
    ["8UC4", [1, 2, 3, 4], [[1, 2, 3, 4]]],
    ["bgra8", [1, 2, 3, 4], [[3, 2, 1, 4]]],
  ])("of %s is its bytes", async (encoding, data, wanted) => {
    expect(await rgba(row(encoding, Uint8Array.from(data), wanted.length))).toEqual(wanted);
  });

  it.each<[string, number[], number[][]]>([
    ["mono16", [255, 65535], [gray(0), gray(255)]],
    ["rgb16", [0x1ff, 0x200, 0x3ab], [[1, 2, 3, 255]]],
    ["16UC3", [0x1ff, 0x200, 0x3ab], [[1, 2, 3, 255]]],
    ["bgr16", [0x1ff, 0x200, 0x3ab], [[3, 2, 1, 255]]],
    ["rgba16", [0x1ff, 0x200, 0x3ab, 0x400], [[1, 2, 3, 4]]],
    ["16UC4", [0x1ff, 0x200, 0x3ab, 0x400], [[1, 2, 3, 4]]],
    ["bgra16", [0x1ff, 0x200, 0x3ab, 0x400], [[3, 2, 1, 4]]],
  ])("of %s is its higher bytes", async (encoding, data, wanted) => {
    expect(await rgba(row(encoding, Uint16Array.from(data), wanted.length))).toEqual(wanted);
  });

  it("of depth goes from the lowest to the highest, or from black to white as told", async () => {
    const depth = row("16UC1", Uint16Array.of(1000, 1500, 2020), 3);
    expect(await rgba(depth)).toEqual([gray(0), gray(125), gray(255)]);
    expect(await rgba(depth, [0, 2040])).toEqual([gray(125), gray(188), gray(252)]);
    expect(await rgba(depth, [2020, 1000])).toEqual([gray(255), gray(130), gray(0)]);
    const metres = row("32FC1", Float32Array.of(NaN, -1, 1, Infinity, -Infinity), 5);
    expect(await rgba(metres)).toEqual([gray(0), gray(0), gray(255), gray(255), gray(0)]);
    expect(await rgba(row("64FC1", Float64Array.of(3, 3), 2))).toEqual([gray(0), gray(0)]);
    expect(await rgba(row("16SC1", Int16Array.of(-100, 0, 155), 3))).toEqual([gray(0), gray(100), gray(255)]);
    expect(await rgba(row("8SC1", Int8Array.of(-128, 0, 127), 3))).toEqual([gray(0), gray(128), gray(255)]);
    expect(await rgba(row("32SC1", Int32Array.of(0, 1), 2))).toEqual([gray(0), gray(255)]);
    expect(await rgba(row("32FC3", Float32Array.of(0, 0.5, 2), 1))).toEqual([[0, 128, 255, 255]]);
    // 12 bits of a camera in 16.
    expect(await rgba(row("mono16", Uint16Array.of(0, 4095), 2), [0, 4095])).toEqual([gray(0), gray(255)]);
  });

  it.each([["rggb"], ["bggr"], ["gbrg"], ["grbg"]])("of a mosaic %s is its colours", async (pattern) => {
    // A picture of one colour, seen through the filter.
    const [width, height] = [6, 5];
    const colour = { r: 10, g: 100, b: 200 };
    const seen = (x: number, y: number) => colour[pattern[2 * (y & 1) + (x & 1)] as "r"];
    const samples = Array.from({ length: width * height }, (_, i) => seen(i % width, Math.floor(i / width)));
    for (
      const [bits, data] of [[8, Uint8Array.from(samples)], [
        16,
        Uint16Array.from(samples, (v) => v * 257),
      ]] as const
    ) {
      const pixels = await rgba({ width, height, encoding: `bayer_${pattern}${bits}`, data });
      expect(pixels).toEqual(samples.map(() => [10, 100, 200, 255]));
    }
  });

  it("of a mosaic has the mean of the neighbours", async () => {
    const data = Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80, 90);
    // R G R / G B G / R G R
    const pixels = await rgba({ width: 3, height: 3, encoding: "bayer_rggb8", data });
    expect(pixels[4]).toEqual([(10 + 30 + 70 + 90) / 4, (20 + 40 + 60 + 80) / 4, 50, 255]);
    expect(pixels[1]).toEqual([20, 20, 50, 255]);
    expect(pixels[0]).toEqual([10, 30, 50, 255]);
  });

  it.each<[string, number[]]>([
    // Two pixels of brightness 81 and 145 and one colour: U 90, V 240.
    ["yuv422", [90, 81, 240, 145]],
    ["uyvy", [90, 81, 240, 145]],
    ["yuv422_yuy2", [81, 90, 145, 240]],
    ["yuyv", [81, 90, 145, 240]],
    ["nv12", [81, 145, 90, 240]],
    ["nv21", [81, 145, 240, 90]],
    ["nv24", [81, 145, 90, 240, 90, 240]],
  ])("of %s is BT.601", async (encoding, data) => {
    // 81, 90, 240 is the red of the standard's colour bars.
    expect(await rgba(row(encoding, Uint8Array.from(data), 2))).toEqual([[254, 0, 0, 255], [
      255,
      74,
      74,
      255,
    ]]);
  });

  it.each(YUV.map((encoding) => [encoding]))(
    "of %s finds its rows and planes beside padding",
    async (encoding) => {
      const [width, height, padding] = [6, 4, 10];
      const plain = randomImage(encoding, { width, height });
      const padded = randomImage(encoding, { width, height, padding });
      // Rows of the same bytes; those of the colours of nv24 are twice as long, and so is what follows them.
      for (let y = 0, from = 0, to = 0; from < plain.data.length; y++) {
        const scale = encoding === "nv24" && y >= height ? 2 : 1;
        padded.data.set(plain.data.subarray(from, from + scale * plain.stride), to);
        from += scale * plain.stride;
        to += scale * padded.stride;
      }
      expect(await imageToRgba(padded)).toEqual(await imageToRgba(plain));
    },
  );

  it("is the same of packed images, and of those with padding and the other order of bytes", async () => {
    const encodings = [...SAMPLED.map(([encoding]) => encoding), ...YUV].filter((name) =>
      !name.endsWith("C2")
    );
    for (const encoding of encodings) {
      const image = randomImage(encoding);
      const wanted = await imageToRgba(image);
      expect(wanted.data.length).toBe(6 * 4 * 4);
      expect(await imageToRgba(await packImage(image)), encoding).toEqual(wanted);
      const odd = new Uint8Array(image.data.length + 1);
      odd.set(image.data, 1);
      expect(await imageToRgba({ ...image, data: odd.subarray(1) }), encoding).toEqual(wanted);
    }
  });

  it("is none of two samples a pixel, or of an unknown encoding", async () => {
    await expectError(() => imageToRgba(randomImage("8UC2")), "UNSUPPORTED", `"8UC2"`);
    const odd = imageFromPixels({ width: 1, height: 1, encoding: "cmyk8", stride: 4, data: bytesOf(4, 1) });
    await expectError(() => imageToRgba(odd), "UNSUPPORTED", `"cmyk8"`);
  });
});
