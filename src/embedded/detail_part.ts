/**
 * A part of a file's detail: numbers of 8 bytes, packed. Neighbours have much in common in their upper bytes, and nothing in
 * the lower ones: so all lowest bytes come first, then all second ones, and of these eight planes each is an LZ4 frame
 * where that saves a quarter.
 *
 *     uint32 rows of a block; then for each plane: uint32 its bytes as stored, these bytes
 *
 * A plane of as many bytes as there are numbers is stored as it is. All is little-endian.
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";

/** Bytes of a number, each of which has a plane. */
export const PLANES = 8;
/** Key of what the footer tells of the detail. */
export const DETAIL = "smalti:detail";

/** How many rows a block has in a packed part. CORRUPT where that cannot be. */
export function blockRowsOf(part: Uint8Array): number {
  if (part.length < 4) throw new SmaltiError("CORRUPT", `Part of the detail has ${part.length} bytes`);
  return viewOf(part).getUint32(0, true);
}

/** The bytes of so many numbers in a packed part. CORRUPT where it has not just these. */
export function unpackPart(engine: Engine, part: Uint8Array, count: number): ArrayBuffer {
  const view = viewOf(part);
  const bytes = new Uint8Array(PLANES * count);
  let at = 4;
  for (let i = 0; i < PLANES; i++) {
    const length = at + 4 <= part.length ? view.getUint32(at, true) : Infinity;
    if (length > count || at + 4 + length > part.length) {
      throw new SmaltiError("CORRUPT", `Part of the detail does not hold ${count} numbers`);
    }
    const stored = part.subarray(at + 4, at + 4 + length);
    const plane = length === count ? stored : engine.decompress("lz4", stored, count);
    for (let k = 0; k < count; k++) bytes[k * PLANES + i] = plane[k];
    at += 4 + length;
  }
  return bytes.buffer;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
