/**
 * Compressed pictures as files: which format they have, whatever a message calls it.
 *
 * @module
 */
import { isPng } from "./png/chunks.ts";

/** Bytes before the PNG of ROS's `compressedDepth`. */
const DEPTH_HEADER_BYTES = 12;
/** What a format is called in texts, and by us. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...["png", "jpeg", "webp", "bmp", "tiff", "h264", "hevc"].map((name) => [name, name] as const),
  ["jpg", "jpeg"],
  ["tif", "tiff"],
  ["h265", "hevc"],
]);

/**
 * The file that a compressed picture is, and its format. What the bytes begin with counts for more than what the message
 * says.
 */
export function imageFile(
  compressed: { readonly data: Uint8Array; readonly format: string },
): { data: Uint8Array; format: string } {
  let { data } = compressed;
  if (isPng(data.subarray(DEPTH_HEADER_BYTES))) data = data.subarray(DEPTH_HEADER_BYTES);
  return { data, format: formatOf(data) ?? formatName(compressed.format) };
}

/** A format in a word: ROS writes `rgb8; jpeg compressed bgr8`. One that is not known stays as it is. */
export function formatName(format: string): string {
  const known = format.toLowerCase().split(/[\s;]+/).find((word) => NAMES.has(word));
  return known === undefined ? format : NAMES.get(known)!;
}

/** The format that bytes begin as. */
function formatOf(bytes: Uint8Array): string | undefined {
  if (isPng(bytes)) return "png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "jpeg";
  const text = String.fromCharCode(...bytes.subarray(0, 12));
  return /^RIFF[^]{4}WEBP/.test(text) ? "webp" : undefined;
}
