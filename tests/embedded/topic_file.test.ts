import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFrame, MessageType } from "../../src/engine/batch_message.ts";
import type { Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { onStore } from "../support/places.ts";
import { expectedRow } from "../support/random_tables.ts";
import {
  addTopic,
  allTexts,
  pushSamples,
  Sample,
  sample,
  sampleText,
  texts,
} from "../support/sample_rows.ts";
import { touched, written } from "../support/tables.ts";
import { keepingBatches } from "../support/keeping_batches.ts";

const FILE = "s/gps/front.arrow";

/** Topic "gps/front" in three batches of three rows, and topic "imu" beside it. */
async function record(client: Client): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await addTopic(sequence, "gps/front", [1, 2, 3]);
    await topic.flush();
    await pushSamples(topic, [11, 12, 13], 3);
    await topic.flush();
    await pushSamples(topic, [21, 22, 23], 6);
    await addTopic(sequence, "imu", [2, 12]);
  });
}

const ROWS = [1, 2, 3, 11, 12, 13, 21, 22, 23].map((time, i) => sampleText("gps/front", BigInt(time), i));

/** Where the batches are in a topic's file. */
async function batchesOf(store: Store): Promise<{ offset: number; head: number; end: number }[]> {
  const bytes = await readAll(store, FILE);
  const found = [];
  let offset = 8;
  for (let frame = decodeFrame(bytes.subarray(offset)); frame; frame = decodeFrame(bytes.subarray(offset))) {
    const end = offset + frame.headBytes + frame.bodyBytes;
    if (frame.type === MessageType.recordBatch) found.push({ offset, head: frame.headBytes, end });
    offset = end;
  }
  return found;
}

async function withRecording(
  body: (client: Client, store: Store, whole: Uint8Array) => Promise<void>,
): Promise<void> {
  const store = keepingBatches(new MemoryStore());
  await onStore(store, async (client) => {
    await record(client);
    await body(client, store, await readAll(store, FILE));
  });
}

async function flip(store: Store, whole: Uint8Array, offset: number, bit = 0): Promise<void> {
  const bytes = whole.slice();
  bytes[offset] ^= 1 << bit;
  await store.replace(FILE, bytes);
}

/** The rows of the topic up to the first error, and the error. */
async function readTopic(client: Client, options = {}): Promise<{ rows: string[]; error: unknown }> {
  const rows: string[] = [];
  try {
    const topic = await client.topicHandler("s", "gps/front");
    for await (const message of topic.getDataStreamer(options)) rows.push(...await texts(once(message)));
    return { rows, error: undefined };
  } catch (error) {
    return { rows, error };
  }
}

async function* once<T>(item: T): AsyncGenerator<T> {
  yield await Promise.resolve(item);
}

describe("A damaged topic file", () => {
  it("with any bit flipped gives all rows or an error that names the file, and never other rows", async () => {
    await withRecording(async (client, store, whole) => {
      let corrupt = 0;
      const property = fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (offset, bit) => {
        await flip(store, whole, offset, bit);
        const { rows, error } = await readTopic(client);
        expect(rows).toEqual(ROWS.slice(0, rows.length));
        if (error === undefined) {
          expect(rows).toEqual(ROWS);
          return;
        }
        if (!(error instanceof SmaltiError)) throw error;
        expect(error.details).toMatchObject({ sequence: "s", topic: "gps/front", file: FILE });
        if (error.code === "CORRUPT") corrupt++;
        // A type's number in the footer may become that of another type.
        else expect(error.code).toBe("UNSUPPORTED");
      });
      await fc.assert(property, { numRuns: 600 });
      expect(corrupt).toBeGreaterThan(300);
      await store.replace(FILE, whole);
      expect((await readTopic(client)).rows).toEqual(ROWS);
    });
  });

  it("cut anywhere is CORRUPT, and the other topics are as they were", async () => {
    await withRecording(async (client, store, whole) => {
      for (let length = 0; length < whole.length; length += 7) {
        await store.replace(FILE, whole.slice(0, length));
        const error = await expectError(
          () => client.topicHandler("s", "gps/front"),
          "CORRUPT",
          `File of ${whole.length} bytes`,
        );
        expect(error.details).toEqual({ sequence: "s", topic: "gps/front", file: FILE });
      }
      const handler = await client.sequenceHandler("s");
      expect(await texts(handler.getDataStreamer({ topics: ["imu"] }))).toEqual([
        sampleText("imu", 2n, 0),
        sampleText("imu", 12n, 1),
      ]);
      await expectError(() => texts(handler.getDataStreamer()), "CORRUPT", "gps/front");
    });
  });

  it("with a damaged batch gives the rows before it, then CORRUPT that names the batch and its offset", async () => {
    await withRecording(async (client, store, whole) => {
      for (const [batch, { offset, head, end }] of (await batchesOf(store)).entries()) {
        // In the head's padding nothing is checked, and nothing is read.
        for (const at of [offset, offset + 4, offset + 40, offset + head + 4, end - 20]) {
          await flip(store, whole, at, 3);
          const { rows, error } = await readTopic(client);
          if (error === undefined) {
            throw new Error(`A flipped bit at ${at - offset} of batch ${batch} went unseen`);
          }
          expect((error as SmaltiError).details).toEqual({
            sequence: "s",
            topic: "gps/front",
            file: FILE,
            batch,
            offset,
          });
          expect((error as SmaltiError).code).toBe("CORRUPT");
          expect(rows.slice(0, 3 * batch)).toEqual(ROWS.slice(0, 3 * batch));
        }
      }
    });
  });

  it("gives all windows that do not touch the damaged batch", async () => {
    await withRecording(async (client, store, whole) => {
      const [, { offset, head }] = await batchesOf(store);
      await flip(store, whole, offset + head + 4);
      expect(await readTopic(client, { endNs: 11n })).toEqual({ rows: ROWS.slice(0, 3), error: undefined });
      expect(await readTopic(client, { startNs: 14n })).toEqual({ rows: ROWS.slice(6), error: undefined });
      expect((await readTopic(client, { startNs: 13n })).error).toBeInstanceOf(SmaltiError);
    });
  });

  it("whose damage is in one column gives the others, and CORRUPT where that one is touched", async () => {
    await withRecording(async (client, store, whole) => {
      const [{ offset, head, end }] = await batchesOf(store);
      const fields = Sample.fields.map(({ name }) => name);
      const damaged = new Set<string>();
      for (let at = offset + head; at < end; at++) {
        await flip(store, whole, at, at % 8);
        const topic = await client.topicHandler("s", "gps/front");
        const messages: Message[] = [];
        try {
          for await (const message of topic.getDataStreamer({ endNs: 4n })) messages.push(message);
        } catch (reason) {
          expect([(reason as SmaltiError).code, messages]).toEqual(["CORRUPT", []]);
          damaged.add("timestamp_ns");
          continue;
        }
        for (const [row, { data }] of messages.entries()) {
          const wanted = expectedRow(Sample.fields, { ...sample(row) });
          for (const [i, field] of fields.entries()) {
            try {
              expect(written(touched(Sample.fields[i], data[field]))).toBe(written(wanted[field]));
            } catch (reason) {
              if (!(reason instanceof SmaltiError)) throw reason;
              expect(reason.details).toMatchObject({ sequence: "s", file: FILE, batch: 0 });
              damaged.add(field);
            }
          }
        }
      }
      expect([...damaged].sort()).toEqual(["label", "place", "serial", "timestamp_ns", "values"]);
    });
  });

  it("that is not there is NOT_FOUND, and names the file", async () => {
    await withRecording(async (client, store) => {
      await store.remove(FILE);
      const error = await expectError(
        () => client.topicHandler("s", "gps/front"),
        "NOT_FOUND",
        "front.arrow",
      );
      expect(error.details).toEqual({ sequence: "s", topic: "gps/front", file: FILE });
      await client.sequenceDelete("s");
    });
  });

  it("does not keep the sequence from being updated or removed", async () => {
    await withRecording(async (client, store) => {
      await store.replace(FILE, new Uint8Array(100));
      await client.sequenceUpdate("s", {}, async (sequence) => void await addTopic(sequence, "late", [5]));
      expect(await texts((await client.topicHandler("s", "late")).getDataStreamer())).toEqual([
        sampleText("late", 5n, 0),
      ]);
      await client.sequenceDelete("s");
      expect(await client.listSequences()).toEqual([]);
    });
  });
});

describe("The topic file", () => {
  it("of a topic without rows is sound, however many columns it has", async () => {
    const fields = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`column_${i}`, float64()]));
    await onStore(new MemoryStore(), async (client) => {
      const ontology = defineOntology("wide", fields);
      await client.sequenceCreate("s", {}, (sequence) => sequence.topicCreate("empty", { ontology }));
      expect(await (await client.topicHandler("s", "empty")).verify({ deep: true })).toEqual([]);
    });
  });

  it("of a topic without rows is read as no rows", async () => {
    await onStore(new MemoryStore(), async (client) => {
      await client.sequenceCreate("s", {}, (sequence) => sequence.topicCreate("empty", { ontology: Sample }));
      expect(await allTexts(client, "s")).toEqual([]);
      const { rowCount, firstNs, lastNs, fields } = await client.topicHandler("s", "empty");
      expect([rowCount, firstNs, lastNs, fields.length]).toEqual([0, undefined, undefined, 5]);
      const table = await (await client.topicHandler("s", "empty")).getDataStreamer().toTable();
      expect([table.numRows, table.schema.names]).toEqual([0, [
        "timestamp_ns",
        "serial",
        "label",
        "values",
        "place",
      ]]);
    });
  });
});
