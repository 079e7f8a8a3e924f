/**
 * Lock files: one living holder at a time, on this host or another.
 *
 * @module
 */
import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import type * as Os from "node:os";
import type * as Process from "node:process";
import type * as Timers from "node:timers";
import { builtin } from "../builtin.ts";
import { SmaltiError } from "../error.ts";
import type { StoreLock } from "./store.ts";

// Empty where there are no files, and so no locks on them.
const { readFileSync } = builtin<typeof Fs>("node:fs");
const { link, open, readFile, stat, unlink } = builtin<typeof FsPromises>("node:fs/promises");
const { hostname } = builtin<typeof Os>("node:os");
const { kill, pid } = builtin<typeof Process>("node:process");
const { clearInterval, setInterval } = builtin<typeof Timers>("node:timers");

/** How often a lock's holder says that it lives, in milliseconds. */
const HEARTBEAT_MS = 2_000;
/** How long a silent holder on another host counts as alive, in milliseconds. */
const SILENCE_MS = 10_000;

/** Takes the lock that a file at `path` stands for. LOCKED, saying who holds it, where a living holder does. */
export async function takeLock(path: string): Promise<StoreLock> {
  const text = JSON.stringify({ host: hostname(), pid, started: startOf(pid), id: crypto.randomUUID() });
  const handle = await createLock(path, text);
  const beat = setInterval(() => {
    const now = new Date();
    handle.utimes(now, now).catch(() => {});
  }, HEARTBEAT_MS);
  beat.unref();
  return {
    release: async () => {
      clearInterval(beat);
      await handle.close().catch(() => {});
      // Silent for too long (a laptop that slept), the lock may be another's by now.
      if (await readFile(path, "utf8").catch(() => "") === text) await unlink(path).catch(() => {});
    },
  };
}

async function createLock(path: string, text: string): Promise<FsPromises.FileHandle> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const handle = await writeWhole(path, text);
    if (handle) return handle;
    const holder = await holderOf(path).catch((reason) => {
      if ((reason as { code?: string }).code !== "ENOENT") throw reason;
    });
    if (holder) throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${holder}`);
    await removeStaleLock(path);
  }
  throw new SmaltiError("LOCKED", `Cannot lock ${path}: others keep taking it`);
}

/** As `writeNew`, so that no crash leaves a lock without its holder: that one would count as held for a while. */
async function writeWhole(path: string, text: string): Promise<FsPromises.FileHandle | undefined> {
  const temporary = `${path}.${crypto.randomUUID()}.new`;
  const handle = await writeNew(temporary, text);
  try {
    await link(temporary, path);
    return handle;
  } catch (reason) {
    await handle?.close();
    if ((reason as { code?: string }).code === "EEXIST") return undefined;
    // Not every file system has links.
    return await writeNew(path, text);
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

/** Writes a file that must not be there yet, and keeps it open; undefined where it is. */
async function writeNew(path: string, text: string): Promise<FsPromises.FileHandle | undefined> {
  let handle: FsPromises.FileHandle;
  try {
    handle = await open(path, "wx");
  } catch (reason) {
    if ((reason as { code?: string }).code === "EEXIST") return undefined;
    throw reason;
  }
  try {
    await handle.writeFile(text);
    return handle;
  } catch (reason) {
    await handle.close();
    await unlink(path);
    throw reason;
  }
}

/**
 * Removes a lock whose holder is gone. Several may find so at once, and one of them may hold the new lock by the time
 * another removes what it saw: so who removes must hold the removal's own lock, and look again.
 */
async function removeStaleLock(path: string): Promise<void> {
  const removal = `${path}.removal`;
  const handle = await writeNew(removal, "");
  if (handle) {
    try {
      if (await holderOf(path) === undefined) await unlink(path);
    } catch (reason) {
      if ((reason as { code?: string }).code !== "ENOENT") throw reason;
    } finally {
      await handle.close();
      await unlink(removal).catch(() => {});
    }
  } else {
    // Somebody is at it, or died at it.
    const age = await stat(removal).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    if (age > SILENCE_MS) await unlink(removal).catch(() => {});
  }
}

/** Who holds a lock, if they live; undefined for a holder that is gone. Throws where there is no lock. */
export async function holderOf(path: string): Promise<string | undefined> {
  const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
  return livingHolder(text, mtimeMs);
}

function livingHolder(text: string, heartbeatMs: number): string | undefined {
  let holder: { host?: string; pid?: number; started?: string };
  try {
    holder = JSON.parse(text) ?? {};
  } catch {
    holder = {}; // cut while being written: the heartbeat decides
  }
  const who = `process ${holder.pid ?? "unknown"} on ${holder.host ?? "an unknown host"}`;
  if (holder.host !== hostname() || !Number.isInteger(holder.pid) || holder.pid! <= 0) {
    return Date.now() - heartbeatMs < SILENCE_MS ? who : undefined;
  }
  try {
    kill(holder.pid!, 0);
  } catch (reason) {
    if ((reason as { code?: string }).code === "ESRCH") return undefined;
  }
  // The number may have been given to another process since.
  const started = startOf(holder.pid!);
  return holder.started && started && started !== holder.started ? undefined : who;
}

/**
 * When a process started: the boot, and the kernel's ticks since (proc_pid_stat(5), field 22). A process that a machine
 * starts at every boot may have the same number each time. Undefined where /proc is not.
 */
function startOf(process: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${process}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${text.slice(text.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return undefined;
  }
}
