import { describe, expect, it } from "vitest";
import { CompressedImage, ontology } from "../../mod.ts";
import type { Image } from "../../src/image/mod.ts";
import { importMcap, openFile } from "../../src/import/mod.ts";
import { expectError } from "../support/errors.ts";
import { withClient } from "../support/places.ts";

const GOOD: Image = {
  data: new Uint8Array(16),
  format: "raw",
  width: 3,
  height: 2,
  stride: 8,
  encoding: "16UC1",
};

/** What is wrong with a picture, and what the error says of it. */
const BAD: [title: string, image: Image, text: string][] = [
  [
    "an unknown format",
    { ...GOOD, format: "gif" },
    `format is "gif": wanted one of raw, png, jpeg, jpg, tiff`,
  ],
  ["a width below 0", { ...GOOD, width: -1 }, "width is -1: wanted 0 or more"],
  ["a height below 0", { ...GOOD, height: -1 }, "height is -1: wanted 0 or more"],
  ["a stride below 0", { ...GOOD, stride: -8, encoding: "own" }, "stride is -8: wanted 0 or more"],
  [
    "a stride of fewer bytes than pixels",
    { ...GOOD, stride: 5 },
    "stride is 5 bytes: wanted 6 or more, for 3 pixels of 16UC1",
  ],
  [
    "fewer bytes than rows",
    { ...GOOD, data: new Uint8Array(13) },
    "data has 13 bytes: wanted 14 or more, for 3 x 2 pixels of 16UC1 in rows of 8 bytes",
  ],
  [
    "no plane of colours",
    { ...GOOD, encoding: "nv12", stride: 3, data: new Uint8Array(8) },
    "data has 8 bytes: wanted 9 or more, for 3 x 2 pixels of nv12",
  ],
];

/** Pictures that are odd, but can be read. */
const ODD: [title: string, image: Image][] = [
  ["nothing after the last pixel", { ...GOOD, data: new Uint8Array(14) }],
  ["more bytes than rows", { ...GOOD, data: new Uint8Array(99) }],
  ["an encoding of one's own", { ...GOOD, encoding: "polarized8", data: new Uint8Array(1) }],
  ["a file, whose size is its own matter", { ...GOOD, format: "png", data: new Uint8Array(3) }],
  ["no pixels", { ...GOOD, width: 0, height: 0, stride: 0, data: new Uint8Array(0) }],
];

describe("pictures that are pushed", () => {
  it.each(BAD)("must not have %s", async (_, data, text) => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("drive", {}, async (sequence) => {
        const topic = await sequence.topicCreate("camera", { ontology: ontology.Image });
        await topic.push({ timestampNs: 1n, data: GOOD });
        const error = await expectError(
          () => topic.push({ timestampNs: 2n, data }),
          "INVALID_MESSAGE",
          `Cannot push to topic "camera" of sequence "drive": ${text}`,
        );
        expect(error.details).toEqual({ sequence: "drive", topic: "camera" });
        await topic.push({ timestampNs: 3n, data: GOOD });
      });
      const times: bigint[] = [];
      for await (const message of (await client.topicHandler("drive", "camera")).getDataStreamer()) {
        times.push(message.timestampNs);
        expect(message.getData(ontology.Image)).toMatchObject({ stride: 8, data: GOOD.data });
      }
      expect(times).toEqual([1n, 3n]);
    });
  });

  it.each(ODD)("may have %s", async (_, data) => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("drive", {}, async (sequence) => {
        const topic = await sequence.topicCreate("camera", { ontology: ontology.Image });
        await topic.push({ timestampNs: 1n, data });
        expect(topic.rowCount).toBe(1);
      });
    });
  });

  it("and are compressed must have a format that is known", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("drive", {}, async (sequence) => {
        const topic = await sequence.topicCreate("camera", { ontology: CompressedImage });
        const data = Uint8Array.of(1);
        for (const format of ["png", "jpeg", "jpg", "tiff", "h264", "hevc", "webp", "bmp", "raw"]) {
          await topic.push({ timestampNs: 1n, data: { data, format } });
        }
        await expectError(
          () => topic.push({ timestampNs: 1n, data: { data, format: "bgr8; jpeg compressed bgr8" } }),
          "INVALID_MESSAGE",
          `topic "camera" of sequence "drive": format is "bgr8; jpeg compressed bgr8": wanted one of raw, png, jpeg`,
        );
      });
    });
  });

  it("may be whatever an import has made", async () => {
    await withClient("memory", async (client) => {
      const file = await openFile(new URL("../fixtures/formats/every_type.mcap", import.meta.url).pathname);
      await importMcap(client, file, { name: "imported", ontology: ["*"] });
      const handler = await client.sequenceHandler("imported");
      const pictures = new Set<string>();
      await client.sequenceCreate("again", {}, async (sequence) => {
        for (const { name, ontologyTag } of handler.info.topics) {
          if (ontologyTag !== "Image" && ontologyTag !== "CompressedImage") continue;
          const made = await sequence.topicCreate(name, {
            ontology: ontology[ontologyTag] as typeof ontology.Image,
          });
          for await (const message of (await handler.topicHandler(name)).getDataStreamer()) {
            await made.push({ timestampNs: message.timestampNs, data: message.data as Image });
            pictures.add(ontologyTag);
          }
        }
      });
      expect([...pictures].sort()).toEqual(["CompressedImage", "Image"]);
    });
  });
});
