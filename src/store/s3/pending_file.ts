import { SmaltiError } from "../../error.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import { mapLimited } from "../../util/map_limited.ts";
import { writtenAnew } from "../store.ts";
import type { Bucket } from "./bucket.ts";
import {
  BULK_BYTES,
  type ObjectSource,
  type OwnUpload,
  type PartSource,
  type StoredObject,
} from "./put_in_place.ts";
import type { UploadedPart } from "./uploads.ts";

/** Requests of one read under way at a time. */
const READS_AT_ONCE = 8;

/** Bytes of a file, one after another: in memory, in an object from its first byte on, or a part of an upload, which nobody can read. */
type Piece =
  | { readonly size: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | StoredObject
  | { readonly size: number; readonly part: UploadedPart };

/**
 * A file that is not an object of its own yet: pieces of {@linkcode BULK_BYTES}, and what is less than one, its tail. Or an
 * object to which bytes are added.
 */
export class PendingFile implements ObjectSource {
  readonly path: string;
  readonly base: StoredObject | undefined;
  /** An upload to its own key, of which its first pieces are parts. */
  upload: OwnUpload | undefined;
  /** How many of its bytes are in the log, or wait to come there. */
  logged = 0;
  readonly #bucket: Bucket;
  /** What is before the bytes in {@linkcode PendingFile.#memory}: of the tail what was spilled, in objects of any size. */
  readonly #pieces: Piece[];
  /** Where the objects among them end of which the log speaks. */
  #bulkEnd = 0;
  /** Where they all end, and where the tail begins. */
  #memoryStart: number;
  #tailStart: number;
  /** Up to where pieces have been given out by {@linkcode PendingFile.nextPiece}. */
  #taken: number;
  /** The rest, with room for more: many small pieces would be scattered over all of the heap. */
  #memory: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #memoryBytes = 0;
  #spilling: Promise<void> | undefined;
  /** The piece that is being sent for that: its bytes are not this file's alone. */
  #spilled: Piece | undefined;

  /** @param base The object whose bytes come first. */
  constructor(bucket: Bucket, path: string, base?: StoredObject) {
    this.#bucket = bucket;
    this.path = path;
    this.base = base;
    this.#pieces = base ? [base] : [];
    this.#memoryStart = this.#tailStart = this.#taken = base?.size ?? 0;
  }

  /** Bytes of it. */
  get size(): number {
    return this.#memoryStart + this.#memoryBytes;
  }

  /** Where its whole pieces end. */
  get tailStart(): number {
    return this.#tailStart;
  }

  /** Bytes of its tail in memory that may be spilled: all, or those that the log has, once it has any. */
  get spillableBytes(): number {
    if (this.#spilling) return 0;
    return this.logged === 0 ? this.#memoryBytes : Math.max(0, this.logged - this.#memoryStart);
  }

  /** Adds a copy of bytes. TOO_LARGE where no upload can hold them. */
  append(bytes: Uint8Array): void {
    const [size, most] = [this.size + bytes.length, BULK_BYTES * this.#bucket.place.limits.mostParts];
    if (size > most) {
      const text =
        `Cannot write ${this.path}: it would have ${size} bytes, wanted at most ${most} in an object store`;
      throw new SmaltiError("TOO_LARGE", text, { file: this.path });
    }
    for (let at = 0; at < bytes.length;) {
      const pieceEnd = this.#tailStart + BULK_BYTES;
      const some = bytes.subarray(at, at + pieceEnd - this.size);
      this.#remember(some);
      at += some.length;
      if (this.size < pieceEnd) break;
      this.#cut(this.#memoryBytes);
      this.#tailStart = pieceEnd;
    }
  }

  #remember(bytes: Uint8Array): void {
    const held = this.#memoryBytes + bytes.length;
    if (held > this.#memory.length) {
      const grown = takeBytes(Math.max(held, Math.min(2 * this.#memory.length, BULK_BYTES)));
      grown.set(this.#memory.subarray(0, this.#memoryBytes));
      if (this.logged === 0) giveBytes(this.#memory); // else the log may have a view of it
      this.#memory = grown;
    }
    this.#memory.set(bytes, this.#memoryBytes);
    this.#memoryBytes = held;
  }

  /** The first of its whole pieces that this has not given out before, by where it begins; undefined where there is none. */
  nextPiece(): number | undefined {
    if (this.#taken === this.#tailStart) return undefined;
    this.#taken += BULK_BYTES;
    return this.#taken - BULK_BYTES;
  }

  /** Makes a last piece of the tail, by where it begins; undefined where that is empty. Nothing is added after that. */
  lastPiece(): number | undefined {
    const start = this.#tailStart;
    if (this.size === start) return undefined;
    if (this.#memoryBytes > 0) this.#cut(this.#memoryBytes);
    this.#taken = this.#tailStart = this.size;
    return start;
  }

  /** Has an object or a part of an upload for its bytes from a piece's beginning on, whether it had them all or not. */
  place(start: number, piece: StoredObject | { readonly size: number; readonly part: UploadedPart }): void {
    const end = start + piece.size;
    let [first, at] = [0, 0];
    while (at < start) at += this.#pieces[first++].size;
    let last = first;
    while (last < this.#pieces.length && at < end) at += this.#pieces[last++].size;
    this.#pieces.splice(first, last - first, piece);
    if (end > this.#memoryStart) {
      this.#keep(Math.min(this.#memoryBytes, end - this.#memoryStart));
      this.#memoryStart = end;
    }
    this.#tailStart = Math.max(this.#tailStart, end);
    this.#taken = Math.max(this.#taken, end);
  }

  /** Has an object for its bytes up to one, from the end of the object before on. */
  placeBulk(key: string, end: number): void {
    const start = this.#bulkEnd;
    this.place(start, { key, size: end - start, etag: undefined });
    this.logged = Math.max(this.logged, end);
    this.#bulkEnd = end;
  }

  /** Where the objects end of which the log speaks. */
  get bulkEnd(): number {
    return this.#bulkEnd;
  }

  /** Its bytes from one on, as a view that does not change; undefined where they are not all in memory. */
  from(offset: number): Uint8Array<ArrayBuffer> | undefined {
    const start = offset - this.#memoryStart;
    return start < 0 ? undefined : this.#slice(start, this.#memoryBytes);
  }

  /** Moves what may be spilled from memory to an object of its own, by the function that makes one. */
  async spill(write: (bytes: Uint8Array) => Promise<string>): Promise<void> {
    // It may have come to a whole piece meanwhile: the log can speak of no object without bytes.
    if (this.spillableBytes > 0) {
      this.#spilling = this.#spill(write).finally(() => this.#spilling = undefined);
    }
    await this.#spilling;
  }

  /** Resolves when nothing is being spilled. */
  async spilled(): Promise<void> {
    await this.#spilling?.catch(() => {});
  }

  async #spill(write: (bytes: Uint8Array) => Promise<string>): Promise<void> {
    const piece = this.#cut(this.spillableBytes);
    this.#spilled = piece;
    const key = await write(piece.bytes).finally(() => this.#spilled = undefined);
    const i = this.#pieces.indexOf(piece);
    // It may be in a bulk object by now.
    if (i >= 0) this.#pieces[i] = { key, size: piece.size, etag: undefined };
  }

  /** Makes a piece of the first bytes in memory. */
  #cut(size: number): Piece & { readonly bytes: Uint8Array } {
    const piece = { size, bytes: this.#slice(0, size) };
    this.#pieces.push(piece);
    this.#keep(size);
    this.#memoryStart += size;
    return piece;
  }

  /** Forgets what is in memory before some byte of that. */
  #keep(from: number): void {
    const kept = this.#slice(from, this.#memoryBytes).slice();
    [this.#memory, this.#memoryBytes] = [kept, kept.length];
  }

  /** Where the bytes of a part of an upload are that begins at an offset; undefined where they are to be read. */
  partAt(offset: number): PartSource | undefined {
    let start = 0;
    for (const piece of this.#pieces) {
      const end = start + piece.size;
      if (end > offset) {
        if ("part" in piece) return piece.part;
        const isWhole = "key" in piece && offset + BULK_BYTES <= end;
        return isWhole ? { object: piece, offset: offset - start } : undefined;
      }
      start = end;
    }
  }

  /** A whole piece by where it begins, as a view; undefined where it is not in memory as one, or is being spilled. */
  bytesAt(offset: number): Uint8Array<ArrayBuffer> | undefined {
    const [first, ...others] = this.piecesAt(offset);
    if (!first || others.length > 0 || first[1] === this.#spilled) return undefined;
    return "bytes" in first[1] ? first[1].bytes : undefined;
  }

  /** What there is of a whole piece by where it begins: itself, or what was spilled of it and the rest; each by its offset. */
  piecesAt(offset: number): [offset: number, piece: Piece][] {
    const end = Math.min(offset + BULK_BYTES, this.#tailStart);
    const found: [number, Piece][] = [];
    let start = 0;
    for (const piece of this.#pieces) {
      if (start >= offset && start + piece.size <= end) found.push([start, piece]);
      start += piece.size;
    }
    return found;
  }

  /**
   * Lends a range of it for as long as an action takes: a whole piece that is in memory as it is, what is to be read one at a
   * time. Errors as of {@linkcode PendingFile.read}.
   */
  async lend<R>(offset: number, length: number, action: (bytes: Uint8Array) => Promise<R>): Promise<R> {
    const piece = this.bytesAt(offset);
    if (piece?.length === length) return await action(piece);
    return await this.#bucket.lent.take(async () => {
      const bytes = takeBytes(Math.min(length, this.size - offset));
      await this.#readInto(bytes, offset);
      const result = await action(bytes);
      // Not where it failed: requests may still be under way that read or write them.
      giveBytes(bytes);
      return result;
    });
  }

  /** A range of it, fewer bytes where it ends before. IO, as of {@linkcode writtenAnew}, where an object is gone. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(this.size - offset, length)));
    await this.#readInto(bytes, offset);
    return bytes;
  }

  async #readInto(bytes: Uint8Array<ArrayBuffer>, offset: number): Promise<void> {
    const end = offset + bytes.length;
    const far: { object: StoredObject; start: number }[] = [];
    let start = 0;
    // Before anything is waited for: what is in memory moves on.
    for (const piece of [...this.#pieces, { size: this.#memoryBytes, bytes: this.#memory }]) {
      const [from, to] = [Math.max(offset, start), Math.min(end, start + piece.size)];
      if (from < to) {
        if ("part" in piece) {
          if (!this.upload) throw writtenAnew(this.path, this.path); // it is an object by now
          await this.upload.end();
          return await this.#readInto(bytes, offset);
        }
        if ("bytes" in piece) bytes.set(piece.bytes.subarray(from - start, to - start), from - offset);
        else far.push({ object: piece, start });
      }
      start += piece.size;
    }
    await mapLimited(far, READS_AT_ONCE, async ({ object: { key, size, etag }, start }) => {
      const [from, to] = [Math.max(offset, start), Math.min(end, start + size)];
      const into = bytes.subarray(from - offset, to - offset);
      const found = await this.#bucket.get(key, from - start, to - from, { ifMatch: etag, into });
      if (typeof found !== "object" || found.bytes.length !== to - from) {
        throw writtenAnew(this.#bucket.shown(key), this.path);
      }
      if (found.bytes.buffer !== into.buffer) into.set(found.bytes);
    });
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
