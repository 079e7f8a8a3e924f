/**
 * What becomes of small batches at the end of a session: large ones, with the same rows in the same order.
 *
 * @module
 */
import process from "node:process";
import { describe, expect, it } from "vitest";
import type { Columns } from "../../src/arrow/columns.ts";
import type { Client } from "../../src/client.ts";
import { topicFileOf } from "../../src/embedded/file_names.ts";
import { TopicFileWriter } from "../../src/embedded/topic_file_writer.ts";
import { IMU } from "../../src/ontology/builtin/mod.ts";
import { defineOntology, type Infer } from "../../src/ontology/define_ontology.ts";
import { binary, float32, float64, int64, list, optional, struct, utf8 } from "../../src/ontology/field.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { Turns } from "../../src/util/turns.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { collectGarbage } from "../read/live_bytes.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { PassThroughStore } from "../support/pass_through_store.ts";
import { clientOf, onStore, PLACES, withClient } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { expectedRow } from "../support/random_tables.ts";
import { columnsOf, engine, tableFields, touchedRow, written } from "../support/tables.ts";
import { settle } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { storedBatches } from "./stored_batches.ts";

/** A row of noise, as a sensor gives it. */
function imuRow(row: number): Infer<typeof IMU> {
  const value = (of: number) => Math.sin(row * 7 + of) * 9.81;
  return {
    acceleration: { x: value(1), y: value(2), z: value(3) },
    angular_velocity: { x: value(4), y: value(5), z: value(6) },
  };
}

async function recordImu(client: Client, name: string, isFlushed: boolean, rows = 2000): Promise<void> {
  await client.sequenceCreate(name, { autoFlush: false }, async (sequence) => {
    const topic = await sequence.topicCreate("imu", { ontology: IMU });
    for (let row = 0; row < rows; row++) {
      await topic.push({ timestampNs: BigInt(row) * 5_000_000n, data: imuRow(row) });
      if (isFlushed) await topic.flush();
    }
  });
}

/** Rows whose values are of all kinds, some much larger than others. */
const Mixed = defineOntology("Mixed", {
  serial: int64(),
  text: utf8(),
  raw: optional(binary()),
  values: list(optional(float32())),
  names: list(utf8()),
  place: optional(struct({ x: float64(), label: optional(utf8()) })),
});
type Mixed = Infer<typeof Mixed>;

function mixed(serial: number): Mixed {
  return {
    serial: BigInt(serial),
    text: `row ${serial}`.repeat(serial % 97 === 0 ? 500 : serial % 3),
    raw: serial % 4 === 0 ? undefined : new Uint8Array(serial % 61 === 0 ? 30_000 : serial % 5).fill(serial),
    values: Array.from({ length: serial % 5 }, (_, i) => i === 2 ? undefined : serial + i / 4),
    names: Array.from({ length: serial % 3 }, (_, i) => `${serial}.${i}`),
    place: serial % 7 === 0 ? undefined : { x: -serial, label: serial % 2 ? `at ${serial}` : undefined },
  };
}

function mixedText(topic: string, timestampNs: bigint, data: object): string {
  return `${topic} ${timestampNs} ${written(data)}`;
}

async function readMixed(client: Client, name: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const [topic, message] of (await client.sequenceHandler(name)).getDataStreamer()) {
    rows.push(mixedText(topic, message.timestampNs, touchedRow(Mixed.fields, message.data)));
  }
  return rows;
}

/** What is done to a topic. */
interface Step {
  topic: string;
  times: bigint[];
  how: "push" | "pushColumns";
  flushes: "topic" | "sequence" | "not";
}

/** Steps, mostly small: late rows, equal times, some parts large enough for batches of their own. */
function randomSteps(random: Random): Step[] {
  const topics = ["b", "a", "a/b", "A"].slice(0, 1 + random.below(4));
  let newest = 0;
  return Array.from({ length: 20 + random.below(60) }, () => {
    const rows = random.oneIn(15) ? 500 + random.below(2000) : random.below(6);
    const times = Array.from({ length: rows }, () => {
      newest += random.pick([0, 0, 1, 3]);
      return BigInt(newest - (random.oneIn(6) ? random.below(200) : 0));
    });
    return {
      topic: random.pick(topics),
      times,
      how: random.pick(["push", "push", "pushColumns"] as const),
      flushes: random.pick(["topic", "sequence", "not", "topic"] as const),
    };
  });
}

async function recordSteps(client: Client, name: string, steps: readonly Step[]): Promise<void> {
  await client.sequenceCreate(name, { autoFlush: false }, async (sequence) => {
    const topics = new Map<string, TopicWriter<Mixed>>();
    for (const { topic: topicName, times, how, flushes } of steps) {
      const topic = topics.get(topicName) ?? await sequence.topicCreate(topicName, { ontology: Mixed });
      topics.set(topicName, topic);
      const data = times.map((_, i) => mixed(topic.rowCount + i));
      if (how === "push") {
        for (const [i, timestampNs] of times.entries()) await topic.push({ timestampNs, data: data[i] });
      } else {
        await topic.pushColumns({
          timestampNs: BigInt64Array.from(times),
          serial: data.map(({ serial }) => serial),
          text: data.map(({ text }) => text),
          raw: data.map(({ raw }) => raw),
          values: data.map(({ values }) => values),
          names: data.map(({ names }) => names),
          place: data.map(({ place }) => place),
        });
      }
      if (flushes === "topic") await topic.flush();
      if (flushes === "sequence") await sequence.flush();
    }
  });
}

/** Time, then the topic's name, then the order of pushing. */
function orderedRows(steps: readonly Step[]): string[] {
  const counts = new Map<string, number>();
  const rows = steps.flatMap(({ topic, times }) =>
    times.map((timestampNs) => {
      const serial = counts.get(topic) ?? 0;
      counts.set(topic, serial + 1);
      return { topic, timestampNs, serial };
    })
  );
  rows.sort((a, b) =>
    Number(a.timestampNs - b.timestampNs) || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) ||
    a.serial - b.serial
  );
  return rows.map(({ topic, timestampNs, serial }) =>
    mixedText(topic, timestampNs, expectedRow(Mixed.fields, { ...mixed(serial) }))
  );
}

async function expectSound(client: Client, name: string): Promise<void> {
  const sequence = await client.sequenceHandler(name);
  for (const { name: topic } of sequence.topics) {
    expect([topic, await (await sequence.topicHandler(topic)).verify()]).toEqual([topic, []]);
  }
}

const Blob = defineOntology("Blob", { bytes: binary() });

/** A topic with a flush after each of its messages, and one more without any; gives the batches of the first. */
async function recordBlobs(store: Store, blobs: readonly Uint8Array[]): Promise<number> {
  return await onStore(store, async (client) => {
    const sequence = await client.sequenceCreate("s", { autoFlush: false });
    const topic = await sequence.topicCreate("a", { ontology: Blob });
    await sequence.topicCreate("empty", { ontology: Blob });
    for (const [row, bytes] of blobs.entries()) {
      await topic.push({ timestampNs: BigInt(row), data: { bytes } });
      await topic.flush();
    }
    await sequence.finalize();
    await expectSound(client, "s");
    expect((await store.list("s")).sort()).toEqual(["a.arrow", "empty.arrow", "sequence.json"]);
    return await storedBatches(store, "s/a.arrow");
  });
}

/** Bytes that do not compress. */
function noise(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A store whose files hold nothing: what is appended is thrown away. */
class ForgettingStore extends PassThroughStore {
  override append(): Promise<void> {
    return Promise.resolve();
  }
}

/** Bytes that are alive, in the heap and beside it. */
async function liveBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await settle();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe.each(PLACES)("Small batches in a store of kind %s", (place) => {
  it("that frequent flushes left take little more room than large ones, once finalized", () =>
    withClient(place, async (client) => {
      const rows = place === "memory" ? 2000 : 400; // a disk takes its time
      await recordImu(client, "often", true, rows);
      await recordImu(client, "once", false, rows);
      const [often, once] = [
        await client.topicHandler("often", "imu"),
        await client.topicHandler("once", "imu"),
      ];
      expect(often.sizeBytes).toBeLessThanOrEqual(1.3 * once.sizeBytes);
      expect(often.rowCount).toBe(rows);
      for (const topic of [often, once]) {
        let row = 0;
        for await (const { timestampNs, data } of topic.getDataStreamer()) {
          expect(timestampNs).toBe(BigInt(row) * 5_000_000n);
          const { acceleration, angular_velocity } = imuRow(row++);
          const { x, y, z } = data.acceleration as typeof acceleration;
          expect({ x, y, z }).toEqual(acceleration);
          expect((data.angular_velocity as typeof angular_velocity).z).toBe(angular_velocity.z);
        }
        expect(row).toBe(rows);
        expect(await topic.verify()).toEqual([]);
      }
    }));
});

describe("Small batches", () => {
  it("are joined to as few as there are without a flush, and to many where they stay as they were", async () => {
    const batches: number[] = [];
    for (const [isFlushed, keeps] of [[true, false], [false, false], [true, true]]) {
      const store = keeps ? keepingBatches(new MemoryStore()) : new MemoryStore();
      await onStore(store, async (client) => {
        await recordImu(client, "s", isFlushed);
        batches.push(await storedBatches(store, "s/imu.arrow"));
      });
    }
    expect(batches).toEqual([batches[1], batches[1], 2000]);
    expect(batches[1]).toBeLessThan(4);
  });

  it("of random recordings give the rows in their order, as those that stay as they were", async () => {
    const { cases, seed: first } = caseRange(6);
    let joined = 0;
    for (let seed = first; seed < first + cases; seed++) {
      try {
        const steps = randomSteps(new Random(seed));
        const wanted = orderedRows(steps);
        const counts: number[] = [];
        for (const store of [new MemoryStore(), keepingBatches(new MemoryStore())]) {
          await onStore(store, async (client) => {
            await recordSteps(client, "s", steps);
            expect(await readMixed(client, "s")).toEqual(wanted);
            await expectSound(client, "s");
            let count = 0;
            for (const { name } of (await client.sequenceHandler("s")).topics) {
              count += await storedBatches(store, `s/${topicFileOf(name)}.arrow`);
            }
            counts.push(count);
          });
        }
        expect(counts[0]).toBeLessThanOrEqual(counts[1]);
        if (counts[0] < counts[1]) joined++;
      } catch (reason) {
        throw failedCase(seed, "tests/embedded/compaction.test.ts", reason);
      }
    }
    expect(joined).toBeGreaterThan(0);
  });

  it("stay as they are where joining saves too little, and nothing is written then", async () => {
    const seed = caseRange(1).seed;
    const random = new Random(seed);
    const large = Array.from({ length: 20 }, () => noise(random, 300_000));
    // 22 batches would be 21.
    const blobs = [...large, noise(random, 10), noise(random, 10)];
    const store = new WatchedStore();
    expect(await recordBlobs(store, blobs)).toBe(22);
    expect([seed, store.count("create", ".new"), store.count("remove", ".new")]).toEqual([seed, 0, 0]);
    // Four small ones more: 26 would be 21.
    const other = new WatchedStore();
    const few = Array.from({ length: 4 }, () => noise(random, 10));
    expect(await recordBlobs(other, [...blobs, ...few])).toBe(21);
    expect([seed, other.count("create", ".new"), other.count("move", ".new")]).toEqual([seed, 1, 1]);
  });

  it("stay as they are where their values are large in memory, and small as stored", async () => {
    const store = new WatchedStore();
    const blobs = Array.from({ length: 12 }, () => new Uint8Array(300_000));
    expect(await recordBlobs(store, blobs)).toBe(12);
    expect(store.count("create", ".new")).toBe(1);
    expect(store.count("move", ".new")).toBe(0);
  });

  it("whose bytes the store has thrown away do not keep a session from being finalized", async () => {
    const client = clientOf(new ForgettingStore(new MemoryStore()));
    const sequence = await client.sequenceCreate("s");
    const topic = await sequence.topicCreate("a", { ontology: Blob });
    for (let row = 0; row < 20; row++) {
      await topic.push({ timestampNs: BigInt(row), data: { bytes: Uint8Array.of(row) } });
      await topic.flush();
    }
    expect((await sequence.finalize()).topics).toMatchObject([{ name: "a", rowCount: 20 }]);
    await client.close();
  });

  it("take a writer less than 100 bytes each while it is open", async () => {
    const store = new ForgettingStore(new MemoryStore());
    const schema = {
      ontologyTag: "Blob",
      serializationFormat: "default",
      metadata: {},
      fields: tableFields(IMU.fields),
    } as const;
    const columns: Columns = columnsOf(IMU.fields, [imuRow(1)]);
    const writer = await TopicFileWriter.create(store, engine, "s/a.arrow", schema);
    const write = async (batches: number) => {
      for (let i = 0; i < batches; i++) {
        await writer.write(columns, BigInt(i), BigInt(i));
        await writer.sync();
      }
    };
    await write(3000); // what is made once, and compiled
    const before = await liveBytes();
    const batches = 50_000;
    await write(batches);
    const after = await liveBytes();
    const perBatch = (after - before) / batches;
    expect(writer.written.rowCount).toBe(3000 + batches);
    expect(perBatch).toBeLessThan(100);
    // That bytes held are counted at all.
    const held = new Uint8Array(100 * batches);
    expect(await liveBytes() - after).toBeGreaterThan(held.length / 2);
    await writer.finish(new Turns()).catch(() => {});
  });
});
