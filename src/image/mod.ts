/**
 * Pictures: pixels become messages of `Image` and `CompressedImage`, and messages pixels. In a module of its own, so that
 * who has no pictures loads none of it.
 *
 * @module
 */
export type { CompressedImage, Image } from "../ontology/builtin/vision.ts";
export { type EncodeSettings, type ImageCodec } from "./image_codec.ts";
export { decodeImage, type DecodeImageOptions } from "./decode_image.ts";
export { encodeImage, type EncodeImageOptions } from "./encode_image.ts";
export { imageFromPixels, type Pixels, type SampleArray } from "./image.ts";
export { packImage, unpackImage } from "./pack.ts";
export { imageToRgba, type RgbaOptions } from "./rgba.ts";
export { type RgbaPixels } from "./rgba_pixels.ts";
export { imageSamples } from "./samples.ts";
export type { ImageSamples } from "./raw_samples.ts";
export { decodeVideo } from "./video.ts";
