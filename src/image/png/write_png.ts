import { crc32 } from "../../util/crc32.ts";
import { SIGNATURE } from "./chunks.ts";
import { deflate } from "./deflate.ts";

/** What {@linkcode writePng} takes: rows without padding, samples of 16 bits with the highest byte first. */
export interface PngPixels {
  readonly width: number;
  readonly height: number;
  /** Gray, RGB or RGBA. */
  readonly channels: 1 | 3 | 4;
  readonly bits: 8 | 16;
  readonly data: Uint8Array;
}

const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;
/** The filter that keeps each byte as its difference to the one above: good for pictures, and for rows of any bytes. */
const UP = 2;

/** The PNG of pixels. */
export async function writePng({ width, height, channels, bits, data }: PngPixels): Promise<Uint8Array> {
  const row = channels * (bits / 8) * width;
  const filtered = new Uint8Array((row + 1) * height);
  for (let y = 0, to = 0; y < height; y++) {
    filtered[to++] = UP;
    for (let at = y * row; at < (y + 1) * row; at++) {
      filtered[to++] = data[at] - (y === 0 ? 0 : data[at - row]);
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = bits;
  header[9] = COLOUR_TYPES[channels];
  return join([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", join(await deflate(filtered))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const made = new Uint8Array(12 + content.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) made[4 + i] = name.charCodeAt(i);
  made.set(content, 8);
  view.setUint32(8 + content.length, crc32(made.subarray(4, 8 + content.length)));
  return made;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
