import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { outcomeOf } from "../support/random_cases.ts";
import { somePositions } from "../support/positions.ts";

const open = async (path: string) => Uint8Array.from(await readFile(new URL(path, import.meta.url)));
const module = await WebAssembly.compile(await open("../../src/engine/generated/smalti.wasm"));
// Without what the runtime has in native code: that is where an endless loop would be ours.
const engines = [createJsEngine(), await createWasmEngine(module)];

/** A frame of one compressed block that claims to hold `rawLength` bytes. */
function frameOf(rawLength: number, block: number[]): Uint8Array {
  const frame = new Uint8Array(12 + block.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0xfd2fb528, true);
  frame[4] = 0xa0; // single segment, content size in 4 bytes
  view.setUint32(5, rawLength, true);
  const head = 1 | (2 << 1) | (block.length << 3);
  frame.set([head & 255, (head >> 8) & 255, head >> 16], 9);
  frame.set(block, 12);
  return frame;
}

/** Literals whose Huffman weights come from this FSE table and these bits; no sequences. */
function literals(table: number[], bits: number[]): number[] {
  const tree = [table.length + bits.length, ...table, ...bits];
  const head = 2 | (20 << 4) | ((tree.length + 4) << 14);
  return [head & 255, (head >> 8) & 255, head >> 16, ...tree, 1, 1, 1, 1, 0];
}

describe.each(engines.map((engine) => [engine.name, engine] as const))("ZSTD in engine %s", (_, engine) => {
  it.each([
    // Accuracy 5 in 4 bits, then 6 set bits: the first symbol has all 32 states.
    ["the first symbol", literals([0xf0, 0x03], [0xff, 0xff, 0x01])],
    // A symbol without states (1 in 5 bits, 0 in 2 bits: no more of them), then the same.
    ["the second", literals([0x10, 0xf8, 0x01], [0xff, 0xff, 0x01])],
    // One without states and four more (3 and 1 in 2 bits each), then the same.
    ["the sixth", literals([0x10, 0xee, 0x07], [0xff, 0xff, 0x01])],
  ])("refuses Huffman weights from a table in which %s has all states", (_, block) => {
    expect(outcomeOf(() => engine.decompress("zstd", frameOf(20, block), 20)))
      .toBe("[CORRUPT] ZSTD frame is damaged or does not hold 20 bytes");
  });

  it.each([127, 0x7f00 - 1, 0x7f00 + 0xffff])("refuses %d sequences in a frame of 300 bytes", (count) => {
    const counted = count < 128
      ? [count]
      : count < 0x7f00
      ? [128 + (count >> 8), count & 255]
      : [255, (count - 0x7f00) & 255, (count - 0x7f00) >> 8];
    // Each of the longest literals and the longest match.
    const block = [0, ...counted, 0x54, 35, 0, 52, 1];
    expect(outcomeOf(() => engine.decompress("zstd", frameOf(300, block), 300)))
      .toBe("[CORRUPT] ZSTD frame is damaged or does not hold 300 bytes");
  });

  it.each([["readings", 960], ["readings-checksum", 960], ["readings-window", 960], [
    "readings-window-plain",
    960,
  ], [
    "text",
    79,
  ]])("comes to an end with %s.zst, whichever two bits are flipped", async (name, rawLength) => {
    const frame = await open(`../fixtures/engine/${name}.zst`);
    const flip = (bit: number) => frame[bit >> 3] ^= 1 << (bit & 7);
    for (const bit of somePositions(8 * frame.length)) {
      flip(bit);
      for (const other of [bit, bit + 1, bit + 5, bit + 8, bit + 31]) {
        if (other >= 8 * frame.length) continue;
        if (other !== bit) flip(other);
        const outcome = outcomeOf(() => engine.decompress("zstd", frame, rawLength));
        if (typeof outcome === "string") {
          expect(outcome).toMatch(/^\[(CORRUPT|UNSUPPORTED)\] ZSTD frame|^\[CORRUPT\] Bytes/);
        } else expect(outcome.length).toBe(rawLength);
        if (other !== bit) flip(other);
      }
      flip(bit);
    }
  });
});
