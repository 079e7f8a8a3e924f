import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { onStore } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";

const FILE = "s/a.arrow";
const MANIFEST = "s/sequence.json";

describe("A removal that was cut short", () => {
  it.each(["sequenceDelete", "abort"])("of %s frees the name, and brings nothing back", async (how) => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
      await addTopic(sequence, "a", [1]);
      await addTopic(sequence, "b/c", [1]);
      await sequence.attach({ name: "plan" }, Uint8Array.of(1));
      if (how === "sequenceDelete") await sequence.finalize();
      store.before = (call, path) => {
        if (call === "remove" && path !== MANIFEST) throw new SmaltiError("IO", "the disk is gone");
      };
      await expectError(() => how === "abort" ? sequence.abort() : client.sequenceDelete("s"), "IO");
      store.before = () => {};
      await expectError(() => client.recover("s"), "NOT_FOUND");
      await recordSequence(client, "s", { a: [5] });
      expect((await client.recover("s")).changed).toBe(false);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 5n, 0)]);
      expect(await store.list("s")).toEqual(expect.not.arrayContaining(["b", "sequence.removed"]));
    });
  });

  it("is ended by another removal", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      store.before = (call, path) => {
        if (call === "remove" && path === FILE) throw new SmaltiError("IO", "the disk is gone");
      };
      await expectError(() => client.sequenceDelete("s"), "IO");
      store.before = () => {};
      await client.sequenceDelete("s");
      expect(await client.listSequences()).toEqual([]);
      await expectError(() => client.sequenceDelete("s"), "NOT_FOUND");
    });
  });

  it("of somebody else's files is none: they are left alone", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await store.replace("s/mine.arrow", Uint8Array.of(1));
      await expectError(() => client.sequenceDelete("s"), "NOT_FOUND");
      await recordSequence(client, "s", { a: [5] });
      expect(await readAll(store, "s/mine.arrow")).toEqual(Uint8Array.of(1));
    });
  });
});
