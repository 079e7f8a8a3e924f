/**
 * Recordings on a static web server, wherever there is `fetch`: to read only.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { RangeReader } from "../range_reader.ts";
import {
  type FilePart,
  type FileReader,
  type FileWatch,
  otherFile,
  type PartOptions,
  readAll,
  type ReadOptions,
  WHOLE_BYTES,
  type WholeFile,
} from "../store.ts";
import { ChangeEvents } from "./change_events.ts";
import { decodeDirectories, INDEX } from "./store_index.ts";
import { WebDirectory } from "./web_directory.ts";

/** Whether a file is not there. Buckets that nobody may list refuse what is not there. */
function isMissing(reason: unknown): boolean {
  return reason instanceof SmaltiError &&
    (reason.code === "NOT_FOUND" || reason.code === "PERMISSION_DENIED");
}

/**
 * Recordings on a web server, by HTTP range requests. A request that fails for want of the server is tried three times in
 * all.
 */
export class HttpStore implements FileReader {
  readonly url: string;
  readonly #web: WebDirectory;
  readonly #ranges: RangeReader;
  readonly #events: ChangeEvents;

  /** @param url A directory by `http:` or `https:`, with or without a slash at its end. */
  constructor(url: string) {
    this.#web = new WebDirectory(url);
    this.#ranges = new RangeReader(this.#web);
    this.#events = new ChangeEvents(this.#web);
    this.url = this.#web.url;
  }

  /** What the root's `index.json` names; UNSUPPORTED where there is none, and below the root. */
  async list(path: string): Promise<string[]> {
    this.#ranges.checkOpen();
    if (path === "") {
      try {
        return decodeDirectories((await this.readNow(INDEX)).bytes, this.#web.shown(INDEX));
      } catch (reason) {
        if (!isMissing(reason)) throw reason;
      }
    }
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot list ${this.#web.shown(path)}: a web server does not tell what it has; ` +
        "name the sequence, as in `client.sequenceHandler(name)`, or put an index there by `smalti ls --write-index`",
      { file: path },
    );
  }

  size(path: string): Promise<number> {
    return this.#ranges.size(path);
  }

  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.#ranges.read(path, offset, length, options);
  }

  async readNow(path: string, known?: WholeFile): Promise<WholeFile> {
    const part = await this.readPart(path, 0, WHOLE_BYTES, { unless: known?.tag });
    if (!part) return known!;
    const { bytes, version: { tag } } = part;
    if (bytes.length < WHOLE_BYTES) return { bytes, tag };
    // Who reads on may come to the next state of it, which has another tag.
    return { bytes: await readAll(this, path, undefined, { fresh: true }) };
  }

  async readPart(
    path: string,
    offset: number,
    length: number,
    { signal, tag, unless }: PartOptions = {},
  ): Promise<FilePart | undefined> {
    const part = await this.#ranges.untilClosed(
      (signal) => this.#web.readPart(path, offset, length, unless, signal),
      signal,
    );
    if (!part || tag === undefined || part.version.tag === tag) return part;
    throw otherFile(this.#web.shown(path), path);
  }

  watch(directory: string): FileWatch {
    this.#ranges.checkOpen();
    return this.#events.watch(directory);
  }

  close(): Promise<void> {
    this.#events.close();
    return this.#ranges.close();
  }
}
