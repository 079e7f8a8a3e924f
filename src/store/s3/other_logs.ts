import { putRecent } from "../../util/recent.ts";
import { Turns } from "../../util/turns.ts";
import type { Bucket } from "./bucket.ts";
import { lastEpoch, logKeys } from "./epochs.ts";
import { LogView } from "./log_view.ts";
import type { PendingFile } from "./pending_file.ts";

/** Directories whose logs are kept in memory. */
const MOST_KEPT = 16;

/** What others have written down who hold directories now. */
export class OtherLogs {
  readonly #bucket: Bucket;
  readonly #prefix: string;
  /** By directory, the one that was asked for last at the end. */
  readonly #views = new Map<string, LogView>();
  readonly #turns = new Map<string, Turns>();

  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  /** The log that a path is in, as it is now; undefined where nobody holds the directory. */
  async of(path: string): Promise<LogView | undefined> {
    const directory = directoryOf(path);
    const turns = this.#turns.get(directory) ?? new Turns();
    this.#turns.set(directory, turns);
    try {
      return await turns.take(() => this.#read(directory));
    } finally {
      if (turns.isIdle) this.#turns.delete(directory);
    }
  }

  /** A file as it was when its log was read last; undefined where that has none, or is not known. */
  known(path: string): PendingFile | undefined {
    return this.#views.get(directoryOf(path))?.files.get(path);
  }

  /** The log of a directory as it was read last, where the same writer holds it still. */
  async held(directory: string): Promise<LogView | undefined> {
    const view = this.#views.get(directory);
    if (!view) return undefined;
    const keys = logKeys(this.#prefix, directory);
    return (await lastEpoch(this.#bucket, keys, view.epoch.number))?.id === view.epoch.id ? view : undefined;
  }

  async #read(directory: string): Promise<LogView | undefined> {
    const keys = logKeys(this.#prefix, directory);
    for (;;) {
      const known = this.#views.get(directory);
      const epoch = await lastEpoch(this.#bucket, keys, known?.epoch.number);
      this.#views.delete(directory);
      if (epoch?.state !== "held") return undefined;
      try {
        const isKnown = known?.epoch.id === epoch.id;
        if (isKnown) await known.advance();
        const view = isKnown ? known : await LogView.read(this.#bucket, keys, epoch);
        putRecent(this.#views, directory, view, MOST_KEPT);
        return view;
      } catch (reason) {
        // Records go when all that they say was put in place.
        if ((await lastEpoch(this.#bucket, keys, epoch.number))?.id === epoch.id) throw reason;
      }
    }
  }
}

function directoryOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}
