/**
 * A store in a directory, on Deno, Bun and Node alike through `node:fs`.
 *
 * @module
 */
import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import type * as Path from "node:path";
import type * as Url from "node:url";
import { builtin } from "../../util/builtin.ts";
import { SmaltiError } from "../../error.ts";
import { DurableEntries } from "./durable_entries.ts";
import { fileError } from "./file_error.ts";
import { type HeldLock, holderOf, takeLock } from "./lock_file.ts";
import { type Inode, isSame, OpenFile } from "./open_file.ts";
import { OpenFiles } from "./open_files.ts";
import { ReadPace } from "./read_pace.ts";
import { statRegular } from "./regular_file.ts";
import { type HeldFile, type ReadOptions, type Store, type StoreLease, writtenAnew } from "../store.ts";

// Empty where there are no files: openDirectory sees to it that they are not used there.
const { constants } = builtin<typeof Fs>("node:fs");
const { lstat, open, readdir, rename, rm, rmdir, unlink } = builtin<typeof FsPromises>("node:fs/promises");
const { basename, dirname, join, resolve } = builtin<typeof Path>("node:path");
const { fileURLToPath } = builtin<typeof Url>("node:url");

/** Files kept open at once; systems allow 256 to 1,024 a process by default. */
const MAX_OPEN = 128;
/** Reads that a slow disk is given at a time. */
const SLOW_READS = 8;

/** Recordings in a directory. Files and directories are made as needed. */
export class DirectoryStore implements Store {
  readonly url: string;
  readonly #files: OpenFiles<OpenFile> = new OpenFiles(MAX_OPEN);
  readonly #entries: DurableEntries = new DurableEntries(this.#files);
  /** Locks that are held, and the directory that each is for. */
  readonly #leases = new Map<StoreLease, readonly [directory: string, lock: HeldLock]>();
  readonly #held = new Set<HeldFile>();
  /** The file that somebody's reads began with. */
  readonly #readers = new WeakMap<object, Inode>();
  readonly #pace = new ReadPace();

  constructor(directory: string) {
    this.url = resolve(directory);
  }

  get readsAhead(): number {
    return this.#pace.state === "slow" ? SLOW_READS : 0;
  }

  async list(path: string): Promise<string[]> {
    this.#checkOpen();
    try {
      return await readdir(this.#absolute(path));
    } catch (reason) {
      const error = this.#error(reason, "list", path);
      if (error.code !== "NOT_FOUND") throw error;
      if (path !== "") return [];
      const what = (reason as { code?: string }).code === "ENOTDIR"
        ? "it is a file"
        : "there is no such directory";
      throw new SmaltiError("NOT_FOUND", `No recordings in ${this.url}: ${what}`, { cause: reason });
    }
  }

  async size(path: string): Promise<number> {
    this.#checkOpen();
    try {
      return (await statRegular(this.#absolute(path))).size;
    } catch (reason) {
      throw this.#error(reason, "look at", path);
    }
  }

  async read(
    path: string,
    offset: number,
    length: number,
    { mayReuse = false, reader }: ReadOptions = {},
  ): Promise<Uint8Array> {
    const target = this.#absolute(path);
    const key = `read ${path}`;
    try {
      while (true) {
        const read = await this.#files.use(key, () => OpenFile.open(target, "r"), async (file) => {
          const bytes = file.read(offset, length, this.#pace, mayReuse);
          // Who began with this file may have its bytes a moment longer; all others want what is at the path.
          const first = reader && this.#readers.get(reader);
          const isTrusted = first && isSame(first, file.inode) && file.wasJustAt;
          const [isThere] = await Promise.all([isTrusted || file.isAt(target, this.#pace), bytes]);
          return isThere ? { bytes: await bytes, inode: file.inode } : undefined;
        });
        if (!read) {
          await this.#files.forget(key);
          continue;
        }
        if (reader) {
          const first = this.#readers.get(reader);
          if (first && !isSame(first, read.inode)) throw writtenAnew(target, path);
          this.#readers.set(reader, read.inode);
        }
        return read.bytes;
      }
    } catch (reason) {
      throw this.#error(reason, "read", path);
    }
  }

  async create(path: string): Promise<void> {
    await this.#mayChange(path);
    const target = this.#absolute(path);
    await this.#entries.makeDirectoryOf(this.#absolute(path), path);
    try {
      await this.#files.once(() => open(target, "wx"), () => this.#begin(path));
      this.#entries.added(target);
    } catch (reason) {
      throw this.#error(reason, "create", path);
    }
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    await this.#mayChange(path);
    try {
      // Not `write`: Deno runs that one on the thread that calls it.
      await this.#use(path, (handle) => handle.writeFile(bytes));
    } catch (reason) {
      throw this.#error(reason, "write", path);
    }
  }

  async truncate(path: string, size: number): Promise<void> {
    await this.#mayChange(path);
    try {
      await this.#use(path, (handle) => handle.truncate(size));
    } catch (reason) {
      throw this.#error(reason, "cut", path);
    }
  }

  async sync(path: string): Promise<void> {
    await this.#mayChange(path);
    try {
      const target = this.#absolute(path);
      this.#entries.check(target);
      await this.#use(path, (handle) => this.#entries.sync(handle, target, path));
      await this.#entries.syncDirectories();
    } catch (reason) {
      throw this.#error(reason, "sync", path);
    }
  }

  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replace(path, bytes, false);
  }

  commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replace(path, bytes, true);
  }

  async #replace(path: string, bytes: Uint8Array, isDeciding: boolean): Promise<void> {
    await this.#mayChange(path);
    const target = this.#absolute(path);
    const temporary = temporaryFor(target);
    await this.#entries.makeDirectoryOf(this.#absolute(path), path);
    try {
      await this.#files.once(() => open(temporary, "wx"), async (handle) => {
        await handle.writeFile(bytes);
        await handle.sync();
      });
      if (isDeciding) await this.#mayChange(path, true);
      await rename(temporary, target);
      await this.#begin(path);
      this.#entries.added(target);
      await this.#entries.syncDirectories();
    } catch (reason) {
      await unlink(temporary).catch(() => {});
      throw this.#error(reason, "replace", path);
    }
  }

  async move(from: string, to: string): Promise<void> {
    await this.#mayChange(from);
    await this.#mayChange(to);
    const [source, target] = [this.#absolute(from), this.#absolute(to)];
    try {
      await Promise.all([this.#files.forget(`read ${from}`), this.#files.forget(`write ${from}`)]);
      await rename(source, target);
      await this.#begin(to);
      this.#entries.added(target);
      await this.#entries.syncDirectories();
    } catch (reason) {
      throw this.#error(reason, "move", from);
    }
  }

  async open(path: string): Promise<HeldFile> {
    this.#checkOpen();
    let file: OpenFile;
    try {
      file = await OpenFile.open(this.#absolute(path), "r");
    } catch (reason) {
      throw this.#error(reason, "open", path);
    }
    const held: HeldFile = {
      read: async (offset, length) => {
        try {
          this.#checkOpen();
          return await file.read(offset, length, this.#pace, false);
        } catch (reason) {
          throw this.#error(reason, "read", path);
        }
      },
      close: async () => {
        if (this.#held.delete(held)) await file.close().catch(() => {}); // nothing was written to it
      },
    };
    this.#held.add(held);
    if (this.#files.closed) {
      await held.close();
      this.#checkOpen();
    }
    return held;
  }

  async remove(path: string): Promise<void> {
    await this.#mayChange(path);
    const target = this.#absolute(path);
    const isBelow = (other: string) => other === path || other.startsWith(`${path}/`);
    try {
      // First: Windows, NFS and FUSE keep what is open, and so the directory that it is in.
      for (const key of this.#files.keys()) {
        if (isBelow(key.slice(key.indexOf(" ") + 1))) await this.#files.forget(key);
      }
      for (const [directory, lock] of this.#leases.values()) if (isBelow(directory)) await lock.letGo();
      await rm(target, { recursive: true, force: true });
      this.#entries.removed(target);
      await this.#entries.syncDirectory(dirname(target));
    } catch (reason) {
      const error = this.#error(reason, "remove", path);
      if (error.code !== "NOT_FOUND") throw error;
    }
  }

  async lock(path: string): Promise<StoreLease> {
    this.#checkOpen();
    const { held, made } = await this.#takeLock(path);
    const lease: StoreLease = {
      lost: held.lost,
      release: async () => {
        if (!this.#leases.delete(lease)) return;
        await held.release();
        await removeEmpty(this.#absolute(path), made);
      },
    };
    this.#leases.set(lease, [dirname(path), held]);
    if (this.#files.closed) {
      await lease.release();
      this.#checkOpen();
    }
    return lease;
  }

  /** A lock, and the topmost directory that was made for it. */
  async #takeLock(path: string): Promise<{ held: HeldLock; made: string | undefined }> {
    for (let attempt = 0;; attempt++) {
      const made = await this.#entries.makeDirectoryOf(this.#absolute(path), path);
      try {
        return { held: await takeLock(this.#absolute(path)), made };
      } catch (reason) {
        await removeEmpty(this.#absolute(path), made);
        // Who gave back a lock in it has removed the directory since, which was empty then.
        if ((reason as { code?: string }).code === "ENOENT" && attempt < 3) continue;
        throw this.#error(reason, "lock", path);
      }
    }
  }

  async lockedBy(path: string): Promise<string | undefined> {
    this.#checkOpen();
    try {
      return await holderOf(this.#absolute(path));
    } catch (reason) {
      const error = this.#error(reason, "look at", path);
      if (error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  async isLink(path: string): Promise<boolean> {
    this.#checkOpen();
    try {
      return (await lstat(this.#absolute(path))).isSymbolicLink();
    } catch (reason) {
      throw this.#error(reason, "look at", path);
    }
  }

  async close(): Promise<void> {
    await this.#files.close();
    await Promise.all([
      ...[...this.#leases.keys()].map((lease) => lease.release()),
      ...[...this.#held].map((held) => held.close()),
    ]);
  }

  /** Runs `action` on a file open for appending; NOT_FOUND where there is none. */
  async #use<T>(path: string, action: (handle: FsPromises.FileHandle) => Promise<T>): Promise<T> {
    const target = this.#absolute(path);
    const open = () =>
      OpenFile.open(target, constants.O_WRONLY | constants.O_APPEND, (reason) => {
        // A network file system may tell only now that it could not write.
        this.#entries.failed(target, this.#error(reason, "write", path));
      });
    return await this.#files.use(`write ${path}`, open, ({ handle }) => action(handle));
  }

  /** Forgets what was known of the file that was at this path before. */
  async #begin(path: string): Promise<void> {
    this.#entries.begin(this.#absolute(path));
    await Promise.all([this.#files.forget(`read ${path}`), this.#files.forget(`write ${path}`)]);
  }

  #absolute(path: string): string {
    return join(this.url, path);
  }

  #checkOpen(): void {
    if (this.#files.closed) throw new SmaltiError("CLOSED", `Store ${this.url} is closed`);
  }

  #error(reason: unknown, verb: string, path: string): SmaltiError {
    return fileError(reason, verb, this.#absolute(path), path);
  }

  /** Makes sure of the leases that a path lies under; LOCKED where one was lost. `isDeciding` trusts none without a look. */
  async #mayChange(path: string, isDeciding = false): Promise<void> {
    this.#checkOpen();
    try {
      for (const [directory, lock] of this.#leases.values()) {
        if (directory !== "." && path !== directory && !path.startsWith(`${directory}/`)) continue;
        await (isDeciding ? lock.confirm() : lock.check());
      }
    } catch (reason) {
      throw this.#error(reason, "change", path);
    }
  }
}

/** A name beside a file that nobody else has, no longer than systems take. */
function temporaryFor(file: string): string {
  return join(dirname(file), `${basename(file).slice(0, 200)}.${crypto.randomUUID()}.new`);
}

/** Removes the directories of a file, up to the topmost that was made for it, unless they hold something else by now. */
async function removeEmpty(file: string, topmost: string | undefined): Promise<void> {
  if (topmost === undefined) return;
  try {
    for (let at = dirname(file); at.length >= topmost.length; at = dirname(at)) await rmdir(at);
  } catch {
    // It holds something, or is gone.
  }
}

/** The store in a directory given by path or `file:` URL. UNSUPPORTED where the runtime has no files. */
export function openDirectory(url: string): DirectoryStore {
  if (open === undefined) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot connect to "${url}": this runtime has no directories; wanted an http: URL or memory:`,
    );
  }
  return new DirectoryStore(/^file:/i.test(url) ? fileURLToPath(url) : url);
}
