import type { FileBatches } from "../arrow/batch_cache.ts";
import type { OpenBatch } from "../arrow/stored_batch.ts";
import type { BatchAhead, Run, RunOptions, RunSource } from "../backend.ts";
import type { BufferUse } from "../store/store.ts";
import { lowerBound } from "../util/times.ts";
import type { Window } from "../types.ts";
import type { ColumnReads } from "./column_reads.ts";
import type { TopicIndex } from "./topic_index.ts";

/** A file whose batches are to be walked. */
interface IndexedFile {
  readonly index: TopicIndex;
  /** How many reads ahead of need gain time now. */
  readonly readsAhead: number;
  /** Bytes of batches that a request had better carry. */
  readonly sharedBytes: number | undefined;
  /** Batches of it that are at hand. */
  readonly kept: FileBatches | undefined;
  readBatch(number: number, signal: AbortSignal, use: BufferUse): Promise<Uint8Array>;
  openBatch(number: number, bytes: Promise<Uint8Array>, mayReuse: boolean): Promise<OpenBatch>;
}

/** Walks a topic's batches by their first time, ties by number; backwards by their last time, ties by number, both descending. */
export class FileRuns implements RunSource {
  readonly #file: IndexedFile;
  readonly #window: Window;
  readonly #signal: AbortSignal | undefined;
  readonly #mayReuse: boolean;
  readonly #reverse: boolean;
  readonly #kept: FileBatches | undefined;
  /** Whether batches are kept at hand once they are done with. */
  readonly #keeps: boolean;
  readonly #parts: ColumnReads | undefined;
  /** Numbers of the batches that are walked. */
  readonly #order: number[];
  #at = 0;
  /** Of the batches from there on: those that are read ahead; undefined for one that is at hand. */
  #ahead: (Promise<Uint8Array> | undefined)[] = [];
  /** Stops the reads that nobody waits for any longer. */
  readonly #stop = new AbortController();

  /** @param parts Reads batches, maybe in part. @default all of each, as the file does */
  constructor(
    file: IndexedFile,
    window: Window,
    signal: AbortSignal | undefined,
    { isWanted = () => true, mayReuse = false, keepsAmong, reverse = false }: RunOptions = {},
    parts?: ColumnReads,
  ) {
    const { firstNs, lastNs } = file.index;
    this.#file = file;
    this.#window = window;
    this.#signal = signal;
    this.#mayReuse = mayReuse;
    this.#reverse = reverse;
    this.#parts = parts;
    this.#order = [...firstNs.keys()].filter((i) =>
      firstNs[i] <= window.lastNs && lastNs[i] >= window.firstNs && isWanted(i)
    );
    // Sorted already unless rows came late.
    const times = reverse ? lastNs : firstNs;
    this.#order.sort((a, b) => (times[a] < times[b] ? -1 : times[a] > times[b] ? 1 : a - b));
    if (reverse) this.#order.reverse();
    this.#kept = keepsAmong === undefined ? undefined : file.kept;
    // Buffers that are used again cannot be kept: of those walks only one whose batches all find room goes without, where the
    // others do as well.
    this.#keeps = this.#kept !== undefined &&
      (!mayReuse || this.#bytes() * keepsAmong! <= this.#kept.walkBytes);
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
    const { readsAhead: most, sharedBytes } = this.#file;
    if (at >= this.#order.length || sharedBytes === undefined && this.#ahead.length >= most) return undefined;
    const number = this.#order[at];
    return { nextNs: this.#startOf(number), bytes: this.#bytesOf(number), most, sharedBytes };
  }

  prefetch(): void {
    if (!this.ahead) return;
    const number = this.#order[this.#at + this.#ahead.length];
    const bytes = this.#kept?.has(number) ? undefined : this.#read(number);
    bytes?.catch(() => {}); // open() reports it
    this.#ahead.push(bytes);
  }

  dropAhead(): void {
    this.#ahead = [];
  }

  async open(): Promise<Run | undefined> {
    this.#signal?.throwIfAborted();
    const number = this.#order[this.#at];
    const ahead = this.#ahead.shift();
    this.#at++;
    try {
      const kept = await this.#kept?.get(number, this.#stop.signal);
      const bytes = kept ? undefined : ahead ?? this.#read(number);
      const batch = kept?.share() ?? await this.#file.openBatch(number, bytes!, this.#reuses);
      const keeps = kept !== undefined || this.#keeps && !this.#parts?.isPart(batch.message);
      return this.#runOf(number, batch, keeps);
    } catch (reason) {
      this.#signal?.throwIfAborted();
      // Closed while it waited: there is nothing more to come.
      if (this.#stop.signal.aborted) return undefined;
      throw reason;
    }
  }

  /** The rows of a batch that lie in the window; undefined where there are none. */
  #runOf(number: number, batch: OpenBatch, keeps: boolean): Run | undefined {
    const { firstNs, lastNs } = this.#window;
    const { index } = this.#file;
    const kept = this.#kept;
    const { times } = batch;
    const from = index.firstNs[number] >= firstNs ? 0 : lowerBound(times, firstNs);
    const to = index.lastNs[number] <= lastNs ? batch.rows : lowerBound(times, lastNs + 1n);
    if (from >= to) return undefined;
    return { batchNumber: number, batch, from, to, ...(keeps && { keep: () => kept!.keep(number, batch) }) };
  }

  #startOf(number: number): bigint {
    const { firstNs, lastNs } = this.#file.index;
    const window = this.#window;
    if (this.#reverse) return ~(lastNs[number] < window.lastNs ? lastNs[number] : window.lastNs);
    return firstNs[number] > window.firstNs ? firstNs[number] : window.firstNs;
  }

  #bytes(): number {
    return this.#order.reduce((sum, number) => sum + this.#bytesOf(number), 0);
  }

  #bytesOf(number: number): number {
    const { length, rows } = this.#file.index;
    // Backwards the times are there as keys too.
    return length[number] + rows[number] * BigInt64Array.BYTES_PER_ELEMENT * (this.#reverse ? 2 : 1);
  }

  get #reuses(): boolean {
    return this.#mayReuse && !this.#keeps;
  }

  #read(number: number): Promise<Uint8Array> {
    // Those that share an answer are done with at about the same time, also where they are kept at hand.
    const use = this.#reuses ? { mayReuse: true } : { mayShare: true };
    return (this.#parts ?? this.#file).readBatch(number, this.#stop.signal, use);
  }

  close(): void {
    this.#at = this.#order.length;
    this.#ahead = [];
    this.#stop.abort();
  }
}
