import type { Image } from "../ontology/builtin/vision.ts";
import { bytesOfRow, layoutOf } from "../ontology/image_layout.ts";
import { MACHINE_IS_BIG_ENDIAN, SAMPLE_ARRAYS, type SampleArray, unknownEncoding } from "./image.ts";

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

/** The samples of a raw image that was made `tight`. UNSUPPORTED. */
export function rawSamples(raw: Image): ImageSamples {
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
