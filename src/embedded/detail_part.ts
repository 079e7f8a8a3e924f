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
import { bytesOf } from "../arrow/columns.ts";
import type { Engine } from "../engine.ts";
import { lz4Compress } from "../engine/lz4_compress.ts";
import { SmaltiError } from "../error.ts";

const PLANES = 8;
/** A plane is compressed where more than one byte of so many is as the one two before. */
const LEAST_SAME = 4;

/**
 * Packs numbers; undefined where that takes more bytes than allowed. The same whatever the engine, so that who recovers a
 * file finds its end to be what it must be.
 */
export function packPart(
  blockRows: number,
  numbers: Float64Array | BigInt64Array,
  mostBytes: number = Infinity,
): Uint8Array | undefined {
  const bytes = bytesOf(numbers);
  const count = numbers.length;
  const packed = new Uint8Array(4 + PLANES * (4 + count));
  const view = new DataView(packed.buffer);
  view.setUint32(0, blockRows, true);
  const plane = new Uint8Array(count);
  let end = 4;
  // The lowest ones first: what takes too much is known from them.
  for (let i = 0; i < PLANES; i++) {
    let same = 0;
    for (let k = 0, at = i; k < count; k++, at += PLANES) {
      plane[k] = bytes[at];
      // Pairs: the one before the last is of the same kind.
      if (k > 1 && plane[k] === plane[k - 2]) same++;
    }
    // LZ4 would look long for what is not there.
    const stored = same * LEAST_SAME > count ? lz4Compress(plane) ?? plane : plane;
    view.setUint32(end, stored.length, true);
    packed.set(stored, end + 4);
    end += 4 + stored.length;
    if (end > mostBytes) return undefined;
  }
  return packed.slice(0, end);
}

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
