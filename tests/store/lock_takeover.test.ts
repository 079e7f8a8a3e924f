/**
 * Locks whose holders are gone, and many who want them: one of them gets it, whatever others left that died on the way.
 *
 * @module
 */
import { link, mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { codeOf } from "../contract/store.ts";
import { canSpawn, deadPid, end, lockText, needsBuild, plant, startScript } from "./locks.ts";
import { inDirectory, withStore } from "../support/places.ts";

/** Puts a lock in place whose holder is gone, with what else is there; gives the lock's path. */
type Plant = (directory: string, pid: number) => Promise<void>;

const lockOf = (directory: string) => join(directory, "lock");

/** A lock of a process that ended; its silence tells where nothing else does. */
async function plantStale(directory: string, pid: number): Promise<string> {
  const { id, ...text } = lockText(pid);
  await plant(lockOf(directory), { ...text, id }, 3600);
  return String(id);
}

/** What a taker leaves that dies once it has claimed a lock, as the claim of a number. */
async function plantClaim(directory: string, stale: string, number: number, pid: number): Promise<void> {
  const { id, ...text } = lockText(pid);
  const own = join(directory, `lock.${id}.new`);
  await plant(own, { ...text, id }, 3600);
  await link(own, join(directory, `lock.${stale}.${number}`));
}

const LEFT: Record<string, Plant> = {
  "nothing else": async (directory, pid) => void await plantStale(directory, pid),
  "a lock of version 0.1 and an old file of a removal": async (directory, pid) => {
    const { pidNamespace: _, ...text } = lockText(pid);
    await plant(lockOf(directory), text, 3600);
    await plant(join(directory, "lock.removal"), "", 60);
  },
  "a cut lock": (directory) => plant(lockOf(directory), `{"host":"a`, 3600),
  "a file that a taker prepared": async (directory, pid) => {
    await plantStale(directory, pid);
    const { id, ...text } = lockText(pid);
    await plant(join(directory, `lock.${id}.new`), { ...text, id }, 3600);
  },
  "a taker's claim": async (directory, pid) => {
    await plantClaim(directory, await plantStale(directory, pid), 1, pid);
  },
  "the claims of several, one after another": async (directory, pid) => {
    const stale = await plantStale(directory, pid);
    for (const number of [1, 2, 3]) {
      await plantClaim(directory, stale, number, pid);
    }
  },
  "the claims of a lock before": async (directory, pid) => {
    await plantStale(directory, pid);
    await plantClaim(directory, crypto.randomUUID(), 1, pid);
  },
  "its holder's claim, who died as it gave the lock back": async (directory, pid) => {
    const stale = await plantStale(directory, pid);
    await link(lockOf(directory), join(directory, `lock.${stale}.1`));
  },
  "a cut claim": async (directory, pid) => {
    const stale = await plantStale(directory, pid);
    await plant(join(directory, `lock.${stale}.1`), "", 3600);
  },
};

/**
 * How often each is tried; the first two most often: to take over by removing what is in the way fails three times in a
 * hundred.
 */
const ROUNDS = [200, 200, 30];

describe("DirectoryStore lock whose holder is gone", () => {
  it.each(Object.keys(LEFT))(
    "goes to exactly one of six who want it, with %s",
    async (left) => {
      await inDirectory(async (root) => {
        const pid = await deadPid();
        const stores = Array.from({ length: 6 }, () => new DirectoryStore(root));
        const rounds = ROUNDS[Object.keys(LEFT).indexOf(left)] ?? ROUNDS.at(-1)!;
        for (let round = 0; round < rounds; round++) {
          const directory = join(root, String(round));
          await mkdir(directory);
          await LEFT[left](directory, pid);
          // Each begins at another moment of the others' work.
          const codes = await Promise.all(stores.map(async (store, i) => {
            for (let turn = 0; turn < (i * round) % 11; turn++) {
              await stat(root);
            }
            return await codeOf(store.lock(`${round}/lock`));
          }));
          expect([round, ...codes.sort()]).toEqual([round, ...Array(5).fill("LOCKED"), "none"]);
          expect(await readdir(directory)).toEqual(["lock"]);
        }
        await Promise.all(stores.map((store) => store.close()));
        for (const name of await readdir(root)) {
          expect(await readdir(join(root, name))).toEqual([]);
        }
      });
    },
  );

  it.skipIf(!canSpawn)(
    `goes to exactly one of several processes${needsBuild}`,
    async () => {
      await inDirectory(async (directory) => {
        const pid = await deadPid();
        const [rounds, processes] = [60, 3];
        await mkdir(join(directory, "meetings"));
        const plants = Object.values(LEFT);
        for (let round = 0; round < rounds; round++) {
          await mkdir(join(directory, String(round)));
          await plants[round % plants.length](join(directory, String(round)), pid);
        }
        const takers = await Promise.all(
          Array.from({ length: processes }, (_, number) => {
            const args = [directory, rounds, processes, number].map(String);
            return startScript("lock_takers.mjs", args);
          }),
        );
        const got = takers.flatMap(({ said }) => JSON.parse(said) as number[])
          .sort((a, b) => a - b);
        await Promise.all(takers.map(({ child }) => end(child)));
        expect(got).toEqual(Array.from({ length: rounds }, (_, round) => round));
      });
    },
  );

  it("is LOCKED while another that has claimed it lives", async () => {
    await withStore(async (store, directory) => {
      const stale = await plantStale(directory, await deadPid());
      const claimant = { host: "elsewhere", pid: 7, id: crypto.randomUUID() };
      await plant(join(directory, `lock.${stale}.1`), claimant, 0);
      const error = await store.lock("lock").catch((reason) => reason);
      expect([error.code, error.message]).toEqual([
        "LOCKED",
        expect.stringContaining("process 7 on elsewhere"),
      ]);
    });
  });

  it("is not taken by one that claimed it and slept until another had it", async () => {
    await withStore(async (store, directory) => {
      const stale = await plantStale(directory, await deadPid());
      const sleeper = { host: "elsewhere", pid: 7, id: crypto.randomUUID() };
      const own = join(directory, `lock.${sleeper.id}.new`);
      await plant(join(directory, `lock.${stale}.1`), sleeper, 3600);
      // Not for its age: that is no sign that nobody needs it.
      await plant(own, sleeper, 0);
      await store.lock("lock");
      // What it would do next.
      await expect(rename(own, lockOf(directory))).rejects.toMatchObject({ code: "ENOENT" });
      expect(await readdir(directory)).toEqual(["lock"]);
    });
  });
});
