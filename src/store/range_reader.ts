/**
 * Ranges of files that are far away, read well: what a web server and an object store have in common.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { takeBytes } from "../util/buffer_pool.ts";
import { type BufferUse, type FilePart, type FileVersion, otherFile, type ReadOptions } from "./store.ts";

/** A reader first looks at its file's end. Up to here, what is before comes along: often that is the file. */
const END_BYTES = 64 * 1024;
/** Bytes kept of the ends of all files. */
const MAX_KEPT = 8 * 2 ** 20;

/** How much is asked of a source at once. */
export interface RangeLimits {
  /** Requests under way at once. @default 6, what browsers allow a server over HTTP/1.1 */
  requests?: number;
  /** Reads this near to each other share a request, in bytes: those between cost less than another round trip. @default 64 KiB */
  gapBytes?: number;
  /** Bytes of a shared request at most. @default 4 MiB */
  sharedBytes?: number;
}

/** Of which state of a file a range is wanted. */
export interface RangeOptions {
  /** As it is now, past caches. @default false */
  fresh?: boolean;
  /** The tag of earlier parts: a source may refuse another file by {@linkcode otherFile}; what it gives is checked in any case. */
  tag?: string | undefined;
}

/** Where ranges come from: one request each. */
export interface RangeSource {
  /** How messages name it. */
  readonly url: string;
  /** How messages name a file. */
  shown(path: string): string;
  /** A range of a file, at least one byte long, in memory of its own; fewer bytes only where the file ends before. */
  read(
    path: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    options: RangeOptions,
  ): Promise<FilePart>;
  /** Bytes in a file, where a part did not tell. */
  size(path: string, signal: AbortSignal): Promise<number>;
}

/** A read that waits for its bytes. */
interface Wanted {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly reader: Reader | undefined;
  readonly fresh: boolean;
  readonly use: BufferUse;
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
 * Reads ranges of a source's files. Reads that are near to each other and asked for together, or while others are under way,
 * share a request. The end of a file is kept for whoever reads it as one reader, and its later
 * reads fail once the file is another.
 */
export class RangeReader {
  readonly #source: RangeSource;
  readonly #limits: Required<RangeLimits>;
  readonly #waiting = new Set<Wanted>();
  readonly #requests = new Set<Promise<void>>();
  /** Reads that are not answered yet. */
  readonly #open = new Set<Wanted>();
  readonly #readers = new WeakMap<object, Reader>();
  readonly #stopped = new WeakMap<AbortSignal, Set<Wanted>>();
  /** Readers with an end that is kept, oldest first. */
  readonly #kept = new Set<Reader>();
  readonly #stop = new AbortController();
  #keptBytes = 0;
  #closed = false;

  constructor(
    source: RangeSource,
    { requests = 6, gapBytes = 64 * 1024, sharedBytes = 4 * 2 ** 20 }: RangeLimits = {},
  ) {
    this.#source = source;
    this.#limits = { requests, gapBytes, sharedBytes };
  }

  /** As {@linkcode FileReader.size}. */
  async size(path: string): Promise<number> {
    const { version } = await this.#ask(path, 0, 1, {});
    if (version.size !== undefined) return version.size;
    return await this.untilClosed((signal) => this.#source.size(path, signal));
  }

  /** Asks the source for something else; closing ends that too, as `signal` does. */
  async untilClosed<R>(ask: (signal: AbortSignal) => Promise<R>, signal?: AbortSignal): Promise<R> {
    this.checkOpen();
    const stop = this.#stop.signal;
    try {
      return await ask(signal ? AbortSignal.any([stop, signal]) : stop);
    } catch (reason) {
      this.checkOpen();
      throw reason;
    }
  }

  /** As {@linkcode FileReader.read}. */
  async read(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    if (length <= 0 && !this.#closed) return new Uint8Array(0);
    return (await this.#ask(path, offset, length, options)).bytes;
  }

  /** Ends all reads: they fail CLOSED. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop.abort();
    for (const wanted of this.#open) wanted.reject(this.#closedError());
    for (const reader of this.#kept) this.#forget(reader);
    await Promise.all(this.#requests);
  }

  /** The bytes of a range, with what is known of the file. */
  async #ask(
    path: string,
    offset: number,
    length: number,
    { signal, reader: key, grows, fresh = grows ?? false, ...use }: ReadOptions,
  ): Promise<FilePart> {
    this.checkOpen();
    signal?.throwIfAborted();
    const reader = key && this.#reader(key);
    const kept = reader?.end;
    if (kept && (offset >= kept.offset)) return cut(kept, offset, length, use);
    return await new Promise<FilePart>((resolve, reject) => {
      const settle = () => {
        this.#open.delete(wanted);
        stopped?.delete(wanted);
      };
      const wanted: Wanted = {
        path,
        offset,
        length,
        reader,
        fresh,
        use,
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
      const stopped = signal && this.#stoppedBy(signal);
      stopped?.add(wanted);
      this.#open.add(wanted);
      this.#waiting.add(wanted);
      // What is asked for in the same turn may share a request with it.
      queueMicrotask(() => this.#start());
    });
  }

  /** Reads that a signal stops. One listener for all: Node warns of a signal that has more than ten. */
  #stoppedBy(signal: AbortSignal): Set<Wanted> {
    let reads = this.#stopped.get(signal);
    if (!reads) {
      const stopped = reads = new Set<Wanted>();
      this.#stopped.set(signal, stopped);
      const stop = () => {
        for (const wanted of stopped) wanted.reject(signal.reason);
      };
      signal.addEventListener("abort", stop, { once: true });
    }
    return reads;
  }

  #reader(key: object): Reader {
    let reader = this.#readers.get(key);
    if (!reader) this.#readers.set(key, reader = { version: undefined, end: undefined });
    return reader;
  }

  /** Begins as many requests as there may be. */
  #start(): void {
    for (const first of this.#waiting) {
      if (this.#requests.size === this.#limits.requests) return;
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
    const { gapBytes, sharedBytes } = this.#limits;
    this.#waiting.delete(first);
    const group = [first];
    let from = first.offset;
    let to = from + first.length;
    for (let grown = true; grown;) {
      grown = false;
      for (const other of this.#waiting) {
        if (other.path !== first.path || other.reader !== first.reader || other.fresh !== first.fresh) {
          continue;
        }
        const end = other.offset + other.length;
        if (other.offset > to + gapBytes || end < from - gapBytes) continue;
        const [low, high] = [Math.min(from, other.offset), Math.max(to, end)];
        if (high - low > Math.max(sharedBytes, to - from)) continue;
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
    const { path, reader, fresh } = group[0];
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
      const options = { fresh, tag: reader?.version?.tag };
      const part = await this.#source.read(path, from, to - from, controller.signal, options);
      if (reader) this.#note(path, reader, part);
      const whole = group.length === 1 && group[0].offset === from;
      for (const wanted of left) {
        const isOwn = whole && part !== reader?.end;
        wanted.resolve(isOwn ? part : cut(part, wanted.offset, wanted.length, wanted.use));
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
      throw otherFile(this.#source.shown(path), path);
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

  /** Throws CLOSED once it is closed. */
  checkOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): SmaltiError {
    return new SmaltiError("CLOSED", `Store ${this.#source.url} is closed`);
  }
}

/** Whether two facts are known and not the same. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** A range out of a larger one. Typed arrays on it need it at a multiple of 8 bytes. */
function cut(
  { bytes, offset: start, version }: FilePart,
  offset: number,
  length: number,
  { mayReuse, mayShare }: BufferUse,
): FilePart {
  const view = bytes.subarray(offset - start, offset - start + length);
  if (mayShare && view.byteOffset % 8 === 0) return { offset, bytes: view, version };
  const copy = mayReuse ? takeBytes(view.length) : new Uint8Array(view.length);
  copy.set(view);
  return { offset, bytes: copy, version };
}
