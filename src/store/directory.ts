/**
 * A store in a directory, on Deno, Bun and Node alike through `node:fs`.
 *
 * @module
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { kill, pid } from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { type ErrorCode, SmaltiError } from "../error.ts";
import type { Store, StoreLock } from "./store.ts";

/** Files held open at once; systems allow 256 to 1,024 a process by default. */
const MAX_OPEN = 128;
/** How often a lock's holder says that it lives, in milliseconds. */
const HEARTBEAT_MS = 2_000;
/** How long a silent holder on another host counts as alive, in milliseconds. */
const SILENCE_MS = 10_000;

const CODES: Record<string, ErrorCode> = {
  ENOENT: "NOT_FOUND",
  ENOTDIR: "NOT_FOUND",
  EEXIST: "ALREADY_EXISTS",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
};

/** A file kept open. */
interface OpenFile {
  handle: FileHandle;
  /** Calls that use it now; it is not closed before they end. */
  users: number;
}

/** Recordings in a directory. Files and directories are made as needed. */
export class DirectoryStore implements Store {
  readonly url: string;
  /** Open files, least recently used first. */
  readonly #open = new Map<string, Promise<OpenFile>>();
  /** Directories with new entries that are not yet durable. */
  readonly #unsynced = new Set<string>();
  /** What the first failed sync of a file said: its pages may be lost although a second sync would succeed. */
  readonly #failedSync = new Map<string, SmaltiError>();
  readonly #locks = new Set<StoreLock>();

  constructor(directory: string) {
    this.url = resolve(directory);
  }

  async list(path: string): Promise<string[]> {
    try {
      return await readdir(this.#absolute(path));
    } catch (reason) {
      const error = this.#error(reason, "list", path);
      if (error.code === "NOT_FOUND") return [];
      throw error;
    }
  }

  async size(path: string): Promise<number> {
    try {
      return (await stat(this.#absolute(path))).size;
    } catch (reason) {
      throw this.#error(reason, "look at", path);
    }
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    return await this.#use(path, "r", "read", async (handle) => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done === length ? bytes : bytes.slice(0, done);
    });
  }

  async create(path: string): Promise<void> {
    await this.#makeDirectory(dirname(this.#absolute(path)));
    await this.#use(path, "wx", "create", () => Promise.resolve());
    this.#unsynced.add(dirname(this.#absolute(path)));
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    await this.#use(path, "a", "write", (handle) => writeAll(handle, bytes));
  }

  async sync(path: string): Promise<void> {
    const failed = this.#failedSync.get(path);
    if (failed) throw failed;
    try {
      await this.#use(path, "a", "sync", (handle) => handle.sync());
      await this.#syncDirectories();
    } catch (reason) {
      const error = SmaltiError.from(reason, "IO");
      this.#failedSync.set(path, error);
      throw error;
    }
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.#absolute(path);
    const temporary = `${target}.new`;
    try {
      await this.#makeDirectory(dirname(target));
      const handle = await open(temporary, "w");
      try {
        await writeAll(handle, bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#forget(path);
      await rename(temporary, target);
      this.#unsynced.add(dirname(target));
      await this.#syncDirectories();
    } catch (reason) {
      await unlink(temporary).catch(() => {});
      throw this.#error(reason, "replace", path);
    }
  }

  async remove(path: string): Promise<void> {
    for (const known of [...this.#open.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) await this.#forget(known);
    }
    const target = this.#absolute(path);
    try {
      await rm(target, { recursive: true, force: true });
      for (const directory of this.#unsynced) {
        if (directory === target || directory.startsWith(`${target}/`)) this.#unsynced.delete(directory);
      }
      await syncDirectory(dirname(target));
    } catch (reason) {
      throw this.#error(reason, "remove", path);
    }
  }

  async lock(path: string): Promise<StoreLock> {
    const target = this.#absolute(path);
    const text = JSON.stringify({ host: hostname(), pid, started: startOf(pid) });
    try {
      await this.#makeDirectory(dirname(target));
      await this.#takeLock(target, text, path);
    } catch (reason) {
      throw this.#error(reason, "lock", path);
    }
    const beat = setInterval(() => {
      const now = new Date();
      utimes(target, now, now).catch(() => {});
    }, HEARTBEAT_MS);
    beat.unref();
    const lock: StoreLock = {
      release: async () => {
        if (!this.#locks.delete(lock)) return;
        clearInterval(beat);
        await unlink(target).catch(() => {});
      },
    };
    this.#locks.add(lock);
    return lock;
  }

  async lockedBy(path: string): Promise<string | undefined> {
    const target = this.#absolute(path);
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(target, "utf8"), stat(target)]);
      return livingHolder(text, mtimeMs);
    } catch (reason) {
      const error = this.#error(reason, "look at", path);
      if (error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const lock of [...this.#locks]) await lock.release();
    for (const path of [...this.#open.keys()]) await this.#forget(path);
  }

  async #takeLock(target: string, text: string, path: string): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        const handle = await open(target, "wx");
        await handle.writeFile(text);
        await handle.close();
        return;
      } catch (reason) {
        if ((reason as { code?: string }).code !== "EEXIST") throw reason;
      }
      const holder = await this.lockedBy(path);
      if (holder) throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${holder}`, { file: path });
      // The holder is gone. Moving its lock away succeeds for one of those who try, the others find a new lock.
      const stale = `${target}.${pid}.stale`;
      await rename(target, stale).then(() => unlink(stale)).catch(() => {});
    }
    throw new SmaltiError("LOCKED", `Cannot lock ${path}: others keep taking it`, { file: path });
  }

  /** Runs `action` on an open file, opening it and closing the least recently used as needed. */
  async #use<T>(path: string, flags: string, verb: string, action: (handle: FileHandle) => Promise<T>): Promise<T> {
    // Reading and writing need handles of their own: a handle for appending cannot read.
    const key = flags === "r" ? path : `${path}/write`;
    try {
      let file = flags === "wx" ? undefined : this.#open.get(key);
      if (!file) {
        file = open(this.#absolute(path), flags === "wx" ? "ax" : flags).then((handle) => ({ handle, users: 0 }));
        file.catch(() => this.#open.delete(key));
      }
      this.#open.delete(key);
      this.#open.set(key, file);
      const opened = await file;
      opened.users++;
      try {
        await this.#closeOldest();
        return await action(opened.handle);
      } finally {
        opened.users--;
      }
    } catch (reason) {
      throw this.#error(reason, verb, path);
    }
  }

  async #closeOldest(): Promise<void> {
    if (this.#open.size <= MAX_OPEN) return;
    for (const [key, file] of this.#open) {
      const { users, handle } = await file.catch(() => ({ users: 1, handle: undefined }));
      if (users > 0) continue;
      if (this.#open.get(key) === file) this.#open.delete(key);
      await handle?.close();
      if (this.#open.size <= MAX_OPEN) return;
    }
  }

  async #forget(path: string): Promise<void> {
    for (const key of [path, path.endsWith("/write") ? path : `${path}/write`]) {
      const file = this.#open.get(key);
      this.#open.delete(key);
      await file?.then(({ handle }) => handle.close()).catch(() => {});
    }
  }

  async #makeDirectory(directory: string): Promise<void> {
    try {
      const first = await mkdir(directory, { recursive: true });
      if (first === undefined) return;
      // Every directory from the first new one's parent down has a new entry.
      const top = dirname(first);
      for (let at = directory; at.length > top.length; at = dirname(at)) this.#unsynced.add(dirname(at));
    } catch (reason) {
      throw this.#error(reason, "make the directory of", directory);
    }
  }

  async #syncDirectories(): Promise<void> {
    const directories = [...this.#unsynced];
    this.#unsynced.clear();
    try {
      await Promise.all(directories.map(syncDirectory));
    } catch (reason) {
      for (const directory of directories) this.#unsynced.add(directory);
      throw reason;
    }
  }

  #absolute(path: string): string {
    return join(this.url, path);
  }

  #error(reason: unknown, verb: string, path: string): SmaltiError {
    if (reason instanceof SmaltiError) return reason;
    const { code = "", message } = reason as { code?: string; message: string };
    const where = path === "" ? this.url : join(this.url, path);
    return new SmaltiError(CODES[code] ?? "IO", `Cannot ${verb} ${where}: ${message}`, { file: path, cause: reason });
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(directory, "r");
  } catch (reason) {
    const { code } = reason as { code?: string };
    // Removed since, or a system (Windows) that does not open directories and needs no sync of them.
    if (code === "ENOENT" || code === "EISDIR" || code === "EPERM") return;
    throw reason;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Who holds a lock, if they live; undefined for a holder that is gone. */
function livingHolder(text: string, heartbeatMs: number): string | undefined {
  let holder: { host?: string; pid?: number; started?: string };
  try {
    holder = JSON.parse(text);
  } catch {
    holder = {}; // cut while being written: the heartbeat decides
  }
  const who = `process ${holder.pid ?? "unknown"} on ${holder.host ?? "an unknown host"}`;
  if (holder.host !== hostname() || typeof holder.pid !== "number") {
    return Date.now() - heartbeatMs < SILENCE_MS ? who : undefined;
  }
  try {
    kill(holder.pid, 0);
  } catch (reason) {
    if ((reason as { code?: string }).code === "ESRCH") return undefined;
  }
  // The number may have been given to another process since.
  const started = startOf(holder.pid);
  return holder.started && started && started !== holder.started ? undefined : who;
}

/** When a process started, in the kernel's ticks since boot (proc_pid_stat(5), field 22); undefined where /proc is not. */
function startOf(process: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${process}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
