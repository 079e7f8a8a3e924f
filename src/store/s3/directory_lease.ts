import { SmaltiError } from "../../error.ts";
import { mapLimited } from "../../util/map_limited.ts";
import type { StoreLease } from "../store.ts";
import type { Bucket } from "./bucket.ts";
import { BulkWriter } from "./bulk_writer.ts";
import { beginEpoch, type Epoch, lastEpoch, type LogKeys, logKeys } from "./epochs.ts";
import { holderOf } from "./holders.ts";
import { fence } from "./fence.ts";
import { isSame, type LogView } from "./log_view.ts";
import { isWithin, PendingFile } from "./pending_file.ts";
import { probe } from "./probe.ts";
import { type ObjectSource, putInPlace, sourceOf } from "./put_in_place.ts";
import type { LogStep } from "./record.ts";
import { abortUploads, endUploads } from "./left_uploads.ts";
import { keysBelow, removeLog, tidyLog } from "./remove_log.ts";
import { type LogTiming, WriteAheadLog } from "./write_ahead_log.ts";

/** Requests under way at a time. */
const AT_ONCE = 8;
const ATTEMPTS = 3;
/** Files of up to so many bytes are replaced by records. */
const SMALL_BYTES = 256 * 1024;

/** Where a directory is. */
export interface LeasePlace {
  readonly bucket: Bucket;
  /** In front of each path. */
  readonly prefix: string;
  /** The path; empty for the store's root. */
  readonly directory: string;
}

/**
 * The right to change what is in a directory. What is added to files goes to its log; they become objects when nothing more is
 * added, or when the lease is released.
 */
export class DirectoryLease implements StoreLease {
  readonly directory: string;
  /** Files that are not objects yet. */
  readonly files: Map<string, PendingFile> = new Map();
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #keys: LogKeys;
  readonly #log: WriteAheadLog;
  /** What the log says of those before. */
  readonly #before: LogView | undefined;
  /** Paths of which the log speaks. */
  readonly #known = new Set<string>();
  readonly #bulk: BulkWriter;
  /** Syncs whose steps may wait for pieces that are on their way. */
  readonly #syncs = new Set<Promise<void>>();
  /** The last of the changes that make sure of the lock: they pass in the order in which they came. */
  #checked: Promise<void> = Promise.resolve();
  #isUsed = false;
  #isGone = false;
  #released: Promise<void> | undefined;

  private constructor(place: LeasePlace, epoch: Epoch, before: LogView | undefined, timing: LogTiming) {
    this.directory = place.directory;
    this.#bucket = place.bucket;
    this.#prefix = place.prefix;
    this.#keys = logKeys(place.prefix, place.directory);
    this.#before = before;
    this.#log = new WriteAheadLog(place.bucket, this.#keys, epoch, timing);
    const tell = ({ path }: PendingFile, key: string, length: number) => {
      this.#add({ do: "bulk", path, key, length });
    };
    this.#bulk = new BulkWriter(
      place.bucket,
      place.prefix,
      this.#keys.folder(epoch),
      tell,
      () => this.confirm(),
    );
    this.lost.addEventListener("abort", () => this.files.clear());
  }

  /**
   * Takes a directory that is free, or whose writer is gone: LOCKED where it lives.
   *
   * @param isProbed Whether the service is known to honour conditions; else UNSUPPORTED where it does not.
   */
  static async take(place: LeasePlace, timing: LogTiming, isProbed: boolean): Promise<DirectoryLease> {
    const { bucket } = place;
    const keys = logKeys(place.prefix, place.directory);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const last = await lastEpoch(bucket, keys);
      let before: LogView | undefined;
      if (last?.state === "held") {
        const holder = await holderOf(bucket, keys, last, timing);
        if (holder !== undefined) throw locked(place, `held by ${holder}`);
        before = await fence(bucket, keys, last);
        if (!before) continue; // it lives, or is another's by now
      }
      const number = (last?.number ?? 0) + 1;
      const epoch: Epoch = {
        number,
        id: crypto.randomUUID(),
        state: "held",
        base: before ? last!.base : number,
      };
      if (!await beginEpoch(bucket, keys, epoch)) continue;
      if (!isProbed) await probe(bucket, keys.epoch(number));
      const lease = new DirectoryLease(place, epoch, before, timing);
      try {
        await lease.#inherit();
        return lease;
      } catch (reason) {
        // It goes on being held, as if its writer had died.
        lease.#log.stop();
        throw reason;
      }
    }
    throw locked(place, "others keep taking it");
  }

  get lost(): AbortSignal {
    return this.#log.lost;
  }

  /** Whether a path lies in the directory. */
  covers(path: string): boolean {
    return isWithin(this.directory, path);
  }

  /** Before anything is changed: calls resolve in the order in which they came. LOCKED. */
  check(): Promise<void> {
    const checked = this.#checked.then(() => this.#check());
    this.#checked = checked.catch(() => {});
    return checked;
  }

  async #check(): Promise<void> {
    this.#isUsed = true;
    await this.#log.check();
    if (this.#isGone) {
      const text = `Cannot change ${this.directory}: it was removed under this lock; wanted another lock`;
      throw new SmaltiError("IO", text, { file: this.directory });
    }
  }

  /** Makes an empty file. The log speaks of it once something is to be durable: one that is moved before leaves no trace in it. */
  create(path: string): void {
    this.files.set(path, new PendingFile(this.#bucket, path));
  }

  /** Adds a step of a file that is not an object yet. */
  #add(step: LogStep & { readonly path: string }, bytes?: Uint8Array): void {
    this.#tell(step.path);
    this.#log.add(step, bytes);
  }

  /** Has the log speak of a file. */
  #tell(path: string): void {
    if (this.#known.has(path)) return;
    this.#known.add(path);
    this.#log.add({ do: "create", path });
  }

  /** Adds a copy of bytes to a file. */
  append(file: PendingFile, bytes: Uint8Array): Promise<void> {
    return this.#orLost(async () => {
      await this.#bulk.append(file, bytes);
      if (file.logged === 0) await this.#bulk.spill(this.files.values(), false);
    });
  }

  /** Makes durable what was added to a file. */
  async sync(file: PendingFile): Promise<void> {
    const added = this.#orLost(() => this.#addTail(file));
    const ended = added.catch(() => {}).finally(() => this.#syncs.delete(ended));
    this.#syncs.add(ended);
    await added;
    await this.#log.flush();
    await this.#bulk.spill(this.files.values(), true);
  }

  /** Has the log speak of all that a file has: at once, where nothing is on its way. */
  async #addTail(file: PendingFile): Promise<void> {
    const { path, size: wanted } = file;
    for (;;) {
      const ready = this.#bulk.readable(file, wanted);
      const { logged: offset, size } = file;
      if (ready) await ready;
      else if (offset >= wanted && this.#known.has(path)) return;
      else {
        // What was spilled before is read back.
        const bytes = file.from(offset) ?? await file.read(offset, size - offset);
        if (file.logged !== offset) continue; // it is in an object by now
        file.logged = offset + bytes.length;
        return this.#add({ do: "append", path, offset, length: bytes.length }, bytes);
      }
    }
  }

  /** Puts a small file in place by a record, where it is no object. False where that is left to the caller. */
  async replace(path: string, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length > SMALL_BYTES) return false;
    // Side by side with the record, which more may share: where there is an object it counts, and is to be replaced.
    const found = this.files.has(path) ? undefined : this.#bucket.head(this.#prefix + path);
    // It may speak of what is synced now.
    await Promise.all(this.#syncs);
    const file = new PendingFile(this.#bucket, path);
    file.append(bytes);
    file.logged = bytes.length;
    this.#forget(path);
    this.files.set(path, file);
    this.#known.add(path);
    this.#log.add({ do: "replace", path, length: bytes.length }, bytes);
    const [object] = await Promise.all([found, this.#log.flush()]);
    return object === undefined;
  }

  /** Makes an object of a file's bytes. */
  async seal(file: PendingFile): Promise<void> {
    this.#bulk.sendLast(file);
    const put = async () => {
      await this.put(file.path, file);
      file.upload = undefined; // it has ended
    };
    await this.#orLost(() => this.#bulk.last(file, put));
    this.drop(file.path);
  }

  /** Has all of a file in what can be copied, before it is moved. Gives the key of an object to be removed after that. */
  async end(file: PendingFile): Promise<string | undefined> {
    return this.files.get(file.path) === file ? await this.#orLost(() => this.#bulk.end(file)) : undefined;
  }

  /** Puts an object in place: in that of another only where that was there while nobody had taken over. */
  async put(path: string, source: ObjectSource): Promise<void> {
    const key = this.#prefix + path;
    await this.#orLost(async () => {
      // One that takes no other's place can do no harm.
      if (this.files.has(path) && await putInPlace(this.#bucket, key, source, "none")) return;
      const found = await this.#bucket.head(key);
      await this.#log.flush();
      if (!await putInPlace(this.#bucket, key, source, found?.etag ?? "none")) {
        throw changed(this.#bucket, key, path);
      }
    });
  }

  /** Who took over may have put a file in place, and removed what its parts are copied from, or its upload: then LOCKED says so. */
  async #orLost<R>(action: () => Promise<R>): Promise<R> {
    try {
      return await action();
    } catch (reason) {
      const isTheirs = reason instanceof SmaltiError && /^(IO|NOT_FOUND)$/.test(reason.code);
      if (isTheirs) await this.#log.flush();
      throw reason;
    }
  }

  /** Puts an object in place by the decision of the log. */
  async commit(path: string, bytes: Uint8Array): Promise<void> {
    const key = this.#prefix + path;
    const before = await this.#bucket.head(key);
    this.#known.add(path);
    this.#log.add({ do: "commit", path, length: bytes.length }, bytes);
    await this.#log.flush();
    this.#forget(path);
    if (await putInPlace(this.#bucket, key, sourceOf(bytes), before?.etag ?? "none")) return;
    // Who took over has done it.
    throw this.#log.lose("another has taken it over");
  }

  /** Forgets files at a path and below it. Whether the log spoke of them: it is to be flushed, unless objects are there by now. */
  drop(path: string): boolean {
    for (const other of [...this.files.keys()]) if (isWithin(path, other)) this.#forget(other);
    const known = [...this.#known].filter((other) => isWithin(path, other));
    if (known.length === 0) return false;
    known.forEach((other) => this.#known.delete(other));
    this.#log.add({ do: "drop", path });
    return true;
  }

  #forget(path: string): void {
    const file = this.files.get(path);
    this.files.delete(path);
    if (file) this.#bulk.forget(file);
  }

  /** Resolves when the log has what was made and dropped so far, and nothing of what was dropped is under way. */
  async flush(): Promise<void> {
    for (const path of this.files.keys()) this.#tell(path);
    await this.#log.settled();
    await this.#bulk.settled();
  }

  /** Makes sure that nobody had taken over when it was called. LOCKED. */
  confirm(): Promise<void> {
    return this.#log.flush();
  }

  /** Removes the directory with all that is in it, its log last. */
  async removeAll(): Promise<void> {
    this.#known.add(this.directory);
    this.drop(this.directory);
    await this.#log.flush();
    this.#log.stop();
    await this.#bulk.settled();
    const { root, directory } = this.#keys;
    const others: string[] = [];
    for await (const key of keysBelow(this.#bucket, directory)) if (!key.startsWith(root)) others.push(key);
    await this.#bucket.delete(others);
    await abortUploads(this.#bucket, directory);
    await removeLog(this.#bucket, root);
    this.#isGone = true;
  }

  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  async #release(): Promise<void> {
    try {
      if (this.lost.aborted || this.#isGone) return;
      const { epoch } = this.#log;
      if (!this.#isUsed && epoch.number === 1 && await this.#isEmpty()) {
        return await removeLog(this.#bucket, this.#keys.root);
      }
      // Where it failed or was taken over, the files are another's to recover.
      if (this.files.size > 0) await this.#log.flush();
      await mapLimited([...this.files.values()], AT_ONCE, (file) => this.seal(file));
      await this.#bulk.settled();
      this.#log.stop();
      await this.#log.settled();
      const number = epoch.number + 1;
      const next: Epoch = { number, id: crypto.randomUUID(), state: "free", base: number };
      if (!await beginEpoch(this.#bucket, this.#keys, next)) {
        throw this.#log.lose("another has taken it over");
      }
    } finally {
      this.#log.stop();
    }
    // What stays does no harm.
    await this.#tidy().catch(() => {});
  }

  /** Removes records and bulk objects: all that they say is in objects by now. */
  async #tidy(): Promise<void> {
    if (this.#before) {
      await abortUploads(this.#bucket, this.#keys.directory);
      return await tidyLog(this.#bucket, this.#keys.root, new Set(this.#before.fences));
    }
    await this.#bucket.delete([...this.#log.records, ...this.#bulk.keys]);
  }

  /** Whether nothing is in the directory but the log. */
  async #isEmpty(): Promise<boolean> {
    const { root, directory } = this.#keys;
    for await (const key of keysBelow(this.#bucket, directory)) if (!key.startsWith(root)) return false;
    return true;
  }

  /** Takes what those before left: what they committed is seen, what they did not put in place is pending. */
  async #inherit(): Promise<void> {
    if (!this.#before) return;
    const { commits, files } = this.#before;
    for (const [path, bytes] of commits) {
      const key = this.#prefix + path;
      const found = await this.#bucket.head(key);
      if (found && await isSame(this.#bucket, key, bytes)) continue;
      if (!await putInPlace(this.#bucket, key, sourceOf(bytes), found?.etag ?? "none")) {
        // Who was taken over has done it now.
        if (!await isSame(this.#bucket, key, bytes)) throw changed(this.#bucket, key, path);
      }
      this.#known.add(path);
    }
    await endUploads(this.#bucket, this.#keys, (key) => {
      const path = key.slice(this.#prefix.length);
      return !commits.has(path) && !files.get(path)?.size;
    });
    await mapLimited([...files], AT_ONCE, async ([path, file]) => {
      this.#known.add(path);
      // It was put in place, and nobody came to write that down.
      if (!await this.#bucket.head(this.#prefix + path)) this.files.set(path, file);
    });
    for (const path of commits.keys()) this.#known.add(path);
  }
}

function locked({ directory }: LeasePlace, why: string): SmaltiError {
  return new SmaltiError("LOCKED", `Cannot lock ${directory || "the store"}: ${why}`, { file: directory });
}

function changed(bucket: Bucket, key: string, path: string): SmaltiError {
  const text = `Cannot write ${bucket.shown(key)}: another changes it at the same time`;
  return new SmaltiError("IO", text, { file: path });
}
