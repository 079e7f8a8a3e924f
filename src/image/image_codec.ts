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
