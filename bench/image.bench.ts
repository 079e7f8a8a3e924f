/**
 * Pictures of 1280 x 720: pixels of some encodings to RGBA against copying as many bytes, PNG against pngjs and fast-png, JPEG
 * against jpeg-js alone, which is what decodes it on Deno and Node. ns a pixel; results are checked before they are timed.
 */
import * as fastPng from "fast-png";
import jpegJs from "jpeg-js";
import { Buffer } from "node:buffer";
import { PNG } from "pngjs";
import {
  decodeImage,
  encodeImage,
  type Image,
  imageFromPixels,
  imageToRgba,
  type SampleArray,
} from "../src/image/mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { random } from "./data.ts";

const [WIDTH, HEIGHT] = [1280, 720];
const PIXELS = WIDTH * HEIGHT;
const QUALITY = 0.9;

const scene = makeScene();
await compare([...colours(), ...await png(), ...await jpeg()]);

/** Soft shapes with the noise of a camera, opaque. */
function makeScene(): Uint8ClampedArray<ArrayBuffer> {
  const next = random(7);
  const data = new Uint8ClampedArray(4 * PIXELS);
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, at += 4) {
      const noise = 4 * next();
      data[at] = 120 + 80 * Math.sin(x / 90) + noise;
      data[at + 1] = 120 + 80 * Math.sin(y / 70) + noise;
      data[at + 2] = 120 + 80 * Math.sin((x + y) / 110) + noise;
      data[at + 3] = 255;
    }
  }
  return data;
}

/** The scene in encodings, as cameras would give it. */
function imagesOf(): Image[] {
  const samples = (array: SampleArray, channels: number, of: (at: number, channel: number) => number) => {
    for (let i = 0; i < PIXELS; i++) {
      for (let channel = 0; channel < channels; channel++) array[channels * i + channel] = of(4 * i, channel);
    }
    return array;
  };
  const image = (encoding: string, data: SampleArray) =>
    imageFromPixels({ width: WIDTH, height: HEIGHT, encoding, data });
  const gray = (at: number) => (scene[at] + scene[at + 1] + scene[at + 2]) / 3;
  const bayer = (at: number) => {
    const [x, y] = [at / 4 % WIDTH, Math.floor(at / 4 / WIDTH)];
    return scene[at + (x & 1) + (y & 1)];
  };
  const yuv = (at: number, channel: number) => {
    const [red, green, blue] = scene.subarray(at, at + 3);
    if (channel === 0) return 16 + 0.257 * red + 0.504 * green + 0.098 * blue;
    return channel === 1
      ? 128 - 0.148 * red - 0.291 * green + 0.439 * blue
      : 128 + 0.439 * red - 0.368 * green - 0.071 * blue;
  };
  const nv12 = new Uint8Array(1.5 * PIXELS);
  for (let i = 0; i < PIXELS; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    nv12[i] = yuv(4 * i, 0);
    if (x % 2 + y % 2 === 0) {
      for (const c of [1, 2]) nv12[PIXELS + y / 2 * WIDTH + x + c - 1] = yuv(4 * i, c);
    }
  }
  return [
    image("rgb8", samples(new Uint8Array(3 * PIXELS), 3, (at, channel) => scene[at + channel])),
    image("bgr8", samples(new Uint8Array(3 * PIXELS), 3, (at, channel) => scene[at + 2 - channel])),
    image("mono8", samples(new Uint8Array(PIXELS), 1, gray)),
    image("mono16", samples(new Uint16Array(PIXELS), 1, (at) => 256 * gray(at))),
    image("32FC1", samples(new Float32Array(PIXELS), 1, gray)),
    image("bayer_rggb8", samples(new Uint8Array(PIXELS), 1, bayer)),
    image("yuyv", samples(new Uint8Array(2 * PIXELS), 2, (at, c) => yuv(at, c === 0 ? 0 : 1 + (at / 4 & 1)))),
    image("nv12", nv12),
  ];
}

/** Throws unless a picture is close to the scene, or to its gray. */
function checkScene(what: string, data: ArrayLike<number>, { isGray = false, most = 3 } = {}): void {
  check(`length of ${what}`, data.length, 4 * PIXELS);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) {
    const gray = (scene[at] + scene[at + 1] + scene[at + 2]) / 3;
    for (let i = 0; i < 3; i++) sum += Math.abs(data[at + i] - (isGray ? gray : scene[at + i]));
  }
  const mean = sum / 3 / PIXELS;
  if (!(mean <= most)) throw new Error(`${what} is off by ${mean} a sample: wanted ${most} at most`);
}

function colours(): Case[] {
  const rival = "RGBA/copying";
  const bytes = scene.slice();
  const cases: Case[] = [{
    name: rival,
    count: PIXELS,
    run: () => check("copy", new Uint8ClampedArray(bytes).length, 4 * PIXELS),
  }];
  for (const image of imagesOf()) {
    const { encoding } = image;
    // Depth goes from black to white.
    const options = encoding === "32FC1" ? { range: [0, 255] as const } : {};
    const isGray = encoding.startsWith("mono") || encoding === "32FC1";
    let isChecked = false;
    const run = async () => {
      const { data } = await imageToRgba(image, options);
      if (!isChecked) checkScene(encoding, data, { isGray });
      isChecked = true;
    };
    cases.push({ name: `RGBA/${encoding}`, count: PIXELS, run, rival });
  }
  return cases;
}

async function png(): Promise<Case[]> {
  const pixels = { width: WIDTH, height: HEIGHT, data: new Uint8Array(scene.buffer) };
  const { data: file } = await encodeImage(pixels);
  const buffer = Buffer.from(file);
  const decoders = {
    pngjs: () => PNG.sync.read(buffer).data,
    "fast-png": () => fastPng.decode(file).data,
    smalti: async () => (await decodeImage({ data: file, format: "png" })).data,
  };
  const encoders = {
    pngjs: () => {
      const made = new PNG({ width: WIDTH, height: HEIGHT });
      made.data.set(pixels.data);
      return PNG.sync.write(made);
    },
    "fast-png": () => fastPng.encode(pixels),
    smalti: async () => (await encodeImage(pixels)).data,
  };
  for (const [name, decode] of Object.entries(decoders)) {
    checkScene(`PNG of ${name}`, await decode(), { most: 0 });
  }
  for (const [name, encode] of Object.entries(encoders)) {
    const made = await encode();
    console.log(`PNG of ${name}: ${made.length} bytes`);
    checkScene(`PNG of ${name}`, fastPng.decode(made).data, { most: 0 });
  }
  return [...casesOf("PNG in", decoders, "pngjs"), ...casesOf("PNG out", encoders, "pngjs")];
}

async function jpeg(): Promise<Case[]> {
  const pixels = { width: WIDTH, height: HEIGHT, data: new Uint8Array(scene.buffer) };
  const file = new Uint8Array(jpegJs.encode(pixels, 100 * QUALITY).data);
  const decoders = {
    "jpeg-js": () => jpegJs.decode(file, { useTArray: true }).data,
    smalti: async () => (await decodeImage({ data: file, format: "jpeg" })).data,
  };
  const encoders = {
    "jpeg-js": () => new Uint8Array(jpegJs.encode(pixels, 100 * QUALITY).data),
    smalti: async () => (await encodeImage(pixels, { format: "jpeg", quality: QUALITY })).data,
  };
  for (const [name, decode] of Object.entries(decoders)) checkScene(`JPEG of ${name}`, await decode());
  for (const [name, encode] of Object.entries(encoders)) {
    checkScene(`JPEG of ${name}`, jpegJs.decode(await encode(), { useTArray: true }).data);
  }
  return [...casesOf("JPEG in", decoders, "jpeg-js"), ...casesOf("JPEG out", encoders, "jpeg-js")];
}

function casesOf(
  what: string,
  ways: Record<string, () => ArrayLike<number> | Promise<ArrayLike<number>>>,
  rival: string,
): Case[] {
  return Object.entries(ways).map(([name, way]) => ({
    name: `${what}/${name}`,
    count: PIXELS,
    run: async () => check(`whether ${what} of ${name} gives anything`, (await way()).length > 0, true),
    ...(name !== rival && { rival: `${what}/${rival}` }),
  }));
}
