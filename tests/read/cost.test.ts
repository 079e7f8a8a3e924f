import { describe, expect, it } from "vitest";
import { TopicFileReader } from "../../src/embedded/topic_file_reader.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { clientOf, onStore } from "../support/places.ts";
import { pushSamples, recordSequence, Sample, texts } from "../support/sample_rows.ts";
import { engine } from "../support/tables.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";

describe("Client.listSequences", () => {
  it("of 10,000 sequences lists one directory and reads nothing", async () => {
    const inner = new MemoryStore();
    await recordSequence(clientOf(inner), "first", { a: [1] });
    const manifest = await inner.read("first/sequence.json", 0, 2 ** 16);
    const names = Array.from({ length: 10_000 }, (_, i) => `drive${i}`);
    for (const name of names) await inner.replace(`${name}/sequence.json`, manifest);
    const store = new WatchedStore(inner);
    await onStore(store, async (client) => {
      expect(await client.listSequences()).toEqual([...names, "first"].sort());
      expect(store.calls).toEqual(["list "]);
    });
  });
});

describe("A sequence's handler", () => {
  it("reads the manifest, and the footers of topics that are needed, once each", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      await recordSequence(client, "s", { a: [1, 2], b: [3], c: [4] });
      const calls = () => store.calls.splice(0);
      calls();
      const handler = await client.sequenceHandler("s");
      expect([handler.rowCount, handler.topics.length, handler.firstNs]).toEqual([4, 3, 1n]);
      const streamer = handler.getDataStreamer({ topics: ["a"], startNs: 10n });
      expect(calls()).toEqual(["read s/sequence.json"]);
      // No batch of it lies in the window.
      expect(await streamer.nextTimestampNs()).toBe(undefined);
      expect(calls()).toEqual(["read s/a.arrow"]);
      await handler.topicHandler("a");
      await handler.topicHandler("b");
      expect(calls()).toEqual(["read s/b.arrow"]);
      await texts(handler.getDataStreamer({ startNs: 10n }));
      expect(calls()).toEqual(["read s/c.arrow"]);
      await texts(handler.getDataStreamer({ startNs: 10n }));
      expect(calls()).toEqual([]);
      const { sizeBytes } = handler.topics[0];
      expect(store.reads.find(({ path }) => path === "s/a.arrow")).toEqual({
        path: "s/a.arrow",
        offset: 0,
        length: sizeBytes,
      });
      await client.topicHandler("s", "c");
      expect(calls()).toEqual(["read s/sequence.json", "read s/c.arrow"]);
    });
  });
});

describe("Reading a window", () => {
  const TOPICS = ["a", "b", "c"];
  /** A batch holds as many rows, at times 0, 1, 2, ... */
  const ROWS = 5;

  /** Records sequence "s" with so many batches a topic. */
  async function withBatches(
    batches: number,
    body: (handler: SequenceHandler, store: WatchedStore) => Promise<void>,
  ): Promise<void> {
    const store = keepingBatches(new WatchedStore());
    await onStore(store, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        for (const name of TOPICS) {
          const topic = await sequence.topicCreate(name, { ontology: Sample });
          for (let from = 0; from < batches * ROWS; from += ROWS) {
            await pushSamples(topic, Array.from({ length: ROWS }, (_, i) => from + i), from);
            await topic.flush();
          }
        }
      });
      await body(await client.sequenceHandler("s"), store);
    });
  }

  /** Reads rows `from` to `to` of every topic; gives the numbers of the batches read, `a 7`, and the bytes beside them. */
  async function readWindow(handler: SequenceHandler, store: WatchedStore, from: number, to: number) {
    const places = new Map<string, string>();
    for (const topic of handler.topics) {
      const path = `s/${topic.name}.arrow`;
      const { index } = await TopicFileReader.open(store, engine, path, topic);
      index.offset.forEach((offset, i) =>
        places.set(`${path} ${offset} ${index.length[i]}`, `${topic.name} ${i}`)
      );
    }
    store.reads.length = 0;
    const window = { startNs: BigInt(from), endNs: BigInt(to) };
    expect((await texts(handler.getDataStreamer(window))).length).toBe(TOPICS.length * (to - from));
    const reads = store.reads.map((read) => ({
      ...read,
      batch: places.get(`${read.path} ${read.offset} ${read.length}`),
    }));
    return {
      batches: reads.flatMap(({ batch }) => batch ?? []).sort(),
      others: reads.filter(({ batch }) => batch === undefined),
    };
  }

  it.each([30, 300])(
    "of %i batches reads those that touch it, each once, and the footers",
    async (batches) => {
      await withBatches(batches, async (handler, store) => {
        // From within batch 11 to the end of batch 13.
        const first = await readWindow(handler, store, 11 * ROWS + 2, 14 * ROWS);
        expect(first.batches).toEqual(
          TOPICS.flatMap((topic) => [11, 12, 13].map((batch) => `${topic} ${batch}`)),
        );
        // A footer is one read, or two where it is long; it is at the end of its file, and grows by the batch.
        for (const { path, offset, length } of first.others) {
          const { sizeBytes } = handler.topics.find(({ name }) => path === `s/${name}.arrow`)!;
          expect(length).toBeLessThanOrEqual(Math.max(16 * 1024, 120 * batches));
          expect(offset + length).toBeGreaterThanOrEqual(sizeBytes - 10);
        }
        expect(first.others.length).toBe(batches === 30 ? TOPICS.length : 2 * TOPICS.length);
        // The handler has the footers by now.
        const second = await readWindow(handler, store, 20 * ROWS + 1, 20 * ROWS + 2);
        expect([second.batches, second.others]).toEqual([TOPICS.map((topic) => `${topic} 20`), []]);
      });
    },
  );
});
