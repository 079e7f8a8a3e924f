/**
 * Whether a lock's holder lives, where that is not plain: other PID namespaces, other users, processes that ended
 * without anybody waiting for them, runtimes that do not let us ask.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { until } from "../support/waiting.ts";
import { codeOf } from "../contract/store.ts";
import {
  deadPid,
  end,
  holderProcess,
  isDeno,
  lockText,
  needsBuild,
  plant,
  silence,
  startScript,
  ticksOf,
} from "./locks.ts";
import { onLinux } from "../support/open_files.ts";
import { withStore } from "../support/places.ts";

/** What starts a process in a PID namespace of its own, on the same host; it dies with what started it. */
const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const noNamespaces = needsBuild ||
  (spawnSync(UNSHARE[0], [...UNSHARE.slice(1), "true"]).status === 0 ? "" : " (no right to unshare)");
const notRoot = needsBuild ||
  (onLinux && process.getuid!() === 0 ? "" : " (wants to be root, on Linux)");
const notLinux = onLinux ? "" : " (there is no /proc)";
const notDeno = isDeno ? "" : " (the permissions are Deno's)";

describe("DirectoryStore lock", () => {
  it.skipIf(noNamespaces)(
    `counts while a holder of another PID namespace lives${noNamespaces}`,
    async () => {
      await withStore(async (store, directory) => {
        const first = await holderProcess(directory, "drive/lock", { within: UNSHARE });
        expect(first.said).toBe("locked");
        // Its number is another's here and there, or nobody's.
        const second = await holderProcess(directory, "drive/lock", { within: UNSHARE });
        expect(second.said).toContain("[LOCKED]");
        await end(second.child);
        expect(await codeOf(store.lock("drive/lock"))).toBe("LOCKED");
        expect(await store.lockedBy("drive/lock")).toMatch(/^process \d+ on /);

        await end(first.child, "SIGKILL");
        await silence(join(directory, "drive/lock"));
        const third = await holderProcess(directory, "drive/lock", { within: UNSHARE });
        expect(third.said).toBe("locked");
        await end(third.child, "SIGKILL");
      });
    },
  );

  it.skipIf(notLinux)(
    `of a process of this namespace does not need a heartbeat${notLinux}`,
    async () => {
      await withStore(async (store, directory) => {
        await plant(join(directory, "lock"), lockText(process.pid, undefined, ticksOf(process.pid)), 3600);
        expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
        await plant(join(directory, "lock"), lockText(await deadPid()), 0);
        expect(await codeOf(store.lock("lock"))).toBe("none");
      });
    },
  );

  it.skipIf(notLinux)(
    `of another namespace or boot lives by its heartbeat, whoever has its number here${notLinux}`,
    async () => {
      await withStore(async (store, directory) => {
        const living = lockText(process.pid, undefined, ticksOf(process.pid));
        const dead = lockText(await deadPid());
        const boot = `${crypto.randomUUID()}/${ticksOf(process.pid)}`;
        for (const elsewhere of [{ pidNamespace: "pid:[7]" }, { started: boot }, { started: undefined }]) {
          for (const holder of [living, dead]) {
            await plant(join(directory, "lock"), { ...holder, ...elsewhere }, 0);
            expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
            await plant(join(directory, "lock"), { ...holder, ...elsewhere }, 3600);
            await (await store.lock("lock")).release();
          }
        }
      });
    },
  );

  it.skipIf(notLinux)(
    `of version 0.1 counts while its process or its heartbeat says so${notLinux}`,
    async () => {
      await withStore(async (store, directory) => {
        const { pidNamespace: _, ...living } = lockText(process.pid, undefined, ticksOf(process.pid));
        const dead = { ...living, pid: await deadPid() };
        await plant(join(directory, "lock"), living, 3600);
        expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
        await plant(join(directory, "lock"), dead, 0);
        expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
        await plant(join(directory, "lock"), dead, 3600);
        expect(await codeOf(store.lock("lock"))).toBe("none");
      });
    },
  );

  it.skipIf(notLinux)(
    `of a process that ended and was not waited for is taken over${notLinux}`,
    async () => {
      await withStore(async (store, directory) => {
        // The shell becomes a program that does not wait for its child.
        const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        try {
          const said = await new Promise((resolve) => parent.stdout!.once("data", resolve));
          const pid = Number(String(said));
          const statOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8");
          await until(() => statOf(parent.pid!).includes("(sleep)"));
          process.kill(pid, "SIGKILL");
          await until(() => statOf(pid).includes(") Z "));
          await plant(join(directory, "lock"), lockText(pid, undefined, ticksOf(pid)), 0);
          expect(await codeOf(store.lock("lock"))).toBe("none");
        } finally {
          parent.kill();
        }
      });
    },
  );

  it.skipIf(notRoot)(
    `of another user's process is LOCKED${notRoot}`,
    async () => {
      await withStore(async (store, directory) => {
        await store.lock("lock");
        await silence(join(directory, "lock"));
        await chmod(directory, 0o777);
        const { child, said } = await startScript("lock_holder.mjs", [directory, "lock", "nobody"]);
        await end(child);
        expect(said).toContain("[LOCKED]");
      });
    },
  );

  it.skipIf(notDeno)(
    `is taken and judged with no right but to read and write${notDeno}`,
    async () => {
      await withStore(async (store, directory) => {
        const flags = ["--allow-read", "--allow-write"];
        const first = await holderProcess(directory, "lock", { flags });
        expect(first.said).toBe("locked");
        const second = await holderProcess(directory, "lock", { flags });
        await end(second.child);
        expect(second.said).toContain("[LOCKED]");
        expect(await codeOf(store.lock("lock"))).toBe("LOCKED");

        await end(first.child, "SIGKILL");
        await silence(join(directory, "lock"));
        const third = await holderProcess(directory, "lock", { flags });
        await end(third.child, "SIGKILL");
        expect(third.said).toBe("locked");
        await silence(join(directory, "lock"));
        expect(await codeOf(store.lock("lock"))).toBe("none");
      });
    },
  );

  it.skipIf(notDeno)(
    `is PERMISSION_DENIED without the right to write${notDeno}`,
    async () => {
      await withStore(async (_, directory) => {
        const { child, said } = await holderProcess(directory, "lock", { flags: ["--allow-read"] });
        await end(child);
        expect(said).toContain("[PERMISSION_DENIED]");
        expect(await readdir(directory)).toEqual([]);
      });
    },
  );

  it.skipIf(!onLinux)(
    "is IO where a pipe or a directory is in its place, and does not wait for it",
    async () => {
      await withStore(async (store, directory) => {
        expect(spawnSync("mkfifo", [join(directory, "pipe")]).status).toBe(0);
        await mkdir(join(directory, "directory"));
        for (const path of ["pipe", "directory"]) {
          const error = await store.lock(path).catch((reason) => reason);
          expect([error.code, error.message]).toEqual(["IO", expect.stringContaining("not a regular file")]);
          expect(await codeOf(store.lockedBy(path))).toBe("IO");
        }
        expect((await readdir(directory)).sort()).toEqual(["directory", "pipe"]);
      });
    },
  );
});
