/**
 * Messages with pictures -> what a page draws.
 *
 * @module
 */
import { type CompressedImage, type MessageData, SmaltiError } from "../../entry/web.ts";
import type { Image } from "../../image/mod.ts";
import type { PictureAnswer } from "./protocol.ts";

/** Pictures that are decoded here, by the browser. */
const FILES: Readonly<Record<string, string>> = {
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

/**
 * A message's picture: as a bitmap where this runtime makes them, else its bytes. UNSUPPORTED where the message has none; errors of
 * `smalti/image` for pixels that do not fit.
 */
export async function pictureOf(data: MessageData): Promise<PictureAnswer> {
  const bytes: unknown = data.data;
  if (!(bytes instanceof Uint8Array)) {
    throw new SmaltiError("UNSUPPORTED", "The message has no picture: wanted bytes in its field data");
  }
  if (isRaw(data)) return await pixelsOf(data);
  const format = formatOf(data, bytes);
  const type = FILES[format];
  // As it is now: the message's memory is used again.
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type });
  if (type === undefined || !await makesBitmaps()) {
    const reason = `This runtime does not decode ${format} here`;
    return { kind: "picture", format, bytes: new Uint8Array(await blob.arrayBuffer()), reason };
  }
  try {
    const bitmap = await createImageBitmap(blob);
    return { kind: "picture", format, width: bitmap.width, height: bitmap.height, bitmap };
  } catch (reason) {
    throw new SmaltiError(
      "CORRUPT",
      `The picture (${format}) cannot be decoded: ${(reason as Error).message}`,
    );
  }
}

let areBitmapsHandedOver: Promise<boolean> | undefined;

/** Whether bitmaps are made here, and go to a page: some servers make them and do not hand them over. */
export function makesBitmaps(): Promise<boolean> {
  return areBitmapsHandedOver ??= (async () => {
    try {
      const bitmap = await createImageBitmap(new ImageData(1, 1));
      structuredClone(bitmap, { transfer: [bitmap as unknown as ArrayBuffer] }).close();
      return true;
    } catch {
      return false;
    }
  })();
}

function isRaw(data: MessageData): data is Image {
  return typeof data.width === "number" && typeof data.height === "number" &&
    typeof data.encoding === "string";
}

async function pixelsOf(data: Image): Promise<PictureAnswer> {
  const { imageToRgba } = await import("../../image/mod.ts");
  const { step } = data as Image & { step?: number };
  // ROS's own message calls the length of a row `step`, and has no format.
  const image = { ...own(data), stride: data.stride ?? step, format: data.format ?? "raw" } as Image;
  const { width, height, data: pixels } = await imageToRgba(image);
  if (await makesBitmaps()) {
    const bitmap = await createImageBitmap(
      new ImageData(pixels as Uint8ClampedArray<ArrayBuffer>, width, height),
    );
    return { kind: "picture", format: "rgba", width, height, bitmap };
  }
  const bytes = new Uint8Array(pixels.buffer as ArrayBuffer, pixels.byteOffset, pixels.byteLength);
  return { kind: "picture", format: "rgba", width, height, bytes };
}

/** What a view has, as own properties. */
function own({ data, width, height, encoding, is_bigendian }: Image): Partial<Image> {
  const isBig: unknown = is_bigendian;
  const order = isBig === undefined ? {} : { is_bigendian: Boolean(isBig) };
  return { data, width, height, encoding, ...order };
}

/** The format as it is told, or as the bytes begin: ROS tells `bgr8; jpeg compressed bgr8` and the like. */
function formatOf(data: MessageData, bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "jpeg";
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return "png";
  const { format } = data as Partial<CompressedImage>;
  return typeof format === "string" && format !== "" ? format.toLowerCase() : "unknown";
}
