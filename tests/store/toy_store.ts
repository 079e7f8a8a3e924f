/**
 * A store as somebody else would write one, from what the library exports and `docs/stores.md` says: over a `Map` that
 * answers late, as a place far away does.
 *
 * @module
 */
import {
  type HeldFile,
  type ReadOptions,
  SmaltiError,
  type Store,
  type StoreLease,
  writtenAnew,
} from "../../mod.ts";

interface ToyFile {
  /** What every store on the place reads. */
  bytes: Uint8Array;
}

/** The place: what all its stores share. */
export class ToyPlace {
  readonly files = new Map<string, ToyFile>();
  /** Who holds which lock. */
  readonly locks = new Map<string, AbortController>();
  readonly #turns: () => number;

  /** @param turns How long the next call takes, in turns of the event loop. */
  constructor(turns: () => number) {
    this.#turns = turns;
  }

  /** Passes some time, so that calls side by side happen in any order. */
  async wait(): Promise<void> {
    for (let turns = this.#turns(); turns > 0; turns--) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}

/** One process's view of the place. */
export class ToyStore implements Store {
  readonly url = "toy:";
  readonly #place: ToyPlace;
  /** What was appended here and not synced. */
  readonly #held = new WeakMap<ToyFile, Uint8Array>();
  readonly #readers = new WeakMap<object, ToyFile>();
  readonly #leases = new Map<string, AbortController>();
  #closed = false;

  constructor(place: ToyPlace) {
    this.#place = place;
  }

  list(path: string): Promise<string[]> {
    const prefix = path === "" ? "" : `${path}/`;
    return this.#call(() => {
      const below = [...this.#place.files.keys()].filter((file) => file.startsWith(prefix));
      return [...new Set(below.map((file) => file.slice(prefix.length).split("/")[0]))];
    });
  }

  size(path: string): Promise<number> {
    return this.#call(() => this.#bytes(this.#file(path)).length);
  }

  read(path: string, offset: number, length: number, { reader }: ReadOptions = {}): Promise<Uint8Array> {
    return this.#call(() => {
      const file = this.#file(path);
      if (reader && (this.#readers.get(reader) ?? file) !== file) throw writtenAnew(path, path);
      if (reader) this.#readers.set(reader, file);
      return this.#bytes(file).slice(offset, offset + length);
    });
  }

  create(path: string): Promise<void> {
    return this.#change([path], () => {
      if (this.#place.files.has(path)) {
        throw new SmaltiError("ALREADY_EXISTS", `Cannot create ${path}: it is there`, { file: path });
      }
      this.#place.files.set(path, { bytes: new Uint8Array(0) });
    });
  }

  append(path: string, bytes: Uint8Array): Promise<void> {
    return this.#change([path], () => {
      const file = this.#file(path);
      this.#held.set(file, joined(this.#held.get(file) ?? new Uint8Array(0), bytes));
    });
  }

  sync(path: string): Promise<void> {
    return this.#change([path], () => {
      const file = this.#file(path);
      file.bytes = this.#bytes(file);
      this.#held.delete(file);
    });
  }

  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#change([path], () => void this.#place.files.set(path, { bytes: bytes.slice() }));
  }

  commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.replace(path, bytes);
  }

  move(from: string, to: string): Promise<void> {
    return this.#change([from, to], () => {
      this.#place.files.set(to, this.#file(from));
      if (from !== to) this.#place.files.delete(from);
    });
  }

  open(path: string): Promise<HeldFile> {
    return this.#call(() => {
      const file = this.#file(path);
      const read = (offset: number, length: number) =>
        this.#call(() => this.#bytes(file).slice(offset, offset + length));
      return { read, close: () => Promise.resolve() };
    });
  }

  remove(path: string): Promise<void> {
    return this.#change([path], () => {
      for (const file of this.#place.files.keys()) if (isIn(path, file)) this.#place.files.delete(file);
    });
  }

  lock(path: string): Promise<StoreLease> {
    return this.#call(() => {
      const { locks } = this.#place;
      if (locks.has(path)) {
        throw new SmaltiError("LOCKED", `Cannot lock ${path}: held by a toy`, { file: path });
      }
      const lease = new AbortController();
      locks.set(path, lease);
      this.#leases.set(path, lease);
      return { lost: lease.signal, release: () => this.#release(path, lease) };
    });
  }

  lockedBy(path: string): Promise<string | undefined> {
    return this.#call(() => this.#place.locks.has(path) ? "a toy" : undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [path, lease] of this.#leases) await this.#release(path, lease);
  }

  async #release(path: string, lease: AbortController): Promise<void> {
    await this.#place.wait();
    if (this.#place.locks.get(path) === lease) this.#place.locks.delete(path);
    if (this.#leases.get(path) === lease) this.#leases.delete(path);
  }

  async #call<R>(action: () => R): Promise<R> {
    await this.#place.wait();
    if (this.#closed) throw new SmaltiError("CLOSED", `Store ${this.url} is closed`);
    const result = action();
    await this.#place.wait();
    return result;
  }

  /** A change happens at once with the look at the leases: so every one of them decides. */
  #change(paths: readonly string[], action: () => void): Promise<void> {
    return this.#call(() => {
      for (const [lock, lease] of this.#leases) {
        const directory = lock.slice(0, Math.max(0, lock.lastIndexOf("/")));
        if (!paths.some((path) => isIn(directory, path)) || this.#place.locks.get(lock) === lease) continue;
        lease.abort(new SmaltiError("LOCKED", `The lock ${lock} was lost: another toy has taken it`));
        throw lease.signal.reason;
      }
      action();
    });
  }

  #file(path: string): ToyFile {
    const file = this.#place.files.get(path);
    if (!file) throw new SmaltiError("NOT_FOUND", `No file ${path} in ${this.url}`, { file: path });
    return file;
  }

  #bytes(file: ToyFile): Uint8Array {
    const held = this.#held.get(file);
    return held ? joined(file.bytes, held) : file.bytes;
  }
}

function isIn(directory: string, path: string): boolean {
  return directory === "" || path === directory || path.startsWith(`${directory}/`);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
