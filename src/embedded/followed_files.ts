import type { FileReader, FileWatch, HeldFile, Store } from "../store/store.ts";
import { pause } from "../util/pause.ts";
import { mayHold, UnheldFile } from "./growing_file.ts";
import type { Manifest } from "./manifest.ts";
import { LOCK } from "./remove_sequence.ts";
import { hasOtherDirectory } from "./replace_sequence.ts";

/** How long a follower waits before it looks again, in ms: at files that are at hand... */
const POLL_MS = 50;
/** ...and far away, where nothing tells of changes. */
const FAR_POLL_MS = 1000;

/** How long a writer counts as alive where it takes requests to know, in ms: so much later its end is seen. */
const ALIVE_MS = 1000;

/** The files of a sequence that is followed, in a store that tells whether its writer lives, or in one that only reads. */
export class FollowedFiles {
  readonly files: FileReader;
  readonly #sequence: Pick<Manifest, "name" | "place" | "directory">;
  readonly #store: Store | undefined;
  readonly #watch: FileWatch | undefined;
  /** Until when it is believed that somebody writes. */
  #aliveUntilMs = -Infinity;

  constructor(files: FileReader, sequence: Pick<Manifest, "name" | "place" | "directory">) {
    this.files = files;
    this.#sequence = sequence;
    this.#store = "lockedBy" in files ? files as Store : undefined;
    this.#watch = files.watch?.(sequence.place);
  }

  /** Whether files stay there for who opened them. */
  get areHeld(): boolean {
    return mayHold(this.files);
  }

  /** Whether somebody holds the sequence's lock. */
  async writer(): Promise<"alive" | "gone" | "unknown"> {
    if (!this.#store) return "unknown";
    this.#aliveUntilMs = -Infinity;
    if (await this.#store.lockedBy(`${this.#sequence.place}/${LOCK}`) === undefined) return "gone";
    if (this.files.sharedBytes !== undefined) this.#aliveUntilMs = performance.now() + ALIVE_MS;
    return "alive";
  }

  /** The same for who looks again and again; where requests are dear, that somebody writes is believed for a while. */
  async lastWriter(): Promise<"alive" | "gone" | "unknown"> {
    return performance.now() < this.#aliveUntilMs ? "alive" : await this.writer();
  }

  /** Whether who holds the lock adds nothing to this sequence, but records another that is to take its place. */
  async isBeingReplaced(): Promise<boolean> {
    return hasOtherDirectory(this.#sequence, await this.files.list(this.#sequence.place));
  }

  /** Opens a file that grows. NOT_FOUND, at once or when it is read. */
  async open(path: string): Promise<HeldFile> {
    return this.#store && this.areHeld ? await this.#store.open(path) : new UnheldFile(this.files, path);
  }

  /** Waits until it is worth looking again; rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void> {
    return this.#watch?.next(signal) ?? pause(this.#store ? POLL_MS : FAR_POLL_MS, signal);
  }

  /** Waits no longer. */
  close(): void {
    this.#watch?.close();
  }
}
