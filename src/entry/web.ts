/**
 * `smalti/slim` for the viewer's worker, which reads a web server as a rule: what does so comes along, not as a file that is
 * asked for later.
 *
 * @module
 */
import { type Connect, createConnect, inStore } from "../connect.ts";
import { fileNameOf } from "../embedded/file_names.ts";
import { MANIFEST } from "../embedded/manifest.ts";
import { OTHER_SCHEMES } from "../other_schemes.ts";
import { HttpStore } from "../store/http/http_store.ts";
import type { WholeFile } from "../store/store.ts";

export * from "../api.ts";

/** As `connect` of `smalti/slim`, for who opens one sequence at once: its manifest is asked for while the engine is loaded. */
export function connectFor(sequence?: string): Connect {
  const web = inStore((url) => sequence === undefined ? new HttpStore(url) : new EarlyStore(url, sequence));
  return createConnect({ schemes: { ...OTHER_SCHEMES, http: web, https: web } });
}

/** A web server of which one file is asked for at once, for who reads it first. */
class EarlyStore extends HttpStore {
  readonly #path: string;
  #file: Promise<WholeFile> | undefined;

  constructor(url: string, sequence: string) {
    super(url);
    this.#path = `${fileNameOf(sequence)}/${MANIFEST}`;
    this.#file = super.readNow(this.#path);
    this.#file.catch(() => {}); // told of to who reads it
  }

  override async readNow(path: string, known?: WholeFile): Promise<WholeFile> {
    const file = path === this.#path ? this.#file : undefined;
    if (!file) return await super.readNow(path, known);
    this.#file = undefined;
    return await file;
  }
}
