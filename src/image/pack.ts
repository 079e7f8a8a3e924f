import { SmaltiError } from "../error.ts";
import type { Image } from "../ontology/builtin/vision.ts";
import { changed, imageFromPixels } from "./image.ts";
import { readPng } from "./png/read_png.ts";
import { writePng } from "./png/write_png.ts";

/**
 * The same image with its bytes in a PNG, as Mosaico's SDK stores them unless told otherwise: lossless for every encoding.
 * The PNG is a gray one, whose rows are the rows of bytes. An image that is not `raw` is given back.
 */
export async function packImage(image: Image): Promise<Image> {
  const { format, data, stride } = image;
  if (format !== "raw" || data.length === 0 || stride === 0) return image;
  const height = Math.ceil(data.length / stride);
  let rows = data;
  if (rows.length < height * stride) {
    rows = new Uint8Array(height * stride);
    rows.set(data);
  }
  const png = await writePng({ width: stride, height, channels: 1, bits: 8, data: rows });
  return changed(image, { data: png, format: "png" });
}

/**
 * The same image with its bytes as they are in memory. One that is `raw` is given back; a PNG that is the picture itself, not
 * {@linkcode packImage}'s, also says what encoding it has.
 *
 * Rejects with UNSUPPORTED where the format is neither `raw` nor `png`, CORRUPT where the PNG is damaged.
 */
export async function unpackImage(image: Image): Promise<Image> {
  if (image.format === "raw") return image;
  if (image.format !== "png") {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot unpack an image of the format "${image.format}": wanted raw or png`,
    );
  }
  const { data, width, height, encoding } = await readPng(image.data);
  if (encoding === "mono8" && width === image.stride) return changed(image, { data, format: "raw" });
  return changed(image, imageFromPixels({ data, width, height, encoding, is_bigendian: true }));
}
