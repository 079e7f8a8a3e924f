import { isNotFound, SmaltiError } from "../../error.ts";
import { type FilePart, type FileReader, otherFile } from "../../store/store.ts";
import type { AskedPart, ShownFile, ShownFiles } from "./shown_files.ts";

/** A request each. */
const PIECE_BYTES = 4 * 2 ** 20;

/** A store that is far away. */
export type FarStore = FileReader & Required<Pick<FileReader, "readPart">>;

/**
 * Files of a store that is far away, passed on: what a page asks for is asked of the store as it is, a request for a request,
 * and nothing is kept.
 */
export class FarFiles implements ShownFiles {
  readonly #files: FarStore;
  readonly #written: FileReader | undefined;

  /** @param written What has files that are being written, where `files` does not. */
  constructor(files: FarStore, written?: FileReader) {
    this.#files = files;
    this.#written = written;
  }

  async open(parts: readonly string[], asked: AskedPart = {}): Promise<ShownFile | undefined> {
    const path = parts.join("/");
    const options = asked.signal && { signal: asked.signal };
    const { offset, length } = firstPiece(asked.range);
    const unless = tagIn(asked.unless);
    let part: FilePart | undefined;
    try {
      part = await this.#files.readPart(path, offset, length, { ...options, unless });
    } catch (reason) {
      if (isNotFound(reason)) return await this.#openWritten(path, offset, length, options);
      const isRefused = reason instanceof SmaltiError && reason.code === "PERMISSION_DENIED";
      // Who may not list a bucket is refused what is not there, as `viewer.json` mostly is.
      if (isRefused && parts.length === 1) return undefined;
      throw reason;
    }
    // What is still the same is not looked into.
    if (!part) return shown(0, unless, () => Promise.reject(otherFile(path, path)));
    const { tag } = part.version;
    const size = part.version.size ?? await this.#files.size(path);
    const read = async (offset: number, length: number) => {
      const next = await this.#files.readPart(path, offset, length, { ...options, tag });
      return next!.bytes;
    };
    return shown(size, tag, startingWith(part, read));
  }

  isShown(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** A file that somebody is writing: nothing tells its states apart, and it only grows. */
  async #openWritten(
    path: string,
    offset: number,
    length: number,
    options: { signal?: AbortSignal } | undefined,
  ): Promise<ShownFile | undefined> {
    const files = this.#written;
    if (!files) return undefined;
    const read = (offset: number, length: number) =>
      files.read(path, offset, length, { ...options, grows: true });
    try {
      const bytes = await read(offset, length);
      const isAll = offset === 0 && bytes.length < length;
      const size = isAll ? bytes.length : await files.size(path);
      return shown(size, undefined, startingWith({ offset, bytes }, read));
    } catch (reason) {
      if (isNotFound(reason)) return undefined;
      throw reason;
    }
  }
}

type Read = ShownFile["read"];

function shown(size: number, tag: string | undefined, read: Read): ShownFile {
  // A server without ETags tells a time.
  const isTag = tag !== undefined && /^(W\/)?"/.test(tag);
  const told = isTag ? { tag } : { tag: undefined, modified: tag };
  return { size, ...told, pieceBytes: PIECE_BYTES, read, close: () => Promise.resolve() };
}

/** Reads of which the first is at hand. */
function startingWith(first: Pick<FilePart, "offset" | "bytes">, read: Read): Read {
  return async (offset, length) => {
    const { bytes } = first;
    const at = offset - first.offset;
    return at >= 0 && at < bytes.length ? bytes.subarray(at, at + length) : await read(offset, length);
  };
}

/** What to ask for before it is known how large the file is. */
function firstPiece(range: string | undefined): { offset: number; length: number } {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range ?? "") ?? [];
  // The last bytes are asked for once it is.
  if (from === "" && to !== "") return { offset: 0, length: 1 };
  const first = Number(from ?? 0);
  const last = to ? Number(to) : Infinity;
  if (!Number.isSafeInteger(first) || last < first) return { offset: 0, length: PIECE_BYTES };
  return { offset: first, length: Math.min(last - first + 1, PIECE_BYTES) };
}

/** The one tag of a condition that a store can be asked by. */
function tagIn(condition: string | undefined): string | undefined {
  return condition !== undefined && /^(W\/)?"[^"]*"$/.test(condition.trim()) ? condition.trim() : undefined;
}
