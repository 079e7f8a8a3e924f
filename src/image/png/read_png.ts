/**
 * Reads PNGs of every kind without losing bits, which the runtimes' own decoders do: theirs give 8 bits and may change colours.
 *
 * Source: Portable Network Graphics, W3C, third edition.
 *
 * @module
 */
import { crc32 } from "../../util/crc32.ts";
import { SmaltiError } from "../../error.ts";
import { isPng, SIGNATURE, through } from "./chunks.ts";

/** The pixels of a PNG: rows without padding, samples of 16 bits with the highest byte first. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly encoding: "mono8" | "mono16" | "rgb8" | "rgb16" | "rgba8" | "rgba16";
  readonly data: Uint8Array;
}

interface Png {
  width: number;
  height: number;
  /** Bits of a sample. */
  bits: number;
  /** Samples of a pixel, as stored. */
  channels: number;
  hasPalette: boolean;
  isInterlaced: boolean;
  /** Red, green and blue of each number. */
  palette: Uint8Array;
  /** Opacities of the palette's colours, or the one colour that is transparent. */
  transparency?: Uint8Array;
  /** Pieces of the compressed rows. */
  parts: Uint8Array[];
}

/** A part of the rows: which pixels of the picture its pixels are. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
].map(([x, y, stepX, stepY]) => ({ x, y, stepX, stepY }));
/** Samples of a pixel, and how many bits they may have, by the colour type. */
const COLOUR_TYPES: Readonly<Record<number, readonly [number, readonly number[]]>> = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};
/** DEFLATE makes no more bytes of one. */
const MAX_RATIO = 1032;

/** Reads a PNG. Rejects with CORRUPT where it is damaged or cut. */
export async function readPng(bytes: Uint8Array): Promise<PngImage> {
  const png = parse(bytes);
  const { width, height, bits, channels } = png;
  const passes = (png.isInterlaced ? ADAM7 : WHOLE).map((pass) => ({
    ...pass,
    width: Math.ceil((width - pass.x) / pass.stepX),
    height: Math.ceil((height - pass.y) / pass.stepY),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
  const rowBytes = (pixels: number) => Math.ceil(bits * channels * pixels / 8);
  const length = passes.reduce((sum, pass) => sum + pass.height * (1 + rowBytes(pass.width)), 0);
  const rows = await inflate(png.parts, length);

  const pixelBytes = Math.max(1, bits * channels / 8);
  if (!png.isInterlaced && isPlain(png)) {
    const data = unfilter(rows, rowBytes(width), height, pixelBytes);
    const name = channels === 1 ? "mono" : channels === 3 ? "rgb" : "rgba";
    return { width, height, encoding: `${name}${bits as 8 | 16}`, data };
  }
  const { outChannels, outBits, pixel } = reader(png);
  const data = new Uint8Array(width * height * outChannels * outBits / 8);
  let at = 0;
  for (const pass of passes) {
    const row = rowBytes(pass.width);
    const samples = samplesOf(unfilter(rows.subarray(at), row, pass.height, pixelBytes), bits, row);
    at += pass.height * (1 + row);
    for (let y = 0; y < pass.height; y++) {
      for (let x = 0; x < pass.width; x++) {
        const place = (pass.y + y * pass.stepY) * width + pass.x + x * pass.stepX;
        pixel((channel) => samples(y, x * channels + channel)).forEach((value, i) => {
          const to = place * outChannels + i;
          if (outBits === 8) data[to] = value;
          else data.set([value >> 8, value & 255], 2 * to);
        });
      }
    }
  }
  const name = outChannels === 1 ? "mono" : outChannels === 3 ? "rgb" : "rgba";
  return { width, height, encoding: `${name}${outBits}`, data };
}

/** Whether the bytes of its rows are those of the pixels. */
function isPlain({ bits, channels, hasPalette, transparency }: Png): boolean {
  return bits >= 8 && channels !== 2 && !hasPalette && transparency === undefined;
}

function parse(bytes: Uint8Array): Png {
  if (!isPng(bytes)) throw damaged("it does not begin as one");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let png: Png | undefined;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) throw damaged(`its chunk ${name} is cut`);
    const content = bytes.subarray(at + 8, at + 8 + length);
    // Chunks in small letters can be done without.
    const isCritical = name < "a";
    if (isCritical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw damaged(`the checksum of its chunk ${name} does not match`);
    }
    at += 12 + length;
    if (name === "IHDR" && !png) png = readHeader(content);
    else if (!png) throw damaged(`it has ${name} before IHDR`);
    else if (name === "PLTE") png.palette = content;
    else if (name === "tRNS") png.transparency = content;
    else if (name === "IDAT") png.parts.push(content);
    else if (name === "IEND") break;
  }
  if (!png) throw damaged("it has no IHDR");
  return png;
}

function readHeader(header: Uint8Array): Png {
  if (header.length !== 13) throw damaged(`its IHDR has ${header.length} bytes, wanted 13`);
  const view = new DataView(header.buffer, header.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [bits, type, compression, filter, interlace] = header.subarray(8);
  const [channels, depths] = COLOUR_TYPES[type] ?? [0, []];
  if (width === 0 || height === 0 || !depths.includes(bits) || compression + filter > 0 || interlace > 1) {
    throw damaged(
      `its IHDR has ${width} x ${height} pixels of ${bits} bits, colour type ${type}, interlace ${interlace}`,
    );
  }
  const none = new Uint8Array(0);
  return {
    width,
    height,
    bits,
    channels,
    hasPalette: type === 3,
    isInterlaced: interlace === 1,
    palette: none,
    parts: [],
  };
}

/** Exactly `length` bytes of compressed ones. */
async function inflate(parts: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  const compressed = parts.reduce((sum, part) => sum + part.length, 0);
  // Looked at before anything is allocated: a header may claim any size.
  if (length > compressed * MAX_RATIO) throw damaged(`${compressed} bytes cannot hold ${length} of its rows`);
  const rows = new Uint8Array(length);
  let at = 0;
  try {
    for await (const part of through(parts, new DecompressionStream("deflate"))) {
      if (at + part.length > length) throw damaged(`its rows have more than ${length} bytes`);
      rows.set(part, at);
      at += part.length;
    }
  } catch (cause) {
    throw cause instanceof SmaltiError ? cause : damaged((cause as Error).message, cause);
  }
  if (at < length) throw damaged(`its rows have ${at} bytes, wanted ${length}`);
  return rows;
}

/** Undoes the filters of rows that begin with the number of theirs. */
function unfilter(filtered: Uint8Array, row: number, height: number, pixelBytes: number): Uint8Array {
  const data = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const from = y * (row + 1) + 1;
    const to = y * row;
    const filter = filtered[from - 1];
    if (filter > 4) throw damaged(`row ${y} has filter ${filter}, wanted 0 to 4`);
    for (let x = 0; x < row; x++) {
      const left = x < pixelBytes ? 0 : data[to + x - pixelBytes];
      const up = y === 0 ? 0 : data[to + x - row];
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) {
        guess = paeth(left, up, y === 0 || x < pixelBytes ? 0 : data[to + x - row - pixelBytes]);
      }
      data[to + x] = filtered[from + x] + guess;
    }
  }
  return data;
}

/** Which of three neighbours is nearest to `left + up - corner`. */
function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Gives the sample of a row by its number. */
function samplesOf(data: Uint8Array, bits: number, row: number): (y: number, i: number) => number {
  if (bits === 8) return (y, i) => data[y * row + i];
  if (bits === 16) return (y, i) => data[y * row + 2 * i] << 8 | data[y * row + 2 * i + 1];
  const perByte = 8 / bits;
  return (y, i) =>
    data[y * row + Math.floor(i / perByte)] >> (8 - bits * (1 + i % perByte)) & ((1 << bits) - 1);
}

/** How pixels are made of stored samples, and of how many. */
function reader(png: Png): {
  outChannels: number;
  outBits: 8 | 16;
  pixel: (sample: (channel: number) => number) => readonly number[];
} {
  const { bits, channels, hasPalette, palette, transparency } = png;
  const outBits = bits === 16 ? 16 : 8;
  const opaque = (1 << outBits) - 1;
  if (hasPalette) {
    const rgb = (i: number) => [palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]];
    if (!transparency) return { outChannels: 3, outBits, pixel: (sample) => rgb(sample(0)) };
    return {
      outChannels: 4,
      outBits,
      pixel: (sample) => [...rgb(sample(0)), transparency[sample(0)] ?? 255],
    };
  }
  // Fewer bits than 8 are stretched to them.
  const factor = bits < 8 ? 255 / ((1 << bits) - 1) : 1;
  const colours = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  const colour = (sample: (channel: number) => number) => colours.map((channel) => factor * sample(channel));
  if (channels === 2 || channels === 4) {
    return { outChannels: 4, outBits, pixel: (sample) => [...colour(sample), sample(channels - 1)] };
  }
  if (!transparency) {
    if (channels === 1) return { outChannels: 1, outBits, pixel: (sample) => [factor * sample(0)] };
    return { outChannels: 3, outBits, pixel: colour };
  }
  const key = Array.from({ length: channels }, (_, i) => transparency[2 * i] << 8 | transparency[2 * i + 1]);
  const alpha = (sample: (channel: number) => number) =>
    key.every((value, i) => value === sample(i)) ? 0 : opaque;
  return { outChannels: 4, outBits, pixel: (sample) => [...colour(sample), alpha(sample)] };
}

function damaged(what: string, cause?: unknown): SmaltiError {
  return new SmaltiError("CORRUPT", `Cannot read a PNG: ${what}`, { cause });
}
