import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { storedBatches } from "../embedded/stored_batches.ts";
import { serving } from "../flight/support.ts";
import { connect } from "../../mod.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, onStore } from "../support/places.ts";
import { addTopic, allTexts, pushSamples, Sample, sampleText } from "../support/sample_rows.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";

/** A topic with so many batches of a row each. */
async function addBatches(sequence: SequenceWriter, name: string, batches: number): Promise<void> {
  const topic = await sequence.topicCreate(name, { ontology: Sample });
  for (let row = 0; row < batches; row++) {
    await pushSamples(topic, [row], row);
    await topic.flush();
  }
}

function rows(topic: string, batches: number): string[] {
  return Array.from({ length: batches }, (_, row) => sampleText(topic, BigInt(row), row));
}

/** Files of what `record` does on a disk without room for a second copy of a file. */
async function recorded(record: (client: Client) => Promise<void>): Promise<MemoryStore> {
  const [full, store] = [keepingBatches(new MemoryStore()), new MemoryStore()];
  await onStore(full, async (client) => {
    await record(client);
    await copyFiles(full, store);
  });
  return store;
}

/** What the manifest says of each topic's bytes, which must be so. */
async function expectSizes(client: Client, store: Store): Promise<void> {
  for (const { name, sizeBytes } of (await client.sequenceInfo("s")).topics) {
    expect([name, sizeBytes]).toEqual([name, await store.size(`s/${name}.arrow`)]);
  }
}

describe("client.compact", () => {
  it("tells batches and bytes before and after, of the topics that it wrote anew", async () => {
    const inner = await recorded((client) =>
      client.sequenceCreate("s", {}, async (sequence) => {
        await addBatches(sequence, "b/c", 30);
        await addBatches(sequence, "a", 20);
        await addTopic(sequence, "one", [1, 2, 3]);
        await sequence.topicCreate("none", { ontology: Sample });
        await sequence.attach({ name: "notes" }, Uint8Array.of(1));
        sequence.addMetadata({ vehicle: "A" });
      })
    );
    const store = new WatchedStore(inner);
    await onStore(store, async (client) => {
      const before = await client.sequenceInfo("s");
      const texts = await allTexts(client, "s");
      const sizeOf = (name: string) => store.size(`s/${name}.arrow`);
      const [aBefore, bBefore] = [await sizeOf("a"), await sizeOf("b/c")];
      const report = await client.compact("s");
      const [a, b] = [await sizeOf("a"), await sizeOf("b/c")];
      expect(report).toEqual({
        sequence: "s",
        topics: [
          { topic: "a", batchesBefore: 20, batches: 1, sizeBytesBefore: aBefore, sizeBytes: a },
          { topic: "b/c", batchesBefore: 30, batches: 1, sizeBytesBefore: bBefore, sizeBytes: b },
        ],
      });
      expect(a).toBeLessThan(aBefore / 2);
      expect([await storedBatches(store, "s/a.arrow"), await storedBatches(store, "s/b/c.arrow")]).toEqual([
        1,
        1,
      ]);
      // Nothing else has changed.
      const after = await client.sequenceInfo("s");
      expect(after).toEqual({
        ...before,
        topics: before.topics.map((topic) => ({
          ...topic,
          sizeBytes: topic.name === "a" ? a : topic.name === "b/c" ? b : topic.sizeBytes,
        })),
      });
      expect(await allTexts(client, "s")).toEqual(texts);
      const handler = await client.sequenceHandler("s");
      for (const { name } of handler.topics) {
        expect(await (await handler.topicHandler(name)).verify()).toEqual([]);
      }
      expect(await handler.readAttachment(handler.attachments[0])).toEqual(Uint8Array.of(1));

      store.calls.length = 0;
      expect(await client.compact("s")).toEqual({ sequence: "s", topics: [] });
      const changes = store.calls.filter((call) => /^(create|append|sync|replace|move|remove) /.test(call));
      expect(changes).toEqual([]);
      // And it is not locked.
      await client.sequenceUpdate("s", {}, async (sequence) => void await addTopic(sequence, "after", [1]));
    });
  });

  it("goes on with other topics where one is damaged, and says so", async () => {
    const store = await recorded((client) =>
      client.sequenceCreate("s", {}, async (sequence) => {
        await addBatches(sequence, "a", 20);
        await addBatches(sequence, "b", 20);
      })
    );
    const bytes = await readAll(store, "s/a.arrow");
    const damaged = bytes.slice();
    damaged[damaged.length >> 1] ^= 4;
    await store.replace("s/a.arrow", damaged);
    await onStore(store, async (client) => {
      for (const others of [[{ topic: "b", batchesBefore: 20, batches: 1 }], []]) {
        const { topics } = await client.compact("s");
        expect(topics).toMatchObject([
          {
            topic: "a",
            batchesBefore: 20,
            batches: 20,
            sizeBytesBefore: bytes.length,
            sizeBytes: bytes.length,
            error: { code: "CORRUPT", details: { sequence: "s", topic: "a", file: "s/a.arrow" } },
          },
          ...others,
        ]);
      }
      expect(await readAll(store, "s/a.arrow")).toEqual(damaged);
      expect((await store.list("s")).sort()).toEqual(["a.arrow", "b.arrow", "sequence.json"]);
    });
  });

  it("takes sequences that were given up or recovered, and the topics of all sessions", async () => {
    const store = await recorded(async (client) => {
      const failed = await client.sequenceCreate("s");
      await addBatches(failed, "a", 20);
      await failed.abort(new Error("no fuel"));
    });
    await onStore(store, async (client) => {
      expect((await client.compact("s")).topics).toMatchObject([{ topic: "a", batches: 1 }]);
      expect((await client.sequenceInfo("s")).state).toBe("failed");
      expect(await allTexts(client, "s")).toEqual(rows("a", 20));
    });

    const dead = await recorded(async (client) => {
      await client.sequenceCreate("s", {}, (sequence) => addBatches(sequence, "b", 20));
      await client.sequenceUpdate("s", {}, (sequence) => addBatches(sequence, "a", 30));
      await addBatches(await client.sequenceUpdate("s"), "c", 10);
    });
    const full = keepingBatches(new MemoryStore());
    await copyFiles(dead, full);
    const recovered = new MemoryStore();
    await onStore(full, async (client) => {
      await client.recover("s");
      await copyFiles(full, recovered);
    });
    await onStore(recovered, async (client) => {
      expect((await client.compact("s")).topics).toMatchObject([
        { topic: "a", batchesBefore: 30, batches: 1 },
        { topic: "b", batchesBefore: 20, batches: 1 },
        { topic: "c", batchesBefore: 10, batches: 1 },
      ]);
      expect((await client.sequenceInfo("s")).sessions.map(({ topics }) => topics)).toEqual([["b"], ["a"], [
        "c",
      ]]);
      await expectSizes(client, recovered);
      const all = await allTexts(client, "s");
      for (const [topic, batches] of [["a", 30], ["b", 20], ["c", 10]] as const) {
        expect(all.filter((text) => text.startsWith(`${topic} `))).toEqual(rows(topic, batches));
      }
    });
  });

  it("is LOCKED while anybody writes the sequence, and NOT_FOUND where there is none", async () => {
    const store = keepingBatches(new MemoryStore());
    const [writer, other] = [clientOf(store), clientOf(store)];
    const sequence = await writer.sequenceCreate("s");
    await addBatches(sequence, "a", 20);
    for (const client of [writer, other]) {
      await expectError(() => client.compact("s"), "LOCKED", /sequence "s"/i);
      await expectError(() => client.compact("t"), "NOT_FOUND", /"t"/);
      await expectError(() => client.compact("no/name"), "INVALID_NAME");
    }
    await sequence.finalize();
    const update = await writer.sequenceUpdate("s");
    for (const client of [writer, other]) {
      await expectError(() => client.compact("s"), "LOCKED", /sequence s/);
    }
    expect(await storedBatches(store, "s/a.arrow")).toBe(20);
    await update.abort();
    // One that was left by a writer that died has to be recovered first.
    const dead = await recorded(async (client) => addBatches(await client.sequenceCreate("s"), "a", 20));
    await onStore(dead, async (client) => {
      await expectError(() => client.compact("s"), "LOCKED", /recover it first/);
    });
    await writer.close();
    await expectError(() => writer.compact("s"), "CLOSED");
  });

  it("holds the sequence's lock while it goes on", async () => {
    const inner = await recorded((client) =>
      client.sequenceCreate("s", {}, (sequence) => addBatches(sequence, "a", 20))
    );
    const store = new WatchedStore(inner);
    const refused: unknown[] = [];
    store.before = async (call, path) => {
      if (call !== "create" || !path.endsWith(".new")) return;
      for (const verb of ["sequenceUpdate", "sequenceDelete", "recover", "compact"] as const) {
        refused.push(await clientOf(inner)[verb]("s").then(() => verb, (reason) => reason.code));
      }
    };
    await onStore(store, (client) => client.compact("s"));
    expect(refused).toEqual(["LOCKED", "LOCKED", "LOCKED", "LOCKED"]);
  });

  it("is UNSUPPORTED on a server", () =>
    serving({}, async ({ client, server }) => {
      await client.sequenceCreate("s", {}, async (sequence) => void await addTopic(sequence, "a", [1]));
      await using remote = await connect(server.url);
      await expectError(() => remote.compact("s"), "UNSUPPORTED");
    }));
});
