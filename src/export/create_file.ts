import type * as FsPromises from "node:fs/promises";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";
import { builtin } from "../util/builtin.ts";

const { link, lstat, open, rename, unlink } = builtin<typeof FsPromises>("node:fs/promises");

/** What a file system says that has no hard links. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Creates a file for an export, on Deno, Bun and Node. It is written under another name beside it (`PATH.*.part`), and has
 * its own once all of it is on the disk, when the stream is closed. Where writing fails or is aborted nothing stays.
 *
 * Rejects with ALREADY_EXISTS where there is something at the path, NOT_FOUND where its directory is missing,
 * PERMISSION_DENIED, NO_SPACE, UNSUPPORTED where the runtime has no files, else IO; writing and closing with the same.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createFile, exportJsonLines } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportJsonLines(handler, await createFile("drive_log_01.ndjson"));
 * ```
 */
export async function createFile(path: string): Promise<WritableStream<Uint8Array>> {
  if (open === undefined) {
    throw new SmaltiError("UNSUPPORTED", `Cannot create ${path}: this runtime has no files`);
  }
  if (await exists(path)) throw alreadyExists(path);
  const temporary = temporaryName(path);
  return await newFile(temporary, path, () => moveToNew(temporary, path));
}

/** What is called so while something is written that will be at a path. */
export function temporaryName(path: string): string {
  return `${path}.${crypto.randomUUID()}.part`;
}

/** A stream into a new file, which `finish` gives its place once it is on the disk. Errors name the path that is `shown`. */
export async function newFile(
  file: string,
  shown: string,
  finish: () => Promise<void>,
): Promise<WritableStream<Uint8Array>> {
  const handle = await open(file, "wx").catch((reason) => {
    throw fileError(reason, "create", shown);
  });
  const discard = async () => {
    await handle.close().catch(() => {});
    await unlink(file).catch(() => {});
  };
  // A stream that has failed is told of no abort: it cleans up by itself.
  const orDiscard = (work: Promise<void>) =>
    work.catch(async (reason) => {
      await discard();
      throw fileError(reason, "write", shown);
    });
  return new WritableStream({
    write: (bytes) => orDiscard(writeAll(handle, bytes)),
    close: () =>
      orDiscard((async () => {
        await handle.sync();
        await handle.close();
        await finish();
      })()),
    abort: discard,
  });
}

async function writeAll(handle: FsPromises.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, null)).bytesWritten;
  }
}

/** Moves a file to a place where nothing is: `rename` would replace what came there meanwhile. */
async function moveToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (reason) {
    const { code = "" } = reason as { code?: string };
    if (code === "EEXIST") throw alreadyExists(to);
    if (!NO_LINKS.has(code)) throw reason;
    if (await exists(to)) throw alreadyExists(to);
    return await rename(from, to);
  }
  await unlink(from);
}

/** Whether there is anything at a path, be it a link to nothing. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (reason) {
    if ((reason as { code?: string }).code === "ENOENT") return false;
    throw fileError(reason, "create", path);
  }
}

/** The error for a path where something is. */
export function alreadyExists(path: string): SmaltiError {
  const text = `Cannot create ${path}: it is there already; wanted a path where nothing is`;
  return new SmaltiError("ALREADY_EXISTS", text, { file: path });
}
