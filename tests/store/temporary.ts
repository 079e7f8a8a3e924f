import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryStore } from "../../src/store/directory.ts";

/** Runs `body` with a new directory, which is removed after it. */
export async function inTemporary(body: (directory: string) => Promise<void>): Promise<void> {
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
