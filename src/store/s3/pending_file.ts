import { SmaltiError } from "../../error.ts";
import { writtenAnew } from "../store.ts";
import type { Bucket } from "./bucket.ts";

/** Bytes of a bulk object, and of each part of an upload but the last: all alike, as some services want it. */
export const BULK_BYTES: number = 8 * 2 ** 20;

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
  /** What follows them, as it came. */
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
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
    return this.#tailStart + this.#tailBytes;
  }

  get #tailStart(): number {
    return this.base?.size ?? this.bulk.length * BULK_BYTES;
  }

  /** Bytes of it in memory. */
  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** Adds bytes, which nobody changes from now on. TOO_LARGE where no upload can hold them. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const size = this.size + bytes.length;
    const most = BULK_BYTES * this.#bucket.place.limits.mostParts;
    if (size > most) {
      const text =
        `Cannot write ${this.path}: it would have ${size} bytes, wanted at most ${most} in an object store`;
      throw new SmaltiError("TOO_LARGE", text, { file: this.path });
    }
    this.#tail.push(bytes);
    this.#tailBytes += bytes.length;
  }

  /** Takes to its bulk objects one that has the first bytes of the tail, or more. */
  addBulk(key: string): void {
    const kept = this.#slice(Math.min(BULK_BYTES, this.#tailBytes), this.#tailBytes);
    this.#tail = [kept];
    this.#tailBytes = kept.length;
    this.bulk.push(key);
  }

  /** Its bytes from one that is in memory on. */
  from(offset: number): Uint8Array<ArrayBuffer> {
    return this.#slice(offset - this.#tailStart, this.#tailBytes);
  }

  /** The first bytes in memory, for a bulk object. */
  head(): Uint8Array<ArrayBuffer> {
    return this.#slice(0, BULK_BYTES);
  }

  /** A range of it, fewer bytes where it ends before. IO, as of {@linkcode writtenAnew}, where an object is gone. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.size, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    const { base } = this;
    const bulkBytes = this.#tailStart;
    const bulk = this.bulk.slice();
    const [tailFrom, tailTo] = [Math.max(offset, bulkBytes), end];
    // Before anything is waited for: the tail moves on.
    if (tailFrom < tailTo) {
      bytes.set(this.#slice(tailFrom - bulkBytes, tailTo - bulkBytes), tailFrom - offset);
    }
    for (let at = offset; at < Math.min(end, bulkBytes);) {
      const number = base ? 0 : Math.floor(at / BULK_BYTES);
      const to = Math.min(end, base?.size ?? (number + 1) * BULK_BYTES);
      const key = base?.key ?? bulk[number];
      const found = await this.#bucket.get(key, at - number * BULK_BYTES, to - at, { ifMatch: base?.etag });
      if (typeof found !== "object" || found.bytes.length !== to - at) {
        throw writtenAnew(this.#bucket.shown(key), this.path);
      }
      bytes.set(found.bytes, at - offset);
      at = to;
    }
    return bytes;
  }

  #slice(from: number, to: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(to - from);
    let start = 0;
    for (const chunk of this.#tail) {
      const [first, last] = [Math.max(from, start), Math.min(to, start + chunk.length)];
      if (first < last) bytes.set(chunk.subarray(first - start, last - start), first - from);
      start += chunk.length;
    }
    return bytes;
  }
}

/** Whether a path is a directory, or lies in it; all paths lie in the root, which is `""`. */
export function isWithin(directory: string, path: string): boolean {
  return directory === "" || path === directory || path.startsWith(`${directory}/`);
}
