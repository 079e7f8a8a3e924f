import { MemoryStore } from "../../src/store/memory.ts";
import type { ReadOptions, Store } from "../../src/store/store.ts";
import { PassThroughStore, type StoreCall } from "./pass_through_store.ts";

/** A store whose calls can be counted, held up and made to fail. */
export class WatchedStore extends PassThroughStore {
  /** All calls so far, as `read drive/gps.arrow`. */
  readonly calls: string[] = [];
  /** Ranges read so far, as far as they were there. */
  readonly reads: { path: string; offset: number; length: number }[] = [];
  /** Runs before each call; what it throws is what the call rejects with. */
  before: (call: StoreCall, path: string) => Promise<void> | void = () => {};

  constructor(inner: Store = new MemoryStore()) {
    super(inner);
  }

  /** How often a call was made, for paths that end so. */
  count(call: StoreCall, end = ""): number {
    return this.calls.filter((made) => made.startsWith(`${call} `) && made.endsWith(end)).length;
  }

  override async read(
    path: string,
    offset: number,
    length: number,
    options?: ReadOptions,
  ): Promise<Uint8Array> {
    const bytes = await super.read(path, offset, length, options);
    this.reads.push({ path, offset, length: bytes.length });
    return bytes;
  }

  protected override async through<R>(call: StoreCall, path: string, action: () => Promise<R>): Promise<R> {
    this.calls.push(`${call} ${path}`);
    await this.before(call, path);
    return await action();
  }
}
