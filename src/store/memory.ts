import { SmaltiError } from "../error.ts";
import type { Store, StoreLock } from "./store.ts";

/** A store in memory: for tests, for recordings that need not last, for runtimes without files. */
export class MemoryStore implements Store {
  readonly url = "memory:";
  readonly #files = new Map<string, { chunks: Uint8Array[]; size: number }>();
  readonly #locks = new Set<string>();

  list(path: string): Promise<string[]> {
    const prefix = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    for (const file of this.#files.keys()) {
      if (file.startsWith(prefix)) names.add(file.slice(prefix.length).split("/")[0]);
    }
    return Promise.resolve([...names]);
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
    if (this.#files.has(path)) throw new SmaltiError("ALREADY_EXISTS", `Cannot create ${path}: it is there`);
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

  replace(path: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(path, { chunks: [bytes.slice()], size: bytes.length });
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    for (const file of this.#files.keys()) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
    return Promise.resolve();
  }

  async lock(path: string): Promise<StoreLock> {
    const holder = await this.lockedBy(path);
    if (holder) throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by ${holder}`);
    this.#locks.add(path);
    return {
      release: () => {
        this.#locks.delete(path);
        return Promise.resolve();
      },
    };
  }

  lockedBy(path: string): Promise<string | undefined> {
    return Promise.resolve(this.#locks.has(path) ? "a writer of this client" : undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #get(path: string): { chunks: Uint8Array[]; size: number } {
    const file = this.#files.get(path);
    if (!file) throw new SmaltiError("NOT_FOUND", `No file ${path} in memory`, { file: path });
    return file;
  }
}
