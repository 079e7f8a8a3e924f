import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store, type StoreLease } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { PassThroughStore, type StoreCall } from "../support/pass_through_store.ts";
import { onStore } from "../support/places.ts";
import { addTopic, allTexts, pushSamples, sampleText } from "../support/sample_rows.ts";

/** Bytes of an unfinished batch. */
const TAIL = 20_000;

/** Bytes that a lock takes. */
const LOCK_BYTES = 160;

/** A store on a disk of so many bytes. */
class SmallStore extends PassThroughStore {
  readonly writes: string[] = [];
  capacity = Infinity;

  override async append(path: string, bytes: Uint8Array): Promise<void> {
    await this.#room(bytes.length, path);
    await super.append(path, bytes);
  }
  override async replace(path: string, bytes: Uint8Array): Promise<void> {
    await this.#room(bytes.length, path);
    await super.replace(path, bytes);
  }
  override async commit(path: string, bytes: Uint8Array): Promise<void> {
    await this.#room(bytes.length, path);
    await super.commit(path, bytes);
  }

  override async lock(path: string): Promise<StoreLease> {
    await this.#room(LOCK_BYTES, path);
    return await super.lock(path);
  }

  protected override async through<R>(call: StoreCall, path: string, action: () => Promise<R>): Promise<R> {
    const done = await action();
    if (["append", "truncate", "remove", "commit"].includes(call)) this.writes.push(`${call} ${path}`);
    return done;
  }

  async #room(bytes: number, path: string): Promise<void> {
    if (await usedBytes(this.inner) + bytes > this.capacity) {
      throw new SmaltiError("NO_SPACE", `No room for ${bytes} bytes of ${path}`);
    }
  }
}

async function usedBytes(store: Store, path = ""): Promise<number> {
  let bytes = 0;
  for (const entry of await store.list(path)) {
    const below = path === "" ? entry : `${path}/${entry}`;
    bytes += await store.size(below).catch(() => usedBytes(store, below));
  }
  return bytes;
}

/** What a writer left whose disk was full in the midst of a batch of each topic but the first. */
async function leave(): Promise<SmallStore> {
  const [living, store] = [new MemoryStore(), new SmallStore(new MemoryStore())];
  await onStore(living, async (client) => {
    const sequence = await client.sequenceCreate("s");
    for (const name of ["a", "b", "c"]) await addTopic(sequence, name, [1, 2]);
    await sequence.flush();
    await copyFiles(living, store);
    await sequence.abort();
  });
  for (const topic of ["b", "c"]) {
    // The beginning of a batch whose end did not come to the disk.
    const file = await readAll(store, "s/a.arrow");
    const start = new DataView(file.buffer, file.byteOffset).getInt32(12, true) + 16;
    const tail = new Uint8Array(TAIL);
    tail.set(file.subarray(start, start + 64));
    new DataView(tail.buffer).setInt32(4, 2 * TAIL, true);
    await store.append(`s/${topic}.arrow`, tail);
  }
  store.writes.length = 0;
  store.capacity = await usedBytes(store);
  return store;
}

const ROWS = [1n, 2n].flatMap((time, serial) =>
  ["a", "b", "c"].map((topic) => sampleText(topic, time, serial))
);

describe("Client.recover on a full disk", () => {
  it("cuts all unfinished tails before it writes anything", async () => {
    const store = await leave();
    await onStore(store, async (client) => {
      const { files } = await client.recover("s");
      expect(files.map(({ topic, rowsKept, bytesDiscarded }) => [topic, rowsKept, bytesDiscarded])).toEqual([
        ["a", 2, 0],
        ["b", 2, TAIL],
        ["c", 2, TAIL],
      ]);
      const cuts = ["truncate s/b.arrow", "truncate s/c.arrow"];
      // The lock has the room of the last checkpoint.
      expect(store.writes.slice(0, 4)).toEqual(["remove s/sequence.live", ...cuts, "append s/a.arrow"]);
      expect((await client.sequenceInfo("s")).sessions).toMatchObject([{ topics: ["a", "b", "c"] }]);
      expect(store.writes).toContain("commit s/sequence.json");
      expect(await allTexts(client, "s")).toEqual(ROWS);
      for (const name of ["a", "b", "c"]) {
        expect(await (await client.topicHandler("s", name)).verify({ deep: true })).toEqual([]);
      }
    });
  });

  it("that has no room all the same fails NO_SPACE, and works once there is some", async () => {
    const store = await leave();
    store.capacity -= 2 * TAIL - 1000;
    await onStore(store, async (client) => {
      await expectError(() => client.recover("s"), "NO_SPACE");
      store.capacity += 2 * TAIL;
      await client.recover("s");
      expect(await allTexts(client, "s")).toEqual(ROWS);
    });
  });

  it("held by a living writer is LOCKED, and stays as it is", async () => {
    const store = await leave();
    store.capacity = Infinity;
    const lease = await store.lock("s/sequence.lock");
    store.capacity = await usedBytes(store);
    store.writes.length = 0;
    await onStore(store, async (client) => {
      await expectError(() => client.recover("s"), "LOCKED");
      expect(store.writes).toEqual([]);
      await lease.release();
    });
  });

  it("in a store that cannot cut files leaves them as they are", async () => {
    const store = await leave();
    Object.defineProperty(store, "truncate", { value: undefined });
    await onStore(store, async (client) => {
      await expectError(() => client.recover("s"), "NO_SPACE");
      store.capacity = Infinity;
      await client.recover("s");
      expect(await allTexts(client, "s")).toEqual(ROWS);
    });
  });

  it("cuts nothing of a topic that was committed", async () => {
    const store = new SmallStore(new MemoryStore());
    await onStore(store, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await pushSamples(await addTopic(sequence, "a", [1]), [2]);
      });
      const bytes = await readAll(store, "s/a.arrow");
      await store.replace("s/a.arrow", bytes.subarray(0, bytes.length - 20));
      store.writes.length = 0;
      await client.recover("s");
      expect(store.writes.filter((write) => write.startsWith("truncate"))).toEqual([]);
      expect((await readAll(store, "s/a.arrow")).subarray(0, bytes.length - 20)).toEqual(
        bytes.subarray(0, bytes.length - 20),
      );
    });
  });
});
