import type { Image } from "../ontology/builtin/vision.ts";
import { layoutOf, type PixelLayout } from "../ontology/image_layout.ts";
import { rgbaOfBayer } from "./bayer.ts";
import { type SampleArray, unknownEncoding } from "./image.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";
import { rawSamples } from "./raw_samples.ts";
import { rgbaOfYuv } from "./yuv.ts";

/** The RGBA of a raw image that was made `tight`, as `imageToRgba` gives it. UNSUPPORTED. */
export function rawToRgba(raw: Image, range?: readonly [number, number]): RgbaPixels {
  const { width, height, encoding } = raw;
  const layout = layoutOf(encoding);
  if (layout?.meaning === "yuv") return rgbaOfYuv(raw);
  if (layout === undefined || layout.channels === 2 || layout.channels > 4) {
    throw unknownEncoding(encoding, "give the colours of");
  }
  const { data: samples, channels } = rawSamples(raw);
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
