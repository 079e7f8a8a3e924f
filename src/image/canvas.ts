import type { RgbaPixels } from "./rgba_pixels.ts";

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
  drawImage(source: object, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): RgbaPixels;
  createImageData(width: number, height: number): RgbaPixels;
  putImageData(pixels: RgbaPixels, x: number, y: number): void;
}

/** Whether there is a canvas that one can read. Deno has one that is for showing alone. */
export function hasCanvas(): boolean {
  const { createImageBitmap, OffscreenCanvas } = globalThis as unknown as CanvasGlobals;
  return createImageBitmap !== undefined && OffscreenCanvas !== undefined &&
    new OffscreenCanvas(1, 1).getContext("2d") !== null;
}

/** The pixels of what a canvas can draw. */
export function drawn(source: object, width: number, height: number): RgbaPixels {
  const { context } = newCanvas(width, height);
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** The pixels of a compressed picture. */
export async function decodeByCanvas(data: Uint8Array, format: string): Promise<RgbaPixels> {
  const { createImageBitmap } = globalThis as unknown as Required<CanvasGlobals>;
  const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  try {
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** A compressed picture; undefined where the canvas does not know the format. */
export async function encodeByCanvas(
  { width, height, data }: RgbaPixels,
  { format, quality }: { format: string; quality: number },
): Promise<Uint8Array | undefined> {
  const { canvas, context } = newCanvas(width, height);
  const pixels = context.createImageData(width, height);
  pixels.data.set(data);
  context.putImageData(pixels, 0, 0);
  const type = `image/${format}`;
  const blob = await canvas.convertToBlob({ type, quality });
  // What it does not know becomes a PNG.
  return blob.type === type ? new Uint8Array(await blob.arrayBuffer()) : undefined;
}

function newCanvas(width: number, height: number): { canvas: Canvas; context: CanvasContext } {
  const { OffscreenCanvas } = globalThis as unknown as Required<CanvasGlobals>;
  const canvas = new OffscreenCanvas(width, height);
  return { canvas, context: canvas.getContext("2d", { willReadFrequently: true })! };
}
