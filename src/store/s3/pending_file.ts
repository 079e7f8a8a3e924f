import { SmaltiError } from "../../error.ts";
import { mapLimited } from "../../util/map_limited.ts";
import { writtenAnew } from "../store.ts";
import type { Bucket } from "./bucket.ts";

/** Bytes of a bulk object, and of each part of an upload but the last: all alike, as some services want it. */
export const BULK_BYTES: number = 8 * 2 ** 20;

/** Requests of one read under way at a time. */
const READS_AT_ONCE = 8;

/** An object whose bytes are a file's first. */
export interface BaseObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string | undefined;
}

/**
 * A file that is not an object of its own yet: objects with its first bytes, and the rest in memory. Or an object to which bytes
 * are added.
 */
export class PendingFile {
  readonly path: string;
  readonly base: BaseObject | undefined;
  readonly #bucket: Bucket;
  /** Keys of the objects that hold its first bytes, {@linkcode BULK_BYTES} each. */
  readonly bulk: string[] = [];
  /** What follows them, less than that: first what was spilled, in objects of any size that nobody else knows of. */
  #spilled: { readonly key: string; readonly size: number }[] = [];
  #spilledBytes = 0;
  #spilling: Promise<void> | undefined;
  /** Whether its first bytes are on their way to a bulk object: then nothing is spilled. */
  #isBulkComing = false;
  /** Then what is in memory, with room for more: many small pieces would be scattered over all of the heap. */
  #memory: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #memoryBytes = 0;
  /** How many of its bytes are in the log, or wait to come there. */
  logged = 0;

  /** @param base The object whose bytes come first: then it has no bulk objects. */
  constructor(bucket: Bucket, path: string, base?: BaseObject) {
    this.#bucket = bucket;
    this.path = path;
    this.base = base;
  }

  /** Bytes of it. */
  get size(): number {
    return this.#memoryStart + this.#memoryBytes;
  }

  get #tailStart(): number {
    return this.base?.size ?? this.bulk.length * BULK_BYTES;
  }

  get #memoryStart(): number {
    return this.#tailStart + this.#spilledBytes;
  }

  /** Bytes of it that are in no bulk object. */
  get tailBytes(): number {
    return this.#spilledBytes + this.#memoryBytes;
  }

  /** Bytes of it in memory that may be spilled. */
  get spillableBytes(): number {
    return this.#spilling || this.#isBulkComing ? 0 : Math.max(0, this.logged - this.#memoryStart);
  }

  /** Adds a copy of bytes. TOO_LARGE where no upload can hold them. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const size = this.size + bytes.length;
    const most = BULK_BYTES * this.#bucket.place.limits.mostParts;
    if (size > most) {
      const text =
        `Cannot write ${this.path}: it would have ${size} bytes, wanted at most ${most} in an object store`;
      throw new SmaltiError("TOO_LARGE", text, { file: this.path });
    }
    const held = this.#memoryBytes + bytes.length;
    if (held > this.#memory.length) {
      const grown = new Uint8Array(Math.max(held, Math.min(2 * this.#memory.length, BULK_BYTES)));
      grown.set(this.#memory.subarray(0, this.#memoryBytes));
      this.#memory = grown;
    }
    this.#memory.set(bytes, this.#memoryBytes);
    this.#memoryBytes = held;
  }

  /** Takes to its bulk objects one that has the first bytes of the tail, of which all that was spilled. */
  addBulk(key: string): void {
    this.#keep(Math.min(BULK_BYTES - this.#spilledBytes, this.#memoryBytes));
    [this.#spilled, this.#spilledBytes] = [[], 0];
    this.bulk.push(key);
    this.#isBulkComing = false;
  }

  /** Its bytes from one that is in memory on, as a view that does not change. */
  from(offset: number): Uint8Array<ArrayBuffer> {
    return this.#slice(offset - this.#memoryStart, this.#memoryBytes);
  }

  /** The first bytes of the tail, for the bulk object that is to be added next. */
  async head(): Promise<Uint8Array> {
    this.#isBulkComing = true;
    await this.#spilling;
    if (this.#spilledBytes === 0) return this.#slice(0, BULK_BYTES);
    return await this.read(this.#tailStart, BULK_BYTES);
  }

  /** Moves bytes that the log has from memory to an object of their own, by the function that makes one. */
  spill(write: (bytes: Uint8Array) => Promise<string>): Promise<void> {
    return this.#spilling ??= this.#spill(write).finally(() => this.#spilling = undefined);
  }

  async #spill(write: (bytes: Uint8Array) => Promise<string>): Promise<void> {
    const size = this.logged - this.#memoryStart;
    const key = await write(this.#slice(0, size));
    this.#keep(size);
    this.#spilled.push({ key, size });
    this.#spilledBytes += size;
  }

  /** Forgets what is in memory before some byte of that. */
  #keep(from: number): void {
    const kept = this.#slice(from, this.#memoryBytes).slice();
    [this.#memory, this.#memoryBytes] = [kept, kept.length];
  }

  /** A range of it, fewer bytes where it ends before. IO, as of {@linkcode writtenAnew}, where an object is gone. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.size, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    const objects = this.#objects();
    const memoryStart = this.#memoryStart;
    // Before anything is waited for: what is in memory moves on.
    if (end > memoryStart) {
      const from = Math.max(offset, memoryStart);
      bytes.set(this.#slice(from - memoryStart, end - memoryStart), from - offset);
    }
    let next = 0;
    const places = objects.map((object) => ({ ...object, start: (next += object.size) - object.size }));
    const wanted = places.filter(({ start, size }) => start < end && start + size > offset);
    await mapLimited(wanted, READS_AT_ONCE, async ({ key, start, size, etag }) => {
      const [from, to] = [Math.max(offset, start), Math.min(end, start + size)];
      const found = await this.#bucket.get(key, from - start, to - from, { ifMatch: etag });
      if (typeof found !== "object" || found.bytes.length !== to - from) {
        throw writtenAnew(this.#bucket.shown(key), this.path);
      }
      bytes.set(found.bytes, from - offset);
    });
    return bytes;
  }

  /** The objects that have its bytes before those in memory. */
  #objects(): BaseObject[] {
    const [size, etag] = [BULK_BYTES, undefined];
    const spilled = this.#spilled.map((object) => ({ ...object, etag }));
    return [...this.base ? [this.base] : this.bulk.map((key) => ({ key, size, etag })), ...spilled];
  }

  /** A view of some of the bytes in memory: nothing is written over them. */
  #slice(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#memory.subarray(from, to);
  }
}

/** Whether a path is a directory, or lies in it; all paths lie in the root, which is `""`. */
export function isWithin(directory: string, path: string): boolean {
  return directory === "" || path === directory || path.startsWith(`${directory}/`);
}
