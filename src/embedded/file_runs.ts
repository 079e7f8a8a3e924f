import type { BatchAhead, Run, RunOptions, RunSource } from "../backend.ts";
import type { Window } from "../types.ts";
import type { TopicIndex } from "./topic_index.ts";

/** Reads a batch's message. */
type ReadBatch = (number: number, signal: AbortSignal, mayReuse: boolean) => Promise<Uint8Array>;

/** A file whose batches are to be walked. */
interface IndexedFile {
  readonly index: TopicIndex;
  /** How many reads ahead of need gain time now. */
  readonly readsAhead: number;
  readBatch: ReadBatch;
  openRun(number: number, bytes: Promise<Uint8Array>, window: Window): Promise<Run | undefined>;
}

/** Walks a topic's batches by their first time, ties by number. */
export class FileRuns implements RunSource {
  readonly #file: IndexedFile;
  readonly #window: Window;
  readonly #signal: AbortSignal | undefined;
  readonly #mayReuse: boolean;
  readonly #readBatch: ReadBatch;
  /** Numbers of the batches that are walked. */
  readonly #order: number[];
  #at = 0;
  /** Of the batches from there on: those that are read ahead. */
  #ahead: Promise<Uint8Array>[] = [];
  /** Stops the reads that nobody waits for any longer. */
  readonly #stop = new AbortController();

  /** @param readBatch Reads batches. @default all of each, as the file does */
  constructor(
    file: IndexedFile,
    window: Window,
    signal: AbortSignal | undefined,
    { isWanted = () => true, mayReuse = false }: RunOptions = {},
    readBatch: ReadBatch = (...args) => file.readBatch(...args),
  ) {
    const { firstNs, lastNs } = file.index;
    this.#file = file;
    this.#window = window;
    this.#signal = signal;
    this.#mayReuse = mayReuse;
    this.#readBatch = readBatch;
    this.#order = [...firstNs.keys()].filter((i) =>
      firstNs[i] <= window.lastNs && lastNs[i] >= window.firstNs && isWanted(i)
    );
    // Sorted already unless rows came late.
    this.#order.sort((a, b) => (firstNs[a] < firstNs[b] ? -1 : firstNs[a] > firstNs[b] ? 1 : a - b));
  }

  get nextNs(): bigint | undefined {
    if (this.#at >= this.#order.length) return undefined;
    return this.#startOf(this.#order[this.#at]);
  }

  get nextBytes(): number {
    return this.#at < this.#order.length ? this.#bytesOf(this.#order[this.#at]) : 0;
  }

  get ahead(): BatchAhead | undefined {
    const at = this.#at + this.#ahead.length;
    const most = this.#file.readsAhead;
    if (at >= this.#order.length || this.#ahead.length >= most) return undefined;
    const number = this.#order[at];
    return { nextNs: this.#startOf(number), bytes: this.#bytesOf(number), most };
  }

  prefetch(): void {
    if (!this.ahead) return;
    const bytes = this.#read(this.#order[this.#at + this.#ahead.length]);
    bytes.catch(() => {}); // open() reports it
    this.#ahead.push(bytes);
  }

  dropAhead(): void {
    this.#ahead = [];
  }

  async open(): Promise<Run | undefined> {
    this.#signal?.throwIfAborted();
    const number = this.#order[this.#at];
    const bytes = this.#ahead.shift() ?? this.#read(number);
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

  #startOf(number: number): bigint {
    const first = this.#file.index.firstNs[number];
    return first > this.#window.firstNs ? first : this.#window.firstNs;
  }

  #bytesOf(number: number): number {
    const { length, rows } = this.#file.index;
    return length[number] + rows[number] * BigInt64Array.BYTES_PER_ELEMENT;
  }

  #read(number: number): Promise<Uint8Array> {
    return this.#readBatch(number, this.#stop.signal, this.#mayReuse);
  }

  close(): void {
    this.#at = this.#order.length;
    this.#ahead = [];
    this.#stop.abort();
  }
}
