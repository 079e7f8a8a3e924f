import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import type { Bucket } from "../../src/store/s3/bucket.ts";
import { PassThroughStore, type StoreCall } from "./pass_through_store.ts";

/** A store in memory all of whose files are put into a bucket too, at once: what a reader of it may read. */
export class BucketWriter extends PassThroughStore {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  constructor(bucket: Bucket, prefix: string) {
    super(new MemoryStore());
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  protected override async through<R>(call: StoreCall, path: string, action: () => Promise<R>): Promise<R> {
    const done = await action();
    if (/^(create|append|truncate|replace|commit)$/.test(call)) await this.#put(path);
    if (call === "remove") {
      for await (const { keys } of this.#bucket.list(this.#prefix + path)) await this.#bucket.delete(keys);
    }
    return done;
  }

  override async move(from: string, to: string): Promise<void> {
    await super.move(from, to);
    await this.#put(to);
    await this.#bucket.delete([this.#prefix + from]);
  }

  async #put(path: string): Promise<void> {
    await this.#bucket.put(this.#prefix + path, await readAll(this.inner, path));
  }
}
