import process from "node:process";
import { describe, expect, it } from "vitest";
import {
  type Image,
  imageFromPixels,
  imageSamples,
  packImage,
  type Pixels,
  unpackImage,
} from "../../src/image/mod.ts";
import { connect, ontology } from "../../mod.ts";
import { expectError } from "../support/errors.ts";
import { bytesOf, randomImage, SAMPLED, YUV } from "./pictures.ts";

const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

type ArrayName = "Uint8Array" | "Int8Array" | "Uint16Array" | "Float32Array";

/** The samples as a DataView reads them one by one: the oracle. */
function samplesByView(image: Image, channels: number, array: string): number[] {
  const view = new DataView(image.data.buffer, image.data.byteOffset, image.data.length);
  const bytes = globalThis[array as ArrayName].BYTES_PER_ELEMENT;
  const get = `get${array.replace("Array", "")}` as "getUint16";
  const samples = [];
  for (let y = 0; y < image.height; y++) {
    for (let i = 0; i < image.width * channels; i++) {
      samples.push(view[get](y * image.stride + i * bytes, !image.is_bigendian));
    }
  }
  return samples;
}

/** The same bytes at an odd place of a larger buffer. */
function displaced(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 1);
  buffer.set(bytes, 1);
  return buffer.subarray(1);
}

describe(`samples of images (seed ${SEED})`, () => {
  it.each(SAMPLED)("of %s, wherever they lie, of either order of bytes", async (encoding, array) => {
    for (const is_bigendian of [false, true]) {
      for (const padding of [0, 3, 16]) {
        const made = randomImage(encoding, { padding, is_bigendian, seed: SEED });
        for (const data of [made.data, displaced(made.data)]) {
          const image = { ...made, data };
          const samples = await imageSamples(image);
          expect(samples.data.constructor.name).toBe(array);
          expect([...samples.data]).toEqual(samplesByView(image, samples.channels, array));
          // The image itself stays as it was.
          expect(data).toEqual(made.data);
        }
      }
    }
  });

  it("may be given as typed arrays", async () => {
    for (const [encoding, array] of SAMPLED) {
      const image = randomImage(encoding, { seed: SEED });
      const { width, height, data } = await imageSamples(image);
      const again = imageFromPixels({ width, height, encoding, data });
      expect([again.data, again.stride], encoding).toEqual([image.data, image.stride]);
      expect((await imageSamples(again)).data).toEqual(data);
      expect(data.constructor.name).toBe(array);
    }
  });

  it("a stride of 0 is one without padding", async () => {
    const image = randomImage("16UC1", { seed: SEED });
    expect(await imageSamples({ ...image, stride: 0 })).toEqual(await imageSamples(image));
  });

  it("are none where the encoding is unknown or in YUV, or bytes are missing", async () => {
    const image = randomImage("rgb8");
    await expectError(() => imageSamples({ ...image, encoding: "cmyk8" }), "UNSUPPORTED", `"cmyk8"`);
    await expectError(() => imageSamples(randomImage("nv12")), "UNSUPPORTED", `"nv12"`);
    await expectError(
      () => imageSamples({ ...image, data: image.data.subarray(1) }),
      "INVALID_MESSAGE",
      "data has 71 bytes: wanted 72 or more, for 6 x 4 pixels of rgb8 in rows of 18 bytes",
    );
  });
});

describe(`images (seed ${SEED})`, () => {
  const all = [...SAMPLED.map(([encoding]) => encoding), ...YUV];

  it.each(all.map((encoding) => [encoding]))(
    "of %s come back as they were pushed, raw and packed",
    async (encoding) => {
      await using client = await connect("memory:");
      const images = [
        randomImage(encoding, { seed: SEED }),
        randomImage(encoding, { padding: 5, seed: SEED }),
      ];
      const pushed = [...images, ...await Promise.all(images.map(packImage))];
      expect(pushed.map(({ format }) => format)).toEqual(["raw", "raw", "png", "png"]);
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("camera", { ontology: ontology.Image });
        for (const [i, data] of pushed.entries()) await topic.push({ timestampNs: BigInt(i), data });
      });
      const seen: Image[] = [];
      for await (const message of (await client.topicHandler("s", "camera")).getDataStreamer()) {
        seen.push(await unpackImage(message.getData(ontology.Image)));
      }
      for (const [i, image] of seen.entries()) {
        const wanted = images[i % 2];
        expect(image).toMatchObject({ format: "raw", encoding, width: 6, height: 4, stride: wanted.stride });
        // What fills the last row of a packed one is no pixel.
        expect(image.data.subarray(0, wanted.data.length)).toEqual(wanted.data);
      }
    },
  );

  it("are those of an ImageData", () => {
    const pixels = { width: 2, height: 1, data: Uint8ClampedArray.of(1, 2, 3, 4, 5, 6, 7, 8) };
    expect(imageFromPixels(pixels)).toMatchObject({
      data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      format: "raw",
      encoding: "rgba8",
      stride: 8,
    });
  });

  it("are refused where pixels and encoding do not fit", async () => {
    const refused = (pixels: Pixels, text: string) => expect(() => imageFromPixels(pixels)).toThrow(text);
    const size = { width: 2, height: 2 };
    refused({ ...size, data: bytesOf(15, 1) }, "data has 15 bytes: wanted 16 or more");
    refused(
      { ...size, data: bytesOf(99, 1), encoding: "rgb8", stride: 5 },
      "stride is 5 bytes: wanted 6 or more",
    );
    refused({ ...size, data: bytesOf(99, 1), encoding: "cmyk8" }, `encoding is "cmyk8"`);
    refused(
      { ...size, data: Float32Array.of(1, 2, 3, 4), encoding: "16UC1" },
      "16UC1 from a Float32Array: wanted a Uint16Array, or bytes",
    );
    const unknown = imageFromPixels({ ...size, data: bytesOf(16, 1), encoding: "cmyk8", stride: 8 });
    expect((await unpackImage(await packImage(unknown))).data).toEqual(unknown.data);
    await expectError(() => unpackImage({ ...unknown, format: "h264" }), "UNSUPPORTED", `"h264"`);
  });
});
