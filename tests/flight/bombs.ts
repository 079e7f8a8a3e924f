import { encodeBatch } from "../../src/arrow/encode.ts";
import { xxh32 } from "../../src/engine/xxhash.ts";
import { type FlightParts, toFlight } from "../../src/flight/ipc.ts";

/** Bytes of a block of LZ4 at most. */
const BLOCK_BYTES = 4 * 2 ** 20;

/** A batch with a column of times that are all 0, of so many bytes: a multiple of 4 MiB, or less. About 1/250 of it is sent. */
export function lz4Bomb(rawBytes: number): FlightParts {
  const blocks = Math.ceil(rawBytes / BLOCK_BYTES);
  const frame = lz4Frame(Math.min(rawBytes, BLOCK_BYTES), blocks);
  // A frame is taken where it is no longer than what it stands for.
  const stand = new Uint8Array(frame.length);
  const columns = { rows: rawBytes / 8, nodes: [rawBytes / 8, 0], buffers: [new Uint8Array(0), stand] };
  const parts = toFlight(encodeBatch(columns, { compress: () => frame }));
  // Before the one buffer is what it says of its length.
  new DataView(parts.dataBody.buffer, parts.dataBody.byteOffset).setBigInt64(0, BigInt(rawBytes), true);
  return parts;
}

/** Blocks of zeros as a frame: version 1, blocks on their own, up to 4 MiB each. */
function lz4Frame(blockBytes: number, blocks: number): Uint8Array {
  const block = zeroBlock(blockBytes);
  const frame = new Uint8Array(7 + blocks * (4 + block.length) + 4);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0x184d2204, true);
  frame.set([0x60, 0x70], 4);
  frame[6] = xxh32(frame.slice(4, 6)) >>> 8 & 0xff;
  for (let i = 0, at = 7; i < blocks; i++, at += 4 + block.length) {
    view.setUint32(at, block.length, true);
    frame.set(block, at + 4);
  }
  return frame;
}

/** One zero, a match that repeats it, five zeros at the end as the format asks for. */
function zeroBlock(bytes: number): Uint8Array {
  const matched = bytes - 1 - 5;
  const rest = matched - 4 - 15;
  const lengths = [...new Array(Math.floor(rest / 255)).fill(255), rest % 255];
  return Uint8Array.from([0x1f, 0, 1, 0, ...lengths, 0x50, 0, 0, 0, 0, 0]);
}
