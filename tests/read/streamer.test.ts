import { describe, expect, it } from "vitest";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import type { SequenceStreamer } from "../../src/read/sequence_streamer.ts";
import { engine } from "../arrow/random.ts";
import {
  addTopic,
  deferred,
  expectError,
  isSettled,
  PLACES,
  pushSamples,
  rowText,
  sampleText,
  texts,
  thrownBy,
  WatchedStore,
  withClient,
} from "../client/support.ts";
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
  const [store, log] = [new WatchedStore(), [] as string[]];
  const client = new Client(
    countedBackend(new EmbeddedBackend(store, engine), log),
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
      const controller = new AbortController();
      const gate = deferred();
      store.before = () => gate.promise;
      const call = handler.getDataStreamer({ signal: controller.signal })
        .next();
      expect(await isSettled(call)).toBe(false);
      controller.abort();
      gate.resolve();
      expect(await thrownBy(() => call)).toBe(controller.signal.reason);
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
});

describe.each(PLACES)("Streamers in %s", (place) => {
  it("over one handler run side by side, and leave each other alone", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await addTopic(sequence, "a", [1, 5, 3]);
        await addTopic(sequence, "b", [2, 3, 3]);
      });
      const handler = await client.sequenceHandler("s");
      const wanted = await texts(handler.getDataStreamer());
      expect(wanted.length).toBe(6);
      const all = [handler, handler, handler].map((one) => one.getDataStreamer());
      const seen = all.map((): string[] => []);
      for (let i = 0; i < 6; i++) {
        for (const [k, streamer] of all.entries()) {
          if (k === 2 && i === 3) await streamer.close();
          const { value } = await streamer.next();
          if (value) {
            seen[k].push(
              rowText(value[0], value[1].timestampNs, value[1].data),
            );
          }
        }
      }
      expect(seen).toEqual([wanted, wanted, wanted.slice(0, 3)]);
      const topic = await handler.topicHandler("a");
      const both = await Promise.all([
        texts(topic.getDataStreamer()),
        texts(topic.getDataStreamer({ startNs: 3n })),
        texts(handler.getDataStreamer()),
      ]);
      const ofA = wanted.filter((text) => text.startsWith("a "));
      expect(both).toEqual([ofA, ofA.slice(1), wanted]);
    });
  });

  it("give messages and blocks that stay as they are after they are closed, and the client too", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await addTopic(sequence, "a", []);
        // More than two blocks, in several batches.
        for (let batch = 0; batch < 4; batch++) {
          await pushSamples(
            topic,
            Array.from({ length: 3000 }, (_, i) => 3000 * batch + i),
            3000 * batch,
          );
          await topic.flush();
        }
      });
      const handler = await client.sequenceHandler("s");
      const streamer = handler.getDataStreamer();
      const first = (await streamer.next()).value!;
      const blocks = [];
      for await (const block of streamer.batches()) {
        blocks.push(block);
        if (blocks.length === 3) break;
      }
      await client.close();
      expect(rowText(first[0], first[1].timestampNs, first[1].data)).toBe(
        sampleText("a", 0n, 0),
      );
      let serial = 1;
      for (const block of blocks) {
        for (const [topic, { timestampNs, data }] of block) {
          if (
            rowText(topic, timestampNs, data) !==
              sampleText("a", BigInt(serial), serial)
          ) {
            throw new Error(`Row ${serial} changed`);
          }
          serial++;
        }
      }
      expect(serial).toBeGreaterThan(8000);
    });
  });

  it("are TOO_LARGE where more batches overlap than maxBufferedBytes holds, and say how many and how much", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await addTopic(sequence, "late", []);
        // Each batch reaches over all the others.
        for (let batch = 0; batch < 10; batch++) {
          await pushSamples(topic, [batch, 1000 - batch], 2 * batch);
          await topic.flush();
        }
        await addTopic(sequence, "small", [-5, -4]);
      });
      const handler = await client.sequenceHandler("s");
      const topic = await handler.topicHandler("late");
      const batchBytes = topic.sizeBytes / 12;
      for (
        const stream of [
          () => handler.getDataStreamer({ maxBufferedBytes: 4 * batchBytes }),
          () => topic.getDataStreamer({ maxBufferedBytes: 4 * batchBytes }),
        ]
      ) {
        const error = await expectError(
          () => texts(stream()),
          "TOO_LARGE",
          /Cannot replay sequence "s": \d+ batches overlap/,
          `maxBufferedBytes is ${4 * batchBytes}`,
        );
        expect(error.details).toMatchObject({ sequence: "s", topic: "late" });
      }
      expect(
        (await texts(
          handler.getDataStreamer({ maxBufferedBytes: topic.sizeBytes }),
        )).length,
      ).toBe(22);
      // One batch is always allowed.
      expect(
        (await texts(
          handler.getDataStreamer({ topics: ["small"], maxBufferedBytes: 1 }),
        )).length,
      ).toBe(
        2,
      );
      expect(
        (await texts(topic.getDataStreamer({ endNs: 1n, maxBufferedBytes: 1 })))
          .length,
      ).toBe(1);
    });
  });
});
