/**
 * Locks of a directory that others take from a holder that was silent for too long, and what the holder sees of it.
 *
 * @module
 */
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connect } from "../../mod.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import type { Store, StoreLease } from "../../src/store/store.ts";
import { leaseContract } from "../contract/store_leases.ts";
import { codeOf, content, text } from "../contract/store.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory, withStore } from "../support/places.ts";
import { addTopic, allTexts, Sample, sample } from "../support/sample_rows.ts";
import { until } from "../support/waiting.ts";
import { silence } from "./locks.ts";

afterEach(() => void vi.useRealTimers());

/** Takes a lock as from a holder on another machine that has been silent for an hour. */
async function takeOver(directory: string, other: Store, path: string): Promise<StoreLease> {
  const file = join(directory, path);
  const { id } = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ host: "elsewhere", id }));
  for (;;) {
    await silence(file);
    try {
      return await other.lock(path);
    } catch {
      // The holder was heard of in between.
    }
  }
}

leaseContract("directory", async () => {
  const directory = await mkdtemp(join(tmpdir(), "smalti-lease-"));
  const [store, other] = [new DirectoryStore(directory), new DirectoryStore(directory)];
  return {
    store,
    other,
    takeOver: (path) => takeOver(directory, other, path),
    dispose: async () => {
      await Promise.all([store.close(), other.close()]);
      await rm(directory, { recursive: true });
    },
  };
});

describe("A lock of a directory", () => {
  it("that another took while the holder slept lets the holder write nothing when it wakes", async () => {
    await withStore(async (store, directory) => {
      const other = new DirectoryStore(directory);
      const lease = await store.lock("s/lock");
      await store.create("s/f");
      const next = await takeOver(directory, other, "s/lock");
      // No heartbeat comes before the write: the clock alone tells how long it was.
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
      expect(await codeOf(store.append("s/f", text("x")))).toBe("LOCKED");
      expect([lease.lost.aborted, await content(other, "s/f")]).toEqual([true, ""]);
      await next.release();
      await other.close();
    });
  });

  it("that is still the holder's when it wakes lets it go on", async () => {
    await withStore(async (store) => {
      const lease = await store.lock("s/lock");
      await store.create("s/f");
      for (const jump of [60_000, -3_600_000]) {
        vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + jump });
        await store.append("s/f", text("x"));
        await store.commit("s/m", text("m"));
      }
      expect([lease.lost.aborted, await content(store, "s/f")]).toEqual([false, "xx"]);
      await lease.release();
    });
  });

  it("is found to be lost by the heartbeat, without a call", async () => {
    await withStore(async (store, directory) => {
      const lost = await store.lock("s/lock");
      const kept = await store.lock("t/lock");
      await unlink(join(directory, "s/lock"));
      await until(() => lost.lost.aborted);
      expect(lost.lost.reason).toMatchObject({
        code: "LOCKED",
        rawMessage: `The lock ${join(directory, "s/lock")} was lost: its file is gone`,
      });
      expect([await codeOf(store.create("s/f")), await codeOf(store.create("t/f")), kept.lost.aborted])
        .toEqual(["LOCKED", "none", false]);
    });
  });

  it("goes to nobody whose holder is heard of again before it is taken", async () => {
    await withStore(async (store, directory) => {
      const other = new DirectoryStore(directory);
      const lease = await store.lock("lock");
      const file = join(directory, "lock");
      const { id } = JSON.parse(await readFile(file, "utf8"));
      await writeFile(file, JSON.stringify({ host: "elsewhere", id }));
      await store.commit("m", text("first"));
      for (let round = 0; round < 50; round++) {
        await silence(file);
        // The commit's heartbeat falls anywhere among the other's steps.
        const [committed, taken] = await Promise.all([
          codeOf(store.commit("m", text(String(round)))),
          other.lock("lock").catch(() => undefined),
        ]);
        if (taken) {
          // Then the holder knows, at the latest by now.
          expect(await codeOf(store.commit("m", text("late")))).toBe("LOCKED");
          expect(await content(other, "m")).not.toBe("late");
          await taken.release();
          break;
        }
        expect([round, committed]).toEqual([round, "none"]);
      }
      await lease.release();
      await other.close();
    });
  });

  it("that is lost stops the session that writes under it, and leaves what it flushed to others", async () => {
    await inDirectory(async (directory) => {
      await using client = await connect(directory);
      await using second = await connect(directory);
      const other = new DirectoryStore(directory);
      const sequence = await client.sequenceCreate("s", { autoFlush: false, errorPolicy: "delete" });
      const topic = await addTopic(sequence, "a", [1, 2]);
      await sequence.flush();
      const lease = await takeOver(directory, other, "s/sequence.lock");
      let failure: unknown;
      await until(() => {
        try {
          topic.push({ timestampNs: 3n, data: sample(3) });
        } catch (reason) {
          failure = reason;
        }
        return failure !== undefined;
      });
      expect(failure).toMatchObject({ code: "LOCKED", details: { sequence: "s" } });
      expect(String(failure)).toContain("sequence.lock was lost: process");
      await expectError(() => sequence.flush(), "LOCKED", "was lost");
      await expectError(() => sequence.topicCreate("b", { ontology: Sample }), "LOCKED", "was lost");
      await expectError(() => sequence.finalize(), "LOCKED", "was lost");
      expect(sequence.status).toBe("aborted");
      await lease.release();
      await other.close();
      expect((await second.recover("s")).changed).toBe(true);
      expect((await allTexts(second, "s")).length).toBe(2);
    });
  });

  it("that is lost by who replaces a sequence leaves the old one, and the rest to the new holder", async () => {
    await inDirectory(async (directory) => {
      await using client = await connect(directory);
      await using second = await connect(directory);
      const other = new DirectoryStore(directory);
      await client.sequenceCreate("s", {}, async (old) => void await addTopic(old, "a", [1, 2]));
      const rows = await allTexts(second, "s");
      const files = async () => (await readdir(join(directory, "s"))).sort();
      const before = await files();
      const sequence = await client.sequenceCreate("s", { ifExists: "replace", autoFlush: false });
      await addTopic(sequence, "a", [7]);
      await sequence.flush();
      const lease = await takeOver(directory, other, "s/sequence.lock");
      expect(await codeOf(sequence.finalize())).toBe("LOCKED");
      expect(sequence.status).toBe("aborted");
      expect(await files()).not.toEqual(before);
      expect(await allTexts(second, "s")).toEqual(rows);
      await lease.release();
      await other.close();
      expect((await second.recover("s")).changed).toBe(false);
      expect(await files()).toEqual(before);
      expect(await allTexts(second, "s")).toEqual(rows);
    });
  });
});
