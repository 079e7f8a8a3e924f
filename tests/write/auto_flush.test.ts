/**
 * Flushes that nobody calls. Timers are real here: tests wait for what is to come, and for the flushes of another session
 * to see that something does not.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { Client } from "../../src/client.ts";
import { importMcap } from "../../src/import/mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { mcapFile } from "../cli/recordings.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, inDirectory, onStore, withStore } from "../support/places.ts";
import { pushSamples, Sample, sample } from "../support/sample_rows.ts";
import { settle, until } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";
import type { Durability, Store } from "../../src/store/store.ts";
import { SmaltiError } from "../../src/error.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { SessionOptions } from "../../src/write/session_options.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";

/** A store that counts as a disk, though it is in memory. */
class DurableStore extends WatchedStore {
  override get durability(): Durability {
    return "sync";
  }
}

const flushes = (store: WatchedStore, sequence: string) =>
  store.count("replace", `${sequence}/sequence.live`);

/** Waits until a session with the default has flushed twice after a push each: so long, others with it had their time. */
async function waitForFlushes(client: Client, store: WatchedStore): Promise<void> {
  const sequence = await client.sequenceCreate("clock");
  const topic = await sequence.topicCreate("a", { ontology: Sample });
  for (let round = 1; round <= 2; round++) {
    const before = flushes(store, "clock");
    await pushSamples(topic, [round], round);
    await until(() => flushes(store, "clock") > before);
  }
  await sequence.finalize();
}

async function begin(client: Client, options: SessionOptions = {}) {
  const sequence = await client.sequenceCreate("s", options);
  return { sequence, topic: await sequence.topicCreate("a", { ontology: Sample }) };
}

describe("A session that is not told when to flush", () => {
  it("shows its rows to those who follow it in a directory, without a call of flush", () =>
    inDirectory(async (directory) => {
      await using writer = await connect(directory);
      await using reader = await connect(directory);
      const { sequence, topic } = await begin(writer);
      const stream = (await reader.sequenceHandler("s", { follow: true })).getDataStreamer({ follow: true });
      await pushSamples(topic, [1, 2, 3]);
      const first = await stream.next();
      expect(first.value?.[1].timestampNs).toBe(1n);
      // The last ones too, once nothing more has come for a while.
      expect((await stream.next()).value?.[1].timestampNs).toBe(2n);
      expect((await stream.next()).value?.[1].timestampNs).toBe(3n);
      await pushSamples(topic, [4, 5], 3);
      expect((await stream.next()).value?.[1].timestampNs).toBe(4n);
      await sequence.finalize();
      expect((await stream.next()).value?.[1].timestampNs).toBe(5n);
      expect((await stream.next()).done).toBe(true);
    }));

  it("is durable in a directory", () =>
    withStore(async (store) => {
      const watched = new WatchedStore(store);
      const client = clientOf(watched);
      const { sequence, topic } = await begin(client);
      await pushSamples(topic, [1]);
      await until(() => watched.count("sync", "s/a.arrow") > 0);
      await sequence.finalize();
    }));

  it("does not flush in memory, nor where autoFlush is false", async () => {
    const [memory, durable] = [new WatchedStore(), new DurableStore()];
    const [inMemory, onDisk] = [clientOf(memory), clientOf(durable)];
    const sequences: SequenceWriter[] = [];
    for (const [client, options] of [[inMemory, {}], [onDisk, { autoFlush: false }]] as const) {
      const { sequence, topic } = await begin(client, options);
      await pushSamples(topic, [1, 2]);
      sequences.push(sequence);
    }
    await waitForFlushes(onDisk, durable);
    for (const store of [memory, durable]) {
      expect([flushes(store, "s"), store.count("sync", "s/a.arrow")]).toEqual([0, 0]);
    }
    for (const sequence of sequences) await sequence.finalize();
    await Promise.all([inMemory.close(), onDisk.close()]);
  });

  it("does not flush where a file is imported", async () => {
    const store = new DurableStore();
    await onStore(store, async (client) => {
      const file = await mcapFile(30_000);
      const middle = Math.floor(0.6 * file.length);
      async function* slowly() {
        yield file.subarray(0, middle);
        // In the midst of it there is time for more than one flush.
        await waitForFlushes(client, store);
        expect(store.count("append", "imported/thing.arrow")).toBeGreaterThan(1);
        yield file.subarray(middle);
      }
      const { messageCount } = await importMcap(client, slowly(), { name: "imported" });
      expect([messageCount, flushes(store, "imported")]).toEqual([30_000, 0]);
    });
  });
});

/** Makes calls fail, once each time it is told to. */
class FailingStore extends DurableStore {
  failures = 0;

  constructor(inner: Store = new MemoryStore()) {
    super(inner);
  }

  /** The next call of a kind on a path fails. */
  failNext(call: string, path: string): void {
    this.before = (made, at) => {
      if (made !== call || at !== path) return;
      this.before = () => {};
      this.failures++;
      throw new SmaltiError("NO_SPACE", `No room for ${path}`, { file: path });
    };
  }
}

/** Calls that are told of a failure, as a user makes them. */
const CALLS: Record<string, (sequence: SequenceWriter, topic: TopicWriter<Sample>) => unknown> = {
  "push": (_, topic) => topic.push({ timestampNs: 9n, data: sample(9) }),
  "pushColumns": (_, topic) =>
    topic.pushColumns({ timestampNs: new BigInt64Array(0), serial: [], label: [], values: [], place: [] }),
  "flush of the topic": (_, topic) => topic.flush(),
  "flush": (sequence) => sequence.flush(),
  "topicCreate": (sequence) => sequence.topicCreate("b", { ontology: Sample }),
};

describe("An automatic flush that fails", () => {
  it.each(Object.keys(CALLS))("to tell followers is told to the next call, once: %s", async (name) => {
    const store = new FailingStore();
    await onStore(store, async (client) => {
      const { sequence, topic } = await begin(client, { autoFlush: { intervalMs: 1 } });
      store.failNext("replace", "s/sequence.live");
      await pushSamples(topic, [1, 2]);
      await until(() => store.failures === 1);
      await settle();
      await expectError(() => CALLS[name](sequence, topic), "NO_SPACE", /sequence\.live/, /sequence s\b/);
      // What was refused was not taken; all else goes on.
      expect(topic.rowCount).toBe(2);
      await CALLS[name](sequence, topic);
      await pushSamples(topic, [3], 3);
      await sequence.finalize();
      const { state, topics } = await client.sequenceInfo("s");
      expect([state, topics[0].rowCount]).toEqual(["finalized", name === "push" ? 4 : 3]);
    });
  });

  it("to tell followers is not told to finalize, which does not need them", async () => {
    const store = new FailingStore();
    await onStore(store, async (client) => {
      const { sequence, topic } = await begin(client, { autoFlush: { intervalMs: 1 } });
      store.failNext("replace", "s/sequence.live");
      await pushSamples(topic, [1, 2]);
      await until(() => store.failures === 1);
      await settle();
      expect((await sequence.finalize()).state).toBe("finalized");
      expect(await (await client.topicHandler("s", "a")).verify()).toEqual([]);
    });
  });

  it("to sync leaves the topic failed, for every call and the end: rows may be lost", async () => {
    const store = new FailingStore();
    await onStore(store, async (client) => {
      const { sequence, topic } = await begin(client, { autoFlush: { intervalMs: 1 } });
      const other = await sequence.topicCreate("b", { ontology: Sample });
      store.failNext("sync", "s/a.arrow");
      await pushSamples(topic, [1]);
      await until(() => store.failures === 1);
      await settle();
      for (let i = 0; i < 2; i++) {
        await expectError(() => topic.push({ timestampNs: 3n, data: sample(3) }), "NO_SPACE", /s\/a\.arrow/);
      }
      // To others it is told once.
      await expectError(() => other.push({ timestampNs: 3n, data: sample(3) }), "NO_SPACE", /s\/a\.arrow/);
      await pushSamples(other, [4]);
      await expectError(() => sequence.finalize(), "NO_SPACE", /s\/a\.arrow/);
      expect((await client.sequenceInfo("s")).state).toBe("failed");
    });
  });

  it("of several only the first is told", async () => {
    const store = new FailingStore();
    await onStore(store, async (client) => {
      const { sequence, topic } = await begin(client, { autoFlush: { bytes: 1 } });
      store.before = (call, path) => {
        if (call !== "replace" || path !== "s/sequence.live") return;
        if (++store.failures === 3) store.before = () => {};
        throw new SmaltiError("NO_SPACE", `No room, number ${store.failures}`, {});
      };
      // Without a turn in between nothing is told yet.
      for (let row = 0; row < 6; row++) topic.push({ timestampNs: BigInt(row), data: sample(row) });
      await until(() => store.failures === 3);
      await settle();
      await expectError(() => topic.push({ timestampNs: 9n, data: sample(9) }), "NO_SPACE", /number 1/);
      await pushSamples(topic, [10], 6);
      await sequence.finalize();
    });
  });

  it.each(["finalize", "abort"] as const)("is none after %s: nothing is published then", async (end) => {
    const store = new DurableStore();
    await onStore(store, async (client) => {
      const { sequence, topic } = await begin(client);
      await pushSamples(topic, [1, 2]);
      await sequence.flush(); // sets the clock of a session that is idle, too
      await pushSamples(topic, [3], 2);
      await sequence[end]();
      store.calls.length = 0;
      await waitForFlushes(client, store);
      expect(store.calls.filter((call) => / s\//.test(call))).toEqual([]);
      expect((await store.list("s")).sort()).toEqual(["a.arrow", "sequence.json"]);
    });
  });
});
