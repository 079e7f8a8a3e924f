import type { CompressedImage, Image } from "../ontology/builtin/vision.ts";
import { layoutOf } from "../ontology/image_layout.ts";
import { codecFor } from "./codec.ts";
import type { ImageCodec } from "./image_codec.ts";
import { formatName } from "./image_file.ts";
import { imageFromPixels, MACHINE_IS_BIG_ENDIAN, type Pixels, tight } from "./image.ts";
import { unpackImage } from "./pack.ts";
import { writePng } from "./png/write_png.ts";
import { rawToRgba } from "./raw_rgba.ts";
import { rawSamples, reverseSamples } from "./raw_samples.ts";
import type { RgbaOptions } from "./rgba.ts";

/** Options of {@linkcode encodeImage}. `range` is for what has to become colours of 8 bits. */
export interface EncodeImageOptions extends RgbaOptions {
  /** `png`, `jpeg`, `webp`, or what else the codec knows. @default "png" */
  format?: string;
  /** From 0 to 1, where the format loses something. @default 0.9 */
  quality?: number;
  /** What encodes, and decodes an image that is to be encoded anew; taken before what the runtime has. */
  codec?: ImageCodec;
}

/**
 * A `CompressedImage` of an image or of pixels, such as an `ImageData`. PNG keeps the samples of 8 and 16 bits without sign
 * (gray, RGB, RGBA) as they are; all else goes the way of {@linkcode imageToRgba}, JPEG and WebP too.
 *
 * PNG is encoded everywhere, others as in {@linkcode decodeImage}; rejects with UNSUPPORTED where nothing does it.
 *
 * @example
 * ```ts
 * import { encodeImage } from "smalti/image";
 *
 * const pixels = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 255) };
 * const message = await encodeImage(pixels, { format: "png" }); // to be pushed to a topic of `CompressedImage`
 * ```
 */
export async function encodeImage(
  image: Image | Pixels,
  { format = "png", quality = 0.9, codec, range }: EncodeImageOptions = {},
): Promise<CompressedImage> {
  const raw = tight("format" in image ? await unpackImage(image, { codec }) : imageFromPixels(image));
  const header = "format" in image ? image.header : undefined;
  const name = formatName(format);
  if (name === "png" && codec?.encode === undefined) {
    return { header, data: await encodePng(raw, range), format };
  }
  const encode = await codecFor("encode", name, codec);
  return { header, data: await encode(rawToRgba(raw, range), { format: name, quality }), format };
}

function encodePng(image: Image, range?: readonly [number, number]): Promise<Uint8Array> {
  const { width, height, encoding } = image;
  const { sample, channels, sampleBytes, meaning } = layoutOf(encoding) ?? {};
  const isPlain = (sample === "uint8" || sample === "uint16") && meaning !== "yuv" && meaning !== "bayer";
  if (!isPlain || range || !(channels === 1 || channels === 3 || channels === 4)) {
    const { data } = rawToRgba(image, range);
    return writePng({ width, height, channels: 4, bits: 8, data: new Uint8Array(data.buffer) });
  }
  const samples = rawSamples(image).data.slice();
  if (meaning?.startsWith("bgr")) swapRedAndBlue(samples, channels);
  const data = new Uint8Array(samples.buffer);
  if (sampleBytes === 2 && !MACHINE_IS_BIG_ENDIAN) reverseSamples(data, 2);
  return writePng({ width, height, channels, bits: sampleBytes === 2 ? 16 : 8, data });
}

function swapRedAndBlue(samples: { [i: number]: number; length: number }, channels: number): void {
  for (let at = 0; at < samples.length; at += channels) {
    [samples[at], samples[at + 2]] = [samples[at + 2], samples[at]];
  }
}
