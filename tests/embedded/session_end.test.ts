import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { clientOf, makeStore, type Place, PLACES } from "../support/places.ts";
import { addTopic, pushSamples, Sample, sample } from "../support/sample_rows.ts";
import { deferred, isSettled, settle, until } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const LIVE = "s/sequence.live";

async function withWatched(
  place: Place,
  body: (client: Client, store: WatchedStore) => Promise<void>,
): Promise<void> {
  const { store, dispose } = await makeStore(place);
  const watched = new WatchedStore(store);
  const client = clientOf(watched);
  try {
    await body(client, watched);
  } finally {
    await client.close();
    await dispose();
  }
}

/** Ways to begin a flush. */
const FLUSHES: Record<
  string,
  (sequence: SequenceWriter, topic: TopicWriter) => Promise<void>
> = {
  "a flush": (sequence) => sequence.flush(),
  "a topic's flush": (_, topic) => topic.flush(),
  // The push before began one.
  "an automatic flush": () => Promise.resolve(),
};

/** Ways to end a session, and what is there after each. */
const ENDS: Record<
  string,
  [(sequence: SequenceWriter, client: Client) => Promise<unknown>, string[]]
> = {
  "finalize": [(sequence) => sequence.finalize(), ["a.arrow", "sequence.json"]],
  "abort that reports": [(sequence) => sequence.abort("enough", "report"), [
    "a.arrow",
    "sequence.json",
  ]],
  "abort that deletes": [(sequence) => sequence.abort("enough", "delete"), []],
  "finalize and removal": [async (sequence, client) => {
    await sequence.finalize();
    await client.sequenceDelete("s");
  }, []],
};

describe.each(PLACES)(
  "A session that ends while it is being flushed, in %s",
  (place) => {
    for (const [end, [run, wanted]] of Object.entries(ENDS)) {
      for (const [flush, begin] of Object.entries(FLUSHES)) {
        const held = [
          "append s/a.arrow",
          "sync s/a.arrow",
          ...(flush === "a topic's flush" ? [] : [`replace ${LIVE}`]),
        ];
        it.each(held)(
          `waits, by ${end}, for ${flush} at %s, and leaves nothing of a checkpoint`,
          async (call) => {
            await withWatched(place, async (client, store) => {
              const autoFlush = flush === "an automatic flush" ? { bytes: 1 } : false;
              const sequence = await client.sequenceCreate("s", { autoFlush });
              const topic = await addTopic(sequence, "a", [1]);
              await sequence.flush();
              expect(await store.list("s")).toContain("sequence.live");
              const gate = deferred();
              const before = store.calls.length;
              store.before = (made, path) => `${made} ${path}` === call ? gate.promise : undefined;
              await pushSamples(topic, [5], 1);
              const flushed = begin(sequence, topic);
              await until(() => store.calls.slice(before).includes(call));
              const ended = run(sequence, client);
              expect(await isSettled(ended)).toBe(false);
              gate.resolve();
              await Promise.all([flushed, ended]);
              const calls = store.calls.slice(before);
              await settle();
              expect(store.calls.slice(before)).toEqual(calls);
              const files = (await store.list("s")).filter((name) => name !== "sequence.lock").sort();
              expect([files, await store.list("")]).toEqual([
                wanted,
                wanted.length > 0 ? ["s"] : [],
              ]);
              // No checkpoint came after what ended the session.
              const last = (text: string) => calls.lastIndexOf(text);
              const endedAt = Math.max(
                last("commit s/sequence.json"),
                last("remove s/sequence.json"),
              );
              expect(endedAt).toBeGreaterThan(last(`replace ${LIVE}`));
              if (wanted.length > 0) {
                expect((await client.sequenceHandler("s")).rowCount).toBe(2);
              }
            });
          },
        );
      }
    }
  },
);

/** What may be called after a flush that nobody called has failed. */
const NEXT: Record<
  string,
  (sequence: SequenceWriter, topic: TopicWriter<Sample>) => unknown
> = {
  push: (_, topic) => topic.push({ timestampNs: 9n, data: sample(9) }),
  "a topic's flush": (_, topic) => topic.flush(),
  flush: (sequence) => sequence.flush(),
  topicCreate: (sequence) => sequence.topicCreate("b", { ontology: Sample }),
};

/** Pushes a row of which the automatic flush cannot tell followers. */
async function failToTell(store: WatchedStore, topic: TopicWriter<Sample>): Promise<void> {
  store.before = (made, path) => {
    if (made === "replace" && path === LIVE) throw new SmaltiError("NO_SPACE", "the disk is full");
  };
  await pushSamples(topic, [1]);
  await until(() => store.count("replace", LIVE) === 1);
  await settle();
}

describe("An automatic flush that fails", () => {
  it.each(Object.entries(NEXT))(
    "is told by the next call, once: %s",
    async (name, call) => {
      await withWatched("memory", async (client, store) => {
        const sequence = await client.sequenceCreate("s", {
          autoFlush: { bytes: 1 },
        });
        const topic = await addTopic(sequence, "a", []);
        await failToTell(store, topic);
        store.before = () => {};
        const error = await expectError(
          () => call(sequence, topic),
          "NO_SPACE",
          "the disk is full",
        );
        expect(error.details.sequence).toBe("s");
        await call(sequence, topic);
        await pushSamples(topic, [2], 1);
        const { state, topics } = await sequence.finalize();
        expect(state).toBe("finalized");
        // The message of the push that was told was not taken.
        expect(topics.find((one) => one.name === "a")!.rowCount).toBe(
          name === "push" ? 3 : 2,
        );
      });
    },
  );

  it("does not keep a session from being finalized where all rows are there", async () => {
    await withWatched("memory", async (client, store) => {
      const sequence = await client.sequenceCreate("s", {
        autoFlush: { bytes: 1 },
      });
      const topic = await addTopic(sequence, "a", []);
      await failToTell(store, topic);
      expect((await sequence.finalize()).topics[0].rowCount).toBe(1);
    });
  });

  it("of rows that may be lost is told by every call, and by finalize", async () => {
    await withWatched("memory", async (client, store) => {
      const sequence = await client.sequenceCreate("s", {
        autoFlush: { bytes: 1 },
      });
      const topic = await addTopic(sequence, "a", []);
      store.before = (made) => {
        if (made === "sync") throw new SmaltiError("IO", "the disk is broken");
      };
      await pushSamples(topic, [1]);
      await until(() => store.count("sync", ".arrow") === 1);
      await settle();
      store.before = () => {};
      for (let i = 0; i < 2; i++) {
        const error = await thrownBy(() => topic.push({ timestampNs: 2n, data: sample(1) }));
        expect(error).toMatchObject({
          code: "IO",
          details: { sequence: "s", topic: "a" },
        });
      }
      await expectError(() => sequence.finalize(), "IO", "the disk is broken");
      expect((await client.sequenceInfo("s")).state).toBe("failed");
    });
  });
});
