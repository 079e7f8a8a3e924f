import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, CompressedImage, connect, GPS, ontology } from "../../mod.ts";
import { createDirectory } from "../../src/export/create_directory.ts";
import { exportImages } from "../../src/export/images.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import {
  decodeImage,
  encodeImage,
  type Image,
  imageSamples,
  imageToRgba,
  packImage,
} from "../../src/image/mod.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { bytesOf, randomImage } from "../image/pictures.ts";
import { encode, writeMcap } from "../import/mcap_file.ts";
import { FOXGLOVE_JSON, foxgloveFile, rosFile } from "./picture_files.ts";

const START = 1_700_000_000_000_000_001n;
/** Those that a PNG holds as they are. */
const LOSSLESS = ["mono8", "8UC1", "8UC3", "8UC4", "rgb8", "rgba8", "mono16", "16UC1", "rgb16", "rgba16"];
/** What is there as colours of 8 bits alone. */
const SHOWN = ["bayer_rggb8", "16SC1", "32FC1", "32FC3", "yuyv", "nv12"];

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "smalti-images-"));
  path = join(directory, "out");
});
afterEach(() => rm(directory, { recursive: true }));

/** Sequence "s" with a topic of images; messages are a nanosecond apart. */
async function recordImages(client: Client, images: readonly Image[]): Promise<SequenceHandler> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("camera/front", { ontology: ontology.Image });
    for (const [i, data] of images.entries()) await topic.push({ timestampNs: START + BigInt(i), data });
  });
  return await client.sequenceHandler("s");
}

/** Sequence "s" with a topic of compressed images at given times. */
async function recordCompressed(
  client: Client,
  messages: readonly (readonly [timestampNs: bigint, data: CompressedImage])[],
): Promise<SequenceHandler> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("camera", { ontology: CompressedImage });
    await sequence.topicCreate("gps", { ontology: GPS });
    for (const [timestampNs, data] of messages) await topic.push({ timestampNs, data });
  });
  return await client.sequenceHandler("s");
}

/** Bytes of a file that came out. */
const read = async (...names: string[]) => new Uint8Array(await readFile(join(path, ...names)));

/** The picture in a PNG that came out. */
const decoded = async (...names: string[]) =>
  await decodeImage({ data: await read(...names), format: "png" });

/** Samples of a picture in the order of red, green, blue. */
async function samplesOf(image: Image): Promise<number[]> {
  const { data, channels } = await imageSamples(image);
  const samples = Array.from(data, Number);
  if (!image.encoding.startsWith("bgr")) return samples;
  for (let i = 0; i < samples.length; i += channels) {
    [samples[i], samples[i + 2]] = [samples[i + 2], samples[i]];
  }
  return samples;
}

describe("exportImages", () => {
  it("writes raw images as PNG, without loss where it holds them", async () => {
    await using client = await connect("memory:");
    const encodings = [...LOSSLESS, "bgr8", "bgra8", "bgr16", "bgra16"];
    const raw = encodings.flatMap((encoding, i) => [
      randomImage(encoding, { seed: 1 + i, padding: 3 }),
      randomImage(encoding, { seed: 100 + i, is_bigendian: true }),
    ]);
    const images = [...raw, await packImage(raw[0]), await packImage(raw.at(-1)!)];
    const report = await exportImages(await recordImages(client, images), await createDirectory(path));
    expect([report.messageCount, report.topics]).toEqual([images.length, ["camera/front"]]);
    let byteCount = 0;
    const pixels = [...raw, raw[0], raw.at(-1)!];
    for (const [i, image] of pixels.entries()) {
      const name = `${START + BigInt(i)}.png`;
      byteCount += (await read("camera", "front", name)).length;
      const found = await decoded("camera", "front", name);
      expect([i, image.encoding, found.width, found.height, await samplesOf(found)])
        .toEqual([i, image.encoding, image.width, image.height, await samplesOf(image)]);
    }
    expect(report.byteCount).toBe(byteCount);
    expect((await readdir(join(path, "camera", "front"))).length).toBe(images.length);
  });

  it("writes other encodings as they are shown", async () => {
    await using client = await connect("memory:");
    const images = SHOWN.map((encoding, i) => randomImage(encoding, { seed: 7 + i }));
    await exportImages(await recordImages(client, images), await createDirectory(path));
    for (const [i, image] of images.entries()) {
      const found = await imageToRgba(await decoded("camera", "front", `${START + BigInt(i)}.png`));
      expect([image.encoding, Array.from(found.data)])
        .toEqual([image.encoding, Array.from((await imageToRgba(image)).data)]);
    }
  });

  it("writes compressed images byte for byte under their format's ending, of one time with numbers", async () => {
    await using client = await connect("memory:");
    const formats = ["jpeg", "jpg", "png", "webp", "bmp", "tiff"];
    const files = formats.map((format, i) => ({ format, data: bytesOf(40, i) }));
    const png = (await encodeImage(randomImage("rgb8"))).data;
    const handler = await recordCompressed(client, [
      ...files.map((data, i) => [START + BigInt(i), data] as const),
      [START + 9n, { format: "jpeg", data: png }], // what it is counts for more than what it is called
      [START + 9n, files[1]],
      [START + 9n, files[2]],
      [START + 10n, files[0]],
    ]);
    const report = await exportImages(handler, await createDirectory(path));
    expect(report).toMatchObject({ messageCount: 10, topics: ["camera"] });
    expect(await readdir(path)).toEqual(["camera"]);
    const wanted: [string, Uint8Array][] = [
      ...["jpg", "jpg", "png", "webp", "bmp", "tiff"].map((ending, i): [string, Uint8Array] => [
        `${START + BigInt(i)}.${ending}`,
        files[i].data,
      ]),
      [`${START + 9n}.png`, png],
      [`${START + 9n}_1.jpg`, files[1].data],
      [`${START + 9n}_2.png`, files[2].data],
      [`${START + 10n}.jpg`, files[0].data],
    ];
    expect((await readdir(join(path, "camera"))).sort()).toEqual(wanted.map(([name]) => name).sort());
    for (const [name, bytes] of wanted) expect([name, await read("camera", name)]).toEqual([name, bytes]);
  });

  it("writes a window of chosen topics", async () => {
    await using client = await connect("memory:");
    const file = { format: "webp", data: bytesOf(9, 1) };
    const handler = await recordCompressed(client, [0n, 1n, 2n, 3n].map((i) => [START + i, file]));
    const window = { topics: ["/camera"], startNs: START + 1n, endNs: START + 3n };
    const { messageCount } = await exportImages(handler, await createDirectory(path), window);
    const names = (await readdir(join(path, "camera"))).sort();
    expect(names.slice(0, 2)).toEqual([`${START + 1n}.webp`, `${START + 2n}.webp`]);
    expect(messageCount).toBe(names.length);
  });

  it.each(["ros2", "ros1"])("writes what came from %s as its messages are", async (version) => {
    await using client = await connect("memory:");
    const raw = [randomImage("bgr8", { padding: 2 }), randomImage("mono16", { is_bigendian: true })];
    const png = (await encodeImage(raw[1])).data;
    const depth = new Uint8Array([...bytesOf(12, 3), ...png]);
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3);
    const other = bytesOf(30, 4);
    const compressed: [string, Uint8Array][] = [
      ["rgb8; jpeg compressed bgr8", jpeg],
      ["rgb8; tiff compressed bgr8", other],
      ["16UC1; compressedDepth png", depth],
      ["jpg", other],
    ];
    const file = await rosFile(version === "ros1", raw, compressed);
    await importMcap(client, new Blob([file as BlobPart]), { name: "s" });
    const handler = await client.sequenceHandler("s");
    expect(handler.topics.map(({ ontologyTag }) => ontologyTag)).not.toContain("Image");
    await exportImages(handler, await createDirectory(path));
    expect((await readdir(path)).sort()).toEqual(["packed", "raw"]);
    for (const [i, image] of raw.entries()) {
      expect(await samplesOf(await decoded("raw", `${i + 1}.png`))).toEqual(await samplesOf(image));
    }
    expect((await readdir(join(path, "packed"))).sort()).toEqual(["1.jpg", "2.tiff", "3.png", "4.jpg"]);
    expect(await read("packed", "1.jpg")).toEqual(jpeg);
    expect(await read("packed", "2.tiff")).toEqual(other);
    expect(await read("packed", "3.png")).toEqual(png);
    expect(await read("packed", "4.jpg")).toEqual(other);
  });

  it.each(["protobuf", "json"])("writes Foxglove's pictures in %s", async (encoding) => {
    await using client = await connect("memory:");
    const raw = [randomImage("bgr8", { padding: 2 }), randomImage("16UC1", { is_bigendian: false })];
    const files: CompressedImage[] = [
      { format: "jpeg", data: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3) },
      await encodeImage(raw[0]),
      { format: "webp", data: bytesOf(30, 4) },
    ];
    await importMcap(client, new Blob([await foxgloveFile(encoding, raw, files) as BlobPart]), { name: "s" });
    const handler = await client.sequenceHandler("s");
    const report = await exportImages(handler, await createDirectory(path));
    expect(report).toMatchObject({ topics: ["packed", "raw"], messageCount: 5 });
    for (const [i, image] of raw.entries()) {
      const found = await decoded("raw", `${i + 1}.png`);
      expect([found.width, found.height, await samplesOf(found)])
        .toEqual([image.width, image.height, await samplesOf(image)]);
    }
    expect((await readdir(join(path, "packed"))).sort()).toEqual(["1.jpg", "2.png", "3.webp"]);
    for (const [i, name] of ["1.jpg", "2.png", "3.webp"].entries()) {
      expect(await read("packed", name)).toEqual(new Uint8Array(files[i].data));
    }
  });

  it("refuses text in JSON that is no base64", async () => {
    await using client = await connect("memory:");
    const file = await writeMcap(async (file) => {
      const channel = await file.json("/packed", FOXGLOVE_JSON.CompressedImage, "foxglove.CompressedImage");
      await file.message(
        channel,
        7n,
        encode(JSON.stringify({ format: "jpeg", data: "a picture of a cat *" })),
      );
    });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s" });
    const exported = exportImages(await client.sequenceHandler("s"), await createDirectory(path));
    await expect(exported).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
      message: expect.stringContaining('topic "packed" at 7: its data is the text "a picture of a cat *"'),
    });
  });

  it("writes what went out as MCAP and came in again, in classes too", async () => {
    await using client = await connect("memory:");
    const images = [randomImage("rgb8"), randomImage("bgr8")];
    const parts: Uint8Array[] = [];
    const sink = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
    await exportMcap(await recordImages(client, images), sink);
    const file = new Blob(parts as BlobPart[]);
    for (const [name, classes] of [["plain", []], ["classes", ["*"]]] as const) {
      await importMcap(client, file, { name, ontology: classes });
      path = join(directory, name);
      const handler = await client.sequenceHandler(name);
      expect(handler.topics[0].ontologyTag === "Image").toBe(name === "classes");
      await exportImages(handler, await createDirectory(path));
      const found = await decoded("camera", "front", `${START + 1n}.png`);
      expect([name, await samplesOf(found)]).toEqual([name, await samplesOf(images[1])]);
    }
  });

  it("refuses topics without pictures where they are named, and sequences without", async () => {
    await using client = await connect("memory:");
    const handler = await recordCompressed(client, []);
    await expect(exportImages(handler, await createDirectory(path), { topics: ["camera", "gps"] })).rejects
      .toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining('topic "gps": its ontology is "GPS"'),
      });
    await expect(exportImages(handler, await createDirectory(path), { topics: ["nope"] })).rejects
      .toMatchObject({ code: "NOT_FOUND" });
    await client.sequenceCreate("none", {}, async (sequence) => {
      await sequence.topicCreate("gps", { ontology: GPS });
    });
    await expect(exportImages(await client.sequenceHandler("none"), await createDirectory(path))).rejects
      .toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining('sequence "none": no topic holds any'),
      });
    expect(await readdir(directory)).toEqual([]);
  });

  it.each(["h264", "hevc"])("refuses frames of %s, and leaves nothing", async (format) => {
    await using client = await connect("memory:");
    const handler = await recordCompressed(client, [
      [START, { format: "png", data: bytesOf(9, 1) }],
      [START + 1n, { format, data: bytesOf(9, 1) }],
    ]);
    await expect(exportImages(handler, await createDirectory(path))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining(`topic "camera" at ${START + 1n}: its format is "${format}"`),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ["an encoding without a picture", randomImage("32FC2"), "UNSUPPORTED", "32FC2"],
    ["no pixels", randomImage("rgb8", { width: 0 }), "UNSUPPORTED", "0 x 4 pixels"],
    [
      "a damaged PNG",
      { ...randomImage("rgb8"), format: "png", data: bytesOf(40, 1) },
      "CORRUPT",
      "PNG",
    ],
  ])("refuses %s, and leaves nothing", async (_, image, code, text) => {
    await using client = await connect("memory:");
    const handler = await recordImages(client, [randomImage("rgb8"), image]);
    const failure = await exportImages(handler, await createDirectory(path)).catch((reason) => reason);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(`topic "camera/front" at ${START + 1n}: `);
    expect(failure.message).toContain(text);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is given up by its signal", async () => {
    await using client = await connect("memory:");
    const handler = await recordImages(client, [randomImage("rgb8")]);
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    const options = { signal: controller.signal, onProgress };
    await expect(exportImages(handler, await createDirectory(path), options)).rejects.toThrow("enough");
    expect(await readdir(directory)).toEqual([]);
  });
});
