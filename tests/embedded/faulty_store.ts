import { Buffer } from "node:buffer";
import { SmaltiError } from "../../src/error.ts";
import {
  type HeldFile,
  readAll,
  type ReadOptions,
  type Store,
  type StoreLock,
} from "../../src/store/store.ts";
import type { StoreCall } from "../client/support.ts";

/** How a call fails: before it did anything with a code, or in the midst of it, or after all was done. */
export type Fault = "NO_SPACE" | "IO" | "short" | "torn" | "late";

/** The ways in which a call can fail. */
export function faultsOf(call: StoreCall): readonly Fault[] {
  if (call === "append") return ["NO_SPACE", "IO", "short", "torn", "late"];
  if (
    call === "replace" || call === "create" || call === "remove" ||
    call === "move"
  ) return ["NO_SPACE", "IO", "late"];
  return call === "lock" ? ["NO_SPACE", "IO"] : ["IO"];
}

/** A store of which one call fails. A sync that failed goes on to fail for its path. */
export class FaultyStore implements Store {
  readonly url: string;
  readonly isDurable = false;
  /** All calls so far. */
  readonly calls: { call: StoreCall; path: string }[] = [];
  /** Which of them fails, from 0, and how. */
  readonly #number: number;
  readonly #fault: Fault;
  readonly #store: Store;
  readonly #unsyncable = new Set<string>();
  /** Bytes of the files created here that would survive a loss of power. */
  readonly #durable = new Map<string, number>();

  constructor(store: Store, number = -1, fault: Fault = "IO") {
    this.#store = store;
    this.url = store.url;
    this.#number = number;
    this.#fault = fault;
  }

  /** Whether the call came that was to fail. */
  get failed(): boolean {
    return this.calls.length > this.#number;
  }

  list(path: string): Promise<string[]> {
    return this.#do("list", path, () => this.#store.list(path));
  }
  size(path: string): Promise<number> {
    return this.#do("size", path, () => this.#store.size(path));
  }
  read(
    path: string,
    offset: number,
    length: number,
    options?: ReadOptions,
  ): Promise<Uint8Array> {
    return this.#do(
      "read",
      path,
      () => this.#store.read(path, offset, length, options),
    );
  }
  create(path: string): Promise<void> {
    this.#durable.set(path, 0);
    return this.#do("create", path, () => this.#store.create(path));
  }
  append(path: string, bytes: Uint8Array): Promise<void> {
    const half = bytes.slice();
    const middle = bytes.length * 5 >> 3;
    for (let i = middle; i < half.length; i++) {
      half[i] = Math.imul(i + 1, 0x9e3779b1) >>> 24;
    }
    return this.#do("append", path, () => this.#store.append(path, bytes), {
      short: () => this.#store.append(path, bytes.subarray(0, middle)),
      torn: () => this.#store.append(path, half),
    });
  }
  async sync(path: string): Promise<void> {
    if (this.#unsyncable.has(path)) throw failure("IO", "sync", path);
    const size = await this.#store.size(path).catch(() => 0);
    try {
      await this.#do("sync", path, () => this.#store.sync(path));
      if (this.#durable.has(path)) this.#durable.set(path, size);
    } catch (reason) {
      this.#unsyncable.add(path);
      throw reason;
    }
  }
  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do("replace", path, () => this.#store.replace(path, bytes));
  }
  async move(from: string, to: string): Promise<void> {
    await this.#do("move", from, () => this.#store.move(from, to));
    this.#durable.delete(to);
    this.#durable.delete(from);
  }
  open(path: string): Promise<HeldFile> {
    return this.#do("open", path, () => this.#store.open(path));
  }
  remove(path: string): Promise<void> {
    return this.#do("remove", path, () => this.#store.remove(path));
  }
  lock(path: string): Promise<StoreLock> {
    return this.#do("lock", path, () => this.#store.lock(path));
  }
  lockedBy(path: string): Promise<string | undefined> {
    return this.#store.lockedBy(path);
  }
  close(): Promise<void> {
    return this.#store.close();
  }

  /** Cuts off what was not synced: what a loss of power may do. */
  async losePower(): Promise<void> {
    for (const [path, size] of this.#durable) {
      const bytes = await readAll(this.#store, path).catch(() => undefined);
      if (bytes) await this.#store.replace(path, bytes.subarray(0, size));
    }
  }

  async #do<R>(
    call: StoreCall,
    path: string,
    action: () => Promise<R>,
    partly: Partial<Record<Fault, () => Promise<void>>> = {},
  ): Promise<R> {
    if (this.calls.push({ call, path }) - 1 !== this.#number) {
      return await action();
    }
    await partly[this.#fault]?.();
    if (this.#fault === "late") await action();
    throw failure(this.#fault === "NO_SPACE" ? "NO_SPACE" : "IO", call, path);
  }
}

function failure(
  code: "NO_SPACE" | "IO",
  call: StoreCall,
  path: string,
): SmaltiError {
  return new SmaltiError(code, `Cannot ${call} ${path}: as the test wants`, {
    file: path,
  });
}

/** Copies all files of a store into another, but no locks: as a new process finds them. */
export async function copyFiles(
  from: Store,
  to: Store,
  path = "",
): Promise<void> {
  for (const entry of await from.list(path)) {
    const below = path === "" ? entry : `${path}/${entry}`;
    if (entry === "sequence.lock") continue;
    const bytes = await readAll(from, below).catch(() => undefined);
    if (bytes) await to.replace(below, bytes);
    else await copyFiles(from, to, below);
  }
}

/** Whether two files hold the same. Vitest's own comparison is far too slow for the many here. */
export function sameBytes(
  a: Uint8Array | undefined,
  b: Uint8Array | undefined,
): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
