import type { Run, RunOptions, RunSource } from "../backend.ts";
import type { Window } from "../types.ts";
import type { TopicIndex } from "./topic_index.ts";

/** A file whose batches are to be walked. */
interface IndexedFile {
  readonly index: TopicIndex;
  readBatch(number: number, signal: AbortSignal, mayReuse: boolean): Promise<Uint8Array>;
  openRun(number: number, bytes: Promise<Uint8Array>, window: Window): Promise<Run | undefined>;
}

/** Walks a topic's batches by their first time, ties by number. */
export class FileRuns implements RunSource {
  readonly #file: IndexedFile;
  readonly #window: Window;
  readonly #signal: AbortSignal | undefined;
  readonly #mayReuse: boolean;
  /** Numbers of the batches that are walked. */
  readonly #order: number[];
  #at = 0;
  #ahead: Promise<Uint8Array> | undefined;
  /** Stops the reads that nobody waits for any longer. */
  readonly #stop = new AbortController();

  constructor(
    file: IndexedFile,
    window: Window,
    signal: AbortSignal | undefined,
    { isWanted = () => true, mayReuse = false }: RunOptions = {},
  ) {
    const { firstNs, lastNs } = file.index;
    this.#file = file;
    this.#window = window;
    this.#signal = signal;
    this.#mayReuse = mayReuse;
    this.#order = [...firstNs.keys()].filter((i) =>
      firstNs[i] <= window.lastNs && lastNs[i] >= window.firstNs && isWanted(i)
    );
    // Sorted already unless rows came late.
    this.#order.sort((a, b) => (firstNs[a] < firstNs[b] ? -1 : firstNs[a] > firstNs[b] ? 1 : a - b));
  }

  get nextNs(): bigint | undefined {
    if (this.#at >= this.#order.length) return undefined;
    const first = this.#file.index.firstNs[this.#order[this.#at]];
    return first > this.#window.firstNs ? first : this.#window.firstNs;
  }

  get nextBytes(): number {
    const { length, rows } = this.#file.index;
    const number = this.#order[this.#at];
    return number === undefined ? 0 : length[number] + rows[number] * BigInt64Array.BYTES_PER_ELEMENT;
  }

  prefetch(): void {
    if (this.#ahead || this.#at >= this.#order.length) return;
    this.#ahead = this.#read(this.#order[this.#at]);
    this.#ahead.catch(() => {}); // open() reports it
  }

  async open(): Promise<Run | undefined> {
    this.#signal?.throwIfAborted();
    const number = this.#order[this.#at];
    const bytes = this.#ahead ?? this.#read(number);
    this.#ahead = undefined;
    this.#at++;
    try {
      return await this.#file.openRun(number, bytes, this.#window);
    } catch (reason) {
      this.#signal?.throwIfAborted();
      // Closed while it waited: there is nothing more to come.
      if (this.#stop.signal.aborted) return undefined;
      throw reason;
    }
  }

  #read(number: number): Promise<Uint8Array> {
    return this.#file.readBatch(number, this.#stop.signal, this.#mayReuse);
  }

  close(): void {
    this.#at = this.#order.length;
    this.#ahead = undefined;
    this.#stop.abort();
  }
}
