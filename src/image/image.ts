import { SmaltiError } from "../error.ts";
import type { Image } from "../ontology/builtin/vision.ts";
import { bytesOfRow, checkImage, layoutOf, type SampleType } from "../ontology/image_layout.ts";

/** The class of which an array of samples is. */
export type SampleArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Pixels as programs have them. An `ImageData` is such, and so is what {@linkcode imageToRgba} gives. */
export interface Pixels {
  /** Width, in pixels. */
  readonly width: number;
  /** Height, in pixels. */
  readonly height: number;
  /** The samples row by row, in an array of the encoding's type, or their bytes. Not copied. */
  readonly data: SampleArray;
  /** Layout of a pixel, such as `bgr8`. @default "rgba8" */
  readonly encoding?: string;
  /** Bytes of a row with its padding. @default those of its pixels */
  readonly stride?: number;
  /** Whether samples of several bytes begin with the highest. @default as this machine has them */
  readonly is_bigendian?: boolean;
}

/** Whether this machine begins with the highest byte. */
export const MACHINE_IS_BIG_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

/** Arrays by the type of their items. */
export const SAMPLE_ARRAYS: Readonly<Record<SampleType, SampleArrayConstructor>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** What makes an array that shares memory. */
interface SampleArrayConstructor {
  readonly name: string;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): SampleArray;
}

/**
 * An `Image` of pixels, to be pushed. It is `raw`: {@linkcode packImage} makes it smaller.
 *
 * Throws INVALID_MESSAGE where the bytes do not hold that many pixels, UNSUPPORTED for an encoding that neither ROS nor
 * Mosaico has and that comes without `stride`, TypeError for an array of another type than the encoding's.
 *
 * @example
 * ```ts
 * import { connect, ontology } from "smalti";
 * import { imageFromPixels } from "smalti/image";
 *
 * const depth = Uint16Array.of(812, 813, 815, 0, 820, 822); // millimetres
 * await using client = await connect("memory:");
 * await client.sequenceCreate("drive", {}, async (sequence) => {
 *   const topic = await sequence.topicCreate("depth", { ontology: ontology.Image });
 *   const data = imageFromPixels({ width: 3, height: 2, encoding: "16UC1", data: depth });
 *   await topic.push({ timestampNs: 0n, data });
 * });
 * ```
 */
export function imageFromPixels(pixels: Pixels): Image {
  const { width, height, data, encoding = "rgba8", is_bigendian = MACHINE_IS_BIG_ENDIAN } = pixels;
  const layout = layoutOf(encoding);
  if (layout === undefined && pixels.stride === undefined) {
    throw unknownEncoding(encoding, "make an image of");
  }
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (layout && !isBytes && !(data instanceof SAMPLE_ARRAYS[layout.sample])) {
    const wanted = SAMPLE_ARRAYS[layout.sample].name;
    throw new TypeError(
      `Cannot make an image of ${encoding} from a ${data.constructor.name}: wanted a ${wanted}, or bytes`,
    );
  }
  const image = {
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    format: "raw",
    width,
    height,
    stride: pixels.stride ?? bytesOfRow(layout!, width),
    encoding,
    is_bigendian,
  };
  checkImage(image);
  return image;
}

/** A raw image that is checked. Some drivers leave the stride at 0, which is to say that there is no padding. */
export function tight(image: Image): Image {
  const layout = layoutOf(image.encoding);
  const stride = image.stride === 0 && layout ? bytesOfRow(layout, image.width) : image.stride;
  const made = changed(image, { stride });
  checkImage(made);
  return made;
}

/** An image with some fields changed. One that was read has getters, which a spread does not copy. */
export function changed(image: Image, changes: Partial<Image>): Image {
  const { header, data, format, width, height, stride, encoding, is_bigendian } = image;
  return { header, data, format, width, height, stride, encoding, is_bigendian, ...changes };
}

/** UNSUPPORTED: there is no such encoding, or not for this. */
export function unknownEncoding(encoding: string, action: string): SmaltiError {
  return new SmaltiError(
    "UNSUPPORTED",
    `Cannot ${action} an image whose encoding is "${encoding}": wanted one of those in docs/images.md`,
  );
}
