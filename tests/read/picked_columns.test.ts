/**
 * Columns of long blocks in which topics take turns: engines that pick them give the bytes that a loop gives.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import * as f from "../../src/ontology/field.ts";
import type { ColumnBlock } from "../../src/read/columns/column_block.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { clientOf, withStore } from "../support/places.ts";

const FILE = "tests/read/picked_columns.test.ts";

const POOL = {
  x: f.float64(),
  place: f.struct({ x: f.float64(), y: f.optional(f.float32()) }),
  serial: f.int64(),
  count: f.optional(f.uint16()),
  small: f.int8(),
  half: f.float16(),
  is_on: f.bool(),
  label: f.utf8(),
};
type Name = keyof typeof POOL;
const NAMES = Object.keys(POOL) as Name[];

function randomData(random: Random, names: readonly Name[]): Record<string, unknown> {
  const number = () => random.pick([0, -0, NaN, Infinity, random.below(1e9) / 7]);
  const make: Record<Name, () => unknown> = {
    x: number,
    place: () => ({ x: number(), y: random.oneIn(3) ? undefined : number() }),
    serial: () => BigInt(random.below(2 ** 30)) * random.pick([1n, -4_294_967_297n]),
    count: () => random.oneIn(3) ? undefined : random.below(65536),
    small: () => random.below(256) - 128,
    half: () => random.pick([0, -0, 0.5, -1.25, 65504]),
    is_on: () => random.oneIn(2),
    label: () => random.pick(["", "x", "état"]),
  };
  return Object.fromEntries(names.map((name) => [name, make[name]()]));
}

/** Topics in turns, of which not all have every field, in batches of some hundred rows. */
async function record(random: Random): Promise<{ store: MemoryStore; fields: Name[] }> {
  const store = new MemoryStore();
  const found = new Set<Name>();
  await clientOf(keepingBatches(store)).sequenceCreate("s", {}, async (sequence) => {
    const topics = [];
    for (let i = 1 + random.below(30); i >= 0; i--) {
      const names = random.shuffle([...NAMES]).slice(0, 1 + random.below(NAMES.length));
      for (const name of names) found.add(name);
      const pool = Object.fromEntries(names.map((name) => [name, POOL[name]]));
      const writer = await sequence.topicCreate(`t${i}`, { ontology: defineOntology(`T${i}`, pool) });
      topics.push({ writer, names });
    }
    const flushEvery = 100 + random.below(500);
    let ns = 0;
    for (let i = 0; i < 3000; i++) {
      ns += random.below(3);
      const { writer, names } = random.pick(topics);
      await writer.push({ timestampNs: BigInt(ns), data: randomData(random, names) as never });
      if (i % flushEvery === 0) await writer.flush();
    }
  });
  return { store, fields: [...found] };
}

const Reading = defineOntology("Reading", { x: f.float64() });

/** All bytes of the arrays that a value is made of, by where they are in it. */
function* arraysIn(value: unknown, path: string): Generator<[path: string, bytes: number[]]> {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    yield [path, [...new Uint8Array(buffer, byteOffset, byteLength)]];
  } else if (typeof value === "object" && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      if (name !== "field") yield* arraysIn(part, `${path}.${name}`);
    }
  }
}

function bytesOf(block: ColumnBlock): Record<string, number[]> {
  const { topicIndex, timestampNs, columns } = block;
  return Object.fromEntries(arraysIn({ topicIndex, timestampNs, columns }, ""));
}

describe("Columns in which topics take turns", () => {
  it("are the same bytes by every engine", async () => {
    const engines = await allEngines();
    const { cases, seed } = caseRange(8);
    let longest = 0;
    for (let i = seed; i < seed + cases; i++) {
      try {
        const random = new Random(i);
        const { store, fields } = await record(random);
        const startNs = BigInt(random.pick([0, 0, 700]));
        const maxBufferedBytes = random.pick([2 ** 26, 2 ** 19]);
        const found = await Promise.all(engines.map(async (engine) => {
          const client = clientWith(engine, store);
          const handler = await client.sequenceHandler("s");
          const blocks: Record<string, number[]>[] = [];
          const options = { fields, startNs, maxBufferedBytes, reuse: i % 2 === 1 };
          for await (const block of handler.getColumnStreamer(options)) {
            longest = Math.max(longest, block.length);
            blocks.push(bytesOf(block));
          }
          return blocks;
        }));
        expect(Object.keys(found[0][0]).length).toBeGreaterThan(2);
        for (const blocks of found.slice(1)) expect(blocks).toEqual(found[0]);
      } catch (reason) {
        throw failedCase(i, FILE, reason);
      }
    }
    expect(longest).toBeGreaterThan(250);
  });

  it("are in the same arrays in every block where these are used again", async () => {
    await withStore(async (store) => {
      await clientOf(store).sequenceCreate("s", {}, async (sequence) => {
        for (const t of [0, 1]) {
          const writer = await sequence.topicCreate(`t${t}`, { ontology: Reading });
          for (let i = 0; i < 30_000; i++) {
            const waits = writer.push({ timestampNs: BigInt(2 * i + t), data: { x: 2 * i + t } });
            if (waits) await waits;
          }
        }
      });
      for (const engine of await allEngines()) {
        const handler = await clientWith(engine, store).sequenceHandler("s");
        const buffers = new Set<ArrayBufferLike>();
        let [blocks, next] = [0, 0];
        for await (const block of handler.getColumnStreamer({ fields: ["x"], reuse: true })) {
          const { values } = block.numbers("x");
          const offsets = block.offsetsNs(0n);
          for (let i = 0; i < block.length; i++, next++) {
            if (values[i] !== next || offsets[i] !== next || Number(block.timestampNs[i]) !== next) {
              throw new Error(`row ${next} is ${values[i]} at ${block.timestampNs[i]} ns`);
            }
          }
          for (const { buffer } of [values, offsets, block.timestampNs]) buffers.add(buffer);
          blocks++;
        }
        expect(next).toBe(60_000);
        expect(blocks).toBeGreaterThan(5);
        // What a batch has that no other overlaps are views on it.
        expect(buffers.size).toBeLessThanOrEqual(7);
      }
    });
  });

  it.each([
    { name: "as it is", valueAt: (i: number) => Math.sin(i) },
    { name: "compressed", valueAt: (i: number) => Math.floor(i / 50) },
  ])("stay as they are while what was read, stored $name, is written over", async ({ valueAt }) => {
    const rows = 50_000;
    await withStore(async (store) => {
      const topics = ["a", "b", "c"];
      await clientOf(store).sequenceCreate("s", {}, async (sequence) => {
        for (const [t, name] of topics.entries()) {
          const writer = await sequence.topicCreate(name, { ontology: Reading });
          // In batches that are large enough for their bytes to be used again.
          for (let batch = 0; batch < 3; batch++) {
            const at = (i: number) => batch * rows + i;
            await writer.pushColumns({
              timestampNs: BigInt64Array.from({ length: rows }, (_, i) => BigInt(3 * at(i) + t)),
              x: Float64Array.from({ length: rows }, (_, i) => valueAt(3 * at(i) + t)),
            });
            await writer.flush();
          }
        }
      });
      for (const engine of await allEngines()) {
        const handler = await clientWith(engine, store).sequenceHandler("s");
        const read = () => handler.getColumnStreamer({ fields: ["x"] });
        const [one, other] = [read(), read()];
        const kept: ColumnBlock[] = [];
        for await (const block of one) {
          kept.push(block);
          await other.next();
        }
        await other.close();
        let next = 0;
        for (const block of kept) {
          const { values } = block.numbers("x");
          for (let i = 0; i < block.length; i++, next++) {
            if (Number(block.timestampNs[i]) === next && values[i] === valueAt(next)) continue;
            throw new Error(`row ${next} is ${values[i]} at ${block.timestampNs[i]} ns`);
          }
        }
        expect(next).toBe(9 * rows);
      }
    });
  });
});
