import { Turns } from "../../util/turns.ts";
import type { Bucket } from "./bucket.ts";
import { lastEpoch, logKeys } from "./epochs.ts";
import { LogView } from "./log_view.ts";

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
    const directory = path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
    const turns = this.#turns.get(directory) ?? new Turns();
    this.#turns.set(directory, turns);
    try {
      return await turns.take(() => this.#read(directory));
    } finally {
      if (turns.isIdle) this.#turns.delete(directory);
    }
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
        this.#views.set(directory, view);
        const [oldest] = this.#views.keys();
        if (this.#views.size > MOST_KEPT) this.#views.delete(oldest);
        return view;
      } catch (reason) {
        // Records go when all that they say was put in place.
        if ((await lastEpoch(this.#bucket, keys, epoch.number))?.id === epoch.id) throw reason;
      }
    }
  }
}
