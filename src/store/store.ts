/**
 * Where bytes live. A store holds files by path (`/` between the parts, no leading one) and knows nothing of what
 * is in them. Paths come from names that were checked; a store does not check them again.
 *
 * Every failure is a SmaltiError: NOT_FOUND, ALREADY_EXISTS, LOCKED, PERMISSION_DENIED, NO_SPACE, IO, CLOSED; over a
 * network UNAUTHENTICATED and UNAVAILABLE too. A store that only reads answers UNSUPPORTED to all else.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** A held lock. */
export interface StoreLock {
  /** Gives the lock back. A second call does nothing. */
  release(): Promise<void>;
}

/** A file that is held open: its bytes can be read although another file has come to its path since, or none is there. */
export interface HeldFile {
  /** As {@linkcode Store.read}. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Lets go of it. A second call does nothing. */
  close(): Promise<void>;
}

/** Options of {@linkcode Store.read}. */
export interface ReadOptions {
  /** Stops a read that takes long: it rejects with the signal's reason. Stores whose reads are short do without. */
  signal?: AbortSignal;
  /**
   * Whose reads belong together, as any object: where another file has come to the path since the first read with the
   * same object, reading fails with IO, and {@linkcode isWrittenAnew} tells so.
   */
  reader?: object;
  /** Whether the bytes may lie in a larger buffer that was used before, as from `takeBytes`. @default false */
  mayReuse?: boolean;
}

/** Files by path. */
export interface Store {
  /** How messages name it: the directory, the URL, `memory:`. */
  readonly url: string;
  /** Whether what is synced outlives the process. @default true */
  readonly isDurable?: boolean;
  /** Names directly below a directory, in no order; the root is `""`. Empty where the directory is not there. */
  list(path: string): Promise<string[]>;
  /** Bytes in a file; NOT_FOUND where there is none. */
  size(path: string): Promise<number>;
  /** A range of a file, as bytes that the caller owns, 8-byte aligned; fresh ones unless the options allow others. Fewer where the file ends before. */
  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  /** Makes an empty file, and the directories above it. ALREADY_EXISTS where there is one. */
  create(path: string): Promise<void>;
  /**
   * Adds to the end of a file that this store created; NOT_FOUND where there is none. The caller awaits one call for a
   * file before the next.
   */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Resolves when all that was appended would survive a loss of power; NOT_FOUND where there is no file. Once the disk
   * has failed it, it fails for good, until another file takes the path.
   */
  sync(path: string): Promise<void>;
  /**
   * Puts a whole file in place, durably, and makes the directories above it. Readers see the old or the new one and
   * nothing between; so does one call of `read`, in any process.
   */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Puts a file that this store created and synced in the place of another, durably and at once, as rename(2) does:
   * readers see the old or the new one. NOT_FOUND where there is none at `from`.
   */
  move(from: string, to: string): Promise<void>;
  /** Holds the file that is at a path now. NOT_FOUND. */
  open(path: string): Promise<HeldFile>;
  /** Removes a file or a directory with all below it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /**
   * Takes the lock that a path stands for; LOCKED, saying who holds it, where a living writer has it. `list` may show a
   * lock that is held as a file at that path. Directories that are made for it go with it, unless they hold something
   * else by then.
   */
  lock(path: string): Promise<StoreLock>;
  /** Whether somebody living holds the lock: their description, or undefined. */
  lockedBy(path: string): Promise<string | undefined>;
  /** Gives back what the store holds open, locks too. Every call after it but this one fails CLOSED. */
  close(): Promise<void>;
}

const WRITTEN_ANEW = Symbol("smalti.writtenAnew");

/** The error of a read whose file has been replaced since the reads before it. */
export function writtenAnew(where: string, path: string): SmaltiError {
  const text = `Cannot read ${where}: the file was written anew since it was opened; open it again`;
  return new SmaltiError("IO", text, { file: path, cause: WRITTEN_ANEW });
}

/** Whether a failure says that a file was written anew: what was known of it is of no use, the same rows are in the new one. */
export function isWrittenAnew(reason: unknown): boolean {
  return reason instanceof SmaltiError && reason.cause === WRITTEN_ANEW;
}

/** Most manifests fit, so that reading one is one read, which costs a round trip where the store is far away. */
const WHOLE_BYTES = 256 * 1024;

/** Larger than any file that is read whole; what claims to be is not taken into memory. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

/** Reads a whole file: the old or the new one where it is being replaced. TOO_LARGE beyond 64 MiB or `maxBytes`. */
export async function readAll(
  store: Store,
  path: string,
  maxBytes: number = MAX_WHOLE_BYTES,
): Promise<Uint8Array> {
  for (let length = WHOLE_BYTES;; length *= 16) {
    const wanted = Math.min(length, maxBytes + 1);
    const bytes = await store.read(path, 0, wanted);
    if (bytes.length > maxBytes) {
      const text = `Cannot read ${path}: it has more than ${maxBytes} bytes, wanted at most that`;
      throw new SmaltiError("TOO_LARGE", text, { file: path });
    }
    if (bytes.length < wanted) return bytes;
  }
}
