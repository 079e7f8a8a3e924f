import { mkdir, readdir, readFile, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { codeOf } from "../contract/store.ts";
import { canSpawn, end, holderProcess, lockText, needsBuild, plant } from "./locks.ts";
import { onLinux } from "../support/open_files.ts";
import { withStore } from "../support/places.ts";

describe("DirectoryStore lock", () => {
  it.skipIf(!canSpawn)(
    `is LOCKED while another process lives, and names it${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        const { child, said } = await holderProcess(directory, "drive/lock");
        expect(said).toBe("locked");
        try {
          const holder = `process ${child.pid} on ${hostname()}`;
          expect(await store.lockedBy("drive/lock")).toBe(holder);
          const error = await store.lock("drive/lock").catch((reason) => reason);
          expect(error.code).toBe("LOCKED");
          expect(error.message).toContain(holder);
        } finally {
          await end(child);
        }
      });
    },
  );

  it.skipIf(!canSpawn)(
    `of this process is LOCKED for another, which names this one${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        await store.lock("drive/lock");
        const { child, said } = await holderProcess(directory, "drive/lock");
        await end(child);
        expect(said).toContain("[LOCKED]");
        expect(said).toContain(`process ${process.pid} on ${hostname()}`);
      });
    },
  );

  it.skipIf(!canSpawn)(
    `of a process that was killed is taken over${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        const { child, said } = await holderProcess(directory, "drive/lock");
        expect(said).toBe("locked");
        await end(child, "SIGKILL");
        expect(await readdir(join(directory, "drive"))).toEqual(["lock"]);
        expect(await store.lockedBy("drive/lock")).toBe(undefined);
        const lock = await store.lock("drive/lock");
        expect(await store.lockedBy("drive/lock")).toBe(`process ${process.pid} on ${hostname()}`);
        await lock.release();
        expect(await readdir(join(directory, "drive"))).toEqual([]);
      });
    },
  );

  it("of one store is LOCKED for another on the same directory", async () => {
    await withStore(async (store, directory) => {
      const other = new DirectoryStore(directory);
      const lock = await store.lock("lock");
      expect(await codeOf(other.lock("lock"))).toBe("LOCKED");
      await lock.release();
      await other.lock("lock");
      await store.close();
      expect(await other.lockedBy("lock")).toMatch(/./);
      await other.close();
    });
  });

  it.skipIf(!onLinux)(
    "whose process number another process has by now is taken over (start times in /proc)",
    async () => {
      await withStore(async (store, directory) => {
        await plant(join(directory, "lock"), lockText(process.pid), 0);
        expect(await store.lockedBy("lock")).toBe(undefined);
        await store.lock("lock");
      });
    },
  );

  it("of another host counts while its heartbeat is fresh, and is taken over when it is not", async () => {
    await withStore(async (store, directory) => {
      await plant(join(directory, "lock"), { host: "elsewhere", pid: 7, started: "1" }, 0);
      expect(await store.lockedBy("lock")).toBe("process 7 on elsewhere");
      expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
      await plant(join(directory, "lock"), { host: "elsewhere", pid: 7, started: "1" }, 3600);
      expect(await store.lockedBy("lock")).toBe(undefined);
      await store.lock("lock");
    });
  });

  it("that is cut or no lock at all counts while it is fresh, and is taken over when it is not", async () => {
    await withStore(async (store, directory) => {
      const whole = JSON.stringify({ host: hostname(), pid: 1, started: "1" });
      for (
        const torn of [
          "",
          whole.slice(0, 20),
          "null",
          "[]",
          "7",
          `{"pid":0}`,
          `{"host":"${hostname()}","pid":-1}`,
        ]
      ) {
        await plant(join(directory, "lock"), torn, 0);
        expect([torn, await codeOf(store.lock("lock"))]).toEqual([torn, "LOCKED"]);
        await plant(join(directory, "lock"), torn, 3600);
        expect([torn, await store.lockedBy("lock")]).toEqual([torn, undefined]);
        await (await store.lock("lock")).release();
      }
    });
  });

  it("shows that its holder lives", async () => {
    await withStore(async (store, directory) => {
      await store.lock("lock");
      const path = join(directory, "lock");
      await utimes(path, new Date(0), new Date(0));
      // The test ends when the heartbeat comes, however late; without one it runs into the runner's timeout.
      while ((await stat(path)).mtimeMs === 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  });

  it("that another has taken over stays when its former holder releases it", async () => {
    await withStore(async (store, directory) => {
      const lock = await store.lock("lock");
      await plant(join(directory, "lock"), { host: "elsewhere", pid: 7 }, 0);
      await lock.release();
      expect(await readFile(join(directory, "lock"), "utf8")).toContain("elsewhere");
    });
  });

  it("is given back by close", async () => {
    await withStore(async (store, directory) => {
      await mkdir(join(directory, "a"));
      await store.lock("a/lock");
      await store.lock("b/lock");
      await store.close();
      expect(await readdir(join(directory, "a"))).toEqual([]);
      // It was made for the lock.
      expect(await readdir(directory)).toEqual(["a"]);
    });
  });

  it("leaves no empty directory behind that was made for it, and every other", async () => {
    await withStore(async (store, directory) => {
      await (await store.lock("made/for/lock")).release();
      expect(await readdir(directory)).toEqual([]);
      const lock = await store.lock("made/for/lock");
      await store.create("made/file");
      await lock.release();
      expect(await readdir(join(directory, "made"))).toEqual(["file"]);
    });
  });

  it("is taken by one after another, whose directories come and go", async () => {
    await withStore(async (_, directory) => {
      let held = 0;
      const take = async () => {
        const store = new DirectoryStore(directory);
        for (let taken = 0; taken < 20;) {
          const lock = await store.lock("a/b/lock").catch((reason) => {
            if (reason.code !== "LOCKED") throw reason;
          });
          if (!lock) continue;
          expect(++held).toBe(1);
          await stat(join(directory, "a/b/lock"));
          held--;
          await lock.release();
          taken++;
        }
        await store.close();
      };
      await Promise.all(Array.from({ length: 4 }, take));
      // Who did not make the directories leaves them.
      expect(await readdir(join(directory, "a/b")).catch(() => [])).toEqual([]);
    });
  });

  it("asked for as the store closes is either refused or given back", async () => {
    await withStore(async (store, directory) => {
      const call = codeOf(store.lock("a/lock"));
      await store.close();
      expect(["CLOSED", "none"]).toContain(await call);
      expect(await readdir(join(directory, "a")).catch(() => [])).toEqual([]);
    });
  });
});
