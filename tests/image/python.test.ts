import { describe, expect, it } from "vitest";
import { CompressedImage, ontology } from "../../mod.ts";
import {
  decodeImage,
  encodeImage,
  type Image,
  imageFromPixels,
  imageSamples,
  packImage,
  type SampleArray,
} from "../../src/image/mod.ts";
import { hasSdk, needsSdk, runPython } from "../flight/python_sdk.ts";
import { serving } from "../flight/support.ts";

/** Samples in Pillow's order of colours. */
function asRgb({ data, channels }: { data: SampleArray; channels: number }, encoding: string): number[] {
  const samples = [...data];
  if (!encoding.startsWith("bgr")) return samples;
  return samples.map((value, i) => i % channels < 3 ? samples[i + 2 - 2 * (i % channels)] : value);
}

/** The samples that the SDK keeps where Pillow has 8 bits alone. */
const inPillow = (encoding: string, samples: number[]) =>
  /^(rgb|bgr)a?16$/.test(encoding) ? samples.map((value) => value >> 8) : samples;

describe.skipIf(!hasSdk)(`pictures and Mosaico's Python SDK${needsSdk}`, () => {
  it("writes, we see what Pillow sees", () =>
    serving({}, async ({ client, server }) => {
      const wanted = await runPython("../image/images.py", "write", `${server.port}`) as Record<
        string,
        number[]
      >;
      const handler = await client.sequenceHandler("theirs");
      const seen: string[] = [];
      for await (const message of (await handler.topicHandler("images")).getDataStreamer()) {
        const image = message.getData(ontology.Image);
        const { encoding } = image;
        const samples = inPillow(encoding, asRgb(await imageSamples(image), encoding));
        expect(samples, `${encoding} ${image.format}`).toEqual(wanted[encoding]);
        seen.push(`${encoding} ${image.format}`);
      }
      expect(seen).toEqual(Object.keys(wanted).flatMap((encoding) => [`${encoding} raw`, `${encoding} png`]));
      const files: [string, string][] = [];
      for await (const message of (await handler.topicHandler("files")).getDataStreamer()) {
        const file = message.getData(CompressedImage);
        const image = await decodeImage(file);
        const { data } = await imageSamples(image);
        if (file.format === "png") {
          expect([...data]).toEqual(wanted[image.encoding]);
        } else {
          const pixels = [...data].filter((_, i) => i % 4 < 3);
          const worst = Math.max(...pixels.map((value, i) => Math.abs(value - wanted.rgb8[i])));
          expect(worst).toBeLessThan(60);
        }
        files.push([file.format, image.encoding]);
      }
      expect(files).toEqual([["png", "rgb8"], ["png", "rgba8"], ["png", "mono16"], ["jpeg", "rgba8"]]);
    }));

  it("reads with Pillow what we have written", () =>
    serving({}, async ({ client, server }) => {
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
      const images: Image[] = arrays.map(([encoding, , data]) =>
        imageFromPixels({ width, height, encoding, data })
      );
      await client.sequenceCreate("ours", {}, async (sequence) => {
        const topic = await sequence.topicCreate("images", { ontology: ontology.Image });
        const files = await sequence.topicCreate("files", { ontology: CompressedImage });
        let time = 0n;
        for (const image of images) {
          await topic.push({ timestampNs: time++, data: image });
          await topic.push({ timestampNs: time++, data: await packImage(image) });
        }
        // Those that PNG has.
        for (const image of images.slice(0, 7)) {
          await files.push({ timestampNs: time++, data: await encodeImage(image) });
        }
        await files.push({
          timestampNs: time++,
          data: await encodeImage(images[1], { format: "jpeg", quality: 1 }),
        });
      });
      const seen = await runPython("../image/images.py", "read", `${server.port}`) as unknown[][];
      const wanted = await Promise.all(arrays.map(async ([encoding, mode], i) => {
        const samples = inPillow(encoding, asRgb(await imageSamples(images[i]), encoding));
        return [mode, width, height, samples];
      }));
      expect(seen.slice(0, 18)).toEqual(
        wanted.flatMap((each) => [["/images", ...each], ["/images", ...each]]),
      );
      expect(seen.slice(18, 25)).toEqual(wanted.slice(0, 7).map((each) => ["/files", ...each]));
      const [topic, mode, , , pixels] = seen[25];
      expect([topic, mode]).toEqual(["/files", "RGB"]);
      const worst = Math.max(...(pixels as number[]).map((value, i) => Math.abs(value - arrays[1][2][i])));
      expect(worst).toBeLessThan(40);
    }));
});
