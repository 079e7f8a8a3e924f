/**
 * Pictures to test with.
 *
 * @module
 */
import type { Image } from "../../src/image/mod.ts";
import { layoutOf, leastBytes } from "../../src/ontology/image_layout.ts";

/** Encodings whose pixels have samples of their own, each with the array of its samples. */
export const SAMPLED: readonly (readonly [string, string])[] = [
  ...["mono", "rgb", "bgr", "rgba", "bgra", "bayer_rggb", "bayer_bggr", "bayer_gbrg", "bayer_grbg"]
    .flatMap((name) => [[`${name}8`, "Uint8Array"], [`${name}16`, "Uint16Array"]] as const),
  ...[1, 2, 3, 4].flatMap((channels) =>
    ([
      ["8U", "Uint8Array"],
      ["8S", "Int8Array"],
      ["16U", "Uint16Array"],
      ["16S", "Int16Array"],
      ["32S", "Int32Array"],
      ["32F", "Float32Array"],
      ["64F", "Float64Array"],
    ] as const).map(([type, array]) => [`${type}C${channels}`, array] as const)
  ),
];

/** Encodings in YUV. */
export const YUV: readonly string[] = ["yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21", "nv24"];

/** Numbers that look random and are the same everywhere (a linear congruential generator). */
export function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = seed >>> 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A raw image of random bytes; rows are `padding` longer than their pixels. */
export function randomImage(
  encoding: string,
  { width = 6, height = 4, padding = 0, seed = 1, is_bigendian = false }: {
    width?: number;
    height?: number;
    padding?: number;
    seed?: number;
    is_bigendian?: boolean;
  } = {},
): Image {
  const layout = layoutOf(encoding)!;
  const stride = layout.sampleBytes * layout.channels * width + padding;
  const data = bytesOf(leastBytes(encoding, layout, { width, height, stride }), seed);
  return { data, format: "raw", width, height, stride, encoding, is_bigendian };
}
