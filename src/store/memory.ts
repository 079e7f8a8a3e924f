import { SmaltiError } from "../error.ts";
import type { Store, StoreLock } from "./store.ts";

/** There can be no other. */
const HOLDER = "a writer of this client";

/** A store in memory: for tests, for recordings that need not last, for runtimes without files. */
export class MemoryStore implements Store {
  readonly url = "memory:";
  readonly #files = new Map<string, { chunks: Uint8Array[]; size: number }>();
  /** Who holds which lock: release must not give back another's. */
  readonly #locks = new Map<string, StoreLock>();
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
  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const { chunks, size } = this.#get(path);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    let start = 0;
    for (const chunk of chunks) {
      const from = Math.max(0, offset - start);
      const to = Math.min(chunk.length, offset + bytes.length - start);
      if (from < to) bytes.set(chunk.subarray(from, to), start + from - offset);
      start += chunk.length;
      if (start >= offset + bytes.length) break;
    }
    return bytes;
  }

  // deno-lint-ignore require-await -- a taken path must reject, not throw
  async create(path: string): Promise<void> {
    this.#checkOpen();
    if (this.#files.has(path)) {
      throw new SmaltiError("ALREADY_EXISTS", `Cannot create ${path}: it is there`, { file: path });
    }
    this.#files.set(path, { chunks: [], size: 0 });
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async append(path: string, bytes: Uint8Array): Promise<void> {
    const file = this.#get(path);
    file.chunks.push(bytes.slice());
    file.size += bytes.length;
  }

  // deno-lint-ignore require-await -- a missing file must reject, not throw
  async sync(path: string): Promise<void> {
    this.#get(path);
  }

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    this.#files.set(path, { chunks: [bytes.slice()], size: bytes.length });
  }

  // deno-lint-ignore require-await -- a closed store must reject, not throw
  async remove(path: string): Promise<void> {
    this.#checkOpen();
    for (const file of this.#files.keys()) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
  }

  // deno-lint-ignore require-await -- a held lock must reject, not throw
  async lock(path: string): Promise<StoreLock> {
    this.#checkOpen();
    if (this.#locks.has(path)) {
      throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${HOLDER}`, { file: path });
    }
    const lock: StoreLock = {
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

  #get(path: string): { chunks: Uint8Array[]; size: number } {
    this.#checkOpen();
    const file = this.#files.get(path);
    if (!file) throw new SmaltiError("NOT_FOUND", `No file ${path} in memory`, { file: path });
    return file;
  }
}
