import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdir,
  readdir,
  readFile,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { DirectoryStore } from "../../src/store/directory.ts";
import { codeOf } from "../contract/store.ts";
import { withStore } from "./temporary.ts";

const onLinux = process.platform === "linux";
const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);

/** What a process of this runtime can load: Node runs no TypeScript, so there the compiled store. */
const storeModule = isDeno || isBun
  ? new URL("../../src/store/directory.ts", import.meta.url).href
  : process.env.SMALTI_MOD &&
    pathToFileURL(
      join(dirname(process.env.SMALTI_MOD), "src/store/directory.js"),
    ).href;
const needsBuild = storeModule
  ? ""
  : " (SMALTI_MOD does not name a compiled library)";

/** A process that takes a lock; resolves when it has said what came of it. */
async function holderProcess(
  directory: string,
  path: string,
): Promise<{ child: ChildProcess; said: string }> {
  const script = fileURLToPath(new URL("lock_holder.mjs", import.meta.url));
  const runtime = isDeno ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const child = spawn(process.execPath, [
    ...runtime,
    script,
    storeModule!,
    directory,
    path,
  ], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout!.once("data", (data) => resolve(String(data).trim()));
    child.once("error", reject);
    child.once(
      "exit",
      (code) =>
        reject(new Error(`the holder ended with ${code} and said nothing`)),
    );
  });
  return { child, said };
}

async function end(
  child: ChildProcess,
  signal: "SIGKILL" | undefined,
): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (signal) child.kill(signal);
  else child.stdin!.end();
  await ended;
}

/** Writes a lock file by hand, last heard of some seconds ago. */
async function plant(
  path: string,
  holder: unknown,
  silentSeconds: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(
    path,
    typeof holder === "string" ? holder : JSON.stringify(holder),
  );
  const then = new Date(Date.now() - silentSeconds * 1000);
  await utimes(path, then, then);
}

/** The id of a process that has just ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  return child.pid!;
}

describe("DirectoryStore lock", () => {
  it.skipIf(!storeModule)(
    `is LOCKED while another process lives, and names it${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        const { child, said } = await holderProcess(directory, "drive/lock");
        expect(said).toBe("locked");
        try {
          const holder = `process ${child.pid} on ${hostname()}`;
          expect(await store.lockedBy("drive/lock")).toBe(holder);
          const error = await store.lock("drive/lock").catch((reason) =>
            reason
          );
          expect(error.code).toBe("LOCKED");
          expect(error.message).toContain(holder);
        } finally {
          await end(child, undefined);
        }
      });
    },
  );

  it.skipIf(!storeModule)(
    `of this process is LOCKED for another, which names this one${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        await store.lock("drive/lock");
        const { child, said } = await holderProcess(directory, "drive/lock");
        await end(child, undefined);
        expect(said).toContain("[LOCKED]");
        expect(said).toContain(`process ${process.pid} on ${hostname()}`);
      });
    },
  );

  it.skipIf(!storeModule)(
    `of a process that was killed is taken over${needsBuild}`,
    async () => {
      await withStore(async (store, directory) => {
        const { child, said } = await holderProcess(directory, "drive/lock");
        expect(said).toBe("locked");
        await end(child, "SIGKILL");
        expect(await readdir(join(directory, "drive"))).toEqual(["lock"]);
        expect(await store.lockedBy("drive/lock")).toBe(undefined);
        const lock = await store.lock("drive/lock");
        expect(await store.lockedBy("drive/lock")).toBe(
          `process ${process.pid} on ${hostname()}`,
        );
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

  it("whose holder is dead goes to exactly one of many who want it", async () => {
    await withStore(async (_, directory) => {
      const pid = await deadPid();
      const stores = Array.from(
        { length: 8 },
        () => new DirectoryStore(directory),
      );
      for (let round = 0; round < 60; round++) {
        const path = `${round}/lock`;
        await plant(join(directory, path), {
          host: hostname(),
          pid,
          started: "1",
        }, 0);
        // Each begins at another moment of the others' work.
        const codes = await Promise.all(stores.map(async (store, i) => {
          for (let turn = 0; turn < (i * round) % 11; turn++) {
            await stat(directory);
          }
          return await codeOf(store.lock(path));
        }));
        expect(codes.filter((code) => code === "none")).toEqual(["none"]);
        expect(codes.filter((code) => code === "LOCKED")).toHaveLength(7);
        expect(await readdir(join(directory, `${round}`))).toEqual(["lock"]);
      }
      await Promise.all(stores.map((store) => store.close()));
    });
  });

  it.skipIf(!onLinux)(
    "whose process number another process has by now is taken over (start times in /proc)",
    async () => {
      await withStore(async (store, directory) => {
        await plant(
          join(directory, "lock"),
          { host: hostname(), pid: process.pid, started: "another time" },
          0,
        );
        expect(await store.lockedBy("lock")).toBe(undefined);
        await store.lock("lock");
      });
    },
  );

  it("of another host counts while its heartbeat is fresh, and is taken over when it is not", async () => {
    await withStore(async (store, directory) => {
      await plant(join(directory, "lock"), {
        host: "elsewhere",
        pid: 7,
        started: "1",
      }, 0);
      expect(await store.lockedBy("lock")).toBe("process 7 on elsewhere");
      expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
      await plant(join(directory, "lock"), {
        host: "elsewhere",
        pid: 7,
        started: "1",
      }, 3600);
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
        expect([torn, await codeOf(store.lock("lock"))]).toEqual([
          torn,
          "LOCKED",
        ]);
        await plant(join(directory, "lock"), torn, 3600);
        expect([torn, await store.lockedBy("lock")]).toEqual([torn, undefined]);
        await (await store.lock("lock")).release();
      }
    });
  });

  it("is taken over although somebody died taking it over", async () => {
    await withStore(async (store, directory) => {
      await plant(join(directory, "lock"), "", 3600);
      await plant(join(directory, "lock.removal"), "", 0);
      expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
      await plant(join(directory, "lock.removal"), "", 3600);
      await store.lock("lock");
      expect(await readdir(directory)).toEqual(["lock"]);
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
      expect(await readFile(join(directory, "lock"), "utf8")).toContain(
        "elsewhere",
      );
    });
  });

  it("is given back by close", async () => {
    await withStore(async (store, directory) => {
      await store.lock("a/lock");
      await store.lock("b/lock");
      await store.close();
      expect(await readdir(join(directory, "a"))).toEqual([]);
      expect(await readdir(join(directory, "b"))).toEqual([]);
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
