import { describe, expect, it } from "vitest";
import type { SmaltiError } from "../../src/error.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { ReadOptions } from "../../src/store/store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { onStore } from "../support/places.ts";
import { pushSamples, Sample, texts } from "../support/sample_rows.ts";
import { nextTurn } from "../../src/util/time_slice.ts";

/** A store that says how far to read ahead, and notes what is read. */
class AheadStore extends MemoryStore {
  readsAhead = 1;
  sharedBytes: number | undefined;
  /** Where each read of a topic's file began. */
  reads: string[] = [];
  running = 0;
  mostRunning = 0;

  override async read(path: string, offset: number, length: number, options?: ReadOptions) {
    if (!path.endsWith(".arrow")) return await super.read(path, offset, length, options);
    this.reads.push(`${path} ${offset}`);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    await nextTurn();
    this.running--;
    return await super.read(path, offset, length, options);
  }
}

const BATCHES = 24;

/** Sequence "s": topics whose batches of two rows begin at multiples of these. */
async function withBatches(
  periods: Record<string, number>,
  body: (handler: SequenceHandler, store: AheadStore) => Promise<void>,
): Promise<void> {
  const store = keepingBatches(new AheadStore());
  await onStore(store, async (client) => {
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const [name, period] of Object.entries(periods)) {
        const topic = await sequence.topicCreate(name, { ontology: Sample });
        for (let i = 0; i < BATCHES; i++) {
          await pushSamples(topic, [i * period, i * period + 1]);
          await topic.flush();
        }
      }
    });
    const handler = await client.sequenceHandler("s");
    for (const name of Object.keys(periods)) await handler.topicHandler(name);
    store.reads = [];
    store.mostRunning = 0;
    await body(handler, store);
  }, 0);
}

describe("Reading ahead", () => {
  it.each([[0, 1, 1], [1, 1, 2], [8, 8, 9]])(
    "of a store that gains by %i reads has up to %i under way at once, and begins %i for the first row",
    async (readsAhead, most, begun) => {
      await withBatches({ a: 10 }, async (handler, store) => {
        store.readsAhead = readsAhead;
        const streamer = handler.getDataStreamer();
        await streamer.next();
        expect(store.reads.length).toBe(begun);
        let rows = 1;
        for await (const _ of streamer) rows++;
        expect([rows, store.reads.length]).toEqual([2 * BATCHES, BATCHES]);
        expect(store.mostRunning).toBe(most);
      });
    },
  );

  it("takes what comes first of all topics, and reads each batch once", async () => {
    await withBatches({ slow: 70, fast: 10, odd: 25 }, async (handler, store) => {
      const wanted = await texts(handler.getDataStreamer());
      const inNeed = store.reads;
      store.reads = [];
      store.readsAhead = 8;
      const streamer = handler.getDataStreamer();
      expect(await texts(streamer)).toEqual(wanted);
      expect(store.reads).toEqual(inNeed);
      expect(store.mostRunning).toBe(8);
    });
  });

  it("takes no room from others: what fits without it fits with it", async () => {
    await withBatches({ a: 1, b: 1, c: 1 }, async (handler, store) => {
      const outcome = async (maxBufferedBytes: number) => {
        try {
          return (await texts(handler.getDataStreamer({ maxBufferedBytes }))).length;
        } catch (reason) {
          return (reason as SmaltiError).code;
        }
      };
      const outcomes = new Set<unknown>();
      for (let bound = 1000; bound < 100_000; bound = Math.ceil(bound * 1.1)) {
        store.readsAhead = 0;
        const wanted = await outcome(bound);
        outcomes.add(wanted);
        store.readsAhead = 8;
        expect([bound, await outcome(bound)]).toEqual([bound, wanted]);
        store.sharedBytes = 1 << 20;
        expect([bound, await outcome(bound)]).toEqual([bound, wanted]);
        store.sharedBytes = undefined;
      }
      expect([...outcomes]).toEqual(["TOO_LARGE", 6 * BATCHES]);
    });
  });

  it("asks for batches of a topic together where requests are dear, as many as its share of the memory holds", async () => {
    await withBatches({ a: 10, b: 11, c: 12 }, async (handler, store) => {
      const wanted = await texts(handler.getDataStreamer());
      const inNeed = store.reads;
      store.sharedBytes = 1 << 20;
      for (const maxBufferedBytes of [1 << 20, 60_000]) {
        store.reads = [];
        const streamer = handler.getDataStreamer({ maxBufferedBytes });
        const { value } = await streamer.next();
        const begun = store.reads.length;
        expect([value !== undefined, maxBufferedBytes < 100_000 ? begun < 3 * BATCHES : begun]).toEqual([
          true,
          maxBufferedBytes < 100_000 || 3 * BATCHES,
        ]);
        expect(await texts(streamer)).toEqual(wanted.slice(1));
        expect(store.reads.length).toBe(inNeed.length);
      }
      store.reads = [];
      store.sharedBytes = 4000;
      const streamer = handler.getDataStreamer();
      expect(await texts(streamer)).toEqual(wanted);
      expect([...store.reads].sort()).toEqual([...inNeed].sort());
    });
  });

  it("ends with the stream: closed or given up, nothing is read any more", async () => {
    await withBatches({ a: 10 }, async (handler, store) => {
      store.readsAhead = 8;
      const stop = new AbortController();
      const streams = [handler.getDataStreamer(), handler.getDataStreamer({ signal: stop.signal })];
      for (const stream of streams) await stream.next();
      const begun = store.reads.length;
      await streams[0].close();
      stop.abort(new Error("given up"));
      expect(await streams[0].next()).toEqual({ done: true, value: undefined });
      await expect(streams[1].next()).rejects.toThrow("given up");
      expect(store.reads.length).toBe(begun);
    });
  });
});

describe("Messages and blocks that are kept", () => {
  it("stay as they were while more is read, in either way of reading", async () => {
    await withBatches({ a: 10, b: 10 }, async (handler) => {
      const wanted = await texts(handler.getDataStreamer());
      const kept = [];
      for await (const message of handler.getDataStreamer()) kept.push(message);
      expect(await texts(inTurn(kept))).toEqual(wanted);
      const blocks = [];
      const streamer = handler.getDataStreamer();
      // A block after messages has the rest of their block.
      const { value: first } = await streamer.next();
      for await (const block of streamer.batches()) blocks.push(block);
      expect(await texts(inTurn([first!, ...blocks.flatMap((block) => [...block])]))).toEqual(wanted);
    });
  });
});

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
