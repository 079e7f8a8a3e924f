/**
 * Compactions that are cut short: by a disk that is full or fails, or by the end of the process. All rows are there whatever
 * happens.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, inDirectory, onStore, PLACES } from "../support/places.ts";
import { pushSamples, Sample, sampleText, texts } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { copyFiles, type Fault, faultsOf, FaultyStore } from "../support/faulty_store.ts";
import { allFiles, storedBatches } from "./stored_batches.ts";

/** Times of each topic's batches, in the order of pushing: late rows and equal times among them. */
const BATCHES: Record<string, number[][]> = {
  a: [[1, 2], [2], [1, 5], [4, 4], [9], [7]],
  "b/c": [[3, 2], [2], [6]],
  one: [[5, 1]],
};
const TOPICS = Object.keys(BATCHES);

/** Pushes all rows, each batch flushed. */
async function pushAll(sequence: SequenceWriter): Promise<void> {
  for (const [name, batches] of Object.entries(BATCHES)) {
    const topic = await sequence.topicCreate(name, { ontology: Sample });
    for (const times of batches) {
      await pushSamples(topic, times, topic.rowCount);
      await topic.flush();
    }
  }
}

async function create(client: Client): Promise<SequenceWriter> {
  return await client.sequenceCreate("s", { autoFlush: false });
}

/** Rows of topics in order, as texts. */
function rowsOf(topics: readonly string[]): string[] {
  const rows = topics.flatMap((topic) =>
    BATCHES[topic].flat().map((time, serial) => ({ topic, time, serial }))
  );
  rows.sort((a, b) =>
    a.time - b.time || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) || a.serial - b.serial
  );
  return rows.map(({ topic, time, serial }) => sampleText(topic, BigInt(time), serial));
}

/** Expects that all can be read, in every way. */
async function expectAll(client: Client): Promise<void> {
  const sequence = await client.sequenceHandler("s");
  expect(await texts(sequence.getDataStreamer())).toEqual(rowsOf(TOPICS));
  for (const name of TOPICS) {
    const topic = await sequence.topicHandler(name);
    expect([name, await topic.verify()]).toEqual([name, []]);
    expect(await texts(topic.getDataStreamer({ startNs: 2n, endNs: 6n }))).toEqual(
      rowsOf([name]).filter((_, i) => {
        const time = BATCHES[name].flat().sort((a, b) => a - b)[i];
        return time >= 2 && time < 6;
      }),
    );
    const all = BATCHES[name].flat();
    expect(await topic.countRows([-100n, 5n, 100n])).toEqual([
      all.filter((time) => time < 5).length,
      all.filter((time) => time >= 5).length,
    ]);
    const newest = Math.max(...all);
    const found = await topic.latestAt(100n);
    expect([found?.timestampNs, found?.data.serial]).toEqual([
      BigInt(newest),
      BigInt(all.lastIndexOf(newest)),
    ]);
  }
  const hits = await client.query({ ontology: Sample.q.serial.geq(10) });
  expect(hits).toEqual([]);
  const some = await client.query({ ontology: Sample.q.serial.eq(3) });
  expect(some.map(({ topics }) => topics.map(({ name }) => name))).toEqual([["a", "b/c"]]);
}

/** The files as they are, in a new store. */
async function copied(store: Store): Promise<MemoryStore> {
  const copy = new MemoryStore();
  await copyFiles(store, copy);
  return copy;
}

const isCompaction = (path: string) => path.endsWith(".arrow.new");

/** All ways in which one call on a file that is to take another's place can fail, in a run. */
async function faultsIn(
  run: (store: FaultyStore) => Promise<void>,
  prepare: () => Promise<Store>,
): Promise<[number, Fault, string][]> {
  const store = new FaultyStore(await prepare());
  await run(store);
  return store.calls.flatMap(({ call, path }, number) =>
    isCompaction(path)
      ? faultsOf(call).map((fault): [number, Fault, string] => [number, fault, `${fault} at ${call} ${path}`])
      : []
  );
}

async function finalized(store: Store): Promise<void> {
  const client = clientOf(store);
  const sequence = await create(client);
  await pushAll(sequence);
  await sequence.finalize();
}

/** A sequence as a writer leaves it that dies after its last flush, or that is finalized without a compaction. */
async function left(isFinalized: boolean): Promise<MemoryStore> {
  const store = keepingBatches(new MemoryStore());
  const client = clientOf(store);
  const sequence = await create(client);
  await pushAll(sequence);
  if (isFinalized) await sequence.finalize();
  const copy = await copied(store);
  await sequence.abort().catch(() => {});
  return copy;
}

/** All rows are there, and still after what a user would try. */
async function expectNothingLost(store: MemoryStore): Promise<void> {
  await onStore(await copied(store), expectAll);
  await onStore(await copied(store), async (client) => {
    await client.recover("s");
    await client.compact("s");
    await expectAll(client);
  });
}

describe("A compaction that fails", () => {
  it("does not keep a session from being finalized, at whichever call and however", async () => {
    const faults = await faultsIn(finalized, () => Promise.resolve(new MemoryStore()));
    expect(faults.length).toBeGreaterThan(20);
    for (const [number, fault, what] of faults) {
      try {
        const inner = new MemoryStore();
        const store = new FaultyStore(inner, number, fault);
        await finalized(store);
        expect(store.failed).toBe(true);
        await expectNothingLost(inner);
      } catch (reason) {
        throw new Error(`${what}: ${(reason as Error).message}`, { cause: reason });
      }
    }
  });

  it.each(["recover", "compact"] as const)("leaves all as it was for `%s`, which ends", async (verb) => {
    const prepare = () => left(verb === "compact");
    const run = async (store: Store) => void await clientOf(store)[verb]("s");
    const faults = await faultsIn(run, prepare);
    expect(faults.length).toBeGreaterThan(20);
    for (const [number, fault, what] of faults) {
      try {
        const inner = await prepare();
        const store = new FaultyStore(inner, number, fault);
        const report = await clientOf(store)[verb]("s");
        expect(store.failed).toBe(true);
        if ("topics" in report) {
          // A file that was moved is in place, though the store says otherwise.
          const code = fault === "late" && what.includes(" move ")
            ? undefined
            : fault === "NO_SPACE"
            ? fault
            : "IO";
          expect(report.topics.flatMap(({ error }) => error ? [error] : [])).toMatchObject(
            code ? [{ code }] : [],
          );
        }
        await expectNothingLost(inner);
      } catch (reason) {
        throw new Error(`${what}: ${(reason as Error).message}`, { cause: reason });
      }
    }
  });

  it.each(PLACES)(
    "late, when the file was moved already, is none: in a store of kind %s",
    (place) =>
      inDirectory(async (directory) => {
        const inner = place === "memory" ? new MemoryStore() : new DirectoryStore(directory);
        const counted = new FaultyStore(new MemoryStore());
        await finalized(counted);
        const moves = counted.calls.flatMap(({ call }, number) => call === "move" ? [number] : []);
        const store = new FaultyStore(inner, moves[0], "late");
        await finalized(store);
        expect(store.calls[moves[0]].call).toBe("move");
        await onStore(await copied(inner), expectAll);
        await store.close();
      }),
  );
});

/** The files before each call that changes something, and after the last. */
async function snapshots(inner: Store, run: (store: Store) => Promise<void>): Promise<MemoryStore[]> {
  const found: MemoryStore[] = [];
  const store = new WatchedStore(inner);
  store.before = async (call, path) => {
    if (["read", "size", "list", "lock", "open"].includes(call) || path.endsWith(".lock")) return;
    found.push(await copied(inner));
  };
  await run(store);
  found.push(await copied(inner));
  return found;
}

describe("A process that ends in the midst of a compaction", () => {
  it("leaves all that `recover` needs, at any moment of finalize", async () => {
    const inner = new MemoryStore();
    const client = clientOf(inner);
    let store: Store = inner;
    const shots = await snapshots(inner, async (watched) => {
      store = watched;
      const sequence = await create(clientOf(store));
      await pushAll(sequence);
      (store as WatchedStore).calls.length = 0;
      await sequence.finalize();
    });
    await client.close();
    const { calls } = store as WatchedStore;
    const ends =
      calls.filter((call) => /^(create|append|sync|replace|commit|move|remove) /.test(call)).length + 1;
    expect(ends).toBeGreaterThan(15);
    for (const [number, shot] of shots.slice(-ends).entries()) {
      try {
        await onStore(shot, async (client) => {
          await client.recover("s");
          expect((await allFiles(shot)).filter((path) => path.endsWith(".new"))).toEqual([]);
          await expectAll(client);
          expect((await client.recover("s")).changed).toBe(false);
          expect(await storedBatches(shot, "s/a.arrow")).toBe(1);
        });
      } catch (reason) {
        throw new Error(`Moment ${number} of ${ends}: ${(reason as Error).message}`, { cause: reason });
      }
    }
  });

  it.each(["compact", "recover"] as const)("leaves what can be read, at any moment of `%s`", async (verb) => {
    const isFinalized = verb === "compact";
    const shots = await snapshots(
      await left(isFinalized),
      async (store) => void await clientOf(store)[verb]("s"),
    );
    expect(shots.length).toBeGreaterThan(10);
    for (const [number, shot] of shots.entries()) {
      try {
        await onStore(shot, async (client) => {
          // Nothing has to be done first: a file that was moved is found by its footer.
          if (isFinalized) await expectAll(client);
          await client.recover("s");
          expect((await allFiles(shot)).filter((path) => path.endsWith(".new"))).toEqual([]);
          await expectAll(client);
          await client.compact("s");
          await expectAll(client);
          expect(await client.compact("s")).toEqual({ sequence: "s", topics: [] });
          expect(await storedBatches(shot, "s/a.arrow")).toBe(1);
          await client.sequenceDelete("s");
          expect(await allFiles(shot)).toEqual([]);
        });
      } catch (reason) {
        throw new Error(`Moment ${number} of ${shots.length}: ${(reason as Error).message}`, {
          cause: reason,
        });
      }
    }
  });
});

describe("A recovery", () => {
  const batches = BATCHES.a.length;

  it("joins what a writer left that died", async () => {
    const store = await left(false);
    expect(await storedBatches(store, "s/a.arrow")).toBe(batches);
    await onStore(store, async (client) => {
      const { files } = await client.recover("s");
      expect(files.map(({ topic, batchesKept, bytesDiscarded }) => [topic, batchesKept, bytesDiscarded]))
        .toEqual([
          ["a", batches, 0],
          ["b/c", 3, 0],
          ["one", 1, 0],
        ]);
      expect(await storedBatches(store, "s/a.arrow")).toBe(1);
      await expectAll(client);
      const { topics } = await client.sequenceInfo("s");
      for (const { name, sizeBytes } of topics) {
        expect([name, sizeBytes]).toEqual([name, await store.size(`s/${name}.arrow`)]);
      }
    });
  });

  it("joins what is before an end that was cut off", async () => {
    const store = await left(false);
    const bytes = await readAll(store, "s/a.arrow");
    await store.replace("s/a.arrow", bytes.subarray(0, bytes.length - 100));
    await onStore(store, async (client) => {
      const { files } = await client.recover("s");
      expect(files[0]).toMatchObject({ topic: "a", batchesKept: batches - 1 });
      expect(files[0].bytesDiscarded).toBeGreaterThan(0);
      expect(await storedBatches(store, "s/a.arrow")).toBe(1);
      const topic = await client.topicHandler("s", "a");
      expect([topic.rowCount, await topic.verify()]).toEqual([BATCHES.a.flat().length - 1, []]);
    });
  });

  it("does not write a file anew that is damaged before its end", async () => {
    const prepared = await left(false);
    const whole = await readAll(prepared, "s/a.arrow");
    const part = Math.floor(whole.length / 12);
    // Somewhere in each batch but the last, and behind the schema.
    for (let at = 5 * part; at < 9 * part; at += 37) {
      const store = await copied(prepared);
      const bytes = whole.slice();
      bytes[at] ^= 0x10;
      await store.replace("s/a.arrow", bytes);
      await onStore(store, async (client) => {
        const { files } = await client.recover("s");
        const now = await readAll(store, "s/a.arrow");
        if (files[0].batchesKept === batches) return; // between what checksums cover
        expect([at, now.subarray(0, bytes.length)]).toEqual([at, bytes]);
        const topic = await client.topicHandler("s", "a");
        expect([at, await topic.verify()]).toEqual([at, []]);
        expect((await client.recover("s")).changed).toBe(false);
      });
    }
  });
});
