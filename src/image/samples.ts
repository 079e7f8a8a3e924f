import type { Image } from "../ontology/builtin/vision.ts";
import type { DecodeImageOptions } from "./decode_image.ts";
import { tight } from "./image.ts";
import { unpackImage } from "./pack.ts";
import { type ImageSamples, rawSamples } from "./raw_samples.ts";

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
  return rawSamples(tight(await unpackImage(image, options)));
}
