/**
 * Where bytes live. A store holds files by path (`/` between the parts, no leading one) and knows nothing of what
 * is in them. Paths come from names that were checked; a store does not check them again.
 *
 * Every failure is a SmaltiError: NOT_FOUND, ALREADY_EXISTS, LOCKED, PERMISSION_DENIED, NO_SPACE, IO, CLOSED.
 *
 * @module
 */

/** A held lock. */
export interface StoreLock {
  /** Gives the lock back. A second call does nothing. */
  release(): Promise<void>;
}

/** Files by path. */
export interface Store {
  /** How messages name it: the directory, the URL, `memory:`. */
  readonly url: string;
  /** Names directly below a directory, in no order; the root is `""`. Empty where the directory is not there. */
  list(path: string): Promise<string[]>;
  /** Bytes in a file; NOT_FOUND where there is none. */
  size(path: string): Promise<number>;
  /** A range of a file, as fresh bytes that the caller owns, 8-byte aligned. Fewer where the file ends before. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Makes an empty file, and the directories above it. ALREADY_EXISTS where there is one. */
  create(path: string): Promise<void>;
  /** Adds to the end of a file that this store created; calls for one file are made one after another. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was appended would survive a loss of power. Once it failed it fails for good. */
  sync(path: string): Promise<void>;
  /** Puts a whole file in place, durably, so that readers see the old or the new one and nothing between. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file or a directory with all below it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Takes the lock that a path stands for; LOCKED, saying who holds it, where another living writer has it. */
  lock(path: string): Promise<StoreLock>;
  /** Whether somebody living holds the lock: their description, or undefined. */
  lockedBy(path: string): Promise<string | undefined>;
  /** Gives back what the store holds open. */
  close(): Promise<void>;
}

/** Reads a whole file. */
export async function readAll(store: Store, path: string): Promise<Uint8Array> {
  return await store.read(path, 0, await store.size(path));
}
