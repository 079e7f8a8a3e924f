/**
 * Lock files: one living holder at a time, on this host or another.
 *
 * A holder that can be found as a process (same boot, same PID namespace) lives as long as the process. Of all others the
 * heartbeat alone tells: the time of the lock's last change, which the holder renews.
 *
 * Several may find a holder gone at once, and no system removes or replaces a file only if it is still the one that was
 * looked at. So whoever takes over from the lock with an id claims it first:
 *
 * 1. It creates `LOCK.ID.1`, or, where the claimant of that is gone too, `LOCK.ID.2` and so on: exclusively, so that each
 *    number has one claimant.
 * 2. It removes `LOCK.OWN.new` of the claimants before it (a fence): theirs are then of no use any more.
 * 3. It looks at the lock again. If that is another by now, or its holder is heard of again, it gives its claim up.
 * 4. It renames its own `LOCK.OWN.new` to the lock, which fails where a later claimant has removed it, and then removes
 *    the claims.
 *
 * While the lock has that id, claims are only added. So of two claimants who both come to step 4, the later has fenced the
 * earlier before it looked at the lock. If the earlier had renamed by then, the later saw another lock; if not, the
 * earlier's file is gone. In either case one of them takes the lock, however long any of them sleeps between two steps.
 *
 * A holder that slept finds out that it lost the lock: before it changes anything after a silence, and before each commit, it
 * renews the heartbeat and then looks whose lock it is. A file system has no write that depends on another file, so one that
 * falls asleep between that look and its write is not stopped.
 *
 * @module
 */
import type * as FsPromises from "node:fs/promises";
import type * as Path from "node:path";
import type * as Timers from "node:timers";
import { builtin } from "../../util/builtin.ts";
import { SmaltiError } from "../../error.ts";
import type { StoreLease } from "../store.ts";
import { describeSelf, isAlive, nameOf, parseHolder, SILENCE_MS } from "./lock_holder.ts";

// Empty where there are no files, and so no locks on them.
const { link, open, readdir, rename, stat, unlink } = builtin<typeof FsPromises>("node:fs/promises");
const { basename, dirname, join } = builtin<typeof Path>("node:path");
const { clearInterval, setInterval } = builtin<typeof Timers>("node:timers");

/** How often a lock's holder says that it lives, in milliseconds. */
const HEARTBEAT_MS = 2_000;
/** How long a holder need not look whether it is the holder still: nobody takes over from one that was heard of since. */
const TRUSTED_MS = 2 * HEARTBEAT_MS;

/** A lock file as it was found. */
interface LockFile {
  id: string;
  /** Who holds it; undefined where they are gone. */
  holder: string | undefined;
}

/** Takes the lock that a file at `path` stands for. LOCKED, saying who holds it, where a living holder does. */
export async function takeLock(path: string): Promise<HeldLock> {
  const id = crypto.randomUUID();
  const text = JSON.stringify({ ...describeSelf(), id });
  const own = ownFile(path, id);
  await writeNew(own, text);
  try {
    await acquire(path, id, text);
  } finally {
    await unlink(own).catch(() => {});
  }
  return new HeldLock(path, id, await openHeld(path, id));
}

/** A lock that is held, with its heartbeat. */
export class HeldLock implements StoreLease {
  readonly #path: string;
  readonly #id: string;
  readonly #handle: FsPromises.FileHandle;
  readonly #lost = new AbortController();
  /** When it was last known to be held, by the clock that goes on while a machine sleeps. */
  #heldMs = Date.now();
  readonly #beat: ReturnType<typeof setInterval>;

  constructor(path: string, id: string, handle: FsPromises.FileHandle) {
    this.#path = path;
    this.#id = id;
    this.#handle = handle;
    this.#beat = setInterval(() => this.confirm().catch(() => {}), HEARTBEAT_MS); // who changes something is told
    this.#beat.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Rejects once the lock is lost. Looks at the file where that was not done for a while, since another may have come. */
  async check(): Promise<void> {
    if (this.lost.aborted || Math.abs(Date.now() - this.#heldMs) > TRUSTED_MS) await this.confirm();
  }

  /** Says that the holder lives, and then looks whether it is the holder still: LOCKED where it is not. */
  async confirm(): Promise<void> {
    this.lost.throwIfAborted();
    const now = new Date();
    const isSaid = await this.#handle.utimes(now, now).then(() => true, () => false);
    const found = await look(this.#path);
    if (found?.id !== this.#id) {
      const by = found ? `${found.holder ?? "another"} has taken it over` : "its file is gone";
      const error = new SmaltiError("LOCKED", `The lock ${this.#path} was lost: ${by}`);
      this.#lost.abort(error);
      throw error;
    }
    if (isSaid) this.#heldMs = now.getTime();
  }

  /** Closes its file, which is about to be removed: it says no more that its holder lives. */
  async letGo(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  async release(): Promise<void> {
    clearInterval(this.#beat);
    await this.letGo();
    await giveBack(this.#path, this.#id).catch(() => {});
  }
}

/** Opens the lock that was taken. */
async function openHeld(path: string, id: string): Promise<FsPromises.FileHandle> {
  let handle: FsPromises.FileHandle | undefined;
  try {
    handle = await open(path, "r+");
    if (parseHolder(await handle.readFile("utf8")).id !== id) {
      throw locked(path, "another has taken it meanwhile");
    }
    return handle;
  } catch (reason) {
    await handle?.close().catch(() => {});
    await giveBack(path, id).catch(() => {});
    throw reason;
  }
}

/** Who holds a lock, if they live; undefined for a holder that is gone, and where there is no lock. */
export async function holderOf(path: string): Promise<string | undefined> {
  return (await look(path))?.holder;
}

async function acquire(path: string, id: string, text: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await putNew(path, id, path, text)) return;
    const found = await look(path);
    if (!found) continue; // given back since
    if (found.holder) throw locked(path, `held by ${found.holder}`);
    if (await takeOver(path, found.id, id, text)) return;
  }
  throw locked(path, "others keep taking it");
}

/** Takes over from a holder that is gone; false where another was first. */
async function takeOver(path: string, stale: string, id: string, text: string): Promise<boolean> {
  const claims: string[] = [];
  while (true) {
    const claim = claimFile(path, stale, claims.length + 1);
    claims.push(claim);
    if (await putNew(path, id, claim, text)) break;
    const other = await look(claim);
    if (!other) return false; // it has done
    if (other.holder) throw locked(path, `held by ${other.holder}`);
    await unlink(ownFile(path, other.id)).catch(unlessMissing);
  }
  const now = await look(path);
  // Its holder may have woken up since.
  const isStale = now?.id === stale && now.holder === undefined;
  if (isStale) {
    try {
      await rename(ownFile(path, id), path);
    } catch (reason) {
      if (!isMissing(reason)) throw reason;
      throw locked(path, "another has taken it meanwhile");
    }
  }
  for (const claim of claims) await unlink(claim).catch(() => {});
  if (isStale) await tidy(path, id).catch(() => {});
  return isStale;
}

/**
 * Removes the lock unless another has taken it over: after silence for too long, as of a laptop that slept, it is another's.
 * A claim keeps others from taking it over now; where there cannot be one (no links, a full disk) that is left to chance.
 */
async function giveBack(path: string, id: string): Promise<void> {
  const claim = claimFile(path, id, 1);
  const isClaimed = await link(path, claim).then(() => true, (reason) => {
    if (codeOf(reason) === "EEXIST" || isMissing(reason)) throw reason;
    return false;
  });
  if ((await look(path))?.id === id) await unlink(path);
  if (isClaimed) await unlink(claim);
}

/** Removes what takers left that died on the way: by now it is of no use to anybody. */
async function tidy(path: string, id: string): Promise<void> {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix) || name.startsWith(`${prefix}${id}`)) continue;
    const file = join(directory, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity })); // gone since
    if (Date.now() - mtimeMs > SILENCE_MS) await unlink(file).catch(() => {});
  }
}

/** The file that a taker prepares. Named after its id, so that others can take it away from them. */
function ownFile(path: string, id: string): string {
  return `${path}.${id}.new`;
}

function claimFile(path: string, id: string, number: number): string {
  return `${path}.${id}.${number}`;
}

/**
 * Puts a taker's file at a path where nothing is; false where something is. By a link, so that no crash leaves a lock
 * without its holder: that one would count as held for a while.
 */
async function putNew(path: string, id: string, target: string, text: string): Promise<boolean> {
  try {
    await link(ownFile(path, id), target);
    return true;
  } catch (reason) {
    if (codeOf(reason) === "EEXIST") return false;
    if (isMissing(reason)) throw reason;
    // Not every file system has links.
    return await writeNew(target, text);
  }
}

/** Writes a file that must not be there yet; false where it is. */
async function writeNew(path: string, text: string): Promise<boolean> {
  let handle: FsPromises.FileHandle;
  try {
    handle = await open(path, "wx");
  } catch (reason) {
    if (codeOf(reason) === "EEXIST") return false;
    throw reason;
  }
  try {
    await handle.writeFile(text);
    return true;
  } catch (reason) {
    await unlink(path);
    throw reason;
  } finally {
    await handle.close();
  }
}

/** Looks at a lock or a claim; undefined where there is none. IO where something else is in its place. */
async function look(path: string): Promise<LockFile | undefined> {
  try {
    // Before it is opened: a pipe would keep that waiting for its other end.
    if (!(await stat(path)).isFile()) {
      throw new SmaltiError("IO", `Cannot read the lock ${path}: it is not a regular file`);
    }
    const handle = await open(path, "r");
    try {
      const { mtimeMs, ino } = await handle.stat();
      const text = await handle.readFile("utf8");
      const holder = parseHolder(text);
      // Without an id of its own, it is known by the file it is.
      const id = /^[0-9a-f-]{36}$/.test(holder.id ?? "") ? holder.id! : `${ino}-${mtimeMs}-${text.length}`;
      return { id, holder: isAlive(holder, mtimeMs) ? nameOf(holder) : undefined };
    } finally {
      await handle.close();
    }
  } catch (reason) {
    if (isMissing(reason)) return undefined;
    throw reason;
  }
}

function locked(path: string, why: string): SmaltiError {
  return new SmaltiError("LOCKED", `Cannot lock ${path}: ${why}`);
}

function codeOf(reason: unknown): string | undefined {
  return (reason as { code?: string }).code;
}

function isMissing(reason: unknown): boolean {
  return codeOf(reason) === "ENOENT";
}

function unlessMissing(reason: unknown): void {
  if (!isMissing(reason)) throw reason;
}
