/**
 * Batches that are kept at hand: who looks near a place again reads nothing, and sees what is there.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client, Message, SequenceHandler, SequenceStreamer } from "../../mod.ts";
import { defineOntology, float64 } from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, makeStore, PLACES } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { pushSamples, Sample, texts } from "../support/sample_rows.ts";
import { deferred } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const TOPICS = ["a", "b"];
const BATCHES = 40;
const ROWS = 5;

/** What is read ahead of need is not kept. */
class NeededStore extends WatchedStore {
  readsAhead = 0;
}

/** Sequence "s": topics with batches of five rows, ten units apart. */
async function recordIn(store: WatchedStore): Promise<void> {
  await clientOf(store).sequenceCreate("s", {}, async (sequence) => {
    for (const name of TOPICS) {
      const topic = await sequence.topicCreate(name, { ontology: Sample });
      for (let i = 0; i < BATCHES; i++) {
        await pushSamples(topic, Array.from({ length: ROWS }, (_, k) => 10 * i + k), i * ROWS);
        await topic.flush();
      }
    }
  });
}

interface Opened {
  client: Client;
  handler: SequenceHandler;
  store: WatchedStore;
  /** How many batches an action reads. */
  reads: (action: () => Promise<unknown>) => Promise<number>;
}

async function opened(maxCachedBytes?: number): Promise<Opened> {
  const store = keepingBatches(new NeededStore());
  await recordIn(store);
  const client = clientOf(store, maxCachedBytes);
  const handler = await client.sequenceHandler("s");
  for (const name of TOPICS) await handler.topicHandler(name);
  const reads = async (action: () => Promise<unknown>) => {
    const before = store.count("read", ".arrow");
    await action();
    return store.count("read", ".arrow") - before;
  };
  return { client, handler, store, reads };
}

async function serialsAt(handler: SequenceHandler, ns: bigint): Promise<bigint[]> {
  return [...(await handler.latestAt(ns)).values()].map(({ data }) => data.serial);
}

async function serials(handler: SequenceHandler, startNs: bigint, count: number): Promise<bigint[]> {
  const seen: bigint[] = [];
  for await (const [, { data }] of handler.getDataStreamer({ startNs })) {
    if (seen.push(data.serial) === count) break;
  }
  return seen;
}

describe("Batches that are kept at hand", () => {
  it("are read once by latestAt, streams that are left, windows, columns, series and counts near each other", async () => {
    const window = { startNs: 200n, endNs: 205n };
    const ways: Record<string, (handler: SequenceHandler) => Promise<unknown>> = {
      latestAt: (handler) => serialsAt(handler, 203n),
      stream: (handler) => serials(handler, 200n, 4),
      window: (handler) => texts(handler.getDataStreamer(window)),
      backwards: (handler) => texts(handler.getDataStreamer({ ...window, reverse: true })),
      columns: async (handler) => {
        for await (const block of handler.getColumnStreamer({ fields: ["serial"], ...window })) {
          expect(block.length).toBeGreaterThan(0);
        }
      },
      topics: async (handler) => {
        for (const name of TOPICS) {
          await texts((await handler.topicHandler(name)).getDataStreamer(window));
        }
      },
      series: async (handler) => {
        for (const name of TOPICS) {
          const topic = await handler.topicHandler(name);
          await topic.series({ fields: ["serial"], ...window, buckets: 2 });
        }
      },
      counts: async (handler) => {
        for (const name of TOPICS) {
          const topic = await handler.topicHandler(name);
          expect(await topic.countRows([202n, 204n])).toEqual([2]);
        }
      },
    };
    for (const [first, way] of Object.entries(ways)) {
      const { handler, reads } = await opened();
      expect([first, await reads(() => way(handler))]).toEqual([first, 2]);
      for (const [next, other] of Object.entries(ways)) {
        expect([first, next, await reads(() => other(handler))]).toEqual([first, next, 0]);
      }
    }
  });

  it("are what a stream had open where it was left, and the last ones that it passed", async () => {
    const { handler, reads } = await opened();
    expect(await reads(() => serials(handler, 0n, 150))).toBeGreaterThan(20);
    expect(await reads(() => serialsAt(handler, 140n))).toBe(0);
    expect(await reads(() => serials(handler, 110n, 20))).toBe(0);
    expect(await reads(() => serialsAt(handler, 300n))).toBe(2);
  });

  it("are not driven out by a replay of all, whatever it is made of", async () => {
    const { handler, reads } = await opened(20_000);
    await serialsAt(handler, 52n);
    const replays: (() => Promise<unknown>)[] = [
      () => texts(handler.getDataStreamer()),
      () => texts(handler.getDataStreamer({ reverse: true })),
      () => handler.getDataStreamer().toTable(),
    ];
    for (const replay of replays) {
      expect(await reads(replay)).toBeGreaterThan(TOPICS.length * BATCHES / 2);
      expect(await reads(() => serialsAt(handler, 52n))).toBe(0);
    }
  });

  it("are none with a bound of 0, nor once the handler is closed", async () => {
    const { handler, reads } = await opened(0);
    expect(await reads(() => serialsAt(handler, 203n))).toBe(2);
    expect(await reads(() => serialsAt(handler, 203n))).toBe(2);

    const other = await opened();
    await serialsAt(other.handler, 203n);
    await other.handler[Symbol.asyncDispose]();
    expect(await other.reads(() => serialsAt(other.handler, 203n))).toBe(2);
    const topic = await other.handler.topicHandler("a");
    expect(await other.reads(() => topic.latestAt(203n))).toBe(0);
    await topic[Symbol.asyncDispose]();
    expect(await other.reads(() => topic.latestAt(203n))).toBe(1);
  });

  it("are read once for calls side by side, of which one may give up", async () => {
    const { handler, store, reads } = await opened();
    const gate = deferred();
    store.before = () => gate.promise;
    const stop = new AbortController();
    const found = await reads(async () => {
      const given = handler.latestAt(203n, { signal: stop.signal }).catch((reason) => reason);
      const calls = Array.from({ length: 5 }, () => serialsAt(handler, 203n));
      // Until all of them wait for the two reads.
      await new Promise((resolve) => setTimeout(resolve, 5));
      stop.abort(new Error("as the test wants"));
      expect((await given).message).toBe("as the test wants");
      gate.resolve();
      for (const call of calls) expect(await call).toEqual([103n, 103n]);
    });
    expect(found).toBe(2);
  });

  it("do not come of a read that failed, nor of one that was under way when the client was closed", async () => {
    const { client, handler, store, reads } = await opened();
    store.before = () => {
      throw new Error("as the test wants");
    };
    await expect(serialsAt(handler, 203n)).rejects.toThrow("as the test wants");
    store.before = () => {};
    expect(await reads(() => serialsAt(handler, 203n))).toBe(2);

    const gate = deferred();
    store.before = (_, path) => path.endsWith(".arrow") ? gate.promise : undefined;
    const call = serialsAt(handler, 303n).catch(() => {});
    await client.close();
    gate.resolve();
    await call;
    store.before = () => {};
    await expect(serialsAt(handler, 303n)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("are those of the new files after a compaction, opened once for all who ask", async () => {
    const full = keepingBatches(new WatchedStore());
    await recordIn(full);
    const store = new WatchedStore(new MemoryStore());
    await copyFiles(full, store);
    const handler = await clientOf(store).sequenceHandler("s");
    expect(await serialsAt(handler, 203n)).toEqual([103n, 103n]);
    const inner = clientOf(store);
    expect((await inner.compact("s")).topics.map(({ error }) => error)).toEqual([undefined, undefined]);
    // What is at hand is right; what is not is read of the new files.
    expect(await serialsAt(handler, 203n)).toEqual([103n, 103n]);
    expect(await serialsAt(handler, 303n)).toEqual([153n, 153n]);
    const before = store.count("read", ".arrow");
    for (const ns of [3n, 203n, 303n]) expect((await serialsAt(handler, ns)).length).toBe(2);
    expect(store.count("read", ".arrow")).toBe(before);
  });

  it.each(PLACES)("stay as they are, whoever uses them, in %s", async (place) => {
    const range = caseRange(5);
    for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
      const random = new Random(seed);
      const { store, dispose } = await makeStore(place, { keepsBatches: true });
      try {
        const client = clientOf(store, random.pick([0, 300_000, 2_000_000, undefined]));
        await recordNoise(client, random);
        const handler = await client.sequenceHandler("s");
        const wanted = await noiseOf(handler.getDataStreamer());
        const last = Number(handler.lastNs);
        const kept: [message: Message, text: string][] = [];
        const keep = (message: Message) => kept.push([message, noiseText(message)]);
        for (let step = 0; step < 30; step++) {
          const startNs = BigInt(random.below(last + 1));
          const endNs = startNs + BigInt(random.below(5000));
          const topic = await handler.topicHandler(random.pick(TOPICS));
          switch (random.below(5)) {
            case 0:
              for (const message of (await handler.latestAt(startNs)).values()) keep(message);
              break;
            case 1:
              await topic.series({ fields: ["x"], buckets: 1 + random.below(50), startNs, endNs });
              break;
            case 2:
              // What does not fit in the room for it, in buffers that are used again.
              await topic.series({ fields: ["x"], buckets: 7 });
              break;
            case 3: {
              let left = random.below(5000);
              const stream = handler.getDataStreamer({ startNs, reverse: random.oneIn(2) });
              for await (const [, message] of stream) {
                if (left % 500 === 0) keep(message);
                if (left-- === 0) break;
              }
              break;
            }
            case 4:
              for await (const block of handler.getColumnStreamer({ fields: ["x"], startNs, endNs })) {
                expect(block.length).toBeGreaterThan(0);
              }
          }
        }
        expect(kept.map(([message]) => noiseText(message))).toEqual(kept.map(([, text]) => text));
        expect(await noiseOf(handler.getDataStreamer())).toEqual(wanted);
        expect((await noiseOf(handler.getDataStreamer({ reverse: true }))).reverse()).toEqual(wanted);
        await client.close();
      } catch (reason) {
        throw failedCase(seed, "tests/read/at_hand.test.ts", reason);
      } finally {
        await dispose();
      }
    }
  });
});

const Noise = defineOntology("Noise", { x: float64(), y: float64() });

/** Sequence "s": topics with batches that are large and cannot be made smaller, some of them late, or a few rows. */
async function recordNoise(client: Client, random: Random): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const name of TOPICS) {
      const topic = await sequence.topicCreate(name, { ontology: Noise });
      let ns = 0;
      for (let batch = 0; batch < 8; batch++) {
        const length = random.pick([10, 8000]);
        const lateness = random.oneIn(4) ? 500 : 0;
        const times = Array.from({ length }, () => BigInt((ns += random.below(3)) - lateness));
        const noise = () => Float64Array.from({ length }, () => random.below(2 ** 31) / 7);
        await topic.pushColumns({ timestampNs: BigInt64Array.from(times), x: noise(), y: noise() });
        await topic.flush();
      }
    }
  });
}

function noiseText({ topic, timestampNs, data }: Message): string {
  return `${topic} ${timestampNs} ${data.x} ${data.y}`;
}

async function noiseOf(stream: SequenceStreamer): Promise<string[]> {
  const all: string[] = [];
  for await (const block of stream.batches()) for (const [, message] of block) all.push(noiseText(message));
  return all;
}
