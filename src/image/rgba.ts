import type { Image } from "../ontology/builtin/vision.ts";
import type { DecodeImageOptions } from "./decode_image.ts";
import { tight } from "./image.ts";
import { unpackImage } from "./pack.ts";
import { rawToRgba } from "./raw_rgba.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

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
  return rawToRgba(tight(await unpackImage(image, { codec })), range);
}
