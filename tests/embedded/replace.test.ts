/**
 * A sequence that takes the place of another: until it is committed the other is as it was, whatever fails and whenever the
 * process ends.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { backendOf, type Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, inDirectory, makeStore, onStore, PLACES } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText, texts } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { copyFiles, faultsOf, FaultyStore } from "../support/faulty_store.ts";
import { allFiles } from "./stored_batches.ts";

/** Topics of the two, one name in both. */
const OLD = { a: [1, 2, 3], "b/c": [2] };
const NEW = { a: [7, 5], "d/e": [6, 6, 8] };
const NOTES = Uint8Array.of(1, 2, 3);

function rowsOf(topics: Record<string, number[]>): string[] {
  return Object.entries(topics)
    .flatMap(([topic, times]) => times.map((time, serial) => ({ topic, time, serial })))
    .sort((a, b) => a.time - b.time || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.serial - b.serial))
    .map(({ topic, time, serial }) => sampleText(topic, BigInt(time), serial));
}

const [OLD_ROWS, NEW_ROWS] = [rowsOf(OLD), rowsOf(NEW)];

/** What is there when a sequence is replaced. */
const BEFORE = {
  "a finalized one": (client: Client) => recordSequence(client, "s", OLD),
  "one that took another's place": async (client: Client) => {
    await recordSequence(client, "s", NEW);
    await replace(client, OLD);
  },
  "one that took another's place, and has no file": async (client: Client) => {
    await recordSequence(client, "s", NEW);
    await replace(client, {});
  },
};
type Before = keyof typeof BEFORE;

const oldRowsOf = (before: Before) => before.endsWith("no file") ? [] : OLD_ROWS;

/** Records in the place of "s", as a program does that meets every kind of file. */
async function replace(client: Client, topics: Record<string, number[]>): Promise<void> {
  await client.sequenceCreate("s", { ifExists: "replace", autoFlush: false }, async (sequence) => {
    for (const [topic, times] of Object.entries(topics)) await addTopic(sequence, topic, times);
    if (Object.keys(topics).length === 0) return;
    await sequence.flush();
    await sequence.attach({ name: "notes" }, NOTES);
  });
}

async function copied(store: Store): Promise<MemoryStore> {
  const copy = new MemoryStore();
  await copyFiles(store, copy);
  return copy;
}

async function prepared(before: Before): Promise<MemoryStore> {
  const store = new MemoryStore();
  await BEFORE[before](clientOf(store));
  return store;
}

/** Expects one of the two, whole, as it is and after all that a user may do with it; gives whether it is the new one. */
async function expectEither(files: MemoryStore, oldRows: readonly string[]): Promise<boolean> {
  const rows = await onStore(await copied(files), (client) => allTexts(client, "s"));
  const isNew = rows.length === NEW_ROWS.length && rows[0] === NEW_ROWS[0];
  expect(rows).toEqual(isNew ? NEW_ROWS : oldRows);
  const store = await copied(files);
  const client = clientOf(store);
  expect(await client.listSequences()).toEqual(["s"]);
  expect((await client.recover("s")).changed).toBe(false);
  expect(await allTexts(client, "s")).toEqual(rows);
  const handler = await client.sequenceHandler("s");
  for (const { name } of handler.topics) {
    expect(await (await handler.topicHandler(name)).verify()).toEqual([]);
  }
  for (const attachment of handler.attachments) {
    expect(await handler.readAttachment(attachment)).toEqual(NOTES);
  }
  // Nothing but its own files is left, and what followers go by where removing that failed.
  const named = handler.topics.length + handler.attachments.length + 1;
  const left = (await allFiles(store)).filter((path) => !path.endsWith("/sequence.live"));
  expect(left).toHaveLength(named);
  expect((await store.list("s")).filter((entry) => /^sequence\.[0-9a-f]{8}$/.test(entry)).length)
    .toBeLessThan(2);
  await client.sequenceUpdate("s", {}, async (sequence) => void await addTopic(sequence, "later", [100]));
  expect(await allTexts(client, "s")).toEqual([...rows, sampleText("later", 100n, 0)]);
  await replace(client, NEW);
  expect(await allTexts(client, "s")).toEqual(NEW_ROWS);
  await client.sequenceDelete("s");
  expect(await allFiles(store)).toEqual([]);
  await client.close();
  return isNew;
}

async function told<R>(what: string, body: () => Promise<R>): Promise<R> {
  try {
    return await body();
  } catch (reason) {
    throw new Error(`${what}: ${(reason as Error).message}`, { cause: reason });
  }
}

describe.each(Object.keys(BEFORE) as Before[])("In the place of %s", (before) => {
  it("a sequence comes when it is committed, whichever call of the store fails, and however", async () => {
    const base = await prepared(before);
    const counted = new FaultyStore(await copied(base));
    await replace(clientOf(counted), NEW);
    const outcomes = new Set<string>();
    for (const [number, { call, path }] of counted.calls.entries()) {
      for (const fault of faultsOf(call)) {
        await told(`${fault} at ${call} ${path}`, async () => {
          const inner = await copied(base);
          const store = new FaultyStore(inner, number, fault);
          const ended = await replace(clientOf(store), NEW).then(() => "committed", () => "failed");
          expect(store.failed).toBe(true);
          const isNew = await expectEither(inner, oldRowsOf(before));
          outcomes.add(`${ended} ${isNew ? "new" : "old"}`);
        });
      }
    }
    expect(counted.calls.length).toBeGreaterThan(15);
    expect([...outcomes].sort()).toEqual(["committed new", "failed old"]);
  });

  it("a sequence comes at one moment, at whichever the process ends", async () => {
    const inner = await copied(await prepared(before));
    const shots: MemoryStore[] = [];
    const store = new WatchedStore(inner);
    store.before = async (call) => {
      if (!["read", "size", "list", "lock", "open"].includes(call)) shots.push(await copied(inner));
    };
    await replace(clientOf(store), NEW);
    shots.push(await copied(inner));
    const isNew: boolean[] = [];
    for (const [moment, shot] of shots.entries()) {
      isNew.push(await told(`moment ${moment}`, () => expectEither(shot, oldRowsOf(before))));
    }
    const first = isNew.indexOf(true);
    // Before it the files were written, after it those of the other go.
    expect(first).toBeGreaterThan(8);
    expect(first).toBeLessThan(isNew.length - (before.endsWith("no file") ? 0 : 1));
    expect(isNew.slice(first)).not.toContain(false);
  });

  it("a sequence comes where the store commits it, says that it did not, and takes nothing more", async () => {
    const base = await prepared(before);
    const counted = new FaultyStore(await copied(base));
    await replace(clientOf(counted), NEW);
    const isCommit = ({ call, path }: { call: string; path: string }) =>
      call === "commit" && path === "s/sequence.json";
    const inner = await copied(base);
    const failing = new WatchedStore(inner);
    let commits = 0;
    failing.before = (call, path) => {
      if (isCommit({ call, path })) commits++;
      if (
        commits > 0 && !["read", "size", "list"].includes(call) &&
        !(commits === 1 && isCommit({ call, path }))
      ) {
        throw new SmaltiError("IO", "The disk is gone, as the test wants");
      }
    };
    const store = new FaultyStore(failing, counted.calls.findIndex(isCommit), "late");
    await expectError(() => replace(clientOf(store), NEW), "IO");
    expect(commits).toBe(2);
    expect(await expectEither(inner, oldRowsOf(before))).toBe(true);
  });
});

describe.each(PLACES)("A replacement in a store of kind %s", (place) => {
  async function withOld(
    body: (client: Client, sequence: SequenceWriter, store: Store) => Promise<void>,
  ): Promise<void> {
    const { store, dispose } = await makeStore(place);
    const client = clientOf(store);
    try {
      await recordSequence(client, "s", OLD);
      await body(client, await client.sequenceCreate("s", { ifExists: "replace" }), store);
    } finally {
      await client.close();
      await dispose();
    }
  }

  it("leaves the old one listed, readable and queried until it is committed", async () => {
    await withOld(async (client, sequence) => {
      const old = await client.sequenceInfo("s");
      await addTopic(sequence, "a", NEW.a);
      await sequence.flush();
      expect(await client.listSequences()).toEqual(["s"]);
      expect(await client.sequenceInfo("s")).toEqual(old);
      expect(await allTexts(client, "s")).toEqual(OLD_ROWS);
      await addTopic(sequence, "d/e", NEW["d/e"]);
      const info = await sequence.finalize();
      expect(info.state).toBe("finalized");
      expect(await client.sequenceInfo("s")).toEqual(info);
      expect(await allTexts(client, "s")).toEqual(NEW_ROWS);
      expect(await client.listSequences()).toEqual(["s"]);
    });
  });

  it.each(["report", "delete"] as const)(
    "leaves nothing where it is aborted by policy %s",
    async (policy) => {
      await withOld(async (client, sequence, store) => {
        const files = await allFiles(store);
        await addTopic(sequence, "a", NEW.a);
        await sequence.attach({ name: "notes" }, NOTES);
        await sequence.flush();
        expect(await allFiles(store)).not.toEqual(files);
        await sequence.abort(new Error("enough"), policy);
        expect(await allFiles(store)).toEqual(files.filter((path) => !path.endsWith(".lock")));
        expect(await allTexts(client, "s")).toEqual(OLD_ROWS);
        expect((await client.sequenceInfo("s")).state).toBe("finalized");
        await client.sequenceUpdate("s", {}, async (again) => void await addTopic(again, "later", [100]));
      });
    },
  );

  it("is the only one that changes the sequence meanwhile", async () => {
    await withOld(async (client, sequence) => {
      for (
        const call of [
          () => client.sequenceCreate("s", { ifExists: "replace" }),
          () => client.sequenceUpdate("s"),
          () => client.sequenceDelete("s"),
          () => client.recover("s"),
          () => client.compact("s"),
        ]
      ) await expectError(call, "LOCKED", "s");
      await expectError(() => client.sequenceCreate("s"), "ALREADY_EXISTS", `ifExists: "replace"`);
      await addTopic(sequence, "a", NEW.a);
      await sequence.finalize();
      expect((await client.sequenceInfo("s")).topics.map(({ name }) => name)).toEqual(["a"]);
    });
  });

  it("is refused where the sequence is being recorded, and makes one where there is none", async () => {
    const { store, dispose } = await makeStore(place);
    const client = clientOf(store);
    const sequence = await client.sequenceCreate("s", { ifExists: "replace" });
    await addTopic(sequence, "a", OLD.a);
    await sequence.flush();
    await expectError(() => client.sequenceCreate("s", { ifExists: "replace" }), "LOCKED");
    await sequence.abort("kept");
    expect((await client.sequenceInfo("s")).state).toBe("failed");
    await replace(client, NEW);
    expect(await allTexts(client, "s")).toEqual(NEW_ROWS);
    await client.close();
    await dispose();
  });

  it("gives who reads the old one its rows or NOT_FOUND, never rows of both", async () => {
    await withOld(async (client, sequence) => {
      const handler = await client.sequenceHandler("s");
      const opened = await handler.topicHandler("a");
      await addTopic(sequence, "a", NEW.a);
      await sequence.finalize();
      await expectError(() => opened.getDataStreamer().next(), "NOT_FOUND");
      await expectError(() => handler.topicHandler("b/c"), "NOT_FOUND");
    });
  });

  it("lets who follows the old one come to its end meanwhile", async () => {
    await withOld(async (client, sequence) => {
      const handler = await client.sequenceHandler("s", { follow: true });
      const rows = texts(handler.getDataStreamer({ follow: true }));
      await addTopic(sequence, "a", NEW.a);
      expect(await rows).toEqual(OLD_ROWS);
      await sequence.flush();
      expect(await texts(handler.getDataStreamer({ follow: true }))).toEqual(OLD_ROWS);
      await sequence.finalize();
      await expectError(() => texts(handler.getDataStreamer({ follow: true })), "ABORTED", "removed");
    });
  });

  it("has notifications and sessions of its own", async () => {
    await withOld(async (client, sequence) => {
      const backend = backendOf(client);
      const messages = async () =>
        (await client.listSequenceNotifications("s")).map(({ message }) => message);
      await backend.notify({ sequence: "s" }, "of the old one");
      await addTopic(sequence, "a", NEW.a);
      expect(await messages()).toEqual(["of the old one"]);
      await sequence.finalize();
      expect(await messages()).toEqual([]);
      await backend.notify({ sequence: "s" }, "of the new one");
      expect(await messages()).toEqual(["of the new one"]);
      await client.clearSequenceNotifications("s");
      await client.sequenceUpdate("s", {}, async (second) => void await addTopic(second, "z", [9]));
      const { sessions, topics } = await client.sequenceInfo("s");
      expect([sessions.length, topics.map(({ name }) => name)]).toEqual([2, ["a", "z"]]);
      expect(await client.listSequenceNotifications("s")).toEqual([]);
      expect((await client.compact("s")).topics).toEqual([]);
    });
  });
});

describe("A sequence whose writer died", () => {
  it("is replaced, or recovered when its replacement died too", async () => {
    const [living, second] = [new MemoryStore(), new MemoryStore()];
    const client = clientOf(living);
    const dead = await client.sequenceCreate("s");
    for (const [topic, times] of Object.entries(OLD)) await addTopic(dead, topic, times);
    await dead.flush();
    await copyFiles(living, second);
    await dead.abort();
    const writer = clientOf(second);
    const sequence = await writer.sequenceCreate("s", { ifExists: "replace" });
    await addTopic(sequence, "a", NEW.a);
    await sequence.flush();
    const crashed = await copied(second);
    await addTopic(sequence, "d/e", NEW["d/e"]);
    await sequence.finalize();
    expect(await allTexts(writer, "s")).toEqual(NEW_ROWS);
    await onStore(crashed, async (client) => {
      await expectError(() => client.sequenceHandler("s"), "LOCKED", "recover it");
      expect((await client.recover("s")).changed).toBe(true);
      expect(await allTexts(client, "s")).toEqual(OLD_ROWS);
      expect((await client.recover("s")).changed).toBe(false);
      expect(await allFiles(crashed)).toEqual(["s/a.arrow", "s/b/c.arrow", "s/sequence.json"]);
    });
    await writer.close();
    await client.close();
  });
});

describe("What a replacement left that died", () => {
  it.each(["update", "compact", "recover"] as const)("goes with the next %s", async (call) => {
    const store = new MemoryStore();
    const client = clientOf(store);
    await recordSequence(client, "s", OLD);
    const files = await allFiles(store);
    const sequence = await client.sequenceCreate("s", { ifExists: "replace" });
    await addTopic(sequence, "a", NEW.a);
    await sequence.flush();
    const crashed = await copied(store);
    await client.close();
    expect((await allFiles(crashed)).length).toBeGreaterThan(files.length);
    await onStore(crashed, async (client) => {
      if (call === "update") {
        const update = await client.sequenceUpdate("s");
        expect(await allFiles(crashed)).toEqual(files);
        const handler = await client.sequenceHandler("s", { follow: true });
        const rows = texts(handler.getDataStreamer({ follow: true }));
        await addTopic(update, "later", [100]);
        await update.finalize();
        expect(await rows).toEqual([...OLD_ROWS, sampleText("later", 100n, 0)]);
      } else {
        await client[call]("s");
        expect(await allFiles(crashed)).toEqual(files);
        expect(await allTexts(client, "s")).toEqual(OLD_ROWS);
      }
    });
  });
});

describe("What a replacement left in a directory", () => {
  it("is read by another client, and followed", async () => {
    await inDirectory(async (directory) => {
      await onStore(new DirectoryStore(directory), async (client) => {
        await recordSequence(client, "s", OLD);
        await replace(client, { a: NEW.a });
        const sequence = await client.sequenceUpdate("s");
        await addTopic(sequence, "d/e", NEW["d/e"]);
        await onStore(new DirectoryStore(directory), async (other) => {
          const handler = await other.sequenceHandler("s", { follow: true });
          const stream = handler.getDataStreamer({ follow: true });
          await sequence.flush();
          expect((await stream.next()).value?.[1].timestampNs).toBe(5n);
          await sequence.finalize();
          let rest = 0;
          for await (const _ of stream) rest++;
          expect(rest).toBe(4);
        });
      });
    });
  });
});
