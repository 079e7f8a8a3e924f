import { SmaltiError } from "../../src/error.ts";
import {
  type HeldFile,
  type ReadOptions,
  type Store,
  type StoreLease,
  writtenAnew,
} from "../../src/store/store.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** What goes wrong in a case. */
export interface Faults {
  /** One call in so many fails. */
  oneIn: number;
  /** How many more may. */
  left: number;
  /** How many did. */
  done: number;
}

/** How calls that change a file can end otherwise than well: at the beginning, halfway, or after all was done. */
type Ending = "NO_SPACE" | "IO" | "torn" | "late";

interface Call<R> {
  readonly name: string;
  readonly apply: () => R;
  readonly endings: readonly Ending[];
  /** Takes effect in part. */
  readonly part?: () => void;
  /** What a failure leaves for later. */
  readonly spoil?: () => void;
  /** The file of which bytes may be lost when it fails. */
  readonly loses?: string;
}

/**
 * One process's view of the disk. Every call is an event that the scheduler lets happen when it likes, in any order that
 * the interface allows, and whose answer may come later still. A call may fail; calls of a process that died never end,
 * and may or may not have taken effect.
 */
export class ControlledStore implements Store {
  readonly url = "model:";
  readonly #disk: Disk;
  readonly #scheduler: Scheduler;
  readonly #owner: Owner;
  readonly #faults: Faults;
  /** Calls happen at once, and none fails. */
  readonly #isQuiet: boolean;
  /** The file that somebody's reads began with. */
  readonly #readers = new WeakMap<object, DiskFile>();
  /** Paths of files that are held open. */
  readonly held = new Map<object, string>();
  #closed = false;

  constructor(
    disk: Disk,
    scheduler: Scheduler,
    owner: Owner,
    faults: Faults,
    isQuiet = false,
  ) {
    this.#disk = disk;
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#faults = faults;
    this.#isQuiet = isQuiet;
  }

  list(path: string): Promise<string[]> {
    return this.#call({
      name: `list ${path}`,
      apply: () => this.#disk.list(path),
      endings: ["IO"],
    });
  }

  size(path: string): Promise<number> {
    const apply = () => this.#disk.file(path).bytes.length;
    return this.#call({ name: `size ${path}`, apply, endings: ["IO"] });
  }

  read(path: string, offset: number, length: number, { reader }: ReadOptions = {}): Promise<Uint8Array> {
    const apply = () => {
      const file = this.#disk.file(path);
      if (reader) {
        if ((this.#readers.get(reader) ?? file) !== file) throw writtenAnew(path, path);
        this.#readers.set(reader, file);
      }
      return file.bytes.slice(offset, offset + length);
    };
    return this.#call({ name: `read ${path} ${offset}`, apply, endings: ["IO"] });
  }

  open(path: string): Promise<HeldFile> {
    const apply = (): HeldFile => {
      const file = this.#disk.file(path);
      const read = (offset: number, length: number) =>
        this.#call({
          name: `read held ${path} ${offset}`,
          apply: () => {
            if (!this.held.has(held)) throw failure("IO", `read ${path}, which was let go of`);
            return file.bytes.slice(offset, offset + length);
          },
          endings: ["IO"],
        });
      const close = () => {
        this.held.delete(held);
        return Promise.resolve();
      };
      const held = { read, close };
      this.held.set(held, path);
      return held;
    };
    return this.#call({ name: `open ${path}`, apply, endings: ["IO"] });
  }

  create(path: string): Promise<void> {
    const apply = () => this.#disk.create(this.#owner.name, path);
    return this.#call({
      name: `create ${path}`,
      apply,
      endings: ["NO_SPACE", "IO", "late"],
    });
  }

  append(path: string, bytes: Uint8Array): Promise<void> {
    const { name } = this.#owner;
    const { random } = this.#scheduler;
    return this.#call({
      name: `append ${path} ${bytes.length}`,
      apply: () => this.#disk.append(name, path, bytes),
      endings: ["NO_SPACE", "IO", "torn", "late"],
      part: () =>
        this.#disk.append(
          name,
          path,
          bytes.subarray(0, random.below(bytes.length)),
        ),
    });
  }

  truncate(path: string, size: number): Promise<void> {
    const { name } = this.#owner;
    return this.#call({
      name: `truncate ${path} ${size}`,
      apply: () => this.#disk.truncate(name, path, size),
      endings: ["IO", "late"],
    });
  }

  sync(path: string): Promise<void> {
    // Of what is appended while it runs nothing is promised.
    const size = this.#disk.files.get(path)?.bytes.length;
    const apply = () => {
      const file = this.#disk.file(path);
      if (file.cannotSync) throw failure("IO", `sync ${path}`);
      file.durable = Math.max(
        file.durable,
        Math.min(size ?? 0, file.bytes.length),
      );
      file.hasName = true;
    };
    const spoil = () => {
      const file = this.#disk.files.get(path);
      if (file) file.cannotSync = true;
    };
    return this.#call({
      name: `sync ${path}`,
      apply,
      endings: ["IO"],
      spoil,
      loses: path,
    });
  }

  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replace("replace", path, bytes);
  }

  commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replace("commit", path, bytes);
  }

  #replace(call: string, path: string, bytes: Uint8Array): Promise<void> {
    const apply = () => this.#disk.replace(this.#owner.name, path, bytes);
    return this.#call({
      name: `${call} ${path}`,
      apply,
      endings: ["NO_SPACE", "IO", "late"],
    });
  }

  move(from: string, to: string): Promise<void> {
    const apply = () => this.#disk.move(this.#owner.name, from, to);
    return this.#call({
      name: `move ${from} ${to}`,
      apply,
      endings: ["NO_SPACE", "IO", "late"],
    });
  }

  remove(path: string): Promise<void> {
    const { name } = this.#owner;
    const { random } = this.#scheduler;
    return this.#call({
      name: `remove ${path}`,
      apply: () => this.#disk.remove(name, path),
      endings: ["IO", "torn", "late"],
      part: () => this.#disk.remove(name, path, () => random.oneIn(2)),
    });
  }

  lock(path: string): Promise<StoreLease> {
    const apply = (): StoreLease => {
      const token = this.#disk.lock(this.#owner.name, path);
      const release = () =>
        this.#call({
          name: `unlock ${path}`,
          apply: () => this.#disk.unlock(path, token),
          endings: [],
        }, true);
      return { lost: new AbortController().signal, release };
    };
    return this.#call({
      name: `lock ${path}`,
      apply,
      endings: ["NO_SPACE", "IO"],
    });
  }

  lockedBy(path: string): Promise<string | undefined> {
    const apply = () => this.#disk.locks.get(path)?.holder;
    return this.#call({ name: `lockedBy ${path}`, apply, endings: ["IO"] });
  }

  close(): Promise<void> {
    this.#closed = true;
    const apply = () => {
      for (const [path, { holder }] of this.#disk.locks) {
        if (holder === this.#owner.name) this.#disk.locks.delete(path);
      }
    };
    return this.#call({ name: "close", apply, endings: [] }, true);
  }

  async #call<R>(call: Call<R>, evenClosed = false): Promise<R> {
    if (this.#closed && !evenClosed) {
      throw new SmaltiError("CLOSED", `Store ${this.url} is closed`);
    }
    if (this.#isQuiet) return call.apply();
    const owner = this.#owner;
    if (owner.dead) return await new Promise<never>(() => {});
    return await new Promise<R>((resolve, reject) => {
      const scheduler = this.#scheduler;
      const { random } = scheduler;
      const run = () => {
        const answer = this.#answer(call, resolve, reject);
        if (random.below(5) > 0) answer();
        else {scheduler.add({
            owner,
            label: `end of ${call.name}`,
            run: answer,
          });}
      };
      const die = () => {
        // Under way: done, or not, or in part.
        try {
          if (random.oneIn(3)) call.apply();
          else if (random.oneIn(2)) call.part?.();
        } catch {
          // Nobody hears of it.
        }
      };
      const delayMs = scheduler.isSlow && random.below(25) === 0
        ? 1 + random.below(random.oneIn(4) ? 2500 : 150)
        : 0;
      scheduler.add({ owner, label: call.name, run, die }, delayMs);
    });
  }

  /** Lets a call take effect, well or not; gives what tells the caller. */
  #answer<R>(
    call: Call<R>,
    resolve: (value: R) => void,
    reject: (reason: unknown) => void,
  ): () => void {
    const { random } = this.#scheduler;
    const faults = this.#faults;
    const fails = faults.left > 0 && call.endings.length > 0 &&
      random.oneIn(faults.oneIn);
    try {
      if (!fails) {
        const value = call.apply();
        return () => resolve(value);
      }
      faults.left--;
      faults.done++;
      const ending = random.pick(call.endings);
      this.#scheduler.note(this.#owner.name, `${call.name} fails: ${ending}`);
      if (ending === "late") call.apply();
      if (ending === "torn") call.part?.();
      call.spoil?.();
      throw failure(ending === "NO_SPACE" ? "NO_SPACE" : "IO", call.name);
    } catch (reason) {
      return () => {
        const file = call.loses === undefined ? undefined : this.#disk.files.get(call.loses);
        if (file) file.failedAt ??= this.#scheduler.step;
        reject(reason);
      };
    }
  }
}

function failure(code: "NO_SPACE" | "IO", call: string): SmaltiError {
  return new SmaltiError(code, `Cannot ${call}: as the case wants`);
}
