/**
 * Streams backwards are the streams forwards, reversed; a limit ends either.
 *
 * @module
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { expectError } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, makeStore, PLACES, withClient } from "../support/places.ts";
import { pushSamples, Sample, sampleText, texts } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { anyChoice, inOrder, largeRecording, record, type Recording, smallRecording } from "./order.ts";

/** A recording, a part of it, and how many messages of it are wanted. */
function partOf(recording: fc.Arbitrary<Recording>) {
  return recording.chain((one) =>
    fc.tuple(fc.constant(one), anyChoice(one.topics), fc.option(fc.nat(40), { nil: undefined }))
  );
}

describe.each(PLACES)("Streams backwards in %s", (place) => {
  it("give the reverse of the strict order, of any window, topics and limit, by any engine", async () => {
    const engines = await allEngines();
    const property = (recording: fc.Arbitrary<Recording>) =>
      fc.asyncProperty(partOf(recording), fc.boolean(), async ([one, choice, limit], reverse) => {
        const { store, dispose } = await makeStore(place, { keepsBatches: place === "memory" });
        try {
          const rows = await record(clientOf(store), "s", one);
          const forward = inOrder(rows, choice);
          const wanted = (reverse ? forward.reverse() : forward).slice(0, limit);
          const options = { ...choice, reverse, ...(limit !== undefined && { limit }) };
          for (const engine of engines) {
            const handler = await clientWith(engine, store).sequenceHandler("s");
            expect(await texts(handler.getDataStreamer(options))).toEqual(wanted);
            const blocks: string[] = [];
            for await (const block of handler.getDataStreamer(options).batches()) {
              for (const [topic, { timestampNs, data }] of block) {
                blocks.push(sampleText(topic, timestampNs, Number(data.serial)));
              }
            }
            expect(blocks).toEqual(wanted);
            const [name] = one.topics;
            const { topics: _, ...range } = options;
            const of = inOrder(rows, { ...choice, topics: [name] });
            expect(await texts((await handler.topicHandler(name)).getDataStreamer(range)))
              .toEqual((reverse ? of.reverse() : of).slice(0, limit));
          }
        } finally {
          await dispose();
        }
      });
    await fc.assert(property(smallRecording), { numRuns: place === "memory" ? 100 : 15 });
    await fc.assert(property(largeRecording), { numRuns: 3 });
  });
});

describe("A stream backwards", () => {
  it("becomes tables in its own order, and tells the time of its next message", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        for (const [name, times] of [["a", [1, 2, 2, 5]], ["b", [2, 3, 9]]] as const) {
          await pushSamples(await sequence.topicCreate(name, { ontology: Sample }), times);
        }
      });
      const handler = await client.sequenceHandler("s");
      const order = ["b 9", "a 5", "b 3", "b 2", "a 2", "a 2", "a 1"];
      const { tables, topicIndex, row } = await handler.getDataStreamer({ reverse: true }).toTable();
      const names = [...tables.keys()];
      const nsOf = (name: string, at: number) => tables.get(name)!.getChild("timestamp_ns")!.get(at);
      const seen = Array.from(topicIndex, (topic, i) => `${names[topic]} ${nsOf(names[topic], row[i])}`);
      expect(seen).toEqual(order);
      const streamer = handler.getDataStreamer({ reverse: true, limit: 2 });
      expect(await streamer.nextTimestampNs()).toBe(9n);
      await streamer.next();
      expect(await streamer.nextTimestampNs()).toBe(5n);
      await streamer.next();
      expect(await streamer.nextTimestampNs()).toBe(undefined);
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
    });
  });

  it("reads what its last messages lie in alone", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const name of ["a", "b"]) {
        const topic = await sequence.topicCreate(name, { ontology: Sample });
        for (let i = 0; i < 50; i++) {
          await pushSamples(topic, [10 * i, 10 * i + 1]);
          await topic.flush();
        }
      }
    });
    const handler = await client.sequenceHandler("s");
    for (const name of ["a", "b"]) await handler.topicHandler(name);
    store.calls.length = 0;
    expect((await texts(handler.getDataStreamer({ reverse: true, limit: 3 }))).length).toBe(3);
    expect(store.count("read")).toBeLessThanOrEqual(4);
    store.calls.length = 0;
    expect((await texts(handler.getDataStreamer({ limit: 0 }))).length).toBe(0);
    expect(store.count("read")).toBe(0);
  });

  it("goes on where its files are written anew while it reads", async () => {
    const full = keepingBatches(new MemoryStore());
    const times = Array.from({ length: 60 }, (_, i) => i - (i % 7 === 0 ? 5 : 0));
    const client = clientOf(full);
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const name of ["a", "b"]) {
        const topic = await sequence.topicCreate(name, { ontology: Sample });
        for (let i = 0; i < times.length; i += 3) {
          await pushSamples(topic, times.slice(i, i + 3), i);
          await topic.flush();
        }
      }
    });
    const wanted = (await texts((await client.sequenceHandler("s")).getDataStreamer())).reverse();
    expect(wanted.length).toBe(120);
    for (let moment = 0;; moment += 3) {
      const inner = new MemoryStore();
      await copyFiles(full, inner);
      const store: Store & WatchedStore = new WatchedStore(inner);
      let reads = 0;
      store.before = async (call, path) => {
        if (call === "read" && path.endsWith(".arrow") && reads++ === moment) {
          await clientOf(inner).compact("s");
        }
      };
      const handler = await clientOf(store).sequenceHandler("s");
      expect(await texts(handler.getDataStreamer({ reverse: true }))).toEqual(wanted);
      if (reads <= moment) break;
    }
  });

  it("holds no more than forwards: TOO_LARGE where what overlaps does not fit", async () => {
    await using client = clientOf(keepingBatches(new MemoryStore()));
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const name of ["a", "b", "c"]) {
        const topic = await sequence.topicCreate(name, { ontology: Sample });
        await pushSamples(topic, Array.from({ length: 500 }, (_, i) => i));
      }
    });
    const handler = await client.sequenceHandler("s");
    const forward = handler.sizeBytes + 8 * handler.rowCount;
    // Its keys take as much as the times.
    const backwards = handler.sizeBytes + 16 * handler.rowCount;
    const next = (maxBufferedBytes: number, reverse: boolean) =>
      handler.getDataStreamer({ maxBufferedBytes, reverse }).next();
    expect((await next(forward, false)).done).toBe(false);
    expect((await next(backwards, true)).done).toBe(false);
    await expectError(() => next(forward, true), "TOO_LARGE", "3 batches overlap in time");
  });

  it("refuses what makes no sense of it", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await sequence.topicCreate("a", { ontology: Sample });
      });
      const handler = await client.sequenceHandler("s");
      for (const option of [{ follow: true }, { latched: ["a"] }, { onLate: () => {} }]) {
        const [name] = Object.keys(option);
        expect(() => handler.getDataStreamer({ reverse: true, ...option })).toThrow(
          new TypeError(`Cannot stream sequence "s": reverse and ${name} are given, wanted one of the two`),
        );
      }
      for (const limit of [-1, 1.5, NaN, Infinity]) {
        expect(() => handler.getDataStreamer({ limit })).toThrow(
          new RangeError(`Cannot stream sequence "s": limit is ${limit}, wanted a whole number from 0 on`),
        );
      }
    });
  });
});

describe("A limit", () => {
  it("ends streams of columns, of followed sequences and of latched topics", async () => {
    await using client = clientOf(keepingBatches(new MemoryStore()));
    const writer = await client.sequenceCreate("s");
    for (const name of ["a", "b"]) {
      const topic = await writer.topicCreate(name, { ontology: Sample });
      await pushSamples(topic, [1, 2, 3, 4, 5]);
    }
    await writer.flush();
    const live = await client.sequenceHandler("s", { follow: true });
    expect((await texts(live.getDataStreamer({ follow: true, limit: 3 }))).length).toBe(3);
    await writer.finalize();
    const handler = await client.sequenceHandler("s");
    const lengths = async (stream: AsyncIterable<{ length: number }>) => {
      let rows = 0;
      for await (const { length } of stream) rows += length;
      return rows;
    };
    const topic = await handler.topicHandler("a");
    for (const limit of [0, 1, 4, 100]) {
      expect(await lengths(handler.getColumnStreamer({ fields: ["serial"], limit }))).toBe(
        Math.min(limit, 10),
      );
      expect(await lengths(topic.getColumnStreamer({ fields: ["serial"], limit }))).toBe(Math.min(limit, 5));
    }
    const latched = handler.getDataStreamer({ latched: ["a"], startNs: 4n, topics: ["b"], limit: 2 });
    expect((await texts(latched)).map((text) => text.split(" ")[0])).toEqual(["a", "b"]);
  });
});
