import { SmaltiError } from "../error.ts";
import type { CompressedImage, Image } from "../ontology/builtin/vision.ts";
import { codecFor } from "./codec.ts";
import type { ImageCodec } from "./image_codec.ts";
import { imageFile } from "./image_file.ts";
import { imageFromPixels } from "./image.ts";
import { readPng } from "./png/read_png.ts";

/** Options of {@linkcode decodeImage}. */
export interface DecodeImageOptions {
  /** What decodes; taken before what the runtime has. */
  codec?: ImageCodec;
}

/**
 * The picture of a `CompressedImage`, as a raw `Image`: of a PNG with all its bits (`mono16`, `rgb8`, ...), else `rgba8`.
 * {@linkcode imageToRgba} and {@linkcode imageSamples} take it.
 *
 * PNG is decoded everywhere. JPEG, WebP and BMP by the runtime where it can: browsers and their workers, and Bun where it has
 * `Bun.Image`; on Deno and Node JPEG by the package jpeg-js where that is installed, others by a `codec`. What the bytes begin with counts
 * for more than `format`.
 *
 * Rejects with UNSUPPORTED where nothing decodes the format; frames of a video (`h264`, `hevc`) need those before them.
 * CORRUPT where the bytes are damaged.
 *
 * @example
 * ```ts
 * import { CompressedImage, connect } from "smalti";
 * import { decodeImage, imageToRgba } from "smalti/image";
 *
 * await using client = await connect("./recordings");
 * const camera = await client.topicHandler("drive_01", "camera/front");
 * for await (const message of camera.getDataStreamer()) {
 *   const { width, height, data } = await imageToRgba(await decodeImage(message.getData(CompressedImage)));
 *   console.log(message.timestampNs, width, height, data[0]);
 * }
 * ```
 */
export async function decodeImage(
  compressed: CompressedImage,
  { codec }: DecodeImageOptions = {},
): Promise<Image> {
  const { header } = compressed;
  const { data, format } = imageFile(compressed);
  if (format === "png" && codec?.decode === undefined) {
    return { header, ...imageFromPixels({ ...await readPng(data), is_bigendian: true }) };
  }
  const decode = await codecFor("decode", format, codec);
  try {
    const { width, height, data: pixels } = await decode(data, format);
    return { header, ...imageFromPixels({ width, height, data: pixels }) };
  } catch (cause) {
    if (cause instanceof SmaltiError) throw cause;
    throw SmaltiError.from(cause, "CORRUPT", `Cannot decode ${data.length} bytes as ${format}`);
  }
}
