import type { Image } from "../ontology/builtin/vision.ts";
import { decodeImage, type DecodeImageOptions } from "./decode_image.ts";
import { changed } from "./image.ts";
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
 * The same image with its bytes as they are in memory. One that is `raw` is given back. What was compressed is either those
 * bytes as a gray picture, {@linkcode packImage}'s; or the picture itself, which then says what encoding it has. PNG is
 * decoded everywhere, others (`jpeg`) as in {@linkcode decodeImage}.
 *
 * Rejects with UNSUPPORTED where nothing decodes the format, CORRUPT where the bytes are damaged.
 */
export async function unpackImage(image: Image, options: DecodeImageOptions = {}): Promise<Image> {
  if (image.format === "raw") return image;
  // Every bit counts in a PNG: no codec gets one.
  const picture = await decodeImage(image, image.format === "png" ? {} : options);
  const { data, width, height, stride, encoding, is_bigendian } = picture;
  if (width === image.stride) {
    if (encoding === "mono8") return changed(image, { data, format: "raw" });
    if (image.format !== "png") return changed(image, { data: redOf(data), format: "raw" });
  }
  return changed(image, { data, format: "raw", width, height, stride, encoding, is_bigendian });
}

/** The gray of pixels that came as RGBA. */
function redOf(rgba: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => rgba[4 * i]);
}
