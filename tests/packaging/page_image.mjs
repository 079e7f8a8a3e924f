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
