import { describe, expect, it } from "vitest";
import {
  decodeImage,
  encodeImage,
  type Image,
  type ImageCodec,
  imageFromPixels,
  imageSamples,
  imageToRgba,
  packImage,
  unpackImage,
} from "../../src/image/mod.ts";
import { expectError } from "../support/errors.ts";
import { randomImage } from "./pictures.ts";

/** A smooth picture, as JPEG likes them. */
function smooth(
  width = 32,
  height = 16,
): { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([8 * x, 16 * y, 128, 255], 4 * (y * width + x));
  }
  return { width, height, data };
}

describe("JPEG", () => {
  it.each([["jpeg"], ["jpg"]])("comes back close to what went in as %s", async (format) => {
    const pixels = smooth();
    const compressed = await encodeImage(pixels, { format, quality: 0.95 });
    expect(compressed.format).toBe(format);
    expect([...compressed.data.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
    expect(compressed.data.length).toBeLessThan(pixels.data.length);
    const decoded = await decodeImage(compressed);
    expect(decoded).toMatchObject({ width: 32, height: 16, encoding: "rgba8", format: "raw", stride: 128 });
    const worst = Math.max(...decoded.data.map((value, i) => Math.abs(value - pixels.data[i])));
    expect(worst).toBeLessThan(25);
  });

  it("is smaller with less quality", async () => {
    const fine = await encodeImage(smooth(), { format: "jpeg", quality: 1 });
    const coarse = await encodeImage(smooth(), { format: "jpeg", quality: 0.1 });
    expect(coarse.data.length).toBeLessThan(fine.data.length);
  });

  it("is made of images of any encoding, and known by its first bytes", async () => {
    const image = imageFromPixels({
      width: 16,
      height: 8,
      encoding: "bgr8",
      data: new Uint8Array(384).fill(100),
    });
    image.header = { timestamp: { seconds: 1, nanoseconds: 2 }, frame_id: "front" };
    const { data, header } = await encodeImage(image, { format: "jpeg" });
    expect(header).toBe(image.header);
    const decoded = await decodeImage({ data, format: "raw", header });
    expect(decoded.header).toBe(image.header);
    for (const value of (await imageToRgba(decoded)).data) expect([99, 100, 101, 255]).toContain(value);
  });

  it("in an Image is read as the picture that it is", async () => {
    const { data } = await encodeImage(smooth(), { format: "jpeg", quality: 0.95 });
    const { data: wanted } = await decodeImage({ data, format: "jpeg" });
    for (const format of ["jpeg", "jpg"]) {
      // Its encoding is of the pixels that it was made of.
      const image: Image = { data, format, width: 32, height: 16, stride: 96, encoding: "bgr8" };
      expect(await unpackImage(image))
        .toMatchObject({ format: "raw", encoding: "rgba8", stride: 128, width: 32, height: 16 });
      expect([...(await imageToRgba(image)).data]).toEqual([...wanted]);
      expect([...(await imageSamples(image)).data]).toEqual([...wanted]);
      expect((await encodeImage(image)).format).toBe("png");
    }
  });

  it("in an Image whose rows of bytes it has as gray gives them", async () => {
    const gray = imageFromPixels({
      width: 24,
      height: 16,
      encoding: "mono8",
      data: new Uint8Array(384).fill(70),
    });
    const { data } = await encodeImage(gray, { format: "jpeg", quality: 1 });
    for (const [encoding, width] of [["mono8", 24], ["rgb8", 8], ["bgra8", 6]] as const) {
      const image: Image = { data, format: "jpeg", width, height: 16, stride: 24, encoding };
      const raw = await unpackImage(image);
      expect(raw).toMatchObject({ format: "raw", encoding, width, stride: 24 });
      expect(raw.data.length).toBe(384);
      for (const value of raw.data) expect(Math.abs(value - 70)).toBeLessThan(3);
    }
  });

  it("that is damaged is CORRUPT", async () => {
    const { data } = await encodeImage(smooth(), { format: "jpeg" });
    await expectError(
      () => decodeImage({ data: data.subarray(0, 30), format: "jpeg" }),
      "CORRUPT",
      "Cannot decode 30 bytes as jpeg",
    );
  });
});

const hasNative = "Image" in ((globalThis as { Bun?: object }).Bun ?? {});

describe.skipIf(!hasNative)("Bun's own codec", () => {
  it("keeps colours and opacity in WebP, and the order of rows", async () => {
    // Large areas of one colour: neighbours of another bleed into each other.
    const data = new Uint8ClampedArray(4 * 32 * 32);
    for (let i = 0; i < 1024; i++) {
      const isTop = i < 512;
      const isLeft = i % 32 < 16;
      data.set(
        isTop
          ? isLeft ? [255, 0, 0, 255] : [0, 255, 0, 255]
          : isLeft
          ? [0, 0, 255, 255]
          : [200, 200, 200, 128],
        4 * i,
      );
    }
    const compressed = await encodeImage({ width: 32, height: 32, data }, { format: "webp", quality: 1 });
    const decoded = await decodeImage({ ...compressed, format: "raw" });
    expect(decoded).toMatchObject({ width: 32, height: 32, encoding: "rgba8" });
    for (const [x, y] of [[4, 4], [28, 4], [4, 28], [28, 28]]) {
      const at = 4 * (32 * y + x);
      const worst = Math.max(...[0, 1, 2, 3].map((i) => Math.abs(decoded.data[at + i] - data[at + i])));
      expect(worst, `${x}, ${y}`).toBeLessThan(12);
    }
  });

  it("makes no BMP", async () => {
    await expectError(
      () => encodeImage(smooth(), { format: "bmp" }),
      "UNSUPPORTED",
      `encode a picture of the format "bmp"`,
    );
  });
});

describe("a codec that is given", () => {
  const seen: unknown[] = [];
  const codec: ImageCodec = {
    decode: (data, format) => {
      seen.push([...data], format);
      return { width: 1, height: 1, data: Uint8ClampedArray.of(1, 2, 3, 4) };
    },
    encode: ({ width, height, data }, settings) => {
      seen.push(width, height, [...data], settings);
      return Promise.resolve(Uint8Array.of(9));
    },
  };

  it("is taken for any format, those known too", async () => {
    for (const format of ["webp", "png", "jpeg", "avif"]) {
      seen.length = 0;
      expect(await decodeImage({ data: Uint8Array.of(7), format }, { codec })).toMatchObject({
        width: 1,
        encoding: "rgba8",
        data: Uint8Array.of(1, 2, 3, 4),
      });
      expect(seen).toEqual([[7], format]);
      seen.length = 0;
      const pixels = { width: 1, height: 1, encoding: "bgr8", data: Uint8Array.of(3, 2, 1) };
      expect(await encodeImage(pixels, { format, codec, quality: 0.5 })).toEqual({
        data: Uint8Array.of(9),
        format,
        header: undefined,
      });
      expect(seen).toEqual([1, 1, [1, 2, 3, 255], { format, quality: 0.5 }]);
    }
  });

  it("gets what an Image has of other formats, and no PNG", async () => {
    seen.length = 0;
    const image: Image = {
      data: Uint8Array.of(7),
      format: "tiff",
      width: 1,
      height: 1,
      stride: 3,
      encoding: "rgb8",
    };
    expect([...(await imageToRgba(image, { codec })).data]).toEqual([1, 2, 3, 4]);
    expect([...(await imageSamples(image, { codec })).data]).toEqual([1, 2, 3, 4]);
    expect(seen).toEqual([[7], "tiff", [7], "tiff"]);
    const depth = randomImage("16UC1");
    const { data } = await imageSamples(await packImage(depth), { codec });
    expect(data).toEqual((await imageSamples(depth)).data);
    expect(seen.length).toBe(4);
    await expectError(() => imageToRgba(image), "UNSUPPORTED", 'decode a picture of the format "tiff"');
  });

  it("may do one of the two", async () => {
    const { decode } = codec;
    const compressed = await encodeImage(randomImage("mono8"), { codec: { decode } });
    expect((await decodeImage(compressed, { codec: { encode: codec.encode } })).encoding).toBe("mono8");
  });

  it("is wanted where nothing else does it", async () => {
    const frame = { data: Uint8Array.of(0, 0, 0, 1), format: "h264" };
    await expectError(
      () => decodeImage(frame),
      "UNSUPPORTED",
      `decode a picture of the format "h264"`,
      "codec",
    );
    await expectError(
      () => encodeImage(randomImage("mono8"), { format: "tiff" }),
      "UNSUPPORTED",
      `encode a picture of the format "tiff"`,
    );
  });

  it("fails as itself", async () => {
    const failing: ImageCodec = { decode: () => Promise.reject(new Error("no luck")) };
    const error = await expectError(
      () => decodeImage({ data: Uint8Array.of(1), format: "webp" }, { codec: failing }),
      "CORRUPT",
      "Cannot decode 1 bytes as webp: no luck",
    );
    expect((error.cause as Error).message).toBe("no luck");
  });
});
