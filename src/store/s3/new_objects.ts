import { SmaltiError } from "../../error.ts";
import { Bucket } from "./bucket.ts";
import { BulkWriter } from "./bulk_writer.ts";
import { PendingFile } from "./pending_file.ts";
import { putInPlace } from "./put_in_place.ts";
import { keysBelow } from "./remove_log.ts";
import type { S3Place } from "./s3_options.ts";

/** Makes new objects in a bucket, of bytes as they come. */
export class NewObjects {
  readonly #bucket: Bucket;
  readonly #writer: BulkWriter;
  /** Keys of those that are there. */
  readonly #made: string[] = [];

  constructor(place: S3Place) {
    this.#bucket = new Bucket(place);
    this.#writer = new BulkWriter(this.#bucket, "", "", () => {}, () => Promise.resolve());
  }

  /** Fails ALREADY_EXISTS where an object has the key, or any has one below it. */
  async checkFree(key: string): Promise<void> {
    if (await this.#bucket.head(key)) throw this.#alreadyExists(key);
    for await (const _ of keysBelow(this.#bucket, `${key}/`)) throw this.#alreadyExists(key);
  }

  /** A stream into an object that is there once it is closed. Where writing fails or is aborted nothing stays. */
  stream(key: string): WritableStream<Uint8Array> {
    const file = new PendingFile(this.#bucket, key);
    const discard = async () => {
      this.#writer.forget(file);
      await this.#writer.settled();
    };
    // A stream that has failed is told of no abort: it cleans up by itself.
    const orDiscard = (work: Promise<void>) =>
      work.catch(async (reason) => {
        await discard();
        throw reason;
      });
    const end = async () => {
      this.#writer.sendLast(file);
      const isThere = await this.#writer.last(file, () => putInPlace(this.#bucket, key, file, "none"));
      if (!isThere) throw this.#alreadyExists(key);
      file.upload = undefined; // it has ended
      this.#made.push(key);
    };
    return new WritableStream({
      write: (bytes) => orDiscard(this.#writer.append(file, bytes)),
      close: () => orDiscard(end()),
      abort: discard,
    });
  }

  /** Removes what it has made. */
  async removeAll(): Promise<void> {
    await this.#bucket.delete(this.#made);
  }

  #alreadyExists(key: string): SmaltiError {
    const text = `Cannot create ${
      this.#bucket.shown(key)
    }: it is there already; wanted a key where nothing is`;
    return new SmaltiError("ALREADY_EXISTS", text, { file: key });
  }
}
