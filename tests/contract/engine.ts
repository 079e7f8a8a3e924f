/**
 * What every engine must do, against a sort of everything. The codecs are tested in depth elsewhere; here is what an
 * engine as a whole promises.
 *
 * @module
 */
import { tableFromArrays, tableToIPC } from "apache-arrow";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Engine, Merger } from "../../src/engine.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** A sorted run as a test gives it. */
interface Run {
  topic: number;
  batch: number;
  times: bigint[];
}

/** Rows in order: run's place in the list, row. */
type Order = [run: number, row: number][];

/** The order by the rule itself: time, topic, batch, row. */
function sorted(runs: readonly Run[]): Order {
  const all = runs.flatMap(({ times }, run) => times.map((_, row): [number, number] => [run, row]));
  return all.sort(([a, i], [b, k]) => {
    const [x, y] = [runs[a].times[i], runs[b].times[k]];
    if (x !== y) return x < y ? -1 : 1;
    return runs[a].topic - runs[b].topic || runs[a].batch - runs[b].batch ||
      i - k;
  });
}

function add(merger: Merger, runs: readonly Run[], id: number): void {
  const { topic, batch, times } = runs[id];
  if (times.length > 0) {
    merger.add(id, topic, batch, BigInt64Array.from(times), 0, times.length);
  }
}

/** Everything that `fill` gives up to a time, in blocks of `capacity`, with what it says of ends checked. */
function drain(
  merger: Merger,
  runs: readonly Run[],
  capacity: number,
  until: bigint = MAX,
): Order {
  const [ids, rows] = [new Int32Array(capacity), new Int32Array(capacity)];
  const order: Order = [];
  for (;;) {
    const head = merger.head();
    const count = merger.fill(until, ids, rows);
    if (count === 0) {
      expect(head === undefined || head > until).toBe(true);
      return order;
    }
    expect(runs[ids[0]].times[rows[0]]).toBe(head);
    for (let i = 0; i < count; i++) order.push([ids[i], rows[i]]);
    const ended = new Set<number>();
    for (let i = 0; i < count; i++) {
      if (rows[i] === runs[ids[i]].times.length - 1) ended.add(ids[i]);
    }
    expect([...merger.exhausted].sort()).toEqual([...ended].sort());
  }
}

function merged(engine: Engine, runs: readonly Run[], capacity: number): Order {
  const merger = engine.createMerger();
  runs.forEach((_, id) => add(merger, runs, id));
  const order = drain(merger, runs, capacity);
  expect(merger.head()).toBeUndefined();
  return order;
}

/** As {@linkcode merged}, but first up to each of some times, the smallest first. */
function mergedInSteps(
  engine: Engine,
  runs: readonly Run[],
  stops: readonly bigint[],
  capacity: number,
): Order {
  const merger = engine.createMerger();
  runs.forEach((_, id) => add(merger, runs, id));
  const order: Order = [];
  for (const stop of [...stops].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    order.push(...drain(merger, runs, capacity, stop));
    const next = order.map(([run, row]) => runs[run].times[row]).findIndex((
      time,
    ) => time > stop);
    expect(next).toBe(-1);
  }
  return [...order, ...drain(merger, runs, capacity)];
}

const range = (count: number, of: (i: number) => bigint) => Array.from({ length: count }, (_, i) => of(i));
const topics = (count: number, times: (topic: number) => bigint[]): Run[] =>
  Array.from(
    { length: count },
    (_, topic) => ({ topic, batch: 0, times: times(topic) }),
  );

/** Shapes of times that have broken merges. */
const SHAPES: Record<string, Run[]> = {
  "nothing": [],
  "one row": topics(1, () => [5n]),
  "topics without rows": topics(4, (topic) => (topic === 2 ? [1n, 2n] : [])),
  "ties within a topic": topics(2, () => [7n, 7n, 7n, 8n]),
  "ties across topics and batches": [2, 0, 1].flatMap((topic) =>
    [1, 0].map((batch) => ({ topic, batch, times: [3n, 3n, 4n] }))
  ),
  "one time everywhere": topics(20, () => range(700, () => 9n)),
  "negative times": topics(
    3,
    (topic) => range(500, (i) => -1000n + 2n * BigInt(i) + BigInt(topic)),
  ),
  "the extremes of int64": topics(
    3,
    (topic) => [MIN, MIN + BigInt(topic), -1n, 0n, MAX - BigInt(topic), MAX],
  ),
  "far apart": topics(
    5,
    (topic) => range(64, (i) => MIN + BigInt(i) * 2n ** 57n + BigInt(topic)),
  ),
  "around a word's edge": topics(
    4,
    (topic) => range(400, (i) => 2n ** 32n - 200n + BigInt(i) + BigInt(topic % 2)),
  ),
  "long stretches": topics(
    4,
    (topic) =>
      range(
        4000,
        (i) => BigInt((Math.floor(i / 1000) * 4 + topic) * 1000 + (i % 1000)),
      ),
  ),
  "stretches, then turns": topics(
    3,
    (topic) =>
      range(
        3000,
        (i) => i < 1500 ? BigInt(topic * 1500 + i) : BigInt(9000 + 3 * i + topic),
      ),
  ),
  "fired together": topics(
    50,
    (topic) => range(200, (i) => BigInt(i) * 10_000_000n + BigInt((topic * 37) % 13)),
  ),
  "bursts far apart": topics(
    30,
    (topic) => range(100, (i) => BigInt(i) * 3_600_000_000_000n + BigInt(topic * i % 7)),
  ),
  "rates of 1 to 1,000": topics(
    20,
    (topic) =>
      range(
        50 * (topic + 1),
        (i) => BigInt(Math.floor((i * 1e9) / (1000 ** (topic / 19)))),
      ),
  ),
  "many runs of few rows": topics(
    1000,
    (topic) => range(3, (i) => BigInt(i * 1000 + (topic * 7919) % 1000)),
  ),
};

const anyTime = fc.oneof(
  fc.bigInt({ min: 0n, max: 20n }),
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  fc.bigInt({ min: MIN, max: MAX }),
  fc.constantFrom(MIN, MIN + 1n, -1n, 0n, MAX - 1n, MAX),
);
const anyTimes = (maxLength: number) =>
  fc.array(anyTime, { maxLength }).map((times) => times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));

/** Runs with topic and batch of their own each, in any order. */
const anyRuns = fc.oneof(
  { weight: 8, arbitrary: fc.array(anyTimes(60), { maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.array(anyTimes(4), {
      minLength: 200,
      maxLength: 1000,
      size: "max",
    }),
  },
).chain((all) =>
  fc.shuffledSubarray(all.map((_, i) => i), { minLength: all.length }).map((
    places,
  ) =>
    all.map((times, i): Run => ({
      topic: Math.floor(places[i] / 3),
      batch: places[i] % 3,
      times,
    }))
  )
);

/** The suite for one engine. */
export function engineContract(name: string, create: () => Engine): void {
  describe(`engine ${name}`, () => {
    const engine = create();

    describe("Merger", () => {
      for (const [shape, runs] of Object.entries(SHAPES)) {
        it(`orders by time, topic, batch, row: ${shape}`, () => {
          const wanted = sorted(runs);
          for (const capacity of [1, 7, 64, 4096, 20_000]) {
            if (capacity < 64 && wanted.length > 5000) continue;
            expect(merged(engine, runs, capacity)).toEqual(wanted);
          }
          const stops = wanted.filter((_, i) => i % 997 === 500).map((
            [run, row],
          ) => runs[run].times[row]);
          expect(mergedInSteps(engine, runs, stops, 4096)).toEqual(wanted);
        });
      }

      it("orders any runs, whatever the block", () => {
        fc.assert(
          fc.property(
            anyRuns,
            fc.constantFrom(1, 3, 16, 17, 100, 4096),
            (runs, capacity) => {
              expect(merged(engine, runs, capacity)).toEqual(sorted(runs));
            },
          ),
          { numRuns: 200 },
        );
      });

      it("gives no row later than asked, and goes on from there", () => {
        fc.assert(
          fc.property(
            anyRuns,
            fc.array(fc.oneof(anyTime, fc.constantFrom(2n * MIN, 2n * MAX)), {
              maxLength: 5,
            }),
            fc.constantFrom(1, 7, 50, 4096),
            (runs, stops, capacity) => {
              expect(mergedInSteps(engine, runs, stops, capacity)).toEqual(
                sorted(runs),
              );
            },
          ),
          { numRuns: 200 },
        );
      });

      it("fills no more than the shorter of two arrays", () => {
        const runs = topics(
          2,
          (topic) => range(100, (i) => BigInt(3 * i + topic)),
        );
        for (const [idCount, rowCount] of [[30, 50], [50, 30]]) {
          const merger = engine.createMerger();
          runs.forEach((_, id) => add(merger, runs, id));
          const [ids, rows] = [
            new Int32Array(idCount),
            new Int32Array(rowCount),
          ];
          const seen: Order = [];
          for (let count = 1; count > 0;) {
            count = merger.fill(MAX, ids, rows);
            expect(count).toBeLessThanOrEqual(30);
            for (let i = 0; i < count; i++) seen.push([ids[i], rows[i]]);
          }
          expect(seen).toEqual(sorted(runs));
        }
      });

      it("takes runs at any moment, as long as nothing before the last row given out comes", () => {
        fc.assert(
          fc.property(anyRuns, (runs) => {
            // As a reader opens batches: by first time, each when the order reaches it.
            const closed = runs.map((_, id) => id).filter((id) => runs[id].times.length > 0)
              .sort((
                a,
                b,
              ) => (runs[a].times[0] < runs[b].times[0]
                ? -1
                : runs[a].times[0] > runs[b].times[0]
                ? 1
                : a - b)
              );
            const merger = engine.createMerger();
            const seen: Order = [];
            for (const id of closed) {
              const horizon = runs[id].times[0] - 1n;
              if (horizon >= MIN) {
                seen.push(...drain(merger, runs, 40, horizon));
              }
              add(merger, runs, id);
            }
            seen.push(...drain(merger, runs, 40));
            expect(seen).toEqual(sorted(runs));
          }),
          { numRuns: 200 },
        );
      });

      it("takes an id again once its run has ended, and parts of arrays", () => {
        const merger = engine.createMerger();
        const [ids, rows] = [new Int32Array(8), new Int32Array(8)];
        merger.add(5, 0, 0, BigInt64Array.of(9n, 1n, 2n, 0n), 1, 3);
        expect(merger.fill(MAX, ids, rows)).toBe(2);
        expect([...rows.subarray(0, 2)]).toEqual([1, 2]);
        expect(merger.exhausted).toEqual([5]);
        merger.add(5, 0, 1, BigInt64Array.of(3n), 0, 1);
        expect(merger.head()).toBe(3n);
        expect(merger.fill(MAX, ids, rows)).toBe(1);
        expect([ids[0], rows[0]]).toEqual([5, 0]);
      });

      it("refuses an empty range and one outside the times", () => {
        const merger = engine.createMerger();
        const times = BigInt64Array.of(1n, 2n);
        for (const [from, to] of [[0, 0], [1, 1], [2, 1], [0, 3], [-1, 1]]) {
          expect(() => merger.add(0, 0, 0, times, from, to)).toThrow(
            RangeError,
          );
          expect(() => merger.add(0, 0, 0, times, from, to))
            .toThrow(`Cannot add rows ${from} to ${to} of a run of 2 rows`);
        }
        expect(merger.head()).toBeUndefined();
      });
    });

    it("parseBatch tells where the buffers of a batch lie, and refuses it cut or longer", () => {
      const times = BigInt64Array.of(3n, 5n, 8n);
      const stream = tableToIPC(
        tableFromArrays({ times, values: Float64Array.of(0.5, 1, 2) }),
        "stream",
      );
      // A schema message comes before, with no body, and 8 bytes of end mark after the batch.
      const start = 8 +
        new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
      const message = stream.slice(start, stream.length - 8);

      const { rows, codec, nodes, buffers, variadic, dictionary } = engine
        .parseBatch(message);
      expect({ rows, codec, dictionary }).toEqual({
        rows: 3,
        codec: "none",
        dictionary: undefined,
      });
      expect([...nodes]).toEqual([3, 0, 3, 0]);
      expect([buffers.length, variadic.length]).toEqual([8, 0]);
      const [offset, length] = buffers.subarray(2, 4);
      expect(length).toBeGreaterThanOrEqual(times.byteLength);
      expect(
        new BigInt64Array(
          message.slice(offset, offset + times.byteLength).buffer,
        ),
      ).toEqual(times);

      for (let cut = 0; cut < message.length; cut++) {
        expect(() => engine.parseBatch(message.slice(0, cut))).toThrow(
          "[CORRUPT]",
        );
      }
      expect(() => engine.parseBatch(Uint8Array.of(...message, 0))).toThrow(
        "[CORRUPT]",
      );
    });

    it("parseBatch refuses what is no batch with CORRUPT", () => {
      for (
        const bytes of [
          new Uint8Array(0),
          new Uint8Array(64),
          Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0),
        ]
      ) {
        expect(() => engine.parseBatch(bytes)).toThrow("[CORRUPT]");
      }
    });

    it("decompress undoes compress, in fresh aligned bytes", () => {
      const raw = Uint8Array.from({ length: 100_000 }, (_, i) => (i >> 8) & 15);
      const frame = engine.compress(raw)!.slice();
      expect(frame.length).toBeLessThan(raw.length / 4);
      const back = engine.decompress("lz4", frame, raw.length);
      expect(back).toEqual(raw);
      expect(back.byteOffset % 8).toBe(0);
      expect(() => engine.decompress("lz4", frame, raw.length - 1)).toThrow(
        "[CORRUPT]",
      );
    });

    it("compress wants a quarter saved, or another part; of long inputs in the samples", () => {
      let state = 1;
      const noise = (size: number) =>
        Uint8Array.from({ length: size }, () => (state = state * 48271 % 2147483647) >> 8);
      for (const size of [20_000, 300_000]) {
        const raw = noise(size);
        expect(engine.compress(raw)).toBeUndefined();
        for (let at = 0; at < size; at += 1000) raw.fill(0, at + 710, at + 1000);
        expect(engine.compress(raw)!.length).toBeLessThan(0.75 * size);
        expect(engine.compress(raw, 3)).toBeUndefined();
      }
      const raw = new Uint8Array(1 << 20);
      raw.set(noise(1 << 14), 0);
      raw.set(noise(1 << 14), 1 << 19);
      expect(engine.compress(raw)).toBeUndefined();
    });

    it("crc32 is that of zlib", () => {
      expect(engine.crc32(new TextEncoder().encode("123456789"))).toBe(
        0xcbf43926,
      );
      expect(engine.crc32(new Uint8Array(0))).toBe(0);
      const before = engine.crc32(new TextEncoder().encode("12345"));
      expect(engine.crc32(new TextEncoder().encode("6789"), before)).toBe(0xcbf43926);
    });
  });
}
