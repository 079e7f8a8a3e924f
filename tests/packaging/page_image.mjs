/**
 * A page that encodes and decodes pictures with what the browser has: reports what came of each format.
 *
 * @module
 */
import {
  decodeImage,
  decodeVideo,
  encodeImage,
  imageFromPixels,
  imageSamples,
  imageToRgba,
  packImage,
  unpackImage,
} from "smalti/image";
import { frames } from "./video_frames.mjs";

const [width, height] = [32, 16];
const picture = new ImageData(width, height);
for (let i = 0; i < width * height; i++) {
  picture.data.set([8 * (i % width), Math.floor(i / 2), 128, 255], 4 * i);
}

/** How far a picture is from the first, at most. */
async function distance(format) {
  const compressed = await encodeImage(picture, { format, quality: 0.95 });
  const { data } = await imageToRgba(await decodeImage(compressed));
  return Math.max(...data.map((value, i) => Math.abs(value - picture.data[i])));
}

/** Names of encodings with the bits of a sample: those that have samples of their own, then those in YUV. */
const BITS = { "8U": 8, "8S": 8, "16U": 16, "16S": 16, "32S": 32, "32F": 32, "64F": 64 };
const COLOURS = { mono: 1, rgb: 3, bgr: 3, rgba: 4, bgra: 4 };
for (const pattern of ["rggb", "bggr", "gbrg", "grbg"]) COLOURS[`bayer_${pattern}`] = 1;
const sampled = [
  ...Object.entries(COLOURS).flatMap(([name, n]) => [[`${name}8`, n], [`${name}16`, 2 * n]]),
  ...Object.entries(BITS).flatMap(([type, bits]) => [1, 2, 3, 4].map((n) => [`${type}C${n}`, n * bits / 8])),
];
const yuv = [
  ...["yuv422", "uyvy", "yuv422_yuy2", "yuyv"].map((name) => [name, 2, 1]),
  ...[["nv12", 1, 1.5], ["nv21", 1, 1.5], ["nv24", 1, 3]],
];

/** How many encodings come back equal: packed as PNG and unpacked, the samples' bytes, and their colours where there are some. */
async function encodings() {
  const equal = [];
  for (const [encoding, pixelBytes, rows = 1] of [...sampled, ...yuv]) {
    const [width, height] = [6, 4];
    const data = Uint8Array.from({ length: width * height * pixelBytes * rows }, (_, i) => 37 * i + 11);
    const image = imageFromPixels({ width, height, encoding, data, stride: width * pixelBytes });
    const packed = await packImage(image);
    const isSame = (bytes) => bytes.length === data.length && bytes.every((value, i) => value === data[i]);
    let fine = packed.format === "png" && isSame((await unpackImage(packed)).data);
    if (rows === 1 && !/^(yuv|uyvy|yuyv)/.test(encoding)) {
      const samples = (await imageSamples(packed)).data;
      fine &&= isSame(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    }
    if (!/C2$/.test(encoding)) {
      const [one, other] = [await imageToRgba(image), await imageToRgba(packed)];
      fine &&= one.data.length === 4 * width * height &&
        one.data.every((value, i) => value === other.data[i]);
    }
    if (fine) equal.push(encoding);
  }
  return equal.length;
}

/** The frames of a video that are gray as they should be, by number, where it is read from one of them. */
async function videoFrames(from) {
  const found = [];
  const numbers = frames.map((_, i) => i).slice(from);
  for await (const [number, { width, height, data }] of decodeVideo(numbers, (i) => frames[i])) {
    const wanted = 20 + 30 * number;
    const isGray = data.every((value, i) => i % 4 === 3 ? value === 255 : Math.abs(value - wanted) < 8);
    found.push(isGray && width === 64 && height === 48 ? number : `${number}: ${data.subarray(0, 4)}`);
  }
  return found;
}

async function report() {
  const depth = imageFromPixels({
    width: 2,
    height: 2,
    encoding: "16UC1",
    data: Uint16Array.of(1, 256, 257, 65535),
  });
  const { data } = await imageSamples(await packImage(depth));
  const png = await imageSamples(await decodeImage(await encodeImage(depth)));
  return {
    depth: [...data],
    png: [...png.data],
    encodings: await encodings(),
    colours: await distance("png"),
    jpegIsClose: await distance("jpeg") < 25,
    webpIsClose: await distance("webp") < 25,
    damaged: await decodeImage({ data: Uint8Array.of(0xff, 0xd8, 0xff), format: "jpeg" }).catch(({ code }) =>
      code
    ),
    video: await videoFrames(0),
    videoFromTheMiddle: await videoFrames(2),
    tiff: await encodeImage(depth, { format: "tiff" }).catch(({ code }) => code),
  };
}

report().then(
  (result) => console.log(`result ${JSON.stringify(result)}`),
  (reason) => console.log(`failed ${reason.stack}`),
);
