/**
 * One call of the store fails: each in turn, in every way. Whatever happens, nothing that succeeded is lost, what is
 * finalized stays as it is, and there is a way on.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, inDirectory, onStore } from "../support/places.ts";
import { pushSamples, recordSequence, Sample, sampleText, texts } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import type { StoreCall } from "../support/pass_through_store.ts";
import { copyFiles, type Fault, faultsOf, FaultyStore } from "../support/faulty_store.ts";

/** Times of each topic's rows, in the order of pushing. */
const TIMES: Record<string, number[]> = {
  "A a": [1, 2, 3],
  "B x": [1, 2, 3, 2, 9, 4],
  "B y/z": [5, 1, 6, 0, 7],
  "B w": [3, 1, 2],
  "D a": [1, 2],
  "E a": [1, 3, 2, 4],
};
const NOTES = Uint8Array.of(1, 2, 3);

/** What succeeded. */
interface Done {
  /** Rows of each topic that were flushed. */
  flushed: Map<string, number>;
  finalized: Set<string>;
  attached: number;
  deleted: boolean;
  recovered: boolean;
  errors: unknown[];
}

/** Sequences "A" and "D" finalized, "E" left by a writer that died. */
async function prepare(): Promise<Store> {
  const [store, living] = [new MemoryStore(), new MemoryStore()];
  await onStore(living, async (client) => {
    await recordSequence(client, "A", { a: TIMES["A a"] });
    await recordSequence(client, "D", { a: TIMES["D a"] });
    const dead = await client.sequenceCreate("E");
    for (const from of [0, 2]) {
      await pushTo(dead, "a", from, from + 2);
      await dead.flush();
    }
    await copyFiles(living, store);
  });
  return store;
}

/** Pushes rows `from` to `to` of a topic, which is created where it is not there. */
async function pushTo(sequence: SequenceWriter, name: string, from: number, to: number): Promise<void> {
  const topic = sequence.topics.get(name) ?? await sequence.topicCreate(name, { ontology: Sample });
  await pushSamples(topic, TIMES[`${sequence.name} ${name}`].slice(from, to), from);
}

async function record(sequence: SequenceWriter, done: Done, dies: boolean): Promise<void> {
  const flush = async () => {
    const rows = [...sequence.topics.values()].map((topic) => topic.rowCount);
    await sequence.flush();
    for (const [i, topic] of [...sequence.topics.keys()].entries()) {
      done.flushed.set(`${sequence.name} ${topic}`, rows[i]);
    }
  };
  const first = done.finalized.size === 0;
  try {
    if (first) {
      await pushTo(sequence, "x", 0, 3);
      await pushTo(sequence, "y/z", 0, 2);
      await flush();
      await pushTo(sequence, "x", 3, 5);
      await sequence.attach({ name: "notes" }, NOTES);
      done.attached++;
      await pushTo(sequence, "y/z", 2, 4);
      await flush();
      await pushTo(sequence, "x", 5, 6);
      await pushTo(sequence, "y/z", 4, 5);
    } else {
      await pushTo(sequence, "w", 0, 2);
      await flush();
      await sequence.attach({ name: "notes" }, NOTES);
      done.attached++;
      await pushTo(sequence, "w", 2, 3);
    }
    await sequence.finalize();
    for (const topic of sequence.topics.keys()) done.finalized.add(`${sequence.name} ${topic}`);
  } catch (reason) {
    if (!dies) await sequence.abort();
    throw reason;
  }
}

/** Does all there is to do; after a failure goes on with the next, or dies. */
async function runScenario(client: Client, dies: boolean): Promise<Done> {
  const done: Done = {
    flushed: new Map([["E a", 4]]),
    finalized: new Set(),
    attached: 0,
    deleted: false,
    recovered: false,
    errors: [],
  };
  const steps = [
    async () => await record(await client.sequenceCreate("B"), done, dies),
    async () => await record(await client.sequenceUpdate("B"), done, dies),
    async () => {
      await client.sequenceDelete("D");
      done.deleted = true;
    },
    async () => {
      await client.recover("E");
      done.recovered = true;
    },
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (reason) {
      done.errors.push(reason);
      if (dies) break;
    }
  }
  return done;
}

/** Expects that a topic is sound and holds its first rows; gives how many. */
async function checkTopic(client: Client, sequence: string, name: string): Promise<number> {
  const topic = await client.topicHandler(sequence, name);
  expect(await topic.verify({ deep: true })).toEqual([]);
  const rows = TIMES[`${sequence} ${name}`].slice(0, topic.rowCount).map((time, serial) => ({
    time,
    serial,
  }));
  rows.sort((a, b) => a.time - b.time || a.serial - b.serial);
  expect(await texts(topic.getDataStreamer())).toEqual(
    rows.map(({ time, serial }) => sampleText(name, BigInt(time), serial)),
  );
  return topic.rowCount;
}

async function checkSequence(client: Client, name: string, done: Done): Promise<void> {
  const isNamed = (text: string) => text.startsWith(`${name} `);
  for (const key of [...done.finalized].filter(isNamed)) {
    expect(await checkTopic(client, name, key.slice(2))).toBe(TIMES[key].length);
  }
  await client.recover(name);
  const { topics, attachments, readAttachment } = await attached(client, name);
  const kept = new Map<string, number>();
  for (const { name: topic } of topics) kept.set(`${name} ${topic}`, await checkTopic(client, name, topic));
  for (const [key, rows] of done.flushed) {
    if (isNamed(key)) expect([key, (kept.get(key) ?? -1) >= rows]).toEqual([key, true]);
  }
  if (name === "B") expect(attachments.length).toBeGreaterThanOrEqual(done.attached);
  for (const attachment of attachments) expect(await readAttachment(attachment)).toEqual(NOTES);
  expect((await client.recover(name)).changed).toBe(false);
  await client.sequenceUpdate(name, {}, async (sequence) => {
    for (const { name: topic } of topics) {
      await expectError(() => sequence.topicCreate(topic, { ontology: Sample }), "ALREADY_EXISTS");
    }
    await pushSamples(await sequence.topicCreate("after", { ontology: Sample }), [1]);
  });
  expect((await client.topicHandler(name, "after")).rowCount).toBe(1);
}

async function attached(client: Client, name: string) {
  const handler = await client.sequenceHandler(name);
  return {
    topics: handler.topics,
    attachments: handler.attachments,
    readAttachment: handler.readAttachment.bind(handler),
  };
}

/** What a new client finds. */
async function checkAfter(client: Client, done: Done): Promise<void> {
  expect(await checkTopic(client, "A", "a")).toBe(3);
  expect(await client.recover("A")).toEqual({ sequence: "A", changed: false, files: [] });
  const known = new Set((await client.listSequences({ details: true })).map(({ name }) => name));
  for (const name of ["B", "E"]) {
    if (known.has(name)) await checkSequence(client, name, done);
    else expect([...done.flushed.keys()].filter((key) => key.startsWith(name))).toEqual([]);
  }
  if (done.recovered) expect(known.has("E")).toBe(true);
  expect(done.deleted && known.has("D")).toBe(false);
  // No name is blocked for ever, nor do topics of before come back.
  for (const name of ["B", "D", "E"]) {
    if (known.has(name)) await client.sequenceDelete(name);
    await recordSequence(client, name, { a: [1], x: [2], "y/z": [3] });
    await client.recover(name);
    const { topics, attachments } = await client.sequenceHandler(name);
    expect([topics.map((topic) => topic.name), attachments]).toEqual([["a", "x", "y/z"], []]);
  }
  expect(await checkTopic(client, "A", "a")).toBe(3);
}

/** Whether nobody needs to hear of a failure of this call, of all that were made. */
function isSilent(calls: FaultyStore["calls"], number: number): boolean {
  const { call, path } = calls[number];
  // Of a topic's file its batches are joined once it is whole; else they stay as they are.
  const joins = path.endsWith(".arrow.new") ||
    call === "read" && path.endsWith(".arrow") &&
      (path.startsWith("b!g/") ||
        calls.slice(0, number).some((one) => one.call === "sync" && one.path === path));
  return joins || call === "create" && path.endsWith("/sequence.removed") ||
    // Once the manifest is in place nobody looks at it.
    call === "remove" && path.endsWith("/sequence.live") ||
    // A recovery tries again, in the room of the last checkpoint.
    call === "lock" && path === "e!g/sequence.lock" && calls.at(number + 1)?.path === "e!g/sequence.live";
}

/** Runs one case: gives whether the call came that was to fail. */
async function checkCase(
  store: Store,
  faulty: FaultyStore,
  fresh: () => Promise<Store>,
  dies: boolean,
  number: number,
) {
  const client = clientOf(faulty);
  const done = await runScenario(client, dies);
  expect(faulty.failed).toBe(true);
  for (const reason of done.errors) expect(reason).toBeInstanceOf(SmaltiError);
  if (!isSilent(faulty.calls, number)) {
    expect(done.errors.length).toBeGreaterThan(0);
  }
  const again = await fresh();
  await onStore(again, (client) => checkAfter(client, done));
  await store.close();
}

async function allCalls(): Promise<FaultyStore["calls"]> {
  const faulty = new FaultyStore(await prepare());
  const done = await runScenario(clientOf(faulty), false);
  expect(done.errors).toEqual([]);
  return [...faulty.calls];
}

async function withCase(body: () => Promise<void>, what: string): Promise<void> {
  try {
    await body();
  } catch (reason) {
    throw new Error(`${what}: ${(reason as Error).message}`, { cause: reason });
  }
}

/** What the writer does after a failure, whether it dies, and whether the power goes. */
const WAYS: [what: string, dies: boolean, losesPower: boolean][] = [
  ["goes on", false, false],
  ["dies", true, false],
  ["goes on until the power is lost", false, true],
  ["dies with the power", true, true],
];
/** Each with each way; but only an append that was cut short leaves something that would go with the power. */
const KINDS = WAYS.flatMap(([what, dies, losesPower]) =>
  faultsOf("append")
    .filter((fault) => losesPower || (fault !== "NO_SPACE" && fault !== "IO"))
    .map((fault) => [fault, what, dies, losesPower] as const)
);

describe("A store of which one call fails", () => {
  it.each(KINDS)(
    "with %s costs nothing that had succeeded, where the writer %s",
    async (fault, _, dies, losesPower) => {
      const prepared = await prepare();
      let cases = 0;
      for (const [number, { call, path }] of (await allCalls()).entries()) {
        if (!faultsOf(call).includes(fault) || (!losesPower && call !== "append")) continue;
        await withCase(async () => {
          const store = new MemoryStore();
          await copyFiles(prepared, store);
          const faulty = new FaultyStore(store, number, fault);
          const fresh = async () => {
            if (losesPower) await faulty.losePower();
            const copy = new MemoryStore();
            await copyFiles(store, copy);
            return copy;
          };
          await checkCase(store, faulty, fresh, dies, number);
        }, `${fault} at call ${number}, ${call} ${path}`);
        cases++;
      }

      expect(cases).toBeGreaterThan(9);
    },
  );

  it.each<[StoreCall, Fault]>([
    ["create", "late"],
    ["append", "short"],
    ["sync", "IO"],
    ["replace", "late"],
    ["commit", "late"],
    ["move", "late"],
    ["remove", "IO"],
  ])("in a directory costs nothing either: %s, %s", async (failing, fault) => {
    const prepared = await prepare();
    const calls = (await allCalls()).flatMap(({ call, path }, number) =>
      call === failing ? [{ call, path, number }] : []
    );
    expect(calls.length).toBeGreaterThan(2);
    const runCases = async () => {
      for (let one = calls.pop(); one; one = calls.pop()) {
        const { call, path, number } = one;
        await withCase(() =>
          inDirectory(async (directory) => {
            const store = new DirectoryStore(directory);
            await copyFiles(prepared, store);
            const fresh = async () => {
              await store.close();
              return new DirectoryStore(directory);
            };
            await checkCase(store, new FaultyStore(store, number, fault), fresh, number % 2 === 0, number);
          }), `${fault} at call ${number}, ${call} ${path}`);
      }
    };
    // Side by side: they wait for the disk most of the time.
    await Promise.all(Array.from({ length: 6 }, runCases));
  });
});

describe("Joining batches at the end of a session", () => {
  const FILE = "s/a.arrow";

  /** Records two batches of topic "a"; `before` may make calls of the store fail, from the end of the session on. */
  async function withTwoBatches(
    before: (store: WatchedStore) => WatchedStore["before"],
    body: (client: Client, finalize: () => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("a", { ontology: Sample });
      await pushSamples(topic, [1, 3]);
      await topic.flush();
      await pushSamples(topic, [2], 2);
      await topic.flush();
      store.before = before(store);
      await body(client, async () => {
        await sequence.finalize().finally(() => store.before = () => {});
      });
    });
  }

  const ROWS = [sampleText("a", 1n, 0), sampleText("a", 2n, 2), sampleText("a", 3n, 1)];
  const failLate =
    (store: WatchedStore, syncFails: boolean): WatchedStore["before"] => async (call, path) => {
      if (call === "move") {
        await store.inner.move(path, FILE);
        throw new SmaltiError("IO", "the directory could not be synced");
      }
      if (syncFails && call === "sync" && path === FILE) throw new SmaltiError("IO", "nor can it be now");
    };

  it("is done where the file was moved and only not known to be durable, which it is then made", async () => {
    await withTwoBatches((store) => failLate(store, false), async (client, finalize) => {
      await finalize();
      expect(await (await client.topicHandler("s", "a")).verify({ deep: true })).toEqual([]);
      expect(await texts((await client.topicHandler("s", "a")).getDataStreamer())).toEqual(ROWS);
      expect((await client.recover("s")).changed).toBe(false);
    });
  });

  it("fails the session where that cannot be made sure of; the rows are there, in a file that is whole", async () => {
    await withTwoBatches((store) => failLate(store, true), async (client, finalize) => {
      await expectError(finalize, "IO", "written anew");
      expect((await client.sequenceInfo("s")).state).toBe("failed");
      expect(await (await client.topicHandler("s", "a")).verify({ deep: true })).toEqual([]);
      expect(await texts((await client.topicHandler("s", "a")).getDataStreamer())).toEqual(ROWS);
      await client.recover("s");
      expect(await texts((await client.topicHandler("s", "a")).getDataStreamer())).toEqual(ROWS);
    });
  });

  it("is not tried for topics of no batch or one", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      await recordSequence(client, "s", { a: [], b: [1, 2] });
      expect(store.calls.filter((call) => call.endsWith(".new"))).toEqual([]);
    });
  });
});
