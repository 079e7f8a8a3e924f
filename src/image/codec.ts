import { SmaltiError } from "../error.ts";
import { missingPackage } from "../missing_package.ts";
import { bunCodec } from "./bun_image.ts";
import { decodeByCanvas, encodeByCanvas, hasCanvas } from "./canvas.ts";
import type { ImageCodec } from "./image_codec.ts";

/** What every canvas decodes. */
const CANVAS_FORMATS = new Set(["jpeg", "png", "webp", "bmp"]);

/** The runtime's own codec. */
const CANVAS: Required<ImageCodec> = {
  decode: decodeByCanvas,
  encode: async (pixels, settings) => {
    const encoded = await encodeByCanvas(pixels, settings);
    if (encoded === undefined) throw unsupported("encode", settings.format);
    return encoded;
  },
};

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
    if (hasCanvas()) return CANVAS[action];
    const native = bunCodec(format)?.[action];
    if (native) return native as Required<ImageCodec>[K];
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
