/**
 * Packs a part of a file's detail, in the form that `detail_part.ts` tells of.
 *
 * @module
 */
import { bytesOf } from "../arrow/columns.ts";
import { lz4Compress } from "../engine/lz4_compress.ts";
import { PLANES } from "./detail_part.ts";

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
