import type * as FsPromises from "node:fs/promises";
import type * as Path from "node:path";
import { builtin } from "../../util/builtin.ts";
import { isGranted } from "../../util/rights.ts";
import { SmaltiError } from "../../error.ts";
import { fileError } from "./file_error.ts";
import type { ClosableHandle, OpenFiles } from "./open_files.ts";

// Empty where there are no files.
const { mkdir, open, stat } = builtin<typeof FsPromises>("node:fs/promises");
const { dirname, join } = builtin<typeof Path>("node:path");

/** What becomes durable by fsync: files, and the directories that name them. Paths are absolute. */
export class DurableEntries {
  readonly #files: Pick<OpenFiles<ClosableHandle>, "once">;
  /** Directories with new entries that are not yet durable. */
  readonly #unsynced = new Set<string>();
  /** The latest run that makes them durable; runs follow each other. */
  #running: Promise<void> = Promise.resolve();
  /** What the first failed sync of a file said: its pages may be lost although a second sync would succeed. */
  readonly #failed = new Map<string, SmaltiError>();

  /** @param files Whose turn it takes to open directories. */
  constructor(files: Pick<OpenFiles<ClosableHandle>, "once">) {
    this.#files = files;
  }

  /** Makes the directory of a file; gives the topmost one that was not there. */
  async makeDirectoryOf(file: string, path: string): Promise<string | undefined> {
    const directory = dirname(file);
    try {
      const first = await makeDirectory(directory);
      if (first === undefined) return undefined;
      // Every directory from the first new one's parent down has a new entry.
      const top = dirname(first);
      for (let at = directory; at.length > top.length; at = dirname(at)) this.#unsynced.add(dirname(at));
      return first;
    } catch (reason) {
      const { code } = reason as { code?: string };
      const what = "make the directory of";
      if (code !== "EEXIST" && code !== "ENOTDIR") throw fileError(reason, what, file, path);
      const text = `Cannot ${what} ${file}: a file is in the way, or a link that leads nowhere`;
      throw new SmaltiError("IO", text, { file: path, cause: reason });
    }
  }

  /** A file has come to a path. */
  added(file: string): void {
    this.#unsynced.add(dirname(file));
  }

  /** Makes durable that files have come. One run after another: who finds nothing left to do has waited for those who took it up. */
  async syncDirectories(): Promise<void> {
    const run = async () => {
      for (const directory of this.#unsynced) {
        // Before the sync, since entries made while it runs need another.
        this.#unsynced.delete(directory);
        try {
          await this.syncDirectory(directory);
        } catch (reason) {
          this.#unsynced.add(directory);
          throw reason;
        }
      }
    };
    this.#running = this.#running.then(run, run);
    await this.#running;
  }

  /** Makes durable which entries a directory has. */
  async syncDirectory(directory: string): Promise<void> {
    // Who may use the store alone need not see what is above it.
    if (!isGranted({ name: "read", path: directory })) return;
    try {
      await this.#files.once(
        () => open(directory, "r"),
        (handle) => this.sync(handle, directory, directory),
      );
    } catch (reason) {
      const { code } = reason as { code?: string };
      // Removed since, or a system (Windows) that does not open directories and needs no sync of them.
      if (code !== "ENOENT" && code !== "EISDIR" && code !== "EPERM") throw reason;
    }
  }

  /** Makes a file or directory durable. Once the system failed to, nothing it says later is to be believed. */
  async sync(handle: FsPromises.FileHandle, file: string, path: string): Promise<void> {
    this.check(file);
    try {
      await handle.sync();
    } catch (reason) {
      const error = fileError(reason, "sync", file, path);
      this.failed(file, error);
      throw error;
    }
  }

  /** Throws where a file could not be made durable. */
  check(file: string): void {
    const failed = this.#failed.get(file);
    if (failed) throw failed;
  }

  /** Bytes of a file may be lost. */
  failed(file: string, error: SmaltiError): void {
    this.#failed.set(file, error);
  }

  /** Another file has come to a path. */
  begin(file: string): void {
    this.#failed.delete(file);
  }

  /** Forgets what was at a path and below it. */
  removed(top: string): void {
    for (const known of [...this.#unsynced, ...this.#failed.keys()]) {
      if (known !== top && !known.startsWith(join(top, "/"))) continue;
      this.#unsynced.delete(known);
      this.#failed.delete(known);
    }
  }
}

/**
 * Makes a directory and those above it; gives the topmost one that was not there. From below, not by the option of `mkdir`:
 * Deno looks at what is above the first for that, and would want the right to.
 */
async function makeDirectory(directory: string): Promise<string | undefined> {
  if (await isDirectory(directory)) return undefined;
  try {
    await mkdir(directory);
    return directory;
  } catch (reason) {
    const { code } = reason as { code?: string };
    // Another process may have made it since.
    if (code === "EEXIST" && await isDirectory(directory)) return undefined;
    if (code !== "ENOENT") throw reason;
  }
  const above = await makeDirectory(dirname(directory));
  const own = await makeDirectory(directory);
  return above ?? own;
}

/** Whether it is one; false where nothing is, or a link that leads nowhere. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (reason) {
    if ((reason as { code?: string }).code === "ENOENT") return false;
    throw reason;
  }
}
