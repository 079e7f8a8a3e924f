import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { PassThroughStore, type StoreCall } from "../support/pass_through_store.ts";
import { onStore } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";

const READS: readonly StoreCall[] = ["list", "size", "read", "open"];

/** A store that may only be read, as on a disk that is mounted so. */
class ReadOnlyStore extends PassThroughStore {
  protected override async through<R>(call: StoreCall, path: string, action: () => Promise<R>): Promise<R> {
    if (READS.includes(call)) return await action();
    throw new SmaltiError("PERMISSION_DENIED", `Cannot ${call} ${path}: EROFS: read-only file system`);
  }
}

/** "s" finalized, "left" by a writer that died. */
async function prepare(): Promise<{ inner: Store; store: Store }> {
  const [living, inner] = [new MemoryStore(), new MemoryStore()];
  await onStore(living, async (client) => {
    await recordSequence(client, "s", { a: [1, 2] });
    const sequence = await client.sequenceCreate("left");
    await addTopic(sequence, "a", [1]);
    await sequence.flush();
    await copyFiles(living, inner);
    await sequence.abort();
  });
  return { inner, store: new ReadOnlyStore(inner) };
}

describe("A store that may only be read", () => {
  it("is listed, replayed, verified and followed", async () => {
    const { store } = await prepare();
    await onStore(store, async (client) => {
      expect(await client.listSequences()).toEqual(["left", "s"]);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0), sampleText("a", 2n, 1)]);
      expect(await (await client.topicHandler("s", "a")).verify({ deep: true })).toEqual([]);
      const handler = await client.sequenceHandler("s", { follow: true });
      let rows = 0;
      for await (const _ of handler.getDataStreamer({ follow: true })) rows++;
      expect(rows).toBe(2);
    });
  });

  it("has nothing to recover where all is sound, and is PERMISSION_DENIED else", async () => {
    const { store } = await prepare();
    await onStore(store, async (client) => {
      expect(await client.recover("s")).toEqual({ sequence: "s", changed: false, files: [] });
      await expectError(() => client.recover("left"), "PERMISSION_DENIED", "read-only file system");
    });
  });

  it("says who records what is to be recovered", async () => {
    const { inner, store } = await prepare();
    await inner.lock("left/sequence.lock");
    await onStore(
      store,
      (client) => expectError(() => client.recover("left"), "LOCKED", "held by").then(() => {}),
    );
  });

  it("is PERMISSION_DENIED for all that changes it", async () => {
    const { store } = await prepare();
    await onStore(store, async (client) => {
      const calls = [
        () => client.sequenceCreate("new"),
        () => client.sequenceCreate("s", { ifExists: "replace" }),
        () => client.sequenceUpdate("s"),
        () => client.sequenceDelete("s"),
        () => client.compact("s"),
      ];
      for (const call of calls) await expectError(call, "PERMISSION_DENIED");
      expect((await allTexts(client, "s")).length).toBe(2);
    });
  });
});
