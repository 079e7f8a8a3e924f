import { SmaltiError } from "../../error.ts";
import { Slots } from "../../util/slots.ts";

/** What a runtime gives for an open file. */
export interface ClosableHandle {
  /** Gives it back to the system. */
  close(): Promise<void>;
}

/**
 * Files kept open between calls. At most `most` are kept, the least recently used are closed first, at most half
 * as many calls run at a time (the others queue), and no file is closed while a call uses it.
 */
export class OpenFiles<H extends ClosableHandle> {
  readonly #most: number;
  /** Least recently used first. */
  readonly #kept = new Map<string, KeptFile<H>>();
  readonly #calls: Slots;
  #closed = false;

  constructor(most: number) {
    this.#most = most;
    this.#calls = new Slots(most / 2);
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `action` on the file kept under `key`, which `open` opens where there is none. */
  async use<T>(key: string, open: () => Promise<H>, action: (handle: H) => Promise<T>): Promise<T> {
    return await this.#calls.take(async () => {
      let file = this.#kept.get(key);
      while (!file && this.#kept.size >= this.#most) {
        const idle = [...this.#kept].find(([, { isIdle }]) => isIdle); // there is one: half of them are
        await this.forget(idle![0]);
        file = this.#kept.get(key);
      }
      // From here to the count of users within `file.use` nothing is awaited: nobody can close it in between.
      if (this.#closed) throw closed();
      file ??= this.#keep(key, open());
      this.#kept.delete(key);
      this.#kept.set(key, file);
      return await file.use(action);
    });
  }

  /** Runs `action` on a file that is closed again after it. */
  async once<O extends ClosableHandle, T>(
    open: () => Promise<O>,
    action: (handle: O) => Promise<T>,
  ): Promise<T> {
    return await this.#calls.take(async () => {
      if (this.#closed) throw closed();
      const handle = await open();
      try {
        return await action(handle);
      } finally {
        await handle.close();
      }
    });
  }

  /** Closes the file kept under `key`, when the calls that use it have ended. The next call opens it anew. */
  async forget(key: string): Promise<void> {
    const file = this.#kept.get(key);
    this.#kept.delete(key);
    await file?.close();
  }

  /** Keys of the files kept now. */
  keys(): string[] {
    return [...this.#kept.keys()];
  }

  /** Closes all; calls that have not begun fail CLOSED. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.keys().map((key) => this.forget(key)));
  }

  #keep(key: string, handle: Promise<H>): KeptFile<H> {
    const file = new KeptFile(handle);
    handle.catch(() => {
      if (this.#kept.get(key) === file) this.#kept.delete(key);
    });
    return file;
  }
}

/** One open file and how many use it. */
class KeptFile<H extends ClosableHandle> {
  readonly #handle: Promise<H>;
  #users = 0;
  #whenIdle: (() => void) | undefined;

  constructor(handle: Promise<H>) {
    this.#handle = handle;
  }

  get isIdle(): boolean {
    return this.#users === 0;
  }

  async use<T>(action: (handle: H) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await action(await this.#handle);
    } finally {
      if (--this.#users === 0) this.#whenIdle?.();
    }
  }

  /** To be called once, when nobody can begin to use it any more. */
  async close(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => this.#whenIdle = resolve);
    // A file that could not be opened, or fails as it is closed, has told its users all that matters.
    await this.#handle.then((handle) => handle.close()).catch(() => {});
  }
}

function closed(): SmaltiError {
  return new SmaltiError("CLOSED", "Store is closed");
}
