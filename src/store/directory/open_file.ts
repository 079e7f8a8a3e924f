import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import { builtin } from "../../util/builtin.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import type { ClosableHandle } from "./open_files.ts";
import type { ReadPace } from "./read_pace.ts";
import { statRegular, statRegularSync } from "./regular_file.ts";

// Empty where there are no files.
const { readSync } = builtin<typeof Fs>("node:fs");
const { open } = builtin<typeof FsPromises>("node:fs/promises");

/** Reads of more than this look at the file's size first, so that a wrong length costs no memory. */
const TRUSTED_BYTES = 16 * 2 ** 20;
/** Reads of more than this wait for the pool of threads however quick they are. */
const MAX_AT_ONCE_BYTES = 2 ** 20;
/** What is read in one call on the thread that asks. */
const PART_BYTES = 256 * 1024;
/** For how long a path is trusted to lead where it led when it was looked at. */
const TRUSTED_MS = 100;

/** What identifies a file whatever its path. */
export interface Inode {
  readonly dev: number;
  readonly ino: number;
}

/** Whether two are the same file. */
export function isSame(a: Inode, b: Inode): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/**
 * Closes the files of those that were forgotten without `close`. It holds their handles, so that no runtime finds one that
 * is open and nobody's: Bun ends the process for that, and Node warns. Made when the first file is opened, since not every
 * runtime has such registries.
 */
let forgotten: FinalizationRegistry<FsPromises.FileHandle> | undefined;

/** A file that is open, and which one it was when it was opened. */
export class OpenFile implements ClosableHandle {
  readonly handle: FsPromises.FileHandle;
  readonly inode: Inode;
  /** When a path was last found to lead to it, by `performance.now()`. */
  #foundMs = -Infinity;
  readonly #onCloseError: ((reason: unknown) => void) | undefined;

  private constructor(
    handle: FsPromises.FileHandle,
    inode: Inode,
    onCloseError: ((reason: unknown) => void) | undefined,
  ) {
    this.handle = handle;
    this.inode = inode;
    this.#onCloseError = onCloseError;
    forgotten ??= new FinalizationRegistry((handle) => {
      handle.close().catch(() => {}); // whoever wanted to know has forgotten it
    });
    forgotten.register(this, handle, this);
  }

  /** Opens what is no directory, device or pipe; what fails as it is closed goes to `onCloseError`. */
  static async open(
    path: string,
    flags: string | number,
    onCloseError?: (reason: unknown) => void,
  ): Promise<OpenFile> {
    const inode = await statRegular(path, flags !== "r");
    return new OpenFile(await open(path, flags), inode, onCloseError);
  }

  /** A range of it, shorter where the file ends before; in a buffer from `takeBytes` where it may be used again. */
  async read(offset: number, length: number, pace: ReadPace, mayReuse: boolean): Promise<Uint8Array> {
    const { handle } = this;
    if (length > TRUSTED_BYTES) length = Math.min(length, Math.max(0, (await handle.stat()).size - offset));
    const bytes = mayReuse ? takeBytes(length) : new Uint8Array(length);
    let done = 0;
    for (let isEnd = false; done < length && !isEnd;) {
      const [at, left] = [done, length - done];
      let read: number;
      if (pace.state === "quick" && length <= MAX_AT_ONCE_BYTES) {
        await pace.slice.pause();
        read = pace.atOnce(() => readSync(handle.fd, bytes, at, Math.min(left, PART_BYTES), offset + at));
      } else {
        const inPool = () => handle.read(bytes, at, left, offset + at);
        read = (await pace.inPool(inPool, Math.ceil(left / PART_BYTES))).bytesRead;
      }
      done += read;
      isEnd = read === 0;
    }
    if (done === length) return bytes;
    const part = bytes.slice(0, done);
    if (mayReuse) giveBytes(bytes);
    return part;
  }

  /** Whether a path was found to lead to it a moment ago. */
  get wasJustAt(): boolean {
    return performance.now() - this.#foundMs < TRUSTED_MS;
  }

  /** Whether a path still leads to it: another file may have come there since, by this process or another. */
  async isAt(path: string, pace: ReadPace): Promise<boolean> {
    const startMs = performance.now();
    const isQuick = pace.state === "quick";
    const found = isQuick ? pace.atOnce(() => statRegularSync(path)) : await statRegular(path);
    if (!isSame(found, this.inode)) return false;
    this.#foundMs = startMs;
    return true;
  }

  /** Gives it back to the system. */
  async close(): Promise<void> {
    forgotten?.unregister(this);
    await this.handle.close().catch(this.#onCloseError);
  }
}
