import { describe, expect, it } from "vitest";
import type { Columns } from "../../src/arrow/columns.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { binary, float64 } from "../../src/ontology/field.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { TopicWriter } from "../../src/write/topic_writer.ts";
import { type Holder, WriteMemory } from "../../src/write/write_memory.ts";
import { inDirectory, onStore } from "../support/places.ts";
import { engine, loadArrow } from "../support/tables.ts";
import { deferred, isSettled, settle } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

/** Something that holds what it is told to, and lets go of all when it spills. */
class Buffer implements Holder {
  heldBytes = 0;
  spills = 0;
  readonly #memory: WriteMemory;
  constructor(memory: WriteMemory) {
    this.#memory = memory;
  }
  add(bytes: number): void {
    this.heldBytes += bytes;
    this.#memory.hold(this, bytes);
  }
  spill(): void {
    this.spills++;
    const bytes = this.heldBytes;
    this.heldBytes = 0;
    this.#memory.hold(this, -bytes);
  }
}

describe("WriteMemory", () => {
  it("makes the largest holder spill when half of the bound is full", () => {
    const memory = new WriteMemory(200);
    const [small, large, other] = [new Buffer(memory), new Buffer(memory), new Buffer(memory)];
    small.add(20);
    large.add(60);
    other.add(20);
    expect([small, large, other].map(({ spills }) => spills)).toEqual([0, 0, 0]);
    small.add(1);
    expect([small, large, other].map(({ spills }) => spills)).toEqual([0, 1, 0]);
    expect([small, large, other].map(({ heldBytes }) => heldBytes)).toEqual([21, 0, 20]);
  });

  it("makes holders spill until it is enough, and gives up on one that keeps what it has", () => {
    const memory = new WriteMemory(20);
    const [one, two] = [new Buffer(memory), new Buffer(memory)];
    one.add(8);
    two.add(50);
    expect([one.spills, two.spills]).toEqual([0, 1]);
    const stubborn: Holder = { heldBytes: 100, spill: () => {} };
    memory.hold(stubborn, 100);
    expect(one.spills).toBe(0);
  });

  it("leaves room once it was full, so that the next rows make nobody spill", () => {
    const memory = new WriteMemory(2000);
    const all = Array.from({ length: 100 }, () => new Buffer(memory));
    for (const one of all) one.add(10);
    const spills = () => all.reduce((sum, one) => sum + one.spills, 0);
    expect(spills()).toBe(0);
    all[0].add(1);
    const first = spills();
    expect([first, all[0].spills]).toEqual([13, 1]);
    for (const one of all.slice(0, 12)) one.add(10);
    expect(spills()).toBe(first);
  });

  it("makes writers wait while more than half of the bound is on its way to the store", async () => {
    const memory = new WriteMemory(200);
    const [first, second, third] = [deferred(), deferred(), deferred()];
    memory.send(60, first.promise);
    memory.send(40, second.promise);
    expect(memory.wait()).toBe(undefined);
    memory.send(1, third.promise);
    const [waiting, also] = [memory.wait()!, memory.wait()!];
    expect(await isSettled(waiting)).toBe(false);
    third.resolve();
    await Promise.all([waiting, also]);
    expect(memory.wait()).toBe(undefined);
  });

  it("lets writers go on when a batch could not be stored", async () => {
    const memory = new WriteMemory(200);
    memory.send(101, Promise.reject(new Error("disk full")));
    await memory.wait();
    expect(memory.wait()).toBe(undefined);
  });
});

/** Counts what a real one is told. */
class CountedMemory extends WriteMemory {
  held = 0;
  sending = 0;
  most = 0;
  override hold(holder: Holder, bytes: number): void {
    this.held += bytes;
    super.hold(holder, bytes);
    this.#note();
  }
  override send(bytes: number, stored: Promise<void>): void {
    this.sending += bytes;
    super.send(bytes, stored);
    this.#note();
    const done = () => void (this.sending -= bytes);
    stored.then(done, done);
  }
  #note(): void {
    this.most = Math.max(this.most, this.held + this.sending);
  }
}

const Payload = defineOntology("Payload", { bytes: binary() });
const ROW = 4096;
const BOUND = 2 ** 22;
/** A batch, and what arrays grow by, may pass the bound: it is looked at after a row was taken. */
const SLACK = 2 ** 20;

/** Topics over a store that stores nothing until it is told to. */
async function withSlowStore(
  topics: number,
  body: (writers: TopicWriter[], memory: CountedMemory, release: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const store = new WatchedStore();
  const sink = await new EmbeddedBackend(store, engine).createSequence("s", {});
  const memory = new CountedMemory(BOUND);
  const writers: TopicWriter[] = [];
  for (let i = 0; i < topics; i++) {
    const schema = {
      ontologyTag: "Payload",
      serializationFormat: "default",
      metadata: {},
      fields: [TIMESTAMP_FIELD, ...Payload.fields],
    } as const;
    const topic = await sink.createTopic(`t${i}`, schema);
    const life = { status: "open", failure: undefined, isLost: false, stopped: undefined } as const;
    writers.push(
      new TopicWriter(Payload, {}, {
        sequence: "s",
        topic: `t${i}`,
        sink: topic,
        memory,
        loadArrow,
        life,
        pending: (flush) => flush,
        abort: () => Promise.resolve(),
      }),
    );
  }
  const gates: (() => void)[] = [];
  store.before = (call) => {
    if (call !== "append") return;
    const gate = deferred();
    gates.push(() => gate.resolve());
    return gate.promise;
  };
  await body(writers, memory, async () => {
    await settle();
    gates.shift()!();
    await settle();
  });
  store.before = () => {};
  for (const open of gates) open();
  await Promise.all(writers.map((writer) => writer.drain()));
  await sink.finalize();
}

/** A store where each append waits until it is let through. */
class SlowStore extends WatchedStore {
  isSlow = false;
  /** Bytes that were appended. */
  stored = 0;
  readonly #waiting: (() => void)[] = [];

  override async append(path: string, bytes: Uint8Array): Promise<void> {
    if (this.isSlow) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await super.append(path, bytes);
    this.stored += bytes.length;
  }

  /** Whether there was one. */
  letOneThrough(): boolean {
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }
}

/** Bytes that do not compress. */
function noise(seed: number): Uint8Array {
  const bytes = new Uint8Array(ROW);
  let state = seed + 1;
  for (let i = 0; i < ROW; i++) bytes[i] = (state = (state * 48271) % 2147483647) >> 8;
  return bytes;
}

const Wide = defineOntology(
  "Wide",
  Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, float64()])),
);

describe("TopicWriter", () => {
  it("sends batches of many rows also where topics are many and memory is short", async () => {
    const memory = new WriteMemory(2 ** 20);
    let [batches, rows] = [0, 0];
    const sink = {
      write(columns: Columns) {
        batches++;
        rows += columns.rows;
        return Promise.resolve();
      },
      sync: () => Promise.resolve(),
    };
    const life = { status: "open", failure: undefined, isLost: false, stopped: undefined } as const;
    const writers = Array.from({ length: 200 }, (_, i) =>
      new TopicWriter(Wide, {}, {
        sequence: "s",
        topic: `t${i}`,
        sink,
        memory,
        loadArrow,
        life,
        pending: (flush) => flush,
        abort: () => Promise.resolve(),
      }));
    const data = Object.fromEntries(Wide.fields.map(({ name }) => [name, 1]));
    for (let row = 0; row < 40; row++) {
      for (const writer of writers) await writer.push({ timestampNs: BigInt(row), data });
    }
    for (const writer of writers) await writer.drain();
    expect(rows).toBe(40 * 200);
    expect(rows / batches).toBeGreaterThan(5);
  });
});

describe("TopicWriter over a store that does not keep up", () => {
  it.each([1, 3, 40])(
    "takes rows of %i topics until the bound, then makes them wait for the store",
    async (topics) => {
      await withSlowStore(topics, async (writers, memory, release) => {
        let waits = 0;
        for (let i = 0; waits < 12; i++) {
          const waiting = writers[i % topics].push({ timestampNs: BigInt(i), data: { bytes: noise(i) } });
          expect(memory.held + memory.sending).toBeLessThanOrEqual(BOUND + SLACK);
          if (!waiting) continue;
          waits++;
          expect(i * ROW).toBeGreaterThan(BOUND / 4);
          expect(await isSettled(waiting)).toBe(false);
          while (!await isSettled(waiting)) await release();
          await waiting;
        }
        expect(memory.most).toBeGreaterThan(BOUND / 2);
        expect(memory.most).toBeLessThanOrEqual(BOUND + SLACK);
        expect(writers.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBeGreaterThan(BOUND / ROW);
      });
    },
  );

  it("makes pushColumns and pushBatch wait as well", async () => {
    await withSlowStore(1, async ([writer], memory, release) => {
      const columns = () => ({
        timestampNs: new BigInt64Array(64),
        bytes: Array.from({ length: 64 }, (_, i) => noise(i)),
      });
      let waiting: Promise<void> | undefined;
      while (!waiting) waiting = writer.pushColumns(columns());
      expect(await isSettled(waiting)).toBe(false);
      expect(memory.sending).toBeGreaterThan(BOUND / 2);
      expect(memory.most).toBeLessThanOrEqual(BOUND + SLACK);
      while (!await isSettled(waiting)) await release();
      await waiting;
    });
  });

  it("keeps every row, whoever waited or not", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      await client.sequenceCreate("s", { maxBufferedBytes: 50_000 }, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Payload });
        // Nobody waits: it costs memory, and loses nothing.
        for (let i = 0; i < 500; i++) topic.push({ timestampNs: BigInt(i), data: { bytes: noise(i) } });
      });
      let row = 0;
      for await (const { timestampNs, data } of (await client.topicHandler("s", "a")).getDataStreamer()) {
        if (timestampNs !== BigInt(row) || data.bytes[7] !== noise(row)[7]) {
          throw new Error(`Row ${row} is another`);
        }
        row++;
      }
      expect(row).toBe(500);
    });
  });

  it("waits for a slow disk, holds no more than the bound, and has every message there at the end", async () => {
    await inDirectory(async (directory) => {
      const store = new SlowStore(new DirectoryStore(directory));
      await onStore(store, async (client) => {
        let [pushed, waits, most] = [0, 0, 0];
        await client.sequenceCreate("s", { maxBufferedBytes: BOUND }, async (sequence) => {
          const create = (t: number) => sequence.topicCreate(`t${t}`, { ontology: Payload });
          const topics = [await create(0), await create(1), await create(2)];
          store.isSlow = true;
          for (; waits < 6; pushed++) {
            const data = { bytes: noise(pushed) };
            const waiting = topics[pushed % 3].push({ timestampNs: BigInt(pushed), data });
            // The bytes do not compress, so what is not in the store is in memory.
            most = Math.max(most, (pushed + 1) * ROW - store.stored);
            if (!waiting) continue;
            waits++;
            while (!await isSettled(waiting)) store.letOneThrough();
            await waiting;
          }
          store.isSlow = false;
          while (store.letOneThrough());
        });
        expect(most).toBeGreaterThan(BOUND / 2);
        expect(most).toBeLessThanOrEqual(BOUND + SLACK);
        expect(pushed * ROW).toBeGreaterThan(BOUND);
        let row = 0;
        const handler = await client.sequenceHandler("s");
        for await (const [topic, { timestampNs, data }] of handler.getDataStreamer()) {
          const wanted = noise(row);
          const isRight = topic === `t${row % 3}` && timestampNs === BigInt(row) &&
            data.bytes.every((byte: number, i: number) => byte === wanted[i]);
          if (!isRight) throw new Error(`Row ${row} is another`);
          row++;
        }
        expect(row).toBe(pushed);
      });
    });
  });

  it("flush waits for what was pushed before, and nothing else", async () => {
    await withSlowStore(2, async ([first, second], _, release) => {
      await first.push({ timestampNs: 1n, data: { bytes: noise(1) } });
      const flushed = first.flush();
      expect(await isSettled(flushed)).toBe(false);
      await second.push({ timestampNs: 1n, data: { bytes: noise(1) } });
      await release();
      await flushed;
    });
  });
});
