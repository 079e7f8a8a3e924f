import { SmaltiError } from "../error.ts";
import { upperBound } from "../util/times.ts";
import { type HeldFile, type ReadOptions, type Store, type StoreLease, writtenAnew } from "./store.ts";

/** There can be no other. */
const HOLDER = "a writer of this client";

/** A file: its parts as they were appended. */
interface MemoryFile {
  readonly chunks: Uint8Array[];
  /** Where each chunk begins. */
  readonly starts: number[];
  size: number;
}

/** A store in memory: for tests, for recordings that need not last, for runtimes without files. */
export class MemoryStore implements Store {
  readonly url = "memory:";
  readonly durability = "never";
  readonly #files = new Map<string, MemoryFile>();
  /** The file that somebody's reads began with. */
  readonly #readers = new WeakMap<object, MemoryFile>();
  /** Who holds which lock: release must not give back another's. */
  readonly #locks = new Map<string, StoreLease>();
  #closed = false;

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async list(path: string): Promise<string[]> {
    this.#checkOpen();
    const prefix = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    for (const file of this.#files.keys()) {
      if (file.startsWith(prefix)) names.add(file.slice(prefix.length).split("/")[0]);
    }
    return [...names];
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async size(path: string): Promise<number> {
    return this.#get(path).size;
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async read(
    path: string,
    offset: number,
    length: number,
    { reader }: ReadOptions = {},
  ): Promise<Uint8Array> {
    const file = this.#get(path);
    if (reader) {
      const first = this.#readers.get(reader);
      if (first && first !== file) throw writtenAnew(path, path);
      this.#readers.set(reader, file);
    }
    return rangeOf(file, offset, length);
  }

  // deno-lint-ignore require-await -- a taken path must reject, not throw
  async create(path: string): Promise<void> {
    this.#checkOpen();
    if (this.#files.has(path)) {
      throw new SmaltiError("ALREADY_EXISTS", `Cannot create ${path}: it is there`, { file: path });
    }
    this.#files.set(path, { chunks: [], starts: [], size: 0 });
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async append(path: string, bytes: Uint8Array): Promise<void> {
    const file = this.#get(path);
    file.chunks.push(bytes.slice());
    file.starts.push(file.size);
    file.size += bytes.length;
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async truncate(path: string, size: number): Promise<void> {
    const file = this.#get(path);
    const kept = rangeOf(file, 0, size);
    file.chunks.splice(0, file.chunks.length, kept);
    file.starts.splice(0, file.starts.length, 0);
    file.size = kept.length;
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async sync(path: string): Promise<void> {
    this.#get(path);
  }

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    this.#files.set(path, { chunks: [bytes.slice()], starts: [0], size: bytes.length });
  }

  commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.replace(path, bytes);
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async move(from: string, to: string): Promise<void> {
    this.#files.set(to, this.#get(from));
    if (from !== to) this.#files.delete(from);
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async open(path: string): Promise<HeldFile> {
    const file = this.#get(path);
    return {
      // deno-lint-ignore require-await -- a closed store must reject, not throw
      read: async (offset, length) => {
        this.#checkOpen();
        return rangeOf(file, offset, length);
      },
      close: () => Promise.resolve(),
    };
  }

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async remove(path: string): Promise<void> {
    this.#checkOpen();
    for (const file of this.#files.keys()) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
  }

  // deno-lint-ignore require-await -- a held lock must reject, not throw
  async lock(path: string): Promise<StoreLease> {
    this.#checkOpen();
    if (this.#locks.has(path)) {
      throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${HOLDER}`, { file: path });
    }
    const lock: StoreLease = {
      // Nobody can take it over.
      lost: new AbortController().signal,
      release: () => {
        if (this.#locks.get(path) === lock) this.#locks.delete(path);
        return Promise.resolve();
      },
    };
    this.#locks.set(path, lock);
    return lock;
  }

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async lockedBy(path: string): Promise<string | undefined> {
    this.#checkOpen();
    return this.#locks.has(path) ? HOLDER : undefined;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#locks.clear();
    this.#files.clear();
    return Promise.resolve();
  }

  #checkOpen(): void {
    if (this.#closed) throw new SmaltiError("CLOSED", `Store ${this.url} is closed`);
  }

  #get(path: string): MemoryFile {
    this.#checkOpen();
    const file = this.#files.get(path);
    if (!file) throw new SmaltiError("NOT_FOUND", `No file ${path} in memory`, { file: path });
    return file;
  }
}

function rangeOf({ chunks, starts, size }: MemoryFile, offset: number, length: number): Uint8Array {
  const end = Math.min(size, offset + length);
  const bytes = new Uint8Array(Math.max(0, end - offset));
  // From the last chunk that begins at or before the offset.
  let i = Math.max(0, upperBound(starts, offset) - 1);
  for (; i < chunks.length && starts[i] < end; i++) {
    const from = Math.max(0, offset - starts[i]);
    const to = Math.min(chunks[i].length, end - starts[i]);
    if (from < to) bytes.set(chunks[i].subarray(from, to), starts[i] + from - offset);
  }
  return bytes;
}
