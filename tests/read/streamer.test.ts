import { describe, expect, it } from "vitest";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import type { SequenceStreamer } from "../../src/read/sequence_streamer.ts";
import { thrownBy } from "../support/errors.ts";
import { addTopic, pushSamples, rowText, sampleText, texts } from "../support/sample_rows.ts";
import { engine, loadArrow } from "../support/tables.ts";
import { deferred, isSettled } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { countedBackend } from "./counted_backend.ts";

const BATCHES = 6;

/** Sequence "s": topics "a" and "b" in batches of two rows, at 10, 11, 20, 21, ...; what is opened and closed is in the log. */
async function withCounted(
  body: (
    handler: SequenceHandler,
    log: string[],
    store: WatchedStore,
  ) => Promise<void>,
): Promise<void> {
  const [store, log] = [keepingBatches(new WatchedStore()), [] as string[]];
  const client = new Client(
    countedBackend(new EmbeddedBackend(store, engine), log),
    loadArrow,
  );
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const name of ["a", "b"]) {
      const topic = await addTopic(sequence, name, []);
      for (let batch = 1; batch <= BATCHES; batch++) {
        await pushSamples(topic, [10 * batch, 10 * batch + 1], 2 * batch - 2);
        await topic.flush();
      }
    }
  });
  const handler = await client.sequenceHandler("s");
  store.calls.length = 0;
  await body(handler, log, store);
  await client.close();
}

const ROWS = Array.from(
  { length: BATCHES },
  (_, i) => [10 * i + 10, 10 * i + 11],
).flat()
  .flatMap((time, serial) => ["a", "b"].map((topic) => sampleText(topic, BigInt(time), serial)));

/** Ways to leave a stream after its first message. */
const WAYS: Record<string, (streamer: SequenceStreamer) => Promise<unknown>> = {
  async "break out of for await"(streamer) {
    for await (const _ of streamer) break;
  },
  async "a throw out of for await"(streamer) {
    try {
      for await (const _ of streamer) throw new Error("mine");
    } catch (error) {
      expect((error as Error).message).toBe("mine");
    }
  },
  async "break out of batches()"(streamer) {
    for await (const _ of streamer.batches()) break;
  },
  async "break out of toArrow()"(streamer) {
    for await (const _ of streamer.toArrow()) break;
  },
  async "cancel of the readable stream"(streamer) {
    const stream = streamer.toReadableStream();
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
  },
  async "return()"(streamer) {
    await streamer.next();
    expect(await streamer.return()).toEqual({ done: true, value: undefined });
  },
  async "close()"(streamer) {
    await streamer.next();
    await streamer.close();
    await streamer.close();
  },
  async "its disposer"(streamer) {
    await streamer.next();
    await streamer[Symbol.asyncDispose]();
  },
};

describe("Streamer", () => {
  it.each(Object.entries(WAYS))(
    "closes every source by %s, and reads no more",
    async (_, leave) => {
      await withCounted(async (handler, log, store) => {
        const streamer = handler.getDataStreamer();
        await leave(streamer);
        expect(new Set(log.filter((line) => line.startsWith("close")))).toEqual(
          new Set(["close a", "close b"]),
        );
        expect(log.filter((line) => line.startsWith("open")).length)
          .toBeLessThan(5);
        const reads = store.calls.length;
        expect(await streamer.next()).toEqual({ done: true, value: undefined });
        expect(await streamer.nextTimestampNs()).toBe(undefined);
        expect((await streamer.batches().next()).done).toBe(true);
        expect((await streamer.toTable()).row.length).toBe(0);
        expect(store.calls.length).toBe(reads);
      });
    },
  );

  it("reads nothing until it is asked, then as the order reaches it, a batch ahead", async () => {
    await withCounted(async (handler, log, store) => {
      const streamer = handler.getDataStreamer();
      expect([log, store.calls]).toEqual([[], []]);
      const reads = () => store.count("read", ".arrow");
      expect(await streamer.nextTimestampNs()).toBe(10n);
      const footers = 2;
      expect(log).toEqual(["open a 0", "open b 0"]);
      expect(reads()).toBe(footers + 2);
      for (let i = 0; i < 4; i++) await streamer.next();
      expect(log).toEqual(["open a 0", "open b 0"]);
      expect(reads()).toBe(footers + 3);
      expect((await texts(streamer)).length).toBe(ROWS.length - 4);
      expect(reads()).toBe(footers + 2 * BATCHES);
    });
  });

  it("opens the batches that touch its window alone", async () => {
    await withCounted(async (handler, log) => {
      const seen = await texts(
        handler.getDataStreamer({ topics: ["b"], startNs: 21n, endNs: 31n }),
      );
      expect(seen).toEqual([sampleText("b", 21n, 3), sampleText("b", 30n, 4)]);
      expect(log).toEqual(["open b 1", "open b 2"]);
      await texts(handler.getDataStreamer({ startNs: 12n, endNs: 20n }));
      await texts(handler.getDataStreamer({ startNs: 20n, endNs: 20n }));
      expect(log.length).toBe(2);
    });
  });

  it("that is closed while next() waits for the store ends, and does not fail", async () => {
    await withCounted(async (handler, _, store) => {
      for (const ask of ["next", "nextTimestampNs", "batches"] as const) {
        // The first block is at hand, what follows is not.
        const streamer = handler.getDataStreamer();
        for (let i = 0; i < 4; i++) await streamer.next();
        await streamer.nextTimestampNs();
        for (let i = 0; i < 4; i++) await streamer.next();
        const gate = deferred();
        store.before = () => gate.promise;
        const call = ask === "batches" ? streamer.batches().next() : streamer[ask]();
        expect(await isSettled(call)).toBe(false);
        const closed = streamer.close();
        gate.resolve();
        store.before = () => {};
        const result = await call;
        expect(
          ask === "nextTimestampNs" ? result : (result as IteratorResult<unknown>).done,
        ).toBe(
          ask === "nextTimestampNs" ? undefined : true,
        );
        await closed;
      }
    });
  });

  it("rejects with the signal's reason where it is aborted before", async () => {
    await withCounted(async (handler, log, store) => {
      const reason = { any: "reason" };
      for (
        const read of [
          (streamer: SequenceStreamer) => streamer.next(),
          (streamer: SequenceStreamer) => streamer.nextTimestampNs(),
          (streamer: SequenceStreamer) => streamer.batches().next(),
          (streamer: SequenceStreamer) => streamer.toReadableStream().getReader().read(),
          (streamer: SequenceStreamer) => streamer.toTable(),
        ]
      ) {
        store.calls.length = 0;
        expect(
          await thrownBy(() => read(handler.getDataStreamer({ signal: AbortSignal.abort(reason) }))),
        )
          .toBe(reason);
      }
      expect(log).toEqual([]);
    });
  });

  it("rejects with the signal's reason at once, in the midst of a block too, and is closed", async () => {
    await withCounted(async (handler, log) => {
      const controller = new AbortController();
      const streamer = handler.getDataStreamer({ signal: controller.signal });
      const seen: string[] = [];
      const reason = new Error("enough");
      const thrown = await thrownBy(async () => {
        for await (const [topic, { timestampNs, data }] of streamer) {
          seen.push(rowText(topic, timestampNs, data));
          if (seen.length === 3) controller.abort(reason);
        }
      });
      expect(thrown).toBe(reason);
      expect(seen).toEqual(ROWS.slice(0, 3));
      expect(log.filter((line) => line.startsWith("close")).sort()).toEqual([
        "close a",
        "close b",
      ]);
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
    });
  });

  it("rejects with the signal's reason where it is aborted while next() waits for the store", async () => {
    await withCounted(async (handler, _, store) => {
      // While it waits for the topics' footers, and for a batch.
      for (const read of [0, 4]) {
        const controller = new AbortController();
        const streamer = handler.getDataStreamer({ signal: controller.signal });
        for (let i = 0; i < read; i++) await streamer.next();
        const gate = deferred();
        if (read > 0) await streamer.nextTimestampNs();
        for (let i = 0; i < read; i++) await streamer.next();
        store.before = () => gate.promise;
        const call = streamer.next();
        expect(await isSettled(call)).toBe(false);
        controller.abort();
        gate.resolve();
        store.before = () => {};
        expect(await thrownBy(() => call)).toBe(controller.signal.reason);
      }
    });
  });

  it("lets go of a signal that outlives it, at its end and when it is closed", async () => {
    await withCounted(async (handler) => {
      const { signal } = new AbortController();
      const [add, remove] = [
        signal.addEventListener.bind(signal),
        signal.removeEventListener.bind(signal),
      ];
      const listening = new Set<unknown>();
      signal.addEventListener = (
        ...args: Parameters<typeof add>
      ) => (listening.add(args[1]), add(...args));
      signal.removeEventListener = (
        ...args: Parameters<typeof remove>
      ) => (listening.delete(args[1]), remove(...args));
      const left = handler.getDataStreamer({ signal });
      await left.next();
      expect(listening.size).toBe(1);
      await left.close();
      expect(listening.size).toBe(0);
      expect(await texts(handler.getDataStreamer({ signal }))).toEqual(ROWS);
      expect(listening.size).toBe(0);
    });
  });

  it("is closed by an error, which one call gets", async () => {
    await withCounted(async (handler, log, store) => {
      const reason = new Error("disk on fire");
      const streamer = handler.getDataStreamer();
      expect((await streamer.next()).done).toBe(false);
      store.before = () => Promise.reject(reason);
      const rest = await texts(streamer).catch((error) => error);
      expect(rest).toBe(reason);
      expect(log.filter((line) => line.startsWith("close")).sort()).toEqual([
        "close a",
        "close b",
      ]);
      store.before = () => {};
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
      expect(await texts(handler.getDataStreamer())).toEqual(ROWS);
    });
  });

  /** An item as text. */
  const textOf = ([topic, { timestampNs, data }]: [string, Message]) => rowText(topic, timestampNs, data);

  it("gives every call of next() a promise and a result of its own, which stay as they are", async () => {
    await withCounted(async (handler) => {
      const iterator = handler.getDataStreamer()[Symbol.asyncIterator]();
      const promises: Promise<IteratorResult<[string, Message], undefined>>[] = [];
      const results: IteratorResult<[string, Message], undefined>[] = [];
      // Some are awaited and looked at before the next is asked for, some are not.
      for (let i = 0; i < ROWS.length + 2; i++) {
        promises.push(iterator.next());
        if (i % 3 !== 0) continue;
        results.push(await promises.at(-1)!);
        void results.at(-1)!.value?.[1].timestampNs;
      }
      expect(new Set(promises).size).toBe(ROWS.length + 2);
      const all = await Promise.all(promises);
      expect(new Set(all).size).toBe(ROWS.length + 2);
      expect(all.filter((_, i) => i % 3 === 0)).toEqual(results);
      expect(all.map(({ done }) => done)).toEqual(all.map((_, i) => i >= ROWS.length));
      expect(all.slice(0, ROWS.length).map(({ value }) => textOf(value!))).toEqual(ROWS);
    });
  });

  it("is one pass for iterators side by side, and for generators that delegate to it", async () => {
    await withCounted(async (handler) => {
      const streamer = handler.getDataStreamer();
      const [one, other] = [streamer[Symbol.asyncIterator](), streamer[Symbol.asyncIterator]()];
      const seen: string[] = [];
      const take = async (from: AsyncIterator<[string, Message], undefined>) => {
        const { value } = await from.next();
        seen.push(textOf(value!));
      };
      for (let i = 0; i < 3; i++) {
        await take(one);
        await take(other);
      }
      async function* rest() {
        yield* streamer;
      }
      for await (const item of rest()) seen.push(textOf(item));
      expect(seen).toEqual(ROWS);
    });
  });

  it("is closed by return() in the middle, of a generator that delegates to it too", async () => {
    await withCounted(async (handler, log) => {
      const streamer = handler.getDataStreamer();
      async function* delegating() {
        yield* streamer;
      }
      const [items, kept] = [delegating(), [] as [string, Message][]];
      for (let i = 0; i < 3; i++) kept.push((await items.next()).value!);
      const ahead = streamer.next();
      expect(await items.return()).toEqual({ done: true, value: undefined });
      const { done, value } = await ahead;
      if (!done) kept.push(value);
      expect(kept.map(textOf)).toEqual(ROWS.slice(0, kept.length));
      expect(log.filter((line) => line.startsWith("close")).sort()).toEqual(["close a", "close b"]);
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
    });
  });
});
