import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CompressedImage, connect, ontology } from "../../mod.ts";
import {
  decodeImage,
  encodeImage,
  type Image,
  imageFromPixels,
  imageSamples,
  imageToRgba,
  packImage,
  type SampleArray,
} from "../../src/image/mod.ts";
import { hasSdk, needsSdk, runPython } from "../flight/python_sdk.ts";
import { makeTemporary, needsBuild, serve } from "../support/cli_process.ts";

/** A picture as the SDK and Pillow have it. */
interface Seen {
  format: string;
  /** Its bytes as they are stored, in hexadecimal. */
  stored: string;
  mode: string;
  size: [width: number, height: number];
  pixels: number[];
}

const ENCODINGS = "mono8 rgb8 bgr8 rgba8 bgra8 mono16 16UC1 rgb16 bgr16 rgba16 32FC1".split(" ");

/** Samples in Pillow's order of colours, of 8 bits where it has no more. */
function inPillow({ data, channels }: { data: SampleArray; channels: number }, encoding: string): number[] {
  const samples = encoding.startsWith("bgr")
    ? Array.from(data, (value, i) => i % channels < 3 ? data[i + 2 - 2 * (i % channels)] : value)
    : [...data];
  return /^(rgb|bgr)a?16$/.test(encoding) ? samples.map((value) => value >> 8) : samples;
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** How far colours may be: decoders of JPEG differ in how they fill in colours that were stored for two pixels. */
const CLOSE = 20;

/** How far colours are at most from what Pillow shows. */
async function worst(image: Image, { mode, pixels }: Pick<Seen, "mode" | "pixels">): Promise<number> {
  const { data } = await imageToRgba(image);
  const samples = data.filter((_, i) => mode === "L" ? i % 4 === 0 : i % 4 < 3);
  expect(samples.length).toBe(pixels.length);
  return Math.max(...Array.from(samples, (value, i) => Math.abs(value - pixels[i])));
}

describe.skipIf(!hasSdk || needsBuild)(
  `pictures, smalti serve and Mosaico's SDK${needsSdk}${needsBuild}`,
  () => {
    let store: string;
    let remove: () => Promise<void>;
    beforeEach(async () => {
      const made = await makeTemporary();
      remove = made.remove;
      store = join(made.directory, "store");
    });
    afterEach(() => remove());

    it("it writes, we see what Pillow sees, over the wire and in the directory", async () => {
      const check = async (url: string, wanted: Record<string, Seen[]>) => {
        await using client = await connect(url);
        const messagesOf = async (topic: string) =>
          (await client.topicHandler("theirs", topic)).getDataStreamer();
        const seen: [string, string][] = [];
        for await (const message of await messagesOf("images")) {
          const image = message.getData(ontology.Image);
          const { encoding, format } = image;
          const { pixels } = wanted.images[seen.length];
          expect([encoding, format, inPillow(await imageSamples(image), encoding)])
            .toEqual([encoding, format, pixels]);
          seen.push([encoding, format]);
        }
        expect(seen).toEqual(ENCODINGS.flatMap((encoding) => [[encoding, "raw"], [encoding, "png"]]));
        const files: [string, string][] = [];
        for await (const message of await messagesOf("files")) {
          const file = message.getData(CompressedImage);
          const theirs = wanted.files[files.length];
          expect(hex(file.data)).toBe(theirs.stored);
          const image = await decodeImage(file);
          if (file.format === "png") expect([...(await imageSamples(image)).data]).toEqual(theirs.pixels);
          else expect(await worst(image, theirs)).toBeLessThan(CLOSE);
          files.push([file.format, image.encoding]);
        }
        expect(files).toEqual([
          ["png", "rgb8"],
          ["png", "rgba8"],
          ["png", "mono16"],
          ["jpeg", "rgba8"],
          ["jpeg", "rgba8"],
        ]);
        let count = 0;
        for await (const message of await messagesOf("jpegs")) {
          const image = message.getData(ontology.Image);
          expect([image.format, hex(image.data)]).toEqual(["jpeg", wanted.jpegs[count].stored]);
          expect(await worst(image, wanted.jpegs[count])).toBeLessThan(CLOSE);
          count++;
        }
        expect(count).toBe(2);
      };
      const wanted = await serve(store, async ({ port, url }) => {
        const wanted = await runPython("../image/images.py", "write", `${port}`) as Record<string, Seen[]>;
        await check(url, wanted);
        return wanted;
      });
      await check(store, wanted);
    });

    it("it reads with Pillow what we have written", async () => {
      const [width, height] = [4, 3];
      const arrays: [string, string, SampleArray][] = [
        ["mono8", "L", Uint8Array.from({ length: 12 }, (_, i) => 20 * i)],
        ["rgb8", "RGB", Uint8Array.from({ length: 36 }, (_, i) => 7 * i)],
        ["bgr8", "RGB", Uint8Array.from({ length: 36 }, (_, i) => 7 * i)],
        ["rgba8", "RGBA", Uint8Array.from({ length: 48 }, (_, i) => 5 * i)],
        ["bgra8", "RGBA", Uint8Array.from({ length: 48 }, (_, i) => 5 * i)],
        ["16UC1", "I;16", Uint16Array.from({ length: 12 }, (_, i) => 5000 * i)],
        ["mono16", "I;16", Uint16Array.from({ length: 12 }, (_, i) => 5000 * i)],
        ["bgr16", "RGB", Uint16Array.from({ length: 36 }, (_, i) => 1800 * i)],
        ["32FC1", "F", Float32Array.from({ length: 12 }, (_, i) => i / 8)],
      ];
      const images = arrays.map(([encoding, , data]) => imageFromPixels({ width, height, encoding, data }));
      const packed = await Promise.all(images.map(packImage));
      // Those that PNG has.
      const files = await Promise.all(images.slice(0, 7).map((image) => encodeImage(image)));
      const smooth = new Uint8Array(32 * 16 * 3).map((_, i) => i % 3 === 0 ? i / 12 : 128);
      const picture = imageFromPixels({ width: 32, height: 16, encoding: "rgb8", data: smooth });
      const jpeg = await encodeImage(picture, { format: "jpeg", quality: 0.95 });
      const { stride, encoding } = picture;
      const jpegs: Image[] = [{ ...jpeg, width: 32, height: 16, stride, encoding }];
      const record = async (url: string) => {
        await using client = await connect(url);
        await client.sequenceCreate("ours", {}, async (sequence) => {
          const topic = await sequence.topicCreate("images", { ontology: ontology.Image });
          for (const [i, data] of [...images, ...packed, ...jpegs].entries()) {
            await topic.push({ timestampNs: BigInt(i), data });
          }
          const compressed = await sequence.topicCreate("files", { ontology: CompressedImage });
          for (const [i, data] of [...files, jpeg].entries()) {
            await compressed.push({ timestampNs: BigInt(i), data });
          }
        });
      };
      const check = async (port: number) => {
        const seen = await runPython("../image/images.py", "read", `${port}`) as Record<string, Seen[]>;
        const wanted: Partial<Seen>[] = await Promise.all(arrays.map(async ([encoding, mode], i) => ({
          mode,
          size: [width, height],
          pixels: inPillow(await imageSamples(images[i]), encoding),
        })));
        expect(seen["/images"].slice(0, -1)).toMatchObject([...wanted, ...wanted]);
        expect(seen["/files"].slice(0, -1)).toMatchObject(wanted.slice(0, 7));
        expect(seen["/files"].map(({ stored }) => stored)).toEqual(
          [...files, jpeg].map(({ data }) => hex(data)),
        );
        for (const topic of ["/images", "/files"]) {
          const last = seen[topic].at(-1)!;
          expect(last).toMatchObject({ format: "jpeg", stored: hex(jpeg.data), mode: "RGB", size: [32, 16] });
          expect(await worst(picture, last)).toBeLessThan(CLOSE);
        }
      };
      // Recorded into the directory, and over the wire.
      await record(store);
      await serve(store, ({ port }) => check(port));
      await remove();
      await serve(store, async ({ port, url }) => {
        await record(url);
        await check(port);
      });
    });
  },
);
