import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Client } from "../../mod.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { SmaltiError } from "../../src/error.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64, int64 } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { expectError } from "../support/errors.ts";
import { clientOf } from "../support/places.ts";
import { texts } from "../support/sample_rows.ts";
import { engine, loadArrow } from "../support/tables.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { isBun, LiveBytes, watchedEngine } from "./live_bytes.ts";
import { inOrder, largeRecording, record, smallRecording } from "./order.ts";

const TOPICS = 8;
const BATCHES = 3;
const ROWS = 1000;
/** The times of a batch, and each of its two columns. */
const COLUMN_BYTES = 8 * ROWS;
const Reading = defineOntology("Reading", { half: float64(), serial: int64() });

/** A store whose reads are noted. */
class NotedStore extends MemoryStore {
  beforeRead: () => Promise<void> | void = () => {};
  onRead: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  override async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    await this.beforeRead();
    return this.onRead(await super.read(path, offset, length));
  }
}

interface Recorded {
  store: NotedStore;
  handler: SequenceHandler;
  live: LiveBytes;
  /** Buffers decompressed so far. */
  decompressed: () => number;
  /** Makes the next so many of them fail. */
  fail: (times: number) => void;
  /** What a batch takes as it is stored, with its times, on average. */
  batchBytes: number;
}

/** Sequence "s": topics that all have a message at every time, unless told when serial number so and so was. */
async function withRecording(
  body: (recorded: Recorded) => Promise<void>,
  timeOf: (serial: number) => number = (serial) => serial,
): Promise<void> {
  const [store, live] = [keepingBatches(new NotedStore()), new LiveBytes()];
  let [count, failures] = [0, 0];
  const watched = watchedEngine(engine, (bytes) => {
    if (failures-- > 0) throw new SmaltiError("CORRUPT", "as the test wants");
    count++;
    return live.add(bytes);
  });
  // What is kept at hand for others comes on top.
  const client = new Client(new EmbeddedBackend(store, watched, 0), loadArrow);
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (let t = 0; t < TOPICS; t++) {
      const topic = await sequence.topicCreate(`t${t}`, { ontology: Reading });
      for (let from = 0; from < BATCHES * ROWS; from += ROWS) {
        const serials = Array.from({ length: ROWS }, (_, i) => from + i);
        await topic.pushColumns({
          timestampNs: BigInt64Array.from(serials, (serial) => BigInt(timeOf(serial))),
          half: serials.map((serial) => serial / 2),
          serial: serials,
        });
        await topic.flush();
      }
    }
  });
  const handler = await client.sequenceHandler("s");
  const batchBytes = handler.sizeBytes / TOPICS / BATCHES + COLUMN_BYTES;
  store.onRead = (bytes) => live.add(bytes);
  await body({
    store,
    handler,
    live,
    decompressed: () => count,
    fail: (times) => void (failures = times),
    batchBytes,
  });
  await client.close();
}

/** Reads all of a stream, touches every value, and calls `look` now and then. Gives the number of messages. */
async function readAll(
  handler: SequenceHandler,
  maxBufferedBytes: number | undefined,
  look: () => Promise<void>,
): Promise<number> {
  let count = 0;
  for await (const [topic, { timestampNs, data }] of handler.getDataStreamer({ maxBufferedBytes })) {
    const serial = Math.floor(count / TOPICS);
    const seen = [topic, timestampNs, data.half, data.serial];
    const wanted = [`t${count % TOPICS}`, BigInt(serial), serial / 2, BigInt(serial)];
    if (seen.some((value, i) => value !== wanted[i])) throw new Error(`Message ${count} is ${seen}`);
    if (++count % 1997 === 0) await look();
  }
  return count;
}

/** The same by cursors, of which each block has one. */
async function readByCursors(
  handler: SequenceHandler,
  maxBufferedBytes: number,
  look: () => Promise<void>,
): Promise<number> {
  let count = 0;
  const blocks = handler.getDataStreamer({ maxBufferedBytes }).batches();
  // In a function of its own: an iteration may keep its block until the next one begins.
  const readBlock = async () => {
    const { value: block } = await blocks.next();
    const cursor = block?.cursor(0n);
    while (cursor?.next()) {
      const serial = Math.floor(count / TOPICS);
      const { half, serial: read } = cursor.data;
      const seen = [cursor.topic, cursor.offsetNs, half, read];
      const wanted = [`t${count % TOPICS}`, serial, serial / 2, BigInt(serial)];
      if (seen.some((value, i) => value !== wanted[i])) throw new Error(`Message ${count} is ${seen}`);
      if (++count % 1997 === 0) await look();
    }
    return block !== undefined;
  };
  while (await readBlock());
  return count;
}

describe("maxBufferedBytes", () => {
  it("bounds what is held of stored and of decompressed bytes; columns make room and come again", async () => {
    await withRecording(async ({ handler, live, decompressed, batchBytes }) => {
      // Batches of all topics fit, but not all of their columns.
      const bound = (TOPICS + 1) * batchBytes + 5 * COLUMN_BYTES;
      let most = 0;
      const look = async () => void (most = Math.max(most, await live.count()));
      expect(await readAll(handler, bound, look)).toBe(TOPICS * BATCHES * ROWS);
      // The loop may hold on to one batch by a message that it is done with.
      const slack = batchBytes + 2 * COLUMN_BYTES;
      expect(most).toBeLessThanOrEqual(bound + slack);
      expect(most).toBeGreaterThan(bound / 2);
      const buffers = TOPICS * BATCHES * 3;
      expect(decompressed()).toBeGreaterThan(2 * buffers);

      // Where there is room each buffer is decompressed once; and the bound above was one.
      const before = decompressed();
      most = 0;
      await readAll(handler, undefined, look);
      expect(decompressed() - before).toBe(buffers);
      expect(most).toBeGreaterThan(bound + slack);
    });
  });

  it("bounds what is held where cursors read: they hold no columns that had to make room", async () => {
    await withRecording(async ({ handler, live, decompressed, batchBytes }) => {
      const bound = (TOPICS + 1) * batchBytes + 5 * COLUMN_BYTES;
      let most = 0;
      const look = async () => void (most = Math.max(most, await live.count()));
      expect(await readByCursors(handler, bound, look)).toBe(TOPICS * BATCHES * ROWS);
      expect(most).toBeLessThanOrEqual(bound + batchBytes + 2 * COLUMN_BYTES);
      expect(most).toBeGreaterThan(bound / 2);
      expect(decompressed()).toBeGreaterThan(2 * TOPICS * BATCHES * 3);
    });
  });

  // Bun's collector spares what a stale word on the stack may refer to.
  const bunsWay = isBun ? " (Bun's collector cannot tell)" : "";
  it.skipIf(isBun)(
    `holds no batch whose messages were all given out when it reads the next${bunsWay}`,
    async () => {
      await withRecording(async ({ handler, store, live, batchBytes }) => {
        const topic = await handler.topicHandler("t3");
        const held: number[] = [];
        store.beforeRead = async () => void held.push(await live.count());
        const streamer = topic.getDataStreamer({ maxBufferedBytes: 1 });
        // In a function of its own: an iteration may keep its message until the next one begins.
        const next = async () => (await streamer.next()).value?.data.serial;
        let count = 0n;
        for (let serial = await next(); serial !== undefined; serial = await next()) {
          if (serial !== count++) throw new Error(`Message ${count - 1n} is ${serial}`);
        }
        expect(count).toBe(BigInt(BATCHES * ROWS));
        expect(held.length).toBe(BATCHES);
        expect(Math.max(...held)).toBeLessThan(batchBytes);
      });
    },
  );

  it("is not passed before reading is TOO_LARGE, which says how many batches overlap", async () => {
    await withRecording(async ({ handler, live, decompressed, batchBytes }) => {
      const bound = Math.floor(3.5 * batchBytes);
      const streamer = handler.getDataStreamer({ maxBufferedBytes: bound });
      await expectError(
        () => streamer.next(),
        "TOO_LARGE",
        `Cannot replay sequence "s": 4 batches overlap in time and take`,
        `maxBufferedBytes is ${bound}`,
      );
      expect(decompressed()).toBe(3);
      expect(await live.count()).toBeLessThanOrEqual(bound);
    });
  });

  it("where the columns of one batch do not fit is TOO_LARGE when one is touched; times are read all the same", async () => {
    await withRecording(async ({ handler, batchBytes }) => {
      const bound = Math.ceil((TOPICS + 0.1) * batchBytes);
      const streamer = handler.getDataStreamer({ maxBufferedBytes: bound });
      const kept: Message[] = [];
      for await (const [topic, message] of streamer) {
        if (kept.length === 0) {
          await expectError(
            () => message.data.half,
            "TOO_LARGE",
            `Cannot read topic "${topic}" of sequence "s": ${TOPICS} batches overlap in time`,
            `maxBufferedBytes is ${bound}`,
          );
        }
        kept.push(message);
      }
      expect(kept.length).toBe(TOPICS * BATCHES * ROWS);
      // What the caller keeps beyond the stream is the caller's.
      kept.forEach((message, i) => {
        if (message.data.half !== Math.floor(i / TOPICS) / 2) throw new Error(`Message ${i} changed`);
      });
    });
  });

  it("holds nothing for a column that could not be read", async () => {
    await withRecording(async ({ handler, fail, batchBytes }) => {
      const bound = Math.ceil((TOPICS + 0.1) * batchBytes + 2 * COLUMN_BYTES);
      const streamer = handler.getDataStreamer({ maxBufferedBytes: bound });
      const [, message] = (await streamer.next()).value!;
      fail(50);
      for (let i = 0; i < 50; i++) await expectError(() => message.data.half, "CORRUPT", "as the test wants");
      expect([message.data.half, message.data.serial]).toEqual([0, 0n]);
      await streamer.close();
    });
  });

  it("bounds toTable and toArrow, which need all batches of a topic in a block: TOO_LARGE where they do not fit", async () => {
    // Every batch of a topic overlaps all the others.
    await withRecording(async ({ handler, decompressed, batchBytes }) => {
      const topic = await handler.topicHandler("t3");
      const streamer = (columns: number) =>
        topic.getDataStreamer({ maxBufferedBytes: BATCHES * batchBytes + (columns + 0.5) * COLUMN_BYTES });
      for (const read of [() => streamer(3).toTable(), () => streamer(3).toArrow().next()]) {
        const before = decompressed();
        await expectError(
          read,
          "TOO_LARGE",
          `${BATCHES} batches overlap in time`,
          "the columns that are read",
        );
        expect(decompressed() - before).toBe(BATCHES + 3);
      }
      const table = await streamer(2 * BATCHES).toTable();
      const serials = Array.from(table.getChild("serial")!, Number);
      expect(serials).toEqual(
        Array.from({ length: BATCHES * ROWS }, (_, i) => i % BATCHES * ROWS + Math.floor(i / BATCHES)),
      );
      // Message by message the columns of one batch make room for those of another.
      let halves = 0;
      for await (const { data } of streamer(3)) halves += data.half;
      expect(halves).toBe(serials.reduce((sum, serial) => sum + serial / 2, 0));
    }, (serial) => serial % ROWS);
  });

  it("counts the batches of latched messages", async () => {
    await withRecording(async ({ handler, decompressed, batchBytes }) => {
      const latched = ["t0", "t1", "t2"];
      const streamer = (maxBufferedBytes: number) =>
        handler.getDataStreamer({ topics: [], latched, startNs: 5n, maxBufferedBytes });
      await expectError(() => streamer(2.5 * batchBytes).next(), "TOO_LARGE", "3 batches overlap");
      const topics: string[] = [];
      for await (const [topic] of streamer(3.5 * batchBytes)) topics.push(topic);
      expect(topics).toEqual(latched);

      const before = decompressed();
      const all = handler.topics.map(({ name }) => name);
      const tight = { latched: all, startNs: 5n, maxBufferedBytes: 2.5 * batchBytes };
      await expectError(() => handler.getDataStreamer(tight).next(), "TOO_LARGE", "3 batches overlap");
      expect(decompressed() - before).toBe(3);
    });
  });

  it("that is no number of bytes is a RangeError at once", async () => {
    await withRecording(async ({ handler }) => {
      const topic = await handler.topicHandler("t0");
      const fields = { half: { topic: "t0", field: "half" } };
      for (const maxBufferedBytes of [0, -1, NaN]) {
        for (
          const call of [
            () => handler.getDataStreamer({ maxBufferedBytes }),
            () => handler.getDataStreamer({ maxBufferedBytes, follow: true }),
            () => topic.getDataStreamer({ maxBufferedBytes }),
            () => handler.getSyncStreamer({ fields, periodNs: 1n, maxBufferedBytes }),
          ]
        ) {
          expect(call).toThrow(
            new RangeError(
              `Cannot stream: maxBufferedBytes is ${maxBufferedBytes}, wanted a number of bytes above 0`,
            ),
          );
        }
      }
    });
  });

  it("never changes what is read: all of it in order, or TOO_LARGE", async () => {
    await using client = clientOf(keepingBatches(new MemoryStore()));
    const plenty = 2 ** 26;
    const property = fc.asyncProperty(
      fc.oneof({ weight: 8, arbitrary: smallRecording }, { weight: 1, arbitrary: largeRecording }),
      fc.constantFrom(1, 1000, 3000, 10_000, 100_000, 300_000, plenty),
      async (recording, maxBufferedBytes) => {
        const wanted = inOrder(await record(client, "s", recording), {});
        const handler = await client.sequenceHandler("s");
        const read = () => texts(handler.getDataStreamer({ maxBufferedBytes }));
        const result = await read().catch((reason) => reason);
        if (maxBufferedBytes === plenty || result instanceof Array) expect(result).toEqual(wanted);
        else expect(result.code).toBe("TOO_LARGE");
        await client.sequenceDelete("s");
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});
