/**
 * Recordings on a static web server, wherever there is `fetch`: to read only.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { RangeReader } from "../range_reader.ts";
import type { FileReader, ReadOptions } from "../store.ts";
import { WebDirectory } from "./web_directory.ts";

/**
 * Recordings on a web server, by HTTP range requests. A request that fails for want of the server is tried three times in
 * all.
 */
export class HttpStore implements FileReader {
  readonly url: string;
  readonly #web: WebDirectory;
  readonly #ranges: RangeReader;

  /** @param url A directory by `http:` or `https:`, with or without a slash at its end. */
  constructor(url: string) {
    this.#web = new WebDirectory(url);
    this.#ranges = new RangeReader(this.#web);
    this.url = this.#web.url;
  }

  // deno-lint-ignore require-await -- must reject, not throw
  async list(path: string): Promise<string[]> {
    this.#ranges.checkOpen();
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot list ${this.#web.shown(path)}: a web server does not tell what it has; ` +
        "name the sequence, as in `client.sequenceHandler(name)`",
      { file: path },
    );
  }

  size(path: string): Promise<number> {
    return this.#ranges.size(path);
  }

  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.#ranges.read(path, offset, length, options);
  }

  close(): Promise<void> {
    return this.#ranges.close();
  }
}
