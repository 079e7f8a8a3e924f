/**
 * Where bytes live. A store holds files by path (`/` between the parts, no leading one) and knows nothing of what
 * is in them. Paths come from names that were checked; a store does not check them again.
 *
 * Every failure is a SmaltiError: NOT_FOUND, ALREADY_EXISTS, LOCKED, PERMISSION_DENIED, NO_SPACE, IO, CLOSED; over a
 * network UNAUTHENTICATED and UNAVAILABLE too. `docs/stores.md` tells how to write one.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** Options of {@linkcode FileReader.read}. */
export interface ReadOptions {
  /** Stops a read that takes long: it rejects with the signal's reason. Stores whose reads are short do without. */
  signal?: AbortSignal;
  /**
   * Whose reads belong together, as any object: where another file has come to the path since the first read with the
   * same object, reading fails with IO: with the error of {@linkcode writtenAnew}, unless it may be of another recording.
   * Bytes of the old file may be given a moment longer, where another process brought the new one.
   */
  reader?: object;
  /** Whether the bytes may lie in a larger buffer that was used before; a store may always give fresh ones. @default false */
  mayReuse?: boolean;
  /**
   * Whether the bytes may be a view of a larger buffer of which others have other parts, as where reads share a request: who
   * has them changes nothing in it, and does not transfer it. Without `mayReuse`. @default false
   */
  mayShare?: boolean;
  /** Whether the bytes must be those that are there now, past caches on the way: of a file that is being written. @default false */
  fresh?: boolean;
  /**
   * Whether the file is one that is being written, to which bytes are added: those that a store knows of it already do, what
   * it knows nothing of is read as with `fresh`. @default false
   */
  grows?: boolean;
}

/** In which buffers bytes may be. */
export type BufferUse = Pick<ReadOptions, "mayReuse" | "mayShare">;

/** A file that was read whole, to be asked for again. */
export interface WholeFile {
  /** All of it. Nobody changes them. */
  readonly bytes: Uint8Array;
  /** What tells this state of the file from another, where the store has such. */
  readonly tag?: string | undefined;
}

/** What tells one state of a file from another, as far as the store says. */
export interface FileVersion {
  /** Its ETag, else the time it was changed. */
  readonly tag: string | undefined;
  /** Its bytes. */
  readonly size: number | undefined;
}

/** A range as it came: fewer bytes than were asked for where the file ends before. */
export interface FilePart {
  /** Where in the file it begins. */
  readonly offset: number;
  /** The caller's own. */
  readonly bytes: Uint8Array;
  /** The state of the file that they are of. */
  readonly version: FileVersion;
}

/** Options of {@linkcode FileReader.readPart}. */
export interface PartOptions {
  /** Stops it: it rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Of which state of the file the range is wanted: where it is another, reading fails with IO. @default any */
  tag?: string | undefined;
  /** Which state is known already: where it is still that one, nothing comes. @default none */
  unless?: string | undefined;
}

/** Tells when it is worth looking at files again. */
export interface FileWatch {
  /**
   * Resolves when something may have changed since the last call, or enough time has passed to look in any case. Rejects with
   * the signal's reason.
   */
  next(signal: AbortSignal): Promise<void>;
  /** Ends it. A second call does nothing. */
  close(): void;
}

/**
 * Files by path, to be read: what a web server can do. Recordings in one are opened by `connect(reader)`.
 *
 * All calls may run side by side.
 */
export interface FileReader {
  /** How messages name it: the directory, the URL, `memory:`. */
  readonly url: string;
  /**
   * Names directly below a directory, in no order; the root is `""`. Empty where the directory is not there; NOT_FOUND where
   * that is the root, since a store that nobody has written to and a misspelled one look alike. UNSUPPORTED where nobody knows.
   */
  list(path: string): Promise<string[]>;
  /** Bytes in a file; NOT_FOUND where there is none. */
  size(path: string): Promise<number>;
  /** A range of a file, as bytes that the caller owns, 8-byte aligned; fresh ones unless the options allow others. Fewer where the file ends before. */
  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  /**
   * How many reads ahead of need gain time now: none where bytes are there at once, as in the page cache, several where each
   * read takes long. @default 1
   */
  readonly readsAhead?: number;
  /**
   * Bytes that a request had better carry, where it is dear and reads that are asked for together share one. Replays then read
   * so much of a file at a time, as far as their memory allows. @default each read is a request
   */
  readonly sharedBytes?: number;
  /**
   * A small file as it is now, past caches on the way; `known` itself where that is still so, which a store that is far away
   * tells for less. Errors as {@linkcode readAll}. @default it is read each time
   */
  readNow?(path: string, known?: WholeFile): Promise<WholeFile>;
  /**
   * A range as it is now, at least one byte long, by one request where the store is far away, and which state of the file it is
   * of: for who passes files on. Undefined where that is still `unless`. @default nobody tells
   */
  readPart?(
    path: string,
    offset: number,
    length: number,
    options?: PartOptions,
  ): Promise<FilePart | undefined>;
  /** Watches a directory and all below it. @default who follows looks again from time to time */
  watch?(directory: string): FileWatch;
  /** Gives back what is held open. Every call after it but this one fails CLOSED. */
  close(): Promise<void>;
}

/** A file that is held open: its bytes can be read although another file has come to its path since, or none is there. */
export interface HeldFile {
  /** As {@linkcode FileReader.read}. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Lets go of it. A second call does nothing. */
  close(): Promise<void>;
}

/** A lock that is held: the right to change what is in a directory, until it is given back or lost. */
export interface StoreLease {
  /**
   * Aborts when the store learns that another has taken the lock, as after a process slept too long; its reason is a
   * SmaltiError LOCKED. What fails for that fails with the same error.
   */
  readonly lost: AbortSignal;
  /** Gives the lock back; not another's, where it was lost. A second call does nothing. */
  release(): Promise<void>;
}

/**
 * From when on what was written outlives the process: since its `sync` resolved, since the commit of its session, or never,
 * as in memory.
 */
export type Durability = "sync" | "commit" | "never";

/**
 * Files by path, to be read and written.
 *
 * A lease on `DIR/NAME` is for all that is in `DIR`. Once it is lost, and until it is released, this store changes nothing
 * there: `create`, `append`, `sync`, `replace`, `commit`, `move` and `remove` reject with LOCKED. Of these `commit` decides: the
 * others may go through for a moment that the store did not know of the loss, `commit` may not.
 */
export interface Store extends FileReader {
  /** What `sync` is good for here. @default "sync" */
  readonly durability?: Durability;
  /**
   * Whether a file that is held by `open` also gets what another store adds to it, when another file has come to its path by
   * then. Else who follows a sequence reads what is at the path. @default true
   */
  readonly holds?: boolean;
  /**
   * Whether changes go to a write-ahead log. Then a `replace` may be asked for while `sync`s are under way: it is seen only where
   * what was to be synced before it is, and they share a record of the log. Syncing early gains nothing, and `move` takes what was not synced too. @default false
   */
  readonly isLogged?: boolean;
  /** Makes an empty file, and the directories above it. ALREADY_EXISTS where there is one. */
  create(path: string): Promise<void>;
  /**
   * Adds to the end of a file that this store created; NOT_FOUND where there is none. The caller awaits one call for a
   * file before the next, and may change the bytes once it resolves. `read` and `size` of this store have them then; those of
   * another store on the same place may have them only after `sync`: until then they may be held back, to go out together.
   */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Cuts a file to its first bytes, so that a full disk has room at once; durable after `sync`. A store whose files only grow
   * has it not. NOT_FOUND.
   */
  truncate?(path: string, size: number): Promise<void>;
  /**
   * Resolves when all that was appended before is where `durability` says, and every store on the place reads it; NOT_FOUND
   * where there is no file. Calls for many files at once may share their work. Once the disk has failed it, it fails for good,
   * until another file takes the path.
   */
  sync(path: string): Promise<void>;
  /**
   * Resolves when a file to which nothing more is to be added is durable, as after `sync`: a store that held it in parts may
   * put them together now. @default as `sync`
   */
  seal?(path: string): Promise<void>;
  /**
   * Puts a whole file in place, durably, and makes the directories above it. Readers see the old or the new one and nothing
   * between; so does one call of `read`, in any process. The caller may change the bytes once it resolves.
   */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * As `replace`, for the file by which a directory's content counts: a sequence's manifest. Whatever was synced, replaced or
   * moved before is in place when the new file is seen. Where the caller's lease was lost, it rejects with LOCKED and the old
   * file stays, whoever else knows of that: it makes sure.
   */
  commit(path: string, bytes: Uint8Array): Promise<void>;
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
  lock(path: string): Promise<StoreLease>;
  /** Whether somebody living holds the lock: their description, or undefined. */
  lockedBy(path: string): Promise<string | undefined>;
  /**
   * Whether a path is a link to what lies elsewhere (a symbolic link): `remove` takes away the link alone. A store without
   * links has it not.
   */
  isLink?(path: string): Promise<boolean>;
  /** Gives back what the store holds open, locks too. Every call after it but this one fails CLOSED. */
  close(): Promise<void>;
}

/** The store that files are written by. UNSUPPORTED, saying `what` cannot be done, where they can only be read. */
export function writable(files: FileReader, what: string): Store {
  if ("append" in files) return files as Store;
  const how = /^https?:/i.test(files.url)
    ? "read only over HTTP"
    : /^s3:/i.test(files.url)
    ? "read only, wanted connect with s3: { write: true }"
    : "read only";
  throw new SmaltiError("UNSUPPORTED", `Cannot ${what} in ${files.url}: it is ${how}`);
}

/** The same store, of which every change fails with a reason. */
export function unchanging(store: Store, reason: SmaltiError): Store {
  const refuse = () => Promise.reject(reason);
  return {
    url: store.url,
    get readsAhead() {
      return store.readsAhead ?? 1;
    },
    ...(store.sharedBytes !== undefined && { sharedBytes: store.sharedBytes }),
    list: (path) => store.list(path),
    size: (path) => store.size(path),
    read: (path, offset, length, options) => store.read(path, offset, length, options),
    open: (path) => store.open(path),
    lockedBy: (path) => store.lockedBy(path),
    close: () => store.close(),
    create: refuse,
    append: refuse,
    sync: refuse,
    replace: refuse,
    commit: refuse,
    move: refuse,
    remove: refuse,
    lock: refuse,
  };
}

/** Ends a file, durably, see {@linkcode Store.seal}. */
export function seal(store: Store, path: string): Promise<void> {
  return store.seal?.(path) ?? store.sync(path);
}

const WRITTEN_ANEW = Symbol("smalti.writtenAnew");

/**
 * The error of a read whose file has been replaced since the first read with the same `reader`: readers that get it open the
 * file again and go on. IO.
 *
 * @param where The file as messages name it.
 * @param path The same as the store names it.
 */
export function writtenAnew(where: string, path: string): SmaltiError {
  const text = `Cannot read ${where}: the file was written anew since it was opened; open it again`;
  return new SmaltiError("IO", text, { file: path, cause: WRITTEN_ANEW });
}

/** Whether a failure says that a file was written anew: what was known of it is of no use, the same rows are in the new one. */
export function isWrittenAnew(reason: unknown): boolean {
  return reason instanceof SmaltiError && reason.cause === WRITTEN_ANEW;
}

const OTHER_FILE = Symbol("smalti.otherFile");

/**
 * The same where the store cannot tell whether the new file has the same rows: it may be of another recording. IO.
 *
 * @param where The file as messages name it.
 * @param path The same as the store names it.
 */
export function otherFile(where: string, path: string): SmaltiError {
  const text = `Cannot read ${where}: the file was written anew while it was read`;
  return new SmaltiError("IO", text, { file: path, cause: OTHER_FILE });
}

/** Whether a failure says that another file has come to a path, of the same recording or not. */
export function isOtherFile(reason: unknown): boolean {
  return reason instanceof SmaltiError && reason.cause === OTHER_FILE;
}

/** Most manifests fit, so that reading one is one read, which costs a round trip where the store is far away. */
export const WHOLE_BYTES: number = 256 * 1024;

/** Larger than any file that is read whole; what claims to be is not taken into memory. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

/** Reads a whole file: the old or the new one where it is being replaced. TOO_LARGE beyond 64 MiB or `maxBytes`. */
export async function readAll(
  files: FileReader,
  path: string,
  maxBytes: number = MAX_WHOLE_BYTES,
  options: ReadOptions = {},
): Promise<Uint8Array> {
  for (let length = WHOLE_BYTES;; length *= 16) {
    const wanted = Math.min(length, maxBytes + 1);
    const bytes = await files.read(path, 0, wanted, options);
    if (bytes.length > maxBytes) {
      const text = `Cannot read ${path}: it has more than ${maxBytes} bytes, wanted at most that`;
      throw new SmaltiError("TOO_LARGE", text, { file: path });
    }
    if (bytes.length < wanted) return bytes;
  }
}

/** Reads a whole file as it is now; `known` itself where the store says that it is still so. Errors as {@linkcode readAll}. */
export async function readNow(files: FileReader, path: string, known?: WholeFile): Promise<WholeFile> {
  return await files.readNow?.(path, known) ?? { bytes: await readAll(files, path) };
}
