/**
 * Batches that are kept at hand: who looks near a place again reads nothing, and sees what is there.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
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
  it("are read once by latestAt, streams that are left, windows, columns and series near each other", async () => {
    const { handler, reads } = await opened();
    const a = await handler.topicHandler("a");
    const ways: Record<string, () => Promise<unknown>> = {
      latestAt: () => serialsAt(handler, 203n),
      stream: () => serials(handler, 200n, 4),
      window: () => texts(handler.getDataStreamer({ startNs: 200n, endNs: 205n })),
      backwards: () => texts(handler.getDataStreamer({ startNs: 200n, endNs: 205n, reverse: true })),
      topic: () => texts(a.getDataStreamer({ startNs: 200n, endNs: 205n })),
      series: () => a.series({ fields: ["serial"], startNs: 200n, endNs: 204n, buckets: 2 }),
    };
    for (const [first, way] of Object.entries(ways)) {
      // The bounds of batches are read by a series each time.
      await way();
      for (const [next, other] of Object.entries(ways)) {
        const bounds = next === "series" ? 1 : 0;
        expect([first, next, await reads(other)]).toEqual([first, next, bounds]);
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
    const { from, to } = caseRange(20);
    for (let i = from; i < to; i++) {
      const random = new Random(i);
      const { store, dispose } = await makeStore(place, { keepsBatches: true });
      try {
        const client = clientOf(store, random.pick([0, 30_000, 300_000, undefined]));
        await client.sequenceCreate("s", {}, async (sequence) => {
          for (const name of TOPICS) {
            const topic = await sequence.topicCreate(name, { ontology: Sample });
            for (let batch = 0, ns = 0; batch < 12; batch++) {
              // Large enough for buffers that are used again.
              const times = Array.from({ length: random.pick([10, 4000]) }, () => ns += random.below(3));
              const late = random.oneIn(4) ? times.map((time) => time - 500) : times;
              await pushSamples(topic, late, batch * 10_000);
              await topic.flush();
            }
          }
        });
        const handler = await client.sequenceHandler("s");
        const wanted = await texts(handler.getDataStreamer());
        const last = Number(handler.lastNs);
        const kept: [message: { toObject(): unknown }, text: string][] = [];
        const textOf = (message: { toObject(): unknown }) =>
          JSON.stringify(message.toObject(), (_, value) => typeof value === "bigint" ? `${value}n` : value);
        for (let step = 0; step < 30; step++) {
          const at = BigInt(random.below(last + 1));
          const topic = await handler.topicHandler(random.pick(TOPICS));
          const endNs = at + BigInt(random.below(2000));
          switch (random.below(5)) {
            case 0: {
              for (const message of (await handler.latestAt(at)).values()) {
                kept.push([message, textOf(message)]);
              }
              break;
            }
            case 1:
              await topic.series({ fields: ["serial"], buckets: 1 + random.below(50), startNs: at, endNs });
              break;
            case 2: {
              let left = random.below(3000);
              for await (
                const [, message] of handler.getDataStreamer({ startNs: at, reverse: random.oneIn(2) })
              ) {
                if (left-- % 500 === 0) kept.push([message, textOf(message)]);
                if (left < 0) break;
              }
              break;
            }
            case 3:
              for await (const block of topic.getColumnStreamer({ fields: ["serial"], startNs: at, endNs })) {
                expect(block.length).toBeGreaterThan(0);
              }
              break;
            case 4:
              await topic.series({ fields: ["serial"], buckets: 7 });
          }
        }
        for (const [message, text] of kept) expect(textOf(message)).toBe(text);
        expect(await texts(handler.getDataStreamer())).toEqual(wanted);
        expect(await texts(handler.getDataStreamer({ reverse: true }))).toEqual([...wanted].reverse());
        await client.close();
      } catch (reason) {
        throw failedCase(i, "tests/read/at_hand.test.ts", reason);
      } finally {
        await dispose();
      }
    }
  });
});
