/**
 * Recordings in a bucket of an S3-compatible service, to read and to write. `docs/stores.md` tells how.
 *
 * @module
 */
import { isNotFound, SmaltiError } from "../../error.ts";
import { pause } from "../../util/pause.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import {
  type FileWatch,
  type HeldFile,
  isOtherFile,
  type ReadOptions,
  type Store,
  type StoreLease,
  type WholeFile,
  writtenAnew,
} from "../store.ts";
import { Bucket } from "./bucket.ts";
import { DirectoryLease } from "./directory_lease.ts";
import { LOG_FOLDER } from "./epochs.ts";
import { Holders, holderText } from "./holders.ts";
import { OtherLogs } from "./other_logs.ts";
import { isWithin, PendingFile } from "./pending_file.ts";
import { putInPlace } from "./put_in_place.ts";
import { keysBelow } from "./remove_log.ts";
import type { S3Place } from "./s3_options.ts";
import { entriesBelow, S3Reader } from "./s3_reader.ts";
import { LOG_TIMING, type LogTiming } from "./write_ahead_log.ts";

/** How often who follows a sequence looks again, in milliseconds. */
const WATCH_MS = 250;

/** Objects below a place of a bucket, as files, and the logs of those who write there. */
export class S3Store implements Store {
  readonly url: string;
  readonly durability = "sync";
  readonly holds = false;
  readonly isLogged = true;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #objects: S3Reader;
  readonly #others: OtherLogs;
  readonly #holders: Holders;
  readonly #timing: LogTiming;
  readonly #leases = new Set<DirectoryLease>();
  /** Locks that are being taken. */
  readonly #taking = new Set<string>();
  /** Files made or added to outside of any lease, which are not objects yet. */
  readonly #files = new Map<string, PendingFile>();
  readonly #creating = new Set<string>();
  /** What somebody's reads began with: a pending file, or how often an object had come to the path by this store. */
  readonly #readers = new WeakMap<object, unknown>();
  readonly #changes = new Map<string, number>();
  readonly #slice = new TimeSlice();
  /** Whether the service is known to honour conditions. */
  #isProbed = false;
  #closed = false;

  /** @param timing By which writers count as gone. */
  constructor(place: S3Place, timing: LogTiming = LOG_TIMING) {
    this.url = place.url;
    this.#bucket = new Bucket(place);
    this.#prefix = place.prefix;
    this.#objects = new S3Reader(place, this.#bucket);
    this.#others = new OtherLogs(this.#bucket, place.prefix);
    this.#holders = new Holders(this.#bucket, place.prefix, timing);
    this.#timing = timing;
  }

  get readsAhead(): number {
    return this.#objects.readsAhead;
  }

  get sharedBytes(): number {
    return this.#objects.sharedBytes;
  }

  async list(path: string): Promise<string[]> {
    return await this.#call(async () => {
      const below = path === "" ? "" : `${path}/`;
      const names = new Set(await entriesBelow(this.#bucket, this.#prefix + below));
      const pending = [...this.#files.keys(), ...[...this.#leases].flatMap(({ files }) => [...files.keys()])];
      const isOwn = this.#leaseOf(path) !== undefined;
      if (path !== "" && !isOwn) pending.push(...(await this.#others.of(path))?.files.keys() ?? []);
      for (const file of pending) {
        if (file.startsWith(below)) names.add(file.slice(below.length).split("/")[0]);
      }
      names.delete("");
      names.delete(LOG_FOLDER);
      return [...names];
    });
  }

  async size(path: string): Promise<number> {
    return await this.#call(async () => {
      const own = this.#own(path);
      if (own) return own.size;
      const found = await this.#bucket.head(this.#prefix + path) ?? await this.#ofOthers(path);
      if (!found) throw this.#missing(path);
      return found.size;
    });
  }

  async read(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    return await this.#call(async () => {
      const own = this.#own(path);
      if (own) return await this.#readPending(path, own, offset, length, options);
      const known = options.grows ? this.#others.known(path) : undefined;
      if (known && known.size >= offset + length) {
        return await this.#readPending(path, known, offset, length, options);
      }
      this.#checkReader(path, this.#changes.get(path) ?? 0, options);
      try {
        return await this.#objects.read(path, offset, length, options);
      } catch (reason) {
        if (isOtherFile(reason)) throw writtenAnew(this.#shown(path), path);
        if (!isNotFound(reason)) throw reason;
        const other = await this.#ofOthers(path);
        if (!other) throw this.#missing(path);
        return await this.#readPending(path, other, offset, length, options);
      }
    });
  }

  async readNow(path: string, known?: WholeFile): Promise<WholeFile> {
    return await this.#call(async () => {
      const own = this.#own(path);
      if (own) return { bytes: await own.read(0, own.size) };
      // Mostly there where it was: in the log, where no object is.
      const logged = this.#others.known(path) && await this.#ofOthers(path);
      if (logged) return { bytes: await logged.read(0, logged.size) };
      try {
        return await this.#objects.readNow(path, known);
      } catch (reason) {
        const other = isNotFound(reason) ? await this.#ofOthers(path) : undefined;
        if (other) return { bytes: await other.read(0, other.size) };
        throw isNotFound(reason) ? this.#missing(path) : reason;
      }
    });
  }

  watch(): FileWatch {
    const stop = new AbortController();
    return {
      next: (signal) => pause(WATCH_MS, AbortSignal.any([signal, stop.signal])),
      close: () => stop.abort(new SmaltiError("CLOSED", `Watching ${this.url} has ended`)),
    };
  }

  async create(path: string): Promise<void> {
    await this.#change([path], async () => {
      const taken = () =>
        new SmaltiError("ALREADY_EXISTS", `Cannot create ${this.#shown(path)}: it is there`, { file: path });
      if (this.#own(path) || this.#creating.has(path)) throw taken();
      this.#creating.add(path);
      try {
        const lease = this.#leaseOf(path);
        const other = await this.#bucket.head(this.#prefix + path) ??
          (lease ? undefined : await this.#ofOthers(path));
        if (other) throw taken();
        if (lease) lease.create(path);
        else this.#files.set(path, new PendingFile(this.#bucket, path));
      } finally {
        this.#creating.delete(path);
      }
    });
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    await this.#change([path], async () => {
      const lease = this.#leaseOf(path);
      const file = lease?.files.get(path);
      if (lease && file) return await lease.append(file, bytes);
      const own = this.#files.get(path) ?? await this.#adopt(path);
      own.append(bytes);
    });
  }

  async sync(path: string): Promise<void> {
    await this.#change([path], async () => {
      const lease = this.#leaseOf(path);
      const pending = lease?.files.get(path);
      if (lease && pending) return await lease.sync(pending);
      const own = this.#files.get(path);
      if (own) await this.#put(own);
      else if (!await this.#bucket.head(this.#prefix + path)) throw this.#missing(path);
    });
  }

  async seal(path: string): Promise<void> {
    await this.#change([path], async () => {
      const lease = this.#leaseOf(path);
      const pending = lease?.files.get(path);
      if (!lease || !pending) return await this.sync(path);
      await lease.seal(pending);
      this.#changed(path);
    });
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    await this.#change([path], async () => {
      const lease = this.#leaseOf(path);
      if (!await lease?.replace(path, copy)) {
        await lease?.flush();
        await this.#bucket.put(this.#prefix + path, copy);
        this.#files.delete(path);
        lease?.drop(path);
        await lease?.flush();
      }
      this.#changed(path);
    });
  }

  async commit(path: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    const lease = this.#leaseOf(path);
    if (!lease) return await this.replace(path, copy);
    await this.#change([path], async () => {
      await lease.commit(path, copy);
      this.#changed(path);
    });
  }

  async move(from: string, to: string): Promise<void> {
    await this.#change([from, to], async () => {
      const file = this.#own(from) ?? await this.#adopt(from);
      if (from === to) return;
      const [source, lease] = [this.#leaseOf(from), this.#leaseOf(to)];
      const left = await source?.end(file) ?? file.base?.key;
      if (lease) await lease.put(to, file);
      else {
        const there = await this.#bucket.head(this.#prefix + to);
        if (!await putInPlace(this.#bucket, this.#prefix + to, file, there?.etag ?? "none")) {
          throw this.#conflict(to);
        }
      }
      for (const path of [from, to]) {
        this.#files.delete(path);
        this.#changed(path);
      }
      if (left !== undefined) await this.#bucket.delete([left]);
      if (source?.drop(from)) await source.flush();
      lease?.drop(to);
    });
  }

  async open(path: string): Promise<HeldFile> {
    return await this.#call(async () => {
      const file = this.#own(path) ?? await this.#object(path) ?? await this.#ofOthers(path);
      if (!file) throw this.#missing(path);
      const read = (offset: number, length: number) => this.#call(() => file.read(offset, length));
      return { read, close: () => Promise.resolve() };
    });
  }

  async remove(path: string): Promise<void> {
    await this.#change([path], async () => {
      const lease = this.#leaseOf(path);
      for (const file of [...this.#files.keys()]) if (isWithin(path, file)) this.#files.delete(file);
      this.#changed(path);
      if (lease?.directory === path) return await lease.removeAll();
      // First: else what is not an object yet would be there still, and what was made before would not be there.
      const isPending = lease?.files.has(path);
      lease?.drop(path);
      await lease?.flush();
      const key = this.#prefix + path;
      // No directory; an object where putting it in place had failed.
      if (isPending || await this.#bucket.head(key)) return await this.#bucket.delete([key]);
      const keys: string[] = [];
      for await (const below of keysBelow(this.#bucket, `${key}/`)) keys.push(below);
      await this.#bucket.delete(keys);
    });
  }

  async lock(path: string): Promise<StoreLease> {
    return await this.#call(async () => {
      const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      const isHeld = [...this.#leases].some((lease) => lease.directory === directory && !lease.lost.aborted);
      if (isHeld || this.#taking.has(directory)) {
        throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${HERE}`, { file: path });
      }
      this.#taking.add(directory);
      try {
        const place = { bucket: this.#bucket, prefix: this.#prefix, directory };
        const lease = await DirectoryLease.take(place, this.#timing, this.#isProbed);
        this.#isProbed = true;
        this.#leases.add(lease);
        return {
          lost: lease.lost,
          release: async () => {
            try {
              await lease.release();
            } finally {
              this.#leases.delete(lease);
            }
          },
        };
      } finally {
        this.#taking.delete(directory);
      }
    });
  }

  async lockedBy(path: string): Promise<string | undefined> {
    return await this.#call(async () => {
      const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      for (const lease of this.#leases) if (lease.directory === directory && !lease.lost.aborted) return HERE;
      // Who follows knows of late: that takes fewer requests.
      const view = await this.#others.held(directory);
      if (view && view.silentMs < this.#timing.silentMs) return holderText(view.epoch, view.silentMs);
      return await this.#holders.of(directory);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#leases].map((lease) => lease.release().catch(() => {}))); // who comes next recovers
    this.#leases.clear();
    this.#files.clear();
    await this.#objects.close();
  }

  async #call<R>(action: () => Promise<R>): Promise<R> {
    this.#checkOpen();
    try {
      return await action();
    } catch (reason) {
      this.#checkOpen();
      throw reason;
    }
  }

  /** A change of what is at paths, where no lease on them is lost. */
  #change(paths: readonly string[], action: () => Promise<void>): Promise<void> {
    return this.#call(async () => {
      for (const path of paths) await this.#leaseOf(path)?.check();
      await action();
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new SmaltiError("CLOSED", `Store ${this.url} is closed`);
  }

  #leaseOf(path: string): DirectoryLease | undefined {
    for (const lease of this.#leases) if (lease.covers(path)) return lease;
  }

  /** A file of this store that is not an object yet. */
  #own(path: string): PendingFile | undefined {
    return this.#leaseOf(path)?.files.get(path) ?? this.#files.get(path);
  }

  /** A file of another's log. */
  async #ofOthers(path: string): Promise<PendingFile | undefined> {
    if (this.#leaseOf(path)?.lost.aborted === false) return undefined;
    return (await this.#others.of(path))?.files.get(path);
  }

  /** An object as a file that may be added to; undefined where there is none. */
  async #object(path: string): Promise<PendingFile | undefined> {
    const key = this.#prefix + path;
    const found = await this.#bucket.head(key);
    return found && new PendingFile(this.#bucket, path, { key, size: found.size, etag: found.etag });
  }

  async #adopt(path: string): Promise<PendingFile> {
    const file = await this.#object(path);
    if (!file) throw this.#missing(path);
    this.#files.set(path, file);
    return file;
  }

  /** Makes an object of a file that no log has. */
  async #put(file: PendingFile): Promise<void> {
    const { path, base } = file;
    if (base && file.size === base.size) return void this.#files.delete(path);
    // What was found at the path must not be of who took over.
    await this.#leaseOf(path)?.confirm();
    if (!await putInPlace(this.#bucket, this.#prefix + path, file, base?.etag ?? "none")) {
      throw this.#conflict(path);
    }
    this.#files.delete(path);
    this.#changed(path);
  }

  async #readPending(
    path: string,
    file: PendingFile,
    offset: number,
    length: number,
    options: ReadOptions,
  ): Promise<Uint8Array> {
    this.#checkReader(path, file, options);
    // What is in memory is there at once: whoever reads on and on would let nothing else happen.
    await this.#slice.pause();
    return await file.read(offset, length);
  }

  /** Refuses reads of a reader that began with something else. */
  #checkReader(path: string, now: unknown, { reader }: ReadOptions): void {
    if (!reader) return;
    if (this.#readers.has(reader) && this.#readers.get(reader) !== now) {
      throw writtenAnew(this.#shown(path), path);
    }
    this.#readers.set(reader, now);
  }

  /** Something else has come to a path. */
  #changed(path: string): void {
    this.#changes.set(path, (this.#changes.get(path) ?? 0) + 1);
  }

  #conflict(path: string): SmaltiError {
    const text = `Cannot write ${this.#shown(path)}: another changes it at the same time`;
    return new SmaltiError("IO", text, { file: path });
  }

  #missing(path: string): SmaltiError {
    return new SmaltiError("NOT_FOUND", `There is no ${this.#shown(path)}`, { file: path });
  }

  #shown(path: string): string {
    return this.#bucket.shown(this.#prefix + path);
  }
}

/** Who holds what this store holds. */
const HERE = "a writer of this client";
