import type * as FsPromises from "node:fs/promises";
import { builtin } from "../util/builtin.ts";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";

const { open } = builtin<typeof FsPromises>("node:fs/promises");

/** Bytes read at once. */
const CHUNK_BYTES = 1 << 18;

/** A file to be read from its beginning to its end. */
export interface OpenedFile {
  /** Its path, as given. */
  readonly name: string;
  /** Its bytes when it was opened; undefined for a pipe or a device. */
  readonly sizeBytes: number | undefined;
  /** Its bytes in order, each chunk the reader's to keep. Every walk over them opens the file, and closes it at its end. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Whether they can be walked over again: not those of a pipe or a device. */
  readonly isRepeatable: boolean;
}

/**
 * Finds a file for an import and sees that it can be read, on Deno, Bun and Node. Nothing is held open until its chunks
 * are read.
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
  const { handle, sizeBytes } = await openHandle(path);
  await handle.close();
  const chunks = { [Symbol.asyncIterator]: () => readChunks(path) };
  return { name: path, sizeBytes, chunks, isRepeatable: sizeBytes !== undefined };
}

async function openHandle(
  path: string,
): Promise<{ handle: FsPromises.FileHandle; sizeBytes: number | undefined }> {
  if (open === undefined) {
    throw new SmaltiError("UNSUPPORTED", `Cannot open ${path}: this runtime has no files`);
  }
  let handle: FsPromises.FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const found = await handle.stat();
    if (found.isDirectory()) {
      throw new SmaltiError("INVALID_ARGUMENT", `Cannot open ${path}: it is a directory`, { file: path });
    }
    return { handle, sizeBytes: found.isFile() ? found.size : undefined };
  } catch (reason) {
    await handle?.close();
    throw fileError(reason, "open", path);
  }
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const { handle } = await openHandle(path);
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
