/**
 * Paths of requests -> files of a directory, and no others.
 *
 * @module
 */
import { lstat, open, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { BigIntStats } from "node:fs";
import { join, sep } from "node:path";

/** A file that may be read: a regular one, below the directory whatever links there are. */
export interface OpenedFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/**
 * The parts of a request's path, without escapes; undefined where it is no plain way down: `..`, an empty part, a separator or
 * NUL within one.
 */
export function partsOf(path: string): string[] | undefined {
  try {
    const parts = path.slice(1).split("/").map(decodeURIComponent);
    return parts.every(isPlain) ? parts : undefined;
  } catch {
    return undefined; // an escape that is none
  }
}

function isPlain(part: string): boolean {
  // On Windows a colon begins a stream or ends a drive's name, and dots at the end are nothing.
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return part !== "" && !/^\.|[/\\:\u0000-\u001f\u007f]|\.$/.test(part);
}

/** Whether what is at a path lies below the directory, whatever links there are. */
export async function isBelow(directory: string, parts: readonly string[]): Promise<boolean> {
  return await pathBelow(directory, parts).catch(() => undefined) !== undefined;
}

/** Where a path leads; undefined where that is outside the directory. */
async function pathBelow(directory: string, parts: readonly string[]): Promise<string | undefined> {
  const [root, path] = await Promise.all([realpath(directory), realpath(join(directory, ...parts))]);
  return path.startsWith(root.endsWith(sep) ? root : root + sep) ? path : undefined;
}

/**
 * Opens a file below a directory; undefined where there is none, it is not a regular one, or a symbolic link on the way leads
 * out. The caller closes it. Rejects with the system's error where it may not be read.
 */
export async function openBelow(
  directory: string,
  parts: readonly string[],
): Promise<OpenedFile | undefined> {
  let handle: FileHandle | undefined;
  try {
    const path = await pathBelow(directory, parts);
    if (path === undefined) return undefined;
    // Before it is opened: opening a pipe waits for who writes to it.
    const before = await lstat(path, { bigint: true });
    if (!before.isFile()) return undefined;
    handle = await open(path, "r");
    const stats = await handle.stat({ bigint: true });
    // Another may have come to the path meanwhile.
    if (stats.isFile() && (stats.ino === before.ino || await isStill(path, stats))) return { handle, stats };
    await handle.close();
    return undefined;
  } catch (reason) {
    await handle?.close();
    const { code } = reason as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "ENAMETOOLONG") {
      return undefined;
    }
    throw reason;
  }
}

async function isStill(path: string, { ino }: BigIntStats): Promise<boolean> {
  const now = await lstat(path, { bigint: true });
  return now.isFile() && now.ino === ino;
}
