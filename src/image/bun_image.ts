/**
 * The pictures of Bun, which decodes and encodes in native code on a thread of its own. It takes and gives files alone:
 * pixels go in as BMP and come out as a PNG that is not compressed.
 *
 * @module
 */
import type { ImageCodec } from "./image_codec.ts";
import { imageFromPixels } from "./image.ts";
import { readPng } from "./png/read_png.ts";
import { rawToRgba } from "./raw_rgba.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

/** What is used of `Bun.Image`. */
interface BunImage {
  png(options: { compressionLevel: number }): BunImage;
  jpeg(options: { quality: number }): BunImage;
  webp(options: { quality: number }): BunImage;
  bytes(): Promise<Uint8Array>;
}
type BunImageClass = new (bytes: Uint8Array, options?: { autoOrient: boolean }) => BunImage;

const BMP_HEADER_BYTES = 14;
/** The header of version 4 (BITMAPV4HEADER), which says where the opacity is. */
const BMP_INFO_BYTES = 108;
/** Pixels are numbers of 32 bits, of which masks say what is what. */
const BI_BITFIELDS = 3;

/** Bun's codec of JPEG and WebP, and of BMP to be decoded; undefined elsewhere, and where Bun is older than that. */
export function bunCodec(format: string): ImageCodec | undefined {
  const { Image } = (globalThis as unknown as { Bun?: { Image?: BunImageClass } }).Bun ?? {};
  if (Image === undefined) return undefined;
  const decode = async (bytes: Uint8Array) => {
    // Samples stay where they are, as elsewhere: a camera's note that it was held upside down turns nothing.
    const png = await new Image(bytes, { autoOrient: false }).png({ compressionLevel: 0 }).bytes();
    return rawToRgba(imageFromPixels({ ...await readPng(png), is_bigendian: true }));
  };
  if (format === "bmp") return { decode };
  if (format !== "jpeg" && format !== "webp") return undefined;
  return {
    decode,
    encode: async (pixels, { quality }) => {
      const image = new Image(bmpOf(pixels));
      return await image[format]({ quality: Math.max(1, Math.round(100 * quality)) }).bytes();
    },
  };
}

/** A BMP of pixels, rows from top to bottom. */
function bmpOf({ width, height, data }: RgbaPixels): Uint8Array {
  const offset = BMP_HEADER_BYTES + BMP_INFO_BYTES;
  const bmp = new Uint8Array(offset + data.length);
  const view = new DataView(bmp.buffer);
  bmp.set([0x42, 0x4d]); // BM
  view.setUint32(2, bmp.length, true);
  view.setUint32(10, offset, true);
  view.setUint32(14, BMP_INFO_BYTES, true);
  view.setInt32(18, width, true);
  view.setInt32(22, -height, true); // less than nothing: the first row is the top
  view.setUint16(26, 1, true);
  view.setUint16(28, 32, true);
  view.setUint32(30, BI_BITFIELDS, true);
  [0xff, 0xff00, 0xff0000, 0xff000000].forEach((mask, i) => view.setUint32(54 + 4 * i, mask, true));
  bmp.set(data, offset);
  return bmp;
}
