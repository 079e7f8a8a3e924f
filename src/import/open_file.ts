import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import { builtin } from "../util/builtin.ts";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";

const { open, stat } = builtin<typeof FsPromises>("node:fs/promises");
const fs = builtin<typeof Fs>("node:fs");

/** Bytes read at once. */
const CHUNK_BYTES = 1 << 18;

/** A file to be read from its beginning to its end. */
export interface OpenedFile {
  /** Its path, as given. */
  readonly name: string;
  /** Its bytes when it was opened; undefined for a pipe or a device. */
  readonly sizeBytes: number | undefined;
  /**
   * Its bytes in order, each chunk the reader's to keep. Every walk over them opens the file, and closes it at its end; of a
   * pipe or a device there is one walk.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Whether it is a pipe or a device, which cannot be read again. */
  readonly isLive: boolean;
  /** Whether they can be walked over again: not those of a pipe or a device. */
  readonly isRepeatable: boolean;
  /** The bytes from a place on; not of a pipe or a device. Opens the file each time. */
  readonly read?: (offset: number, length: number) => Promise<Uint8Array>;
  /** All bytes of the file beside it whose name has this at its end; undefined where there is none. */
  readonly beside?: (suffix: string, maxBytes: number) => Promise<Uint8Array | undefined>;
}

/**
 * Finds a file for an import and sees that it can be read, on Deno, Bun and Node. Nothing is held open until its chunks
 * are read. A named pipe is not opened before either: its writer would lose what it writes.
 *
 * Rejects with NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT where the path is a directory, UNSUPPORTED where the runtime
 * has no files, else IO; reading the chunks with the same.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importMcap, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * await importMcap(client, await openFile("flight.mcap"), { name: "flight" });
 * ```
 */
export async function openFile(path: string): Promise<OpenedFile> {
  if (open === undefined) {
    throw new SmaltiError("UNSUPPORTED", `Cannot open ${path}: this runtime has no files`);
  }
  const chunks = { [Symbol.asyncIterator]: () => readChunks(path) };
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new SmaltiError("INVALID_ARGUMENT", `Cannot open ${path}: it is a directory`, { file: path });
    }
    if (found.isFIFO()) {
      const walk = { [Symbol.asyncIterator]: () => wakeable(readChunks(path), path) };
      return { name: path, sizeBytes: undefined, chunks: walk, isLive: true, isRepeatable: false };
    }
    if (!found.isFile()) {
      return { name: path, sizeBytes: undefined, chunks, isLive: true, isRepeatable: false };
    }
    const handle = await open(path, "r");
    await handle.close();
    return {
      name: path,
      sizeBytes: found.size,
      chunks,
      isLive: false,
      isRepeatable: true,
      read: (offset, length) => readAt(path, offset, length),
      beside: (suffix, maxBytes) => readBeside(path + suffix, maxBytes),
    };
  } catch (reason) {
    throw fileError(reason, "open", path);
  }
}

async function readAt(path: string, offset: number, length: number): Promise<Uint8Array> {
  let handle: FsPromises.FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await handle.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } catch (reason) {
    throw fileError(reason, "read", path);
  } finally {
    await handle?.close();
  }
}

async function readBeside(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  let size;
  try {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    size = found.size;
  } catch (reason) {
    if ((reason as { code?: string }).code === "ENOENT") return undefined;
    throw fileError(reason, "read", path);
  }
  if (size > maxBytes) {
    throw new SmaltiError("TOO_LARGE", `${path} has ${size} bytes and at most ${maxBytes} are read`, {
      file: path,
    });
  }
  return await readAt(path, 0, size);
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path, "r").catch((reason) => {
    throw fileError(reason, "open", path);
  });
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (reason) {
    throw fileError(reason, "read", path);
  } finally {
    await handle.close();
  }
}

/**
 * A walk over a named pipe that can be given up while it waits: a thread that waits for the pipe would keep the process from
 * ending (Node). A byte of our own, which nobody sees any more, wakes it.
 */
function wakeable(walk: AsyncGenerator<Uint8Array>, path: string): AsyncIterator<Uint8Array> {
  let isWaiting = false;
  return {
    async next() {
      isWaiting = true;
      try {
        return await walk.next();
      } finally {
        isWaiting = false;
      }
    },
    return() {
      if (isWaiting) wake(path);
      return walk.return(undefined);
    },
  };
}

function wake(path: string): void {
  try {
    const { O_WRONLY, O_NONBLOCK } = fs.constants;
    const handle = fs.openSync(path, O_WRONLY | O_NONBLOCK);
    fs.writeSync(handle, "\n");
    fs.closeSync(handle);
  } catch {
    // Nobody waits for it, or it is gone.
  }
}
