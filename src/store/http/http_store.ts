/**
 * A store on a static web server, wherever there is `fetch`: it reads and cannot write.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { type FilePart, type FileVersion, WebDirectory } from "./web_directory.ts";
import type { HeldFile, ReadOptions, Store, StoreLock } from "../store.ts";

/** Requests under way at once: what browsers allow a server over HTTP/1.1. */
const MAX_REQUESTS = 6;
/** Reads this near to each other share a request: the bytes between cost less than another round trip. */
const MAX_GAP = 64 * 1024;
/** Bytes of a shared request at most. */
const MAX_SHARED = 4 * 2 ** 20;
/** A reader first looks at its file's end. Up to here, what is before comes along: often that is the file. */
const END_BYTES = 64 * 1024;
/** Bytes kept of the ends of all files. */
const MAX_KEPT = 8 * 2 ** 20;

/** A read that waits for its bytes. */
interface Wanted {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly reader: Reader | undefined;
  /** What gives it up: its request, once it has one. */
  leave: () => void;
  resolve(part: FilePart): void;
  reject(reason: unknown): void;
}

/** What is known of the file that a reader reads. */
interface Reader {
  version: FileVersion | undefined;
  /** The file's last bytes, while they are kept. */
  end: FilePart | undefined;
}

/**
 * Recordings on a web server, by HTTP range requests. Reads that are near to each other and asked for together, or while
 * others are under way, share a request. A request that fails for want of the server is tried three times in all.
 */
export class HttpStore implements Store {
  readonly url: string;
  readonly #web: WebDirectory;
  readonly #waiting = new Set<Wanted>();
  readonly #requests = new Set<Promise<void>>();
  /** Reads that are not answered yet. */
  readonly #open = new Set<Wanted>();
  readonly #readers = new WeakMap<object, Reader>();
  /** Readers with an end that is kept, oldest first. */
  readonly #kept = new Set<Reader>();
  #keptBytes = 0;
  #closed = false;

  /** @param url A directory by `http:` or `https:`, with or without a slash at its end. */
  constructor(url: string) {
    this.#web = new WebDirectory(url);
    this.url = this.#web.url;
  }

  list(path: string): Promise<string[]> {
    const why =
      "a web server does not tell what it has; name the sequence, as in `client.sequenceHandler(name)`";
    return this.#refuse("list", path, why);
  }

  async size(path: string): Promise<number> {
    const { version, bytes } = await this.#ask(path, 0, 1, {});
    // A server that neither serves ranges nor tells the length leaves only counting.
    return version.size ?? (bytes.length && (await this.#ask(path, 0, 2 ** 50, {})).bytes.length);
  }

  async read(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    if (length <= 0 && !this.#closed) return new Uint8Array(0);
    return (await this.#ask(path, offset, length, options)).bytes;
  }

  create(path: string): Promise<void> {
    return this.#refuse("create", path);
  }

  append(path: string): Promise<void> {
    return this.#refuse("write", path);
  }

  sync(path: string): Promise<void> {
    return this.#refuse("sync", path);
  }

  replace(path: string): Promise<void> {
    return this.#refuse("replace", path);
  }

  move(path: string): Promise<void> {
    return this.#refuse("move", path);
  }

  open(path: string): Promise<HeldFile> {
    return this.#refuse("hold", path, "a web server does not tell when a file changes");
  }

  remove(path: string): Promise<void> {
    return this.#refuse("remove", path);
  }

  lock(path: string): Promise<StoreLock> {
    return this.#refuse("lock", path);
  }

  /** Nobody that could be seen from here. */
  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async lockedBy(_path: string): Promise<undefined> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wanted of this.#open) wanted.reject(this.#closedError());
    for (const reader of this.#kept) this.#forget(reader);
    await Promise.all(this.#requests);
  }

  /** The bytes of a range, with what is known of the file. */
  async #ask(
    path: string,
    offset: number,
    length: number,
    { signal, reader: key }: ReadOptions,
  ): Promise<FilePart> {
    this.#checkOpen();
    signal?.throwIfAborted();
    const reader = key && this.#reader(key);
    const kept = reader?.end;
    if (kept && (offset >= kept.offset)) return cut(kept, offset, length);
    return await new Promise<FilePart>((resolve, reject) => {
      const settle = () => {
        this.#open.delete(wanted);
        signal?.removeEventListener("abort", abort);
      };
      const wanted: Wanted = {
        path,
        offset,
        length,
        reader,
        leave: () => this.#waiting.delete(wanted),
        resolve: (part) => {
          settle();
          resolve(part);
        },
        reject: (reason) => {
          settle();
          wanted.leave();
          reject(reason);
        },
      };
      const abort = () => wanted.reject(signal!.reason);
      signal?.addEventListener("abort", abort);
      this.#open.add(wanted);
      this.#waiting.add(wanted);
      // What is asked for in the same turn may share a request with it.
      queueMicrotask(() => this.#start());
    });
  }

  #reader(key: object): Reader {
    let reader = this.#readers.get(key);
    if (!reader) this.#readers.set(key, reader = { version: undefined, end: undefined });
    return reader;
  }

  /** Begins as many requests as there may be. */
  #start(): void {
    for (const first of this.#waiting) {
      if (this.#requests.size === MAX_REQUESTS) return;
      const request = this.#request(this.#takeGroup(first));
      this.#requests.add(request);
      request.finally(() => {
        this.#requests.delete(request);
        this.#start();
      });
    }
  }

  /** Takes a read that waits, and all that can share a request with it. */
  #takeGroup(first: Wanted): Wanted[] {
    this.#waiting.delete(first);
    const group = [first];
    let from = first.offset;
    let to = from + first.length;
    for (let grown = true; grown;) {
      grown = false;
      for (const other of this.#waiting) {
        if (other.path !== first.path || other.reader !== first.reader) continue;
        const end = other.offset + other.length;
        if (other.offset > to + MAX_GAP || end < from - MAX_GAP) continue;
        const [low, high] = [Math.min(from, other.offset), Math.max(to, end)];
        if (high - low > Math.max(MAX_SHARED, to - from)) continue;
        [from, to] = [low, high];
        this.#waiting.delete(other);
        group.push(other);
        grown = true;
      }
    }
    return group;
  }

  /** Answers reads by one request. It never rejects: the reads do. */
  async #request(group: Wanted[]): Promise<void> {
    const { path, reader } = group[0];
    const controller = new AbortController();
    const left = new Set(group);
    for (const wanted of group) {
      wanted.leave = () => {
        if (left.delete(wanted) && left.size === 0) controller.abort();
      };
    }
    const to = Math.max(...group.map(({ offset, length }) => offset + length));
    let from = Math.min(...group.map(({ offset }) => offset));
    if (reader && !reader.version) from = Math.max(0, Math.min(from, to - END_BYTES));
    try {
      const part = await this.#web.read(path, from, to - from, controller.signal);
      if (reader) this.#note(path, reader, part);
      const whole = group.length === 1 && group[0].offset === from;
      for (const wanted of left) {
        wanted.resolve(whole && part !== reader?.end ? part : cut(part, wanted.offset, wanted.length));
      }
    } catch (reason) {
      for (const wanted of left) wanted.reject(reason);
    }
  }

  /** Keeps what a part tells of the file. IO where it is of another file than the parts before. */
  #note(path: string, reader: Reader, part: FilePart): void {
    const { version: known } = reader;
    const { tag, size } = part.version;
    if (known && (differ(known.tag, tag) || differ(known.size, size))) {
      const text = `Cannot read ${this.#web.shown(path)}: the file was written anew while it was read`;
      throw new SmaltiError("IO", text, { file: path });
    }
    reader.version = { tag: known?.tag ?? tag, size: known?.size ?? size };
    const { length } = part.bytes;
    if (reader.end || part.offset + length !== size || length > END_BYTES || this.#closed) return;
    reader.end = part;
    this.#kept.add(reader);
    this.#keptBytes += length;
    for (const oldest of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT) break;
      this.#forget(oldest);
    }
  }

  #forget(reader: Reader): void {
    this.#keptBytes -= reader.end?.bytes.length ?? 0;
    reader.end = undefined;
    this.#kept.delete(reader);
  }

  // deno-lint-ignore require-await -- must reject, not throw
  async #refuse(verb: string, path: string, why = "it is read only over HTTP"): Promise<never> {
    this.#checkOpen();
    throw new SmaltiError("UNSUPPORTED", `Cannot ${verb} ${this.#web.shown(path)}: ${why}`, { file: path });
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): SmaltiError {
    return new SmaltiError("CLOSED", `Store ${this.url} is closed`);
  }
}

/** Whether two facts are known and not the same. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** A range out of a larger one, as fresh bytes. */
function cut({ bytes, offset: start, version }: FilePart, offset: number, length: number): FilePart {
  return { offset, bytes: bytes.slice(offset - start, offset - start + length), version };
}
