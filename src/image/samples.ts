import type { Image } from "../ontology/builtin/vision.ts";
import { bytesOfRow, layoutOf } from "../ontology/image_layout.ts";
import type { DecodeImageOptions } from "./decode_image.ts";
import { MACHINE_IS_BIG_ENDIAN, SAMPLE_ARRAYS, type SampleArray, tight, unknownEncoding } from "./image.ts";
import { unpackImage } from "./pack.ts";

/** Samples of an image as numbers. */
export interface ImageSamples {
  /** Width, in pixels. */
  readonly width: number;
  /** Height, in pixels. */
  readonly height: number;
  /** Samples of a pixel. */
  readonly channels: number;
  /** All samples row by row, without padding: `data[(y * width + x) * channels + channel]`. May share the image's memory. */
  readonly data: SampleArray;
}

/**
 * The samples of an image as an array of their own type, such as a `Uint16Array` of millimetres: in this machine's order of
 * bytes, without padding, wherever the image's bytes lie. They are in the order of the encoding: blue comes first in `bgr8`.
 *
 * Rejects with UNSUPPORTED where the encoding is unknown, or one in YUV, whose pixels share samples; INVALID_MESSAGE
 * where the image has fewer bytes than it says; otherwise as {@linkcode unpackImage}.
 *
 * @example
 * ```ts
 * import { imageFromPixels, imageSamples } from "smalti/image";
 *
 * const image = imageFromPixels({ width: 2, height: 1, encoding: "16UC1", data: Uint16Array.of(812, 813) });
 * const { data } = await imageSamples(image); // Uint16Array [812, 813]
 * ```
 */
export async function imageSamples(image: Image, options: DecodeImageOptions = {}): Promise<ImageSamples> {
  const raw = tight(await unpackImage(image, options));
  const { width, height, stride, encoding, data, is_bigendian = MACHINE_IS_BIG_ENDIAN } = raw;
  const layout = layoutOf(encoding);
  if (layout === undefined || layout.meaning === "yuv") {
    throw unknownEncoding(encoding, "give the samples of");
  }
  const { channels, sample, sampleBytes } = layout;
  const row = bytesOfRow(layout, width);
  const swaps = sampleBytes > 1 && is_bigendian !== MACHINE_IS_BIG_ENDIAN;
  let bytes = data;
  if (stride !== row || swaps || data.byteOffset % sampleBytes !== 0) {
    bytes = new Uint8Array(row * height);
    for (let y = 0; y < height; y++) bytes.set(data.subarray(y * stride, y * stride + row), y * row);
    if (swaps) reverseSamples(bytes, sampleBytes);
  }
  const array = SAMPLE_ARRAYS[sample];
  return {
    width,
    height,
    channels,
    data: new array(bytes.buffer, bytes.byteOffset, width * height * channels),
  };
}

/** Turns round the bytes of each sample. */
export function reverseSamples(bytes: Uint8Array, sampleBytes: number): void {
  for (let start = 0; start < bytes.length; start += sampleBytes) {
    for (let low = start, high = start + sampleBytes - 1; low < high; low++, high--) {
      [bytes[low], bytes[high]] = [bytes[high], bytes[low]];
    }
  }
}
