import { describe, expect, it } from "vitest";
import type { Client } from "../../mod.ts";
import { bytesOf } from "../../src/arrow/columns.ts";
import { backendOf } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { expectError } from "../support/errors.ts";
import { copyOf } from "../support/left_store.ts";
import { clientOf, onStore, PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";

/** A sequence of two sessions, with a topic and an attachment each; their ids. */
async function recordTwo(client: Client): Promise<[string, string]> {
  await client.sequenceCreate(
    "s",
    { metadata: { car: 1 } },
    async (sequence) => {
      await addTopic(sequence, "a", [1, 2]);
      await sequence.attach({ name: "first" }, Uint8Array.of(1));
    },
  );
  await client.sequenceUpdate("s", {}, async (sequence) => {
    await addTopic(sequence, "b/c", [3]);
    await sequence.attach({ name: "second" }, Uint8Array.of(2));
  });
  const { sessions: [first, second] } = await client.sequenceInfo("s");
  return [first.id, second.id];
}

async function told(client: Client) {
  const { state, sessions, topics, attachments } = await client.sequenceInfo("s");
  return {
    state,
    sessions: sessions.map(({ id }) => id),
    topics: topics.map(({ name }) => name),
    attachments: attachments.map(({ name }) => name),
  };
}

describe.each(PLACES)("Client.sessionDelete in %s", (place) => {
  it("removes a session with its topics and attachments, and frees their names", async () => {
    await withClient(place, async (client) => {
      const [first, second] = await recordTwo(client);
      await client.sessionDelete("s", first);
      expect(await told(client)).toEqual({
        state: "finalized",
        sessions: [second],
        topics: ["b/c"],
        attachments: ["second"],
      });
      expect(await allTexts(client, "s")).toEqual([sampleText("b/c", 3n, 0)]);
      await client.sequenceUpdate("s", {}, async (sequence) => {
        await addTopic(sequence, "a", [9]);
        await sequence.attach({ name: "third" }, Uint8Array.of(3));
      });
      expect(await allTexts(client, "s")).toEqual([sampleText("b/c", 3n, 0), sampleText("a", 9n, 0)]);
      const handler = await client.sequenceHandler("s");
      const bytes = handler.attachments.map((attachment) => handler.readAttachment(attachment));
      expect(await Promise.all(bytes)).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
      expect((await client.recover("s")).changed).toBe(false);
    });
  });

  it("leaves the sequence where it was the last one, which then takes another", async () => {
    await withClient(place, async (client) => {
      for (const id of await recordTwo(client)) {
        await client.sessionDelete("s", id);
      }
      expect(await told(client)).toEqual({ state: "finalized", sessions: [], topics: [], attachments: [] });
      const handler = await client.sequenceHandler("s");
      expect([handler.metadata, handler.rowCount]).toEqual([{ car: 1 }, 0]);
      expect((await client.recover("s")).changed).toBe(false);
      await client.sequenceUpdate("s", {}, (sequence) => addTopic(sequence, "a", [5]));
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 5n, 0)]);
    });
  });

  it("of the one that failed leaves a sequence that did not", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      await sequence.abort("why not");
      await client.sequenceUpdate("s", {}, (sequence) => addTopic(sequence, "b", [2]));
      const { state, sessions } = await client.sequenceInfo("s");
      expect([state, ...sessions.map(({ state }) => state)]).toEqual(["failed", "failed", "finalized"]);
      await client.sessionDelete("s", sessions[0].id);
      expect(await told(client)).toMatchObject({ state: "finalized", topics: ["b"] });
    });
  });

  it("refuses what is not there, and what is being written", async () => {
    await withClient(place, async (client) => {
      const [first, second] = await recordTwo(client);
      await expectError(() => client.sessionDelete("gone", first), "NOT_FOUND", 'No sequence "gone"');
      await expectError(
        () => client.sessionDelete("s", "gone"),
        "NOT_FOUND",
        'No session "gone" in sequence "s"',
      );
      await client.sessionDelete("s", first);
      await expectError(() => client.sessionDelete("s", first), "NOT_FOUND");
      // Beside a session that is open: the ended one can go, and its topic's name be taken again.
      const sequence = await client.sequenceUpdate("s");
      await addTopic(sequence, "d", [4]);
      await client.sessionDelete("s", second);
      await addTopic(sequence, "b/c", [7]);
      await sequence.finalize();
      expect(await allTexts(client, "s")).toEqual([sampleText("d", 4n, 0), sampleText("b/c", 7n, 0)]);
      const recording = await client.sequenceCreate("new");
      const { sessions: [{ id }] } = await client.sequenceInfo("new");
      await expectError(() => client.sessionDelete("new", id), "LOCKED", "it is being written");
      await recording.finalize();
      await client.sessionDelete("new", id);
    });
  });

  it("lets who reads its topics know", async () => {
    await withClient(place, async (client) => {
      const [first] = await recordTwo(client);
      const handler = await client.sequenceHandler("s");
      await client.sessionDelete("s", first);
      await expectError(async () => {
        for await (const _ of handler.getDataStreamer({ topics: ["a"] }));
      }, "NOT_FOUND");
      expect((await handler.topicHandler("b/c")).rowCount).toBe(1);
    });
  });
});

describe("The removal of a session that was cut short", () => {
  const fails = (store: WatchedStore, ...paths: string[]) => {
    store.before = (call, path) => {
      if (call === "remove" && paths.includes(path)) {
        throw new SmaltiError("IO", "the disk is gone");
      }
    };
  };

  it.each(["recover", "update", "compact", "delete"])(
    "is ended by the next %s",
    async (how) => {
      const store = new WatchedStore();
      await onStore(store, async (client) => {
        const [first, second] = await recordTwo(client);
        fails(store, "s/a.arrow", "s/sequence.attachments/1-1");
        await client.sessionDelete("s", first);
        expect(await told(client)).toMatchObject({
          sessions: [second],
          topics: ["b/c"],
          attachments: ["second"],
        });
        expect(await store.list("s")).toContain("a.arrow");
        store.before = () => {};
        if (how === "recover") expect((await client.recover("s")).files).toEqual([]);
        else if (how === "compact") await client.compact("s");
        else if (how === "delete") await client.sessionDelete("s", second);
        else await client.sequenceUpdate("s", {}, (sequence) => addTopic(sequence, "a", [9]));
        expect((await store.list("s")).includes("a.arrow")).toBe(how === "update");
        const rest = how === "delete" ? [] : ["2-1"];
        expect(await store.list("s/sequence.attachments")).toEqual(rest);
        expect(await told(client)).toMatchObject({
          topics: { recover: ["b/c"], update: ["a", "b/c"], compact: ["b/c"], delete: [] }[how],
        });
        expect((await client.recover("s")).changed).toBe(false);
      });
    },
  );

  it("takes no name that is still to be freed", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const [first] = await recordTwo(client);
      const sequence = await client.sequenceUpdate("s");
      fails(store, "s/a.arrow");
      await client.sessionDelete("s", first);
      await expectError(() => addTopic(sequence, "a", [1]), "ALREADY_EXISTS");
      store.before = () => {};
      await sequence.finalize();
      await client.sequenceUpdate("s", {}, (sequence) => addTopic(sequence, "a", [9]));
      expect(await allTexts(client, "s")).toEqual([sampleText("b/c", 3n, 0), sampleText("a", 9n, 0)]);
    });
  });

  it("has not happened where the manifest could not be written", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const [first] = await recordTwo(client);
      store.before = (call) => {
        if (call === "commit") {
          throw new SmaltiError("NO_SPACE", "the disk is full");
        }
      };
      await expectError(() => client.sessionDelete("s", first), "NO_SPACE");
      store.before = () => {};
      expect(await told(client)).toMatchObject({ topics: ["a", "b/c"], attachments: ["first", "second"] });
      expect(await allTexts(client, "s")).toHaveLength(3);
    });
  });
});

describe("A session", () => {
  it.each(["first", "second"])(
    "that was the %s and died is called as it was",
    async (which) => {
      // Of one that was added only its checkpoints tell.
      for (const isFlushed of which === "first" ? [false, true] : [true]) {
        const store = new MemoryStore();
        await onStore(store, async (client) => {
          if (which === "second") await recordSequence(client, "s", { old: [1] });
          const backend = backendOf(client);
          const sink =
            await (which === "first" ? backend.createSequence("s", {}) : backend.updateSequence("s"));
          const { id } = sink.session;
          const schema = {
            ontologyTag: "Sample",
            serializationFormat: "default",
            metadata: {},
            fields: [TIMESTAMP_FIELD],
          } as const;
          const topic = await sink.createTopic("a", schema);
          await topic.write(
            { rows: 1, nodes: [1, 0], buffers: [new Uint8Array(0), bytesOf(BigInt64Array.of(5n))] },
            5n,
            5n,
          );
          if (isFlushed) {
            await topic.sync();
            await sink.checkpoint(6n);
          }
          const left = await copyOf(store, "s");
          await sink.finalize();
          expect((await client.sequenceInfo("s")).sessions.at(-1)!.id).toBe(id);
          await onStore(left, async (client) => {
            await client.recover("s");
            const { sessions, topics } = await client.sequenceInfo("s");
            expect(sessions.at(-1)).toMatchObject({ id, state: "recovered", topics: ["a"] });
            expect(topics[0]).toMatchObject({ name: "a", sessionId: id, rowCount: 1 });
          });
        });
      }
    },
  );
});

describe("A follower", () => {
  it("gets ABORTED at the end where a session that it had read is removed", async () => {
    const store = new MemoryStore();
    const writer = clientOf(store);
    await recordSequence(writer, "s", { a: [1] });
    const { sessions: [{ id }] } = await writer.sequenceInfo("s");
    const sequence = await writer.sequenceUpdate("s", { autoFlush: false });
    await addTopic(sequence, "b", [2, 3]);
    await sequence.flush();
    const handler = await writer.sequenceHandler("s", { follow: true });
    const stream = handler.getDataStreamer({ follow: true });
    expect((await stream.next()).value?.[0]).toBe("a");
    await writer.sessionDelete("s", id);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const [topic, { timestampNs }] of stream) {
        seen.push(`${topic}@${timestampNs}`);
      }
    })();
    await sequence.finalize();
    await expectError(
      () => reading,
      "ABORTED",
      'A session of sequence "s" was removed while it was followed',
    );
    expect(seen).toEqual(["b@2", "b@3"]);
    await writer.close();
  });
});
