import { SmaltiError } from "../error.ts";
import { missingPackage } from "../missing_package.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

/** How pictures are compressed. */
export interface EncodeSettings {
  /** `jpeg`, `png`, `webp`, or what else a codec knows. */
  readonly format: string;
  /** From 0 to 1, where the format loses something. */
  readonly quality: number;
}

/** What decodes and encodes pictures where the runtime cannot: yours, around the library of your choice. */
export interface ImageCodec {
  /** The pixels of compressed bytes. */
  decode?(data: Uint8Array, format: string): RgbaPixels | Promise<RgbaPixels>;
  /** The compressed bytes of pixels. */
  encode?(pixels: RgbaPixels, settings: EncodeSettings): Uint8Array | Promise<Uint8Array>;
}

/** What browsers have, and of Deno and Node the types do not. */
interface CanvasGlobals {
  readonly createImageBitmap?: (blob: Blob, options: object) => Promise<Bitmap>;
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
}
interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}
interface Canvas {
  getContext(kind: "2d", options?: object): CanvasContext | null;
  convertToBlob(options: { type: string; quality: number }): Promise<Blob>;
}
interface CanvasContext {
  drawImage(bitmap: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): RgbaPixels;
  createImageData(width: number, height: number): RgbaPixels;
  putImageData(pixels: RgbaPixels, x: number, y: number): void;
}

/** What every canvas decodes. */
const CANVAS_FORMATS = new Set(["jpeg", "png", "webp", "bmp"]);

/** The runtime's own codec: a canvas that one can read. Deno has one that is for showing alone. */
function canvasCodec(): Required<ImageCodec> | undefined {
  const { createImageBitmap, OffscreenCanvas } = globalThis as unknown as CanvasGlobals;
  if (!createImageBitmap || !OffscreenCanvas) return undefined;
  const context = (width: number, height: number) => {
    const canvas = new OffscreenCanvas(width, height);
    return { canvas, context: canvas.getContext("2d", { willReadFrequently: true }) };
  };
  if (context(1, 1).context === null) return undefined;
  return {
    decode: async (data, format) => {
      const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
      const bitmap = await createImageBitmap(blob, {
        colorSpaceConversion: "none",
        premultiplyAlpha: "none",
      });
      const { width, height } = bitmap;
      const { context: drawing } = context(width, height);
      drawing!.drawImage(bitmap, 0, 0);
      bitmap.close();
      return drawing!.getImageData(0, 0, width, height);
    },
    encode: async ({ width, height, data }, { format, quality }) => {
      const { canvas, context: drawing } = context(width, height);
      const pixels = drawing!.createImageData(width, height);
      pixels.data.set(data);
      drawing!.putImageData(pixels, 0, 0);
      const type = `image/${format}`;
      const blob = await canvas.convertToBlob({ type, quality });
      // A canvas gives a PNG where it does not know a format.
      if (blob.type !== type) throw unsupported("encode", format);
      return new Uint8Array(await blob.arrayBuffer());
    },
  };
}

/** The functions of jpeg-js. */
interface JpegJs {
  decode(data: Uint8Array, options: object): { width: number; height: number; data: Uint8Array };
  encode(pixels: { width: number; height: number; data: Uint8Array }, quality: number): { data: Uint8Array };
}

/** The optional package jpeg-js. */
async function jpegCodec(action: string): Promise<Required<ImageCodec>> {
  let loaded: { default: unknown };
  try {
    loaded = await import("jpeg-js");
  } catch (cause) {
    const then = "or give a `codec`";
    throw missingPackage(`${action} JPEG on this runtime`, "jpeg-js", { then, cause });
  }
  const library = loaded.default as JpegJs;
  return {
    decode: (bytes) => {
      const { width, height, data } = library.decode(bytes, { useTArray: true });
      return { width, height, data: new Uint8ClampedArray(data) };
    },
    encode: ({ width, height, data }, { quality }) => {
      const pixels = { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
      return new Uint8Array(library.encode(pixels, Math.max(1, Math.round(100 * quality))).data);
    },
  };
}

/** The codec to take for a format: the one given, the runtime's, or that of an optional package. */
export async function codecFor<K extends "decode" | "encode">(
  action: K,
  format: string,
  given: ImageCodec | undefined,
): Promise<Required<ImageCodec>[K]> {
  const own = given?.[action];
  if (own) return own.bind(given) as Required<ImageCodec>[K];
  if (CANVAS_FORMATS.has(format)) {
    const canvas = canvasCodec();
    if (canvas) return canvas[action];
    if (format === "jpeg") return (await jpegCodec(action))[action];
  }
  throw unsupported(action, format);
}

function unsupported(action: string, format: string): SmaltiError {
  return new SmaltiError(
    "UNSUPPORTED",
    `Cannot ${action} a picture of the format "${format}" on this runtime: give a \`codec\` that can`,
  );
}
