import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DirectoryStore } from "../../src/store/directory.ts";

export const onLinux: boolean = process.platform === "linux";

/** Files that a directory store holds open at most: 128 kept, 64 calls that may each be opening or closing one more. */
export const MOST_HELD = 192;

/** The files below a directory that this process holds open; on Linux. */
export function heldFiles(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${directory}/`) ? [target] : [];
    } catch {
      return []; // the descriptor that reads the directory
    }
  });
}

/** Runs `body` with a new directory, which is removed after it. */
export async function inTemporary(
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-store-"));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The same with a store on it, which is closed after it. */
export async function withStore(
  body: (store: DirectoryStore, directory: string) => Promise<void>,
): Promise<void> {
  await inTemporary(async (directory) => {
    const store = new DirectoryStore(directory);
    try {
      await body(store, directory);
    } finally {
      await store.close();
    }
  });
}
