/**
 * How pictures lie in memory, by the names that ROS and Mosaico have for it, and what a picture must be to be read again.
 *
 * Source: sensor_msgs/image_encodings.hpp of ROS 2; ImageFormat of Mosaico's SDK.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** The type of one sample. */
export type SampleType = "uint8" | "int8" | "uint16" | "int16" | "int32" | "float32" | "float64";

/** What an encoding says. */
export interface PixelLayout {
  /** The type of a sample. */
  readonly sample: SampleType;
  /** Bytes of a sample. */
  readonly sampleBytes: number;
  /** Samples of a pixel; of those in YUV, the bytes that the first plane has for one. */
  readonly channels: number;
  /** What the samples are: letters in their order, `bayer` or `yuv`; undefined where the encoding does not tell. */
  readonly meaning?: "mono" | "rgb" | "bgr" | "rgba" | "bgra" | "bayer" | "yuv";
}

const SAMPLES: Readonly<Record<string, readonly [SampleType, number]>> = {
  "8U": ["uint8", 1],
  "8S": ["int8", 1],
  "16U": ["uint16", 2],
  "16S": ["int16", 2],
  "32S": ["int32", 4],
  "32F": ["float32", 4],
  "64F": ["float64", 8],
};
const NAMED = /^(mono|rgb|bgr|rgba|bgra|bayer_(?:rggb|bggr|gbrg|grbg))(8|16)$/;
const UNNAMED = /^(8U|8S|16U|16S|32S|32F|64F)C(\d{0,3})$/;
const PACKED_YUV = /^(yuv422|uyvy|yuv422_yuy2|yuyv)$/;
const PLANAR_YUV = /^nv(12|21|24)$/;

/** The layout of an encoding; undefined where the name is none of ROS's or Mosaico's. */
export function layoutOf(encoding: string): PixelLayout | undefined {
  const unnamed = UNNAMED.exec(encoding);
  if (unnamed) {
    const [sample, sampleBytes] = SAMPLES[unnamed[1]];
    const channels = unnamed[2] === "" ? 1 : Number(unnamed[2]);
    return channels === 0 ? undefined : { sample, sampleBytes, channels };
  }
  const named = NAMED.exec(encoding);
  if (named) {
    const [sample, sampleBytes] = SAMPLES[`${named[2]}U`];
    if (named[1].startsWith("bayer")) return { sample, sampleBytes, channels: 1, meaning: "bayer" };
    const meaning = named[1] as "mono" | "rgb" | "bgr" | "rgba" | "bgra";
    return { sample, sampleBytes, channels: meaning === "mono" ? 1 : meaning.length, meaning };
  }
  const yuv = { sample: "uint8", sampleBytes: 1, meaning: "yuv" } as const;
  if (PACKED_YUV.test(encoding)) return { ...yuv, channels: 2 };
  return PLANAR_YUV.test(encoding) ? { ...yuv, channels: 1 } : undefined;
}

/** Bytes of a row without padding. */
export function bytesOfRow({ sampleBytes, channels }: PixelLayout, width: number): number {
  return sampleBytes * channels * width;
}

/** Fewest bytes that hold a picture; nothing has to follow the last pixel. */
export function leastBytes(encoding: string, layout: PixelLayout, size: ImageSize): number {
  const { width, height, stride } = size;
  // Planes of colour lie below, in rows as long: half as many of them, or twice.
  const rows = { nv12: 1.5, nv21: 1.5, nv24: 3 }[encoding] ?? 1;
  return height === 0 ? 0 : stride * (Math.ceil(rows * height) - 1) + bytesOfRow(layout, width);
}

/** Size of a picture: in pixels, and the bytes of a row with its padding. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

/** Formats that Mosaico knows: its SDK cannot read a message with another. */
const FORMATS = ["raw", "png", "jpeg", "jpg", "tiff", "h264", "hevc"];
/** Formats of compressed pictures that imports give beside them. */
const COMPRESSED_FORMATS = [...FORMATS, "webp", "bmp"];

/** INVALID_MESSAGE where an `Image` is one that nobody could read. What an unknown encoding wants is not known. */
export function checkImage(
  image: ImageSize & { readonly format: string; readonly encoding: string; readonly data: ArrayLike<number> },
): void {
  const { format, width, height, stride, encoding, data } = image;
  checkFormat(format, FORMATS);
  for (const [name, value] of Object.entries({ width, height, stride })) {
    if (value < 0) throw new SmaltiError("INVALID_MESSAGE", `${name} is ${value}: wanted 0 or more`);
  }
  const layout = layoutOf(encoding);
  if (layout === undefined) return;
  const row = bytesOfRow(layout, width);
  if (height > 0 && stride < row) {
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `stride is ${stride} bytes: wanted ${row} or more, for ${width} pixels of ${encoding}`,
    );
  }
  const least = leastBytes(encoding, layout, image);
  if (format === "raw" && data.length < least) {
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `data has ${data.length} bytes: wanted ${least} or more, for ${width} x ${height} pixels of ${encoding} ` +
        `in rows of ${stride} bytes`,
    );
  }
}

/** INVALID_MESSAGE where a `CompressedImage` names a format that nobody knows. */
export function checkCompressedImage({ format }: { readonly format: string }): void {
  checkFormat(format, COMPRESSED_FORMATS);
}

function checkFormat(format: string, known: readonly string[]): void {
  if (known.includes(format)) return;
  throw new SmaltiError("INVALID_MESSAGE", `format is "${format}": wanted one of ${known.join(", ")}`);
}
