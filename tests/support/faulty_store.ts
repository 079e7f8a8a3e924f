import { SmaltiError } from "../../src/error.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { PassThroughStore, type StoreCall } from "./pass_through_store.ts";

/** How a call fails: before it did anything with a code, or in the midst of it, or after all was done. */
export type Fault = "NO_SPACE" | "IO" | "short" | "torn" | "late";

/** The ways in which a call can fail. */
export function faultsOf(call: StoreCall): readonly Fault[] {
  if (call === "append") return ["NO_SPACE", "IO", "short", "torn", "late"];
  if (call === "replace" || call === "commit" || call === "create" || call === "remove" || call === "move") {
    return ["NO_SPACE", "IO", "late"];
  }
  return call === "lock" ? ["NO_SPACE", "IO"] : ["IO"];
}

/** A store of which one call fails. A sync that failed goes on to fail for its path. */
export class FaultyStore extends PassThroughStore {
  /** All calls so far. */
  readonly calls: { call: StoreCall; path: string }[] = [];
  /** Which of them fails, from 0, and how. */
  readonly #number: number;
  readonly #fault: Fault;
  readonly #unsyncable = new Set<string>();
  /** Bytes of the files created here that would survive a loss of power. */
  readonly #durable = new Map<string, number>();

  constructor(inner: Store, number = -1, fault: Fault = "IO") {
    super(inner);
    this.#number = number;
    this.#fault = fault;
  }

  /** Whether the call came that was to fail. */
  get failed(): boolean {
    return this.calls.length > this.#number;
  }

  override create(path: string): Promise<void> {
    return this.#do("create", path, async () => {
      await this.inner.create(path);
      this.#begin(path, 0);
    });
  }
  override append(path: string, bytes: Uint8Array): Promise<void> {
    const half = bytes.slice();
    const middle = bytes.length * 5 >> 3;
    for (let i = middle; i < half.length; i++) half[i] = Math.imul(i + 1, 0x9e3779b1) >>> 24;
    return this.#do("append", path, () => this.inner.append(path, bytes), {
      short: () => this.inner.append(path, bytes.subarray(0, middle)),
      torn: () => this.inner.append(path, half),
    });
  }
  override async sync(path: string): Promise<void> {
    if (this.#unsyncable.has(path)) throw failure("IO", "sync", path);
    const size = await this.inner.size(path).catch(() => 0);
    try {
      await super.sync(path);
      if (this.#durable.has(path)) this.#durable.set(path, size);
    } catch (reason) {
      this.#unsyncable.add(path);
      throw reason;
    }
  }
  override replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do("replace", path, async () => {
      await this.inner.replace(path, bytes);
      this.#begin(path, bytes.length);
    });
  }
  override commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do("commit", path, async () => {
      await this.inner.commit(path, bytes);
      this.#begin(path, bytes.length);
    });
  }
  override move(from: string, to: string): Promise<void> {
    return this.#do("move", from, async () => {
      await this.inner.move(from, to);
      // Its name is durable, and of its bytes what was synced.
      const size = this.#durable.get(from);
      this.#durable.delete(from);
      this.#durable.delete(to);
      if (size !== undefined) this.#begin(to, size);
    });
  }
  override remove(path: string): Promise<void> {
    return this.#do("remove", path, async () => {
      await this.inner.remove(path);
      for (const known of this.#durable.keys()) {
        if (known === path || known.startsWith(`${path}/`)) this.#durable.delete(known);
      }
    });
  }

  /** Another file has come to a path. */
  #begin(path: string, durableBytes: number): void {
    this.#durable.set(path, durableBytes);
    this.#unsyncable.delete(path);
  }

  /** Cuts off what was not synced: what a loss of power may do. */
  async losePower(): Promise<void> {
    for (const [path, size] of this.#durable) {
      const bytes = await readAll(this.inner, path).catch(() => undefined);
      if (bytes) await this.inner.replace(path, bytes.subarray(0, size));
    }
  }

  protected override through<R>(call: StoreCall, path: string, action: () => Promise<R>): Promise<R> {
    return this.#do(call, path, action);
  }

  async #do<R>(
    call: StoreCall,
    path: string,
    action: () => Promise<R>,
    partly: Partial<Record<Fault, () => Promise<void>>> = {},
  ): Promise<R> {
    if (this.calls.push({ call, path }) - 1 !== this.#number) return await action();
    await partly[this.#fault]?.();
    if (this.#fault === "late") await action();
    throw failure(this.#fault === "NO_SPACE" ? "NO_SPACE" : "IO", call, path);
  }
}

function failure(code: "NO_SPACE" | "IO", call: StoreCall, path: string): SmaltiError {
  return new SmaltiError(code, `Cannot ${call} ${path}: as the test wants`, { file: path });
}

/** Copies all files of a store into another, but no locks: as a new process finds them. */
export async function copyFiles(from: Store, to: Store, path = ""): Promise<void> {
  for (const entry of await from.list(path)) {
    const below = path === "" ? entry : `${path}/${entry}`;
    if (entry === "sequence.lock") continue;
    const bytes = await readAll(from, below).catch(() => undefined);
    if (bytes) await to.replace(below, bytes);
    else await copyFiles(from, to, below);
  }
}
