/**
 * Cursors tell what messages tell, and what of it may be kept.
 *
 * @module
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { GPS, IMU } from "../../src/ontology/builtin/mod.ts";
import { defineOntology, type Ontology } from "../../src/ontology/define_ontology.ts";
import { bool, float64, int64, list, optional, struct, utf8 } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { MessageCursor } from "../../src/read/merge/message_cursor.ts";
import type { MessageBlock } from "../../src/read/streamer.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { anyRecording, record } from "../contract/identity_recordings.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { expectError } from "../support/errors.ts";
import { withClient } from "../support/places.ts";
import { caseRange, failedCase } from "../support/random_cases.ts";
import { touchedRow, written } from "../support/tables.ts";

const FILE = "tests/read/cursor.test.ts";

type Told = Pick<Message, "topic" | "ontologyTag" | "timestampNs" | "data">;

/** All that a message or a cursor tells, each property touched; `offsetNs` is the time from a moment on. */
function told(one: Told, offsetNs: number, fields: ReadonlyMap<string, readonly FieldSchema[]>): string {
  const data = written(touchedRow(fields.get(one.topic)!, one.data));
  return `${one.topic} ${one.ontologyTag} ${one.timestampNs} ${offsetNs} ${data} ${JSON.stringify(one.data)}`;
}

const messageOf = (item: [string, Message] | Message) => Array.isArray(item) ? item[1] : item;

/** Reads a stream by blocks, each by its messages and by two cursors; throws where they differ. Gives the number of rows. */
async function compareBlocks(
  blocks: AsyncIterable<MessageBlock<[string, Message] | Message>>,
  fields: ReadonlyMap<string, readonly FieldSchema[]>,
  given: bigint | undefined,
): Promise<number> {
  let fromNs = given;
  let rows = 0;
  for await (const block of blocks) {
    fromNs ??= messageOf(block.at(0)).timestampNs;
    const [cursor, behind] = [block.cursor(given), block.cursor(given)];
    for (const item of block) {
      const message = messageOf(item);
      const wanted = told(message, Number(message.timestampNs - fromNs), fields);
      if (!cursor.next()) throw new Error(`A cursor ended before row ${rows}`);
      // Another cursor on the same block, a row behind, is not to be moved by this one, nor to move it.
      const { data } = cursor;
      if (rows > 0 && behind.next()) void told(behind, behind.offsetNs, fields);
      const own = JSON.stringify(data);
      if (own !== JSON.stringify(message.data)) throw new Error(`Row ${rows} was moved to ${own}`);
      for (
        const seen of [told(cursor, cursor.offsetNs, fields), told(cursor.message(), cursor.offsetNs, fields)]
      ) {
        if (seen !== wanted) throw new Error(`Row ${rows} is\n${seen}\nwanted\n${wanted}`);
      }
      rows++;
    }
    if (cursor.next()) throw new Error(`A cursor went on after row ${rows}`);
  }
  return rows;
}

describe("MessageCursor", () => {
  it("tells what messages tell, of random topics in random windows, merged or of one topic, on both engines", async () => {
    const engines = await allEngines();
    const { cases, seed } = caseRange(40);
    for (let i = 0; i < cases; i++) {
      try {
        const [recording] = fc.sample(anyRecording, { numRuns: 1, seed: seed + i });
        const fields = new Map(recording.topics.map((topic) => [topic.name, topic.fields]));
        const store = new MemoryStore();
        await record(store, engines[i % 2], recording);
        for (const engine of engines) {
          const client = clientWith(engine, store);
          const handler = await client.sequenceHandler("s");
          for (const { most: _, ...choice } of recording.choices) {
            await compareBlocks(handler.getDataStreamer(choice).batches(), fields, undefined);
            // What is left of a block whose first messages were read one by one.
            const stream = handler.getDataStreamer();
            const skipped = await stream.next();
            const rows = await compareBlocks(stream.batches(), fields, choice.startNs ?? 3n);
            expect(rows).toBe(skipped.done ? 0 : handler.rowCount - 1);
            const { startNs } = choice;
            if (startNs !== undefined) {
              const latched = recording.topics.map(({ name }) => name);
              await compareBlocks(handler.getDataStreamer({ startNs, latched }).batches(), fields, undefined);
            }
          }
          for (const { name } of handler.topics) {
            const topic = await handler.topicHandler(name);
            const rows = await compareBlocks(topic.getDataStreamer().batches(), fields, handler.firstNs);
            expect(rows).toBe(topic.rowCount);
          }
        }
        await store.close();
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
  });

  const Step = defineOntology("Step", {
    serial: int64(),
    place: optional(struct({ at: struct({ x: float64() }), on: optional(bool()) })),
    name: optional(utf8()),
    numbers: list(float64()),
    points: list(struct({ x: float64() })),
    constructor: utf8(),
  });

  /** Topics "a" and "b" of sequence "s": three messages each, at 10, 12 and 14 ns: one block, in turns. */
  async function withSteps(body: (block: MessageBlock<[string, Message]>) => Promise<void> | void) {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        for (const [first, name] of ["a", "b"].entries()) {
          const topic = await sequence.topicCreate(name, { ontology: Step });
          for (let i = first; i < 6; i += 2) {
            const place = i < 2 ? undefined : { at: { x: i / 2 }, on: i < 4 ? undefined : true };
            await topic.push({
              timestampNs: BigInt(10 + i - first),
              data: {
                serial: i,
                place,
                name: i % 3 === 0 ? undefined : `n${i}`,
                numbers: Array(i).fill(i),
                points: [{ x: i }],
                constructor: `c${i}`,
              },
            });
          }
        }
      });
      for await (const block of (await client.sequenceHandler("s")).getDataStreamer().batches()) {
        expect(block.length).toBe(6);
        await body(block);
      }
    });
  }

  it("walks over its block, from before the first message to after the last", async () => {
    await withSteps((block) => {
      const cursor = block.cursor();
      const seen: unknown[] = [];
      while (cursor.next()) {
        const { topic, offsetNs, timestampNs, ontologyTag, data } = cursor;
        const { serial, place, name, constructor } = data;
        seen.push([
          topic,
          offsetNs,
          timestampNs,
          ontologyTag,
          serial,
          place?.at.x,
          place?.on,
          name,
          constructor,
        ]);
      }
      expect(seen).toEqual([
        ["a", 0, 10n, "Step", 0n, undefined, undefined, undefined, "c0"],
        ["b", 0, 10n, "Step", 1n, undefined, undefined, "n1", "c1"],
        ["a", 2, 12n, "Step", 2n, 1, undefined, "n2", "c2"],
        ["b", 2, 12n, "Step", 3n, 1.5, undefined, undefined, "c3"],
        ["a", 4, 14n, "Step", 4n, 2, true, "n4", "c4"],
        ["b", 4, 14n, "Step", 5n, 2.5, true, "n5", "c5"],
      ]);
      expect([cursor.next(), cursor.next()]).toEqual([false, false]);
    });
  });

  it.each<[what: string, read: (cursor: MessageCursor) => unknown]>([
    ["topic", (cursor) => cursor.topic],
    ["ontologyTag", (cursor) => cursor.ontologyTag],
    ["timestampNs", (cursor) => cursor.timestampNs],
    ["offsetNs", (cursor) => cursor.offsetNs],
    ["data", (cursor) => cursor.data],
    ["getData", (cursor) => cursor.getData(Step)],
    ["message", (cursor) => cursor.message()],
  ])("throws where it is on no message: %s", async (_, read) => {
    await withSteps((block) => {
      const cursor = block.cursor();
      const wanted = new TypeError(
        "Cannot read a cursor that is on no message: call next(), and read while it gives true",
      );
      expect(() => read(cursor)).toThrow(wanted);
      while (cursor.next()) void read(cursor);
      expect(() => read(cursor)).toThrow(wanted);
    });
  });

  it("moves its data and the structs in it; values, lists, the structs in them and messages stay", async () => {
    await withSteps((block) => {
      const cursor = block.cursor();
      for (let i = 0; i < 3; i++) cursor.next();
      const { data } = cursor;
      const { place, name, numbers, points } = data;
      const { at } = place;
      const [message, copy] = [cursor.message(), data.toObject()];
      cursor.next(); // another topic's, which has views of its own
      expect([cursor.data.serial, data.serial]).toEqual([3n, 2n]);
      cursor.next();
      expect(cursor.data).toBe(data);
      expect([cursor.data.place, cursor.data.place.at]).toEqual([place, at]);
      expect([data.serial, at.x, place.on]).toEqual([4n, 2, true]);
      expect([name, [...numbers], points[0].x]).toEqual(["n2", [2, 2], 2]);
      expect(copy).toEqual(message.toObject().data);
      const { serial, place: kept } = message.data;
      expect([message.timestampNs, serial, kept.at.x, kept.on]).toEqual([12n, 2n, 1, undefined]);
      cursor.next();
      expect(cursor.next()).toBe(false);
      expect([message.data.serial, copy.serial]).toEqual([2n, 2n]);
    });
  });

  it("has data that is a view as that of messages is: cloning throws, JSON and push take it", async () => {
    await withSteps(async (block) => {
      const cursor = block.cursor();
      for (let i = 0; i < 5; i++) cursor.next();
      const { data } = cursor;
      const [, message] = block.at(4);
      expect(Object.keys(data)).toEqual(["toObject"]);
      for (const view of [data, data.place, data.place.at]) {
        expect(() => structuredClone(view)).toThrow(expect.objectContaining({ name: "DataCloneError" }));
        expect("x" in view || "at" in view || "serial" in view).toBe(true);
      }
      expect(JSON.stringify(data)).toBe(JSON.stringify(message.data));
      expect(data.place.toObject()).toEqual({ at: { x: 2 }, on: true });
      await withClient("memory", async (client) => {
        await client.sequenceCreate("again", {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Step });
          await topic.push({ timestampNs: 1n, data: cursor.getData(Step) });
        });
        for await (const again of (await client.topicHandler("again", "t")).getDataStreamer()) {
          expect(again.toObject().data).toEqual(message.toObject().data);
        }
      });
    });
  });

  /** Records a message of each ontology, all at one time. */
  async function recordOne(client: Client, messages: Record<string, [Ontology<never>, unknown]>) {
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const [name, [ontology, data]] of Object.entries(messages)) {
        const topic = await sequence.topicCreate(name, { ontology });
        await topic.push({ timestampNs: 1n, data: data as never });
      }
    });
    return await client.sequenceHandler("s");
  }

  it("gives data by an ontology; INVALID_ARGUMENT for another, as messages do", async () => {
    await withClient("memory", async (client) => {
      const xyz = { x: 1, y: 2, z: 3 };
      const handler = await recordOne(client, {
        gps: [GPS as Ontology<never>, { position: xyz }],
        imu: [IMU as Ontology<never>, { acceleration: xyz, angular_velocity: { ...xyz, x: 5 } }],
      });
      for await (const block of handler.getDataStreamer().batches()) {
        const cursor = block.cursor();
        cursor.next();
        expect(cursor.getData(GPS).position.x).toBe(1);
        const text = `topic "gps" of sequence "s" as IMU: its ontology is GPS`;
        await expectError(() => cursor.getData(IMU), "INVALID_ARGUMENT", text);
        cursor.next();
        expect([cursor.ontologyTag, cursor.getData(IMU).angular_velocity.x]).toEqual(["IMU", 5]);
        await expectError(() => cursor.getData(GPS), "INVALID_ARGUMENT", "its ontology is IMU");
      }
    });
  });

  it("counts offsets from the stream's first message, whatever the block, or from a moment", async () => {
    await withClient("memory", async (client) => {
      const [rows, base] = [20_000, 2n ** 60n];
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: defineOntology("N", { n: float64() }) });
        await topic.pushColumns({
          timestampNs: BigInt64Array.from({ length: rows }, (_, i) => base + BigInt(i) * 1_000_003n),
          n: Float64Array.from({ length: rows }, (_, i) => i),
        });
      });
      const handler = await client.sequenceHandler("s");
      const streamOf = [() => handler, () => handler.topicHandler("t")];
      for (const from of [undefined, base, base - 2n ** 40n, base + 5_000_000_000n]) {
        for (const open of streamOf) {
          let [at, blocks] = [100, 0];
          const stream = (await open()).getDataStreamer({ startNs: base + BigInt(at) * 1_000_003n });
          for await (const block of stream.batches()) {
            blocks++;
            const cursor = block.cursor(from);
            for (; cursor.next(); at++) {
              const wanted = from === undefined
                ? (at - 100) * 1_000_003
                : Number(base + BigInt(at) * 1_000_003n - from);
              if (cursor.offsetNs !== wanted) {
                throw new Error(`Row ${at} is at ${cursor.offsetNs}: wanted ${wanted}`);
              }
            }
          }
          expect(at).toBe(rows);
          expect(blocks).toBeGreaterThan(1);
        }
      }
    });
  });
});
