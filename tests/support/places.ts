/**
 * Places to record in, and clients on them.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, connect } from "../../mod.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { keepingBatches } from "./keeping_batches.ts";
import { engine, loadArrow } from "./tables.ts";

/** Where recordings may live: each kind is tested. */
export type Place = "memory" | "directory";
export const PLACES: readonly Place[] = ["memory", "directory"];

/** Runs `body` with a new directory, which is removed after it. */
export async function inDirectory<R>(body: (directory: string) => Promise<R>): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-test-"));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** How a place is to be. */
export interface PlaceOptions {
  /** Whether batches stay as they were flushed, see {@linkcode keepingBatches}. @default false */
  keepsBatches?: boolean;
}

/** Runs `body` with a client on a new place. */
export async function withClient<R>(
  place: Place,
  body: (client: Client) => Promise<R>,
  { keepsBatches = false }: PlaceOptions = {},
): Promise<R> {
  if (keepsBatches) {
    const { store, dispose } = await makeStore(place, { keepsBatches });
    try {
      return await onStore(store, body);
    } finally {
      await dispose();
    }
  }
  if (place === "memory") return await using(await connect("memory:"), body);
  return await inDirectory(async (directory) => await using(await connect(directory), body));
}

async function using<R>(client: Client, body: (client: Client) => Promise<R>): Promise<R> {
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Runs `body` with a client on a store, which keeps batches at hand within a bound. */
export async function onStore<R>(
  store: Store,
  body: (client: Client) => Promise<R>,
  maxCachedBytes?: number,
): Promise<R> {
  return await using(clientOf(store, maxCachedBytes), body);
}

/** Runs `body` with a client of a store in memory that holds these files, by path. */
export async function onFiles<R>(
  files: Readonly<Record<string, Uint8Array>>,
  body: (client: Client, store: MemoryStore) => Promise<R>,
  { keepsBatches = false }: PlaceOptions = {},
): Promise<R> {
  const store = keepsBatches ? keepingBatches(new MemoryStore()) : new MemoryStore();
  for (const [path, bytes] of Object.entries(files)) await store.replace(path, bytes);
  return await onStore(store, (client) => body(client, store));
}

/** A client on a store of one's own. */
export function clientOf(store: Store, maxCachedBytes?: number): Client {
  return new Client(new EmbeddedBackend(store, engine, maxCachedBytes), loadArrow);
}

/** A new store of a kind, and what takes it away again. */
export async function makeStore(
  place: Place,
  { keepsBatches = false }: PlaceOptions = {},
): Promise<{ store: Store; dispose(): Promise<void> }> {
  const made = <S extends Store>(store: S) => keepsBatches ? keepingBatches(store) : store;
  if (place === "memory") {
    const store = made(new MemoryStore());
    return { store, dispose: () => store.close() };
  }
  const directory = await mkdtemp(join(tmpdir(), "smalti-test-"));
  const store = made(new DirectoryStore(directory));
  const dispose = async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { store, dispose };
}

/** Runs `body` with a store on a new directory, which is closed and removed after it. */
export async function withStore(
  body: (store: DirectoryStore, directory: string) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const store = new DirectoryStore(directory);
    try {
      await body(store, directory);
    } finally {
      await store.close();
    }
  });
}
