import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import type { StoreCall } from "../support/pass_through_store.ts";
import { onStore } from "../support/places.ts";
import {
  addTopic,
  allTexts,
  pushSamples,
  recordSequence,
  Sample,
  sample,
  sampleText,
  texts,
} from "../support/sample_rows.ts";
import { settle, until } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const FULL = new SmaltiError("NO_SPACE", "Cannot write: the disk is full", { file: "s/a.arrow" });

/** Makes calls of a kind fail for paths that end so. */
function fail(store: WatchedStore, call: StoreCall, end: string, reason: unknown = FULL): void {
  store.before = (made, path) => {
    if (made === call && path.endsWith(end)) throw reason;
  };
}

/** Sequences "other" finalized, "s" open with topics "a" and "b" of two flushed rows each. */
async function withOpen(
  body: (
    store: WatchedStore,
    client: Client,
    sequence: SequenceWriter,
    a: TopicWriter<Sample>,
  ) => Promise<void>,
): Promise<void> {
  const store = new WatchedStore();
  await onStore(store, async (client) => {
    await recordSequence(client, "other", { a: [1] });
    const sequence = await client.sequenceCreate("s");
    const a = await addTopic(sequence, "a", [1, 2]);
    await addTopic(sequence, "b", [1, 2]);
    await sequence.flush();
    await body(store, client, sequence, a);
    store.before = () => {};
    expect(await allTexts(client, "other")).toEqual([sampleText("a", 1n, 0)]);
  });
}

const ROWS_OF_B = [sampleText("b", 1n, 0), sampleText("b", 2n, 1)];

/** Expects that "s" failed with this reason, and that topic "b" is whole. */
async function expectFailed(client: Client, sequence: SequenceWriter, reason: string): Promise<void> {
  expect(sequence.status).toBe("aborted");
  const { state, sessions } = await client.sequenceInfo("s");
  expect([state, sessions.length, sessions[0].state]).toEqual(["failed", 1, "failed"]);
  expect(sessions[0].reason).toMatch(reason);
  expect(await texts((await client.topicHandler("s", "b")).getDataStreamer())).toEqual(ROWS_OF_B);
}

/** A row that makes a batch of its own. */
const LARGE = { timestampNs: 3n, data: { ...sample(2), values: new Float64Array(2 ** 18) } };

describe("A write that fails in the background", () => {
  it("rejects the next push of the topic, its flush, and finalize, which aborts", async () => {
    await withOpen(async (store, client, sequence, a) => {
      fail(store, "append", "s/a.arrow");
      const before = store.count("append", "s/a.arrow");
      await a.push(LARGE);
      await until(() => store.count("append", "s/a.arrow") > before);
      await settle();
      const columns = { timestampNs: BigInt64Array.of(4n), serial: [1], values: [[]] } as never;
      for (
        const call of [
          () => a.push({ timestampNs: 4n, data: sample(3) }),
          () => a.pushColumns(columns),
          () => a.pushBatch(undefined as never),
          () => a.flush(),
          () => sequence.flush(),
          () => sequence.finalize(),
        ]
      ) {
        const error = await expectError(call, "NO_SPACE", "the disk is full");
        expect(error.details).toMatchObject({ sequence: "s", topic: "a" });
      }
      store.before = () => {};
      await expectFailed(client, sequence, "the disk is full");
      await expectError(() => client.sequenceUpdate("missing"), "NOT_FOUND");
      await client.sequenceDelete("s");
    });
  });

  it("does not disturb other topics before finalize", async () => {
    await withOpen(async (store, client, sequence, a) => {
      fail(store, "append", "s/a.arrow");
      await a.push(LARGE);
      await expectError(() => a.flush(), "NO_SPACE");
      const b = sequence.topics.get("b")!;
      await pushSamples(b, [7], 2);
      await b.flush();
      await expectError(() => sequence.finalize(), "NO_SPACE");
      store.before = () => {};
      expect(await texts((await client.topicHandler("s", "b")).getDataStreamer())).toEqual([
        ...ROWS_OF_B,
        sampleText("b", 7n, 2),
      ]);
    });
  });

  it("rejects sequenceCreate with a function that looked at nothing", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const call = () =>
        client.sequenceCreate("s", {}, async (sequence) => {
          const a = await addTopic(sequence, "a", [1]);
          fail(store, "append", "s/a.arrow");
          a.push(LARGE);
          return "done";
        });
      await expectError(call, "NO_SPACE", "the disk is full");
      expect((await client.sequenceInfo("s")).state).toBe("failed");
    });
  });

  it("that is no SmaltiError becomes IO, with its cause", async () => {
    await withOpen(async (store, _, sequence, a) => {
      const cause = new Error("cable pulled");
      fail(store, "append", "s/a.arrow", cause);
      await a.push(LARGE);
      const error = await expectError(() => sequence.finalize(), "IO", "cable pulled");
      expect(error.cause).toBe(cause);
    });
  });
});

describe("SequenceWriter.finalize", () => {
  it.each<[StoreCall, string]>([["append", "s/a.arrow"], ["sync", "s/a.arrow"]])(
    "that fails at the %s of %s rejects with that and aborts",
    async (call, path) => {
      await withOpen(async (store, client, sequence) => {
        let failures = 0;
        store.before = (made, at) => {
          if (made === call && at === path && failures++ === 0) throw FULL;
        };
        await expectError(() => sequence.finalize(), "NO_SPACE", "the disk is full");
        await expectFailed(client, sequence, "the disk is full");
      });
    },
  );

  it("that cannot even note its failure rejects with the first failure, and gives the lock back", async () => {
    await withOpen(async (store, client, sequence) => {
      let failures = 0;
      store.before = (call, path) => {
        if (call === "commit" && path === "s/sequence.json") {
          throw failures++ === 0 ? FULL : new SmaltiError("IO", "worse");
        }
      };
      await expectError(() => sequence.finalize(), "NO_SPACE", "the disk is full");
      expect([failures, sequence.status]).toEqual([2, "aborted"]);
      store.before = () => {};
      await expectError(
        () => client.sequenceHandler("s"),
        "LOCKED",
        "never finalized and its writer is gone",
      );
      await client.sequenceDelete("s");
    });
  });

  it("that fails by the policy delete leaves nothing", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
      await addTopic(sequence, "a", [1]);
      fail(store, "sync", "s/a.arrow");
      await expectError(() => sequence.finalize(), "NO_SPACE");
      store.before = () => {};
      expect(await client.listSequences()).toEqual([]);
    });
  });
});

describe("Client.sequenceCreate", () => {
  it.each<[StoreCall, string]>([["lock", "s/sequence.lock"], ["commit", "s/sequence.json"]])(
    "that fails at the %s of %s leaves the name free",
    async (call, path) => {
      const store = new WatchedStore();
      await onStore(store, async (client) => {
        fail(store, call, path);
        await expectError(() => client.sequenceCreate("s"), "NO_SPACE", "the disk is full");
        store.before = () => {};
        await recordSequence(client, "s", { a: [1] });
        expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
      });
    },
  );

  it("whose function throws rejects with that, although the abort fails", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const reason = new Error("mine");
      const call = () =>
        client.sequenceCreate("s", {}, () => {
          fail(store, "commit", "sequence.json");
          throw reason;
        });
      expect(await thrownBy(call)).toBe(reason);
    });
  });
});

describe("SequenceWriter.topicCreate", () => {
  it("refuses what is no ontology, and the sequence goes on", async () => {
    await withOpen(async (_store, client, sequence) => {
      const { tag, fields } = Sample;
      for (const ontology of [undefined, {}, { tag, fields }, { ...Sample, tag: 1 }]) {
        const create = sequence.topicCreate("c", { ontology: ontology as typeof Sample });
        await expect(create).rejects.toThrow(
          'Cannot create topic "c" of sequence "s": its ontology is',
        );
      }
      await sequence.topicCreate("c", { ontology: Sample });
      await sequence.finalize();
      expect((await client.sequenceHandler("s")).topics.map(({ name }) => name)).toContain("c");
    });
  });
  it.each<StoreCall>(["create", "append"])(
    "that fails at the %s of the file may be tried again",
    async (call) => {
      await withOpen(async (store, client, sequence) => {
        fail(store, call, "s/c.arrow");
        const error = await expectError(
          () => sequence.topicCreate("c", { ontology: Sample }),
          "NO_SPACE",
          "the disk is full",
        );
        expect(error.details).toMatchObject({ sequence: "s", topic: "c" });
        store.before = () => {};
        await addTopic(sequence, "c", [5]);
        await sequence.finalize();
        expect(await texts((await client.topicHandler("s", "c")).getDataStreamer())).toEqual([
          sampleText("c", 5n, 0),
        ]);
      });
    },
  );
});
