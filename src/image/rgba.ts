import type { Image } from "../ontology/builtin/vision.ts";
import { layoutOf, type PixelLayout } from "../ontology/image_layout.ts";
import { rgbaOfBayer } from "./bayer.ts";
import type { DecodeImageOptions } from "./decode_image.ts";
import { type SampleArray, tight, unknownEncoding } from "./image.ts";
import { unpackImage } from "./pack.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";
import { imageSamples } from "./samples.ts";
import { rgbaOfYuv } from "./yuv.ts";

/** Options of {@linkcode imageToRgba}. */
export interface RgbaOptions extends DecodeImageOptions {
  /** Which value becomes black and which white. @default by the encoding, see docs/images.md */
  range?: readonly [number, number];
}

/**
 * The RGBA of an image of any encoding. Samples of 8 bits stay, those of 16 lose their lower byte; what has no scale of its
 * own, such as depth (`16UC1`, `32FC1`), goes from its lowest value to its highest unless `range` is given; NaN is black.
 * A mosaic (`bayer_*`) is interpolated bilinearly, YUV is BT.601 in limited range, as OpenCV and cv_bridge take it.
 *
 * Rejects with UNSUPPORTED where the encoding is unknown or has no colours (`8UC2`), otherwise as {@linkcode imageSamples}.
 *
 * @example
 * ```ts
 * import { imageFromPixels, imageToRgba } from "smalti/image";
 *
 * const image = imageFromPixels({ width: 2, height: 1, encoding: "32FC1", data: Float32Array.of(0.8, 4) }); // metres
 * const { data, width } = await imageToRgba(image, { range: [0, 5] });
 * // in a browser: context.putImageData(new ImageData(data, width), 0, 0)
 * ```
 */
export async function imageToRgba(image: Image, { range, codec }: RgbaOptions = {}): Promise<RgbaPixels> {
  const raw = tight(await unpackImage(image, { codec }));
  const { width, height, encoding } = raw;
  const layout = layoutOf(encoding);
  if (layout?.meaning === "yuv") return rgbaOfYuv(raw);
  if (layout === undefined || layout.channels === 2 || layout.channels > 4) {
    throw unknownEncoding(encoding, "give the colours of");
  }
  const { data: samples, channels } = await imageSamples(raw);
  const scale = scaleOf(layout, samples, range);
  const from = toBytes(samples, scale);
  if (layout.meaning === "bayer") return rgbaOfBayer(from, width, height, encoding.slice(6, 10));
  const [red, green, blue] = channels === 1
    ? [0, 0, 0]
    : layout.meaning?.startsWith("bgr")
    ? [2, 1, 0]
    : [0, 1, 2];
  // Opacity has no range: what is stretched is opaque.
  const hasAlpha = channels === 4 && typeof scale === "string";
  const data = new Uint8ClampedArray(4 * width * height);
  for (let to = 0, at = 0; to < data.length; to += 4, at += channels) {
    data[to] = from[at + red];
    data[to + 1] = from[at + green];
    data[to + 2] = from[at + blue];
    data[to + 3] = hasAlpha ? from[at + 3] : 255;
  }
  return { width, height, data };
}

/** How samples become bytes: as they are, their highest byte, or from black to white. */
type Scale = "same" | "high" | readonly [number, number];

function scaleOf(layout: PixelLayout, samples: SampleArray, range?: readonly [number, number]): Scale {
  if (range) return range;
  const { sample, channels, meaning } = layout;
  if (sample === "uint8") return "same";
  // One channel without a meaning is depth or the like, which uses a part of its type's range.
  if (sample === "uint16" && (meaning !== undefined || channels > 1)) return "high";
  if (sample.startsWith("float") && channels > 1) return [0, 1];
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of samples) {
    if (!Number.isFinite(value)) continue;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}

function toBytes(samples: SampleArray, scale: Scale): ArrayLike<number> {
  if (scale === "same") return samples;
  const bytes = new Uint8ClampedArray(samples.length);
  if (scale === "high") {
    for (let i = 0; i < bytes.length; i++) bytes[i] = samples[i] >> 8;
    return bytes;
  }
  const [black, white] = scale;
  const factor = 255 / (white - black);
  // The array rounds, clamps, and makes 0 of NaN: of missing values, and of those of a picture of one value.
  for (let i = 0; i < bytes.length; i++) bytes[i] = (samples[i] - black) * factor;
  return bytes;
}
