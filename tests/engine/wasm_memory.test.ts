import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Engine, Merger } from "../../src/engine.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { outcomeOf, Random } from "../support/random_cases.ts";

const open = async (path: string) => Uint8Array.from(await readFile(new URL(path, import.meta.url)));
const module = await WebAssembly.compile(await open("../../src/engine/generated/smalti.wasm"));
const sealed = await open("../fixtures/engine/sealed.arrow");
const MAX = 2n ** 63n - 1n;
const MIB = 2 ** 20;

/** An engine of its own, and the exports of its instance, which nobody else gets to see. */
async function create(): Promise<
  { engine: Engine; exports: WebAssembly.Exports; memoryBytes: () => number }
> {
  const { instantiate } = WebAssembly;
  let exports: WebAssembly.Exports = {};
  const watched = async (from: WebAssembly.Module, imports?: WebAssembly.Imports) => {
    const instance = await instantiate(from, imports);
    exports = instance.exports;
    return instance;
  };
  try {
    Object.assign(WebAssembly, { instantiate: watched });
    const engine = await createWasmEngine(module);
    const memory = exports.memory as WebAssembly.Memory;
    return { engine, exports, memoryBytes: () => memory.buffer.byteLength };
  } finally {
    Object.assign(WebAssembly, { instantiate });
  }
}

/** By their low words: millions of bigints take seconds. */
function times(length: number, first = 0, step = 1): BigInt64Array {
  const words = new Int32Array(2 * length);
  for (let i = 0; i < length; i++) words[2 * i] = first + step * i;
  return new BigInt64Array(words.buffer);
}
const [ids, rows] = [new Int32Array(4096), new Int32Array(4096)];

function drain(merger: Merger): number {
  let all = 0;
  for (let count = 1; count > 0; all += count) count = merger.fill(MAX, ids, rows);
  return all;
}

/** A piece of a long replay: batches parsed, decompressed and merged. */
function replay(engine: Engine, frame: Uint8Array, rawBytes: number, random: Random): void {
  const merger = engine.createMerger();
  let added = 0;
  for (let batch = 0; batch < 12; batch++) {
    engine.parseBatch(sealed);
    engine.decompress("lz4", frame, rawBytes);
    engine.crc32(frame);
    const length = 1 + random.below(2000);
    merger.add(batch, batch % 4, batch, times(length, random.below(1000), 1 + random.below(5)), 0, length);
    added += length;
  }
  expect(drain(merger)).toBe(added);
  merger.close();
}

describe("The memory of the WASM engine", () => {
  it("does not grow in a long replay", async () => {
    const { engine, memoryBytes } = await create();
    const raw = Uint8Array.from({ length: 300_000 }, (_, i) => (i >> 8) & 15);
    const frame = engine.compress(raw)!.slice();
    const random = new Random(1);
    for (let round = 0; round < 40; round++) replay(engine, frame, raw.length, random);
    const warm = memoryBytes();
    for (let round = 0; round < 400; round++) replay(engine, frame, raw.length, random);
    // What is taken and given back in another order may leave gaps, but not one for each round.
    expect(memoryBytes() - warm).toBeLessThanOrEqual(MIB / 4);
  });

  it("holds the times of what is merged, up to a bound", async () => {
    const { engine, memoryBytes } = await create();
    const merge = (topics: number, length: number) => {
      const merger = engine.createMerger();
      for (let topic = 0; topic < topics; topic++) {
        merger.add(topic, topic, 0, times(length, topic, topics), 0, length);
      }
      for (let row = 0, count = 1; count > 0; row += count) {
        count = merger.fill(MAX, ids, rows);
        // Topics take turns.
        const at = row % topics;
        if (count > 0) expect([ids[0], rows[0]]).toEqual([at, (row - at) / topics]);
        if (count === 0) expect(row).toBe(topics * length);
      }
      merger.close();
    };
    for (const topics of [2, 500]) merge(topics, 100);
    const warm = memoryBytes();
    expect(warm).toBeLessThan(3 * MIB);
    merge(2, MIB / 2);
    const once = memoryBytes();
    expect(once - warm).toBeLessThan(9 * MIB);
    merge(500, 2000);
    merge(2, MIB / 2);
    expect(memoryBytes() - once).toBeLessThan(MIB);
    // More than find room: all of them move out, at the first that does not.
    merge(20, MIB / 2);
    expect(memoryBytes()).toBeLessThan(70 * MIB);
  });

  it("is used again for large buffers", async () => {
    const { engine, memoryBytes } = await create();
    const large = new Uint8Array(32 * MIB);
    const frame = engine.compress(large)!.slice();
    const back = engine.decompress("lz4", frame, large.length);
    expect(back.length).toBe(large.length);
    const most = memoryBytes();
    // Input and output, each of which may have been copied once to grow.
    expect(most).toBeLessThan(5 * large.length);
    for (let round = 0; round < 5; round++) {
      engine.compress(large);
      engine.decompress("lz4", frame, large.length);
      engine.crc32(large);
      // Small calls give it back, and the next large ones have to find it.
      engine.crc32(Uint8Array.of(1));
      engine.compress(Uint8Array.of(1));
    }
    expect(memoryBytes()).toBe(most);
  });

  it("that cannot be had is TOO_LARGE, and all goes on", async () => {
    const { engine, memoryBytes } = await create();
    const before = memoryBytes();
    // 2,100 runs of 2 MiB - 1 zeros each: more than 32 bits can count, in a frame that may well hold them.
    const frame = new Uint8Array(6 + 4 * 2100);
    frame.set([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38]);
    for (let block = 0; block < 2100; block++) {
      const head = ((2 ** 21 - 1) << 3) | (1 << 1) | (block === 2099 ? 1 : 0);
      frame.set([head & 255, (head >> 8) & 255, (head >> 16) & 255, 0], 6 + 4 * block);
    }
    const length = 2100 * (2 ** 21 - 1);
    expect(outcomeOf(() => engine.decompress("zstd", frame, length)))
      .toBe(`[TOO_LARGE] No memory for a buffer of ${length} bytes`);
    for (const absurd of [2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64, Infinity, -1, NaN]) {
      expect(outcomeOf(() => engine.decompress("lz4", frame, absurd))).toMatch(/^\[CORRUPT\]/);
      expect(outcomeOf(() => engine.decompress("zstd", frame, absurd))).toMatch(/^\[CORRUPT\]/);
    }
    expect(engine.crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(memoryBytes() - before).toBeLessThan(9 * MIB);
  });
});

describe("A WASM engine that has panicked", () => {
  it("says INTERNAL from then on, and others are not affected", async () => {
    const { engine, exports } = await create();
    const others = [await create(), await create()].map((other) => other.engine);
    const merger = engine.createMerger();
    for (const topic of [0, 1]) merger.add(topic, topic, 0, times(100), 0, 100);
    // No call of the engine's own does this.
    expect(() => (exports.picker_add as CallableFunction)(2 ** 20, 0, 0, 0)).toThrow();
    const text = outcomeOf(() => engine.crc32(Uint8Array.of(1)));
    expect(text).toMatch(/^\[INTERNAL\] WASM engine failed: panicked at /);
    const calls: (() => unknown)[] = [() => engine.parseBatch(sealed), () => merger.fill(MAX, ids, rows)];
    for (const call of calls) {
      expect(outcomeOf(call)).toBe(text);
    }
    for (const other of others) expect(other.parseBatch(sealed).rows).toBe(40);
  });
});
