/**
 * What the records of a log say: the files that are not objects yet.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import type { Bucket } from "./bucket.ts";
import { type Epoch, type LogKeys, readEpoch } from "./epochs.ts";
import { isWithin, PendingFile } from "./pending_file.ts";
import { decodeRecord, type LogRecord } from "./record.ts";

/** Most records fit, so that reading one is one request. */
const RECORD_BYTES = 256 * 1024;

/** A log as far as it was read. */
export class LogView {
  /** Files by path. */
  readonly files: Map<string, PendingFile> = new Map();
  /** What was committed in these records, by path. */
  readonly commits: Map<string, Uint8Array> = new Map();
  /** Keys of records that ended an epoch: they stay as long as the log. */
  readonly fences: string[] = [];
  /** The epoch that is read. */
  readonly epoch: Epoch;
  /** How many of its records were read. */
  count = 0;
  /** Whether another has ended it. */
  isFenced = false;
  readonly #bucket: Bucket;
  readonly #keys: LogKeys;
  /** When it was looked for more, and when the last of what was found was not there yet. */
  #lookedMs: number | undefined;
  #heardMs = -Infinity;

  private constructor(bucket: Bucket, keys: LogKeys, epoch: Epoch) {
    this.#bucket = bucket;
    this.#keys = keys;
    this.epoch = epoch;
  }

  /** Reads the log of an epoch that is held, and of those before it that were not brought to an end. */
  static async read(bucket: Bucket, keys: LogKeys, last: Epoch): Promise<LogView> {
    const view = new LogView(bucket, keys, last);
    for (let number = last.base; number < last.number; number++) {
      const epoch = await readEpoch(bucket, keys, number);
      // Without a fence it was settled since: who decides by this view finds a later epoch.
      if (epoch) await view.#readEpoch(epoch, 0);
    }
    view.isFenced = false;
    await view.advance();
    return view;
  }

  /** Reads what has come since. */
  async advance(): Promise<void> {
    if (this.isFenced) return;
    const [lookedMs, count] = [performance.now(), this.count];
    this.count = await this.#readEpoch(this.epoch, count);
    if (this.count > count && this.#lookedMs !== undefined) this.#heardMs = this.#lookedMs;
    this.#lookedMs = lookedMs;
  }

  /** For how long at most its writer has written nothing; Infinity where that is not known. */
  get silentMs(): number {
    return this.isFenced ? Infinity : performance.now() - this.#heardMs;
  }

  async #readEpoch(epoch: Epoch, count: number): Promise<number> {
    for (;; count++) {
      const key = this.#keys.record(epoch, count + 1);
      const bytes = await readObject(this.#bucket, key);
      if (!bytes) return count;
      const record = decodeRecord(bytes, this.#bucket.shown(key));
      if (record.kind === "fence") {
        this.isFenced = true;
        this.fences.push(key);
        return count + 1;
      }
      this.#apply(record, key);
    }
  }

  #apply({ steps, bytes }: LogRecord, key: string): void {
    let at = 0;
    for (const step of steps) {
      const { path } = step;
      const file = this.files.get(path);
      if (step.do === "create") {
        this.files.set(path, new PendingFile(this.#bucket, path));
        continue;
      }
      if (step.do === "drop") {
        for (const known of [this.files, this.commits]) {
          for (const other of [...known.keys()]) {
            if (isWithin(path, other)) known.delete(other);
          }
        }
        continue;
      }
      if (step.do === "commit") {
        this.commits.set(path, bytes.slice(at, at += step.length));
        this.files.delete(path);
        continue;
      }
      if (step.do === "replace") {
        const whole = new PendingFile(this.#bucket, path);
        whole.append(bytes.subarray(at, at += step.length));
        whole.logged = whole.size;
        this.files.set(path, whole);
        continue;
      }
      if (!file) throw this.#wrong(key, `it speaks of ${path}, which is not there`);
      if (step.do === "append") {
        if (file.size !== step.offset) {
          throw this.#wrong(key, `it adds to ${path} at ${step.offset}, which has ${file.size} bytes`);
        }
        file.append(bytes.subarray(at, at += step.length));
      } else {
        if (step.length <= file.bulkEnd) {
          throw this.#wrong(
            key,
            `${path} has ${file.bulkEnd} bytes in objects, wanted less than ${step.length}`,
          );
        }
        file.placeBulk(step.key, step.length);
      }
      file.logged = file.size;
    }
  }

  #wrong(key: string, what: string): SmaltiError {
    return new SmaltiError("CORRUPT", `Cannot go on after the record ${this.#bucket.shown(key)}: ${what}`);
  }
}

/** A whole object; undefined where there is none. */
export async function readObject(bucket: Bucket, key: string): Promise<Uint8Array | undefined> {
  const found = await bucket.get(key, 0, RECORD_BYTES);
  if (typeof found !== "object") return undefined;
  const { bytes, size, etag } = found;
  if (size <= bytes.length) return bytes;
  const rest = await bucket.get(key, bytes.length, size - bytes.length, { ifMatch: etag });
  if (typeof rest !== "object") return undefined;
  const whole = new Uint8Array(bytes.length + rest.bytes.length);
  whole.set(bytes);
  whole.set(rest.bytes, bytes.length);
  return whole;
}

/** Whether an object has just these bytes. */
export async function isSame(bucket: Bucket, key: string, bytes: Uint8Array): Promise<boolean> {
  const found = await readObject(bucket, key);
  return found?.length === bytes.length && found.every((byte, i) => byte === bytes[i]);
}
