import type { RunSource } from "../backend.ts";
import type { Engine, Merger } from "../engine/engine.ts";
import { SmaltiError } from "../error.ts";
import { MAX_NS } from "../types.ts";
import { type MessageTopic, TopicBatch } from "./message.ts";

/** Rows of a block at most: enough to forget what a block costs, few enough to stay in the processor's cache. */
const BLOCK_ROWS = 8192;

/** Rows in order, as places in open batches: row `i` is row `rows[i]` of `batches[runs[i]]`. */
export interface RowBlock {
  readonly runs: Int32Array;
  readonly rows: Int32Array;
  readonly length: number;
  /** The batches by run; places that no row refers to may be empty. Never changed once the block is out. */
  readonly batches: readonly (TopicBatch | undefined)[];
}

/** A topic to be read: what its messages need to know, and its batches. */
export interface TopicRuns {
  readonly topic: MessageTopic;
  readonly source: RunSource;
}

/**
 * The rows of several topics in time order, a block at a time. Batches are opened only when the order reaches them: no
 * batch still closed begins before the running minimum of their first times, so rows before that are final.
 */
export class RowBlocks {
  readonly #topics: readonly TopicRuns[];
  readonly #merger: Merger;
  readonly #maxBytes: number;
  /** What blocks share; copied before it is changed. */
  #batches: (TopicBatch | undefined)[] = [];
  #shared = false;
  /** Places in `#batches` whose rows were all given out. */
  readonly #free: number[] = [];
  #openBytes = 0;
  #closed = false;
  /** Rows that come before all others. */
  #first: RowBlock | undefined;

  /**
   * @param topics In the order of their names, which breaks ties.
   * @param maxBytes Bound on the bytes of batches open at a time, as stored.
   * @param first Rows to give out before those of the topics.
   */
  constructor(engine: Engine, topics: readonly TopicRuns[], maxBytes: number, first?: RowBlock) {
    this.#first = first;
    this.#topics = topics;
    this.#merger = engine.createMerger();
    this.#maxBytes = maxBytes;
  }

  /** The next rows; undefined at the end. CORRUPT, IO, TOO_LARGE, the signal's reason. */
  async next(): Promise<RowBlock | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first) return first;
    const untilNs = await this.#advance();
    if (untilNs === undefined || this.#closed) {
      this.#merger.close();
      return undefined;
    }
    const runs = new Int32Array(BLOCK_ROWS);
    const rows = new Int32Array(BLOCK_ROWS);
    const length = this.#merger.fill(untilNs, runs, rows);
    const block = { runs, rows, length, batches: this.#batches };
    this.#shared = true;
    for (const run of this.#merger.exhausted) {
      this.#openBytes -= this.#batches[run]!.batch.bytes;
      this.#free.push(run);
    }
    this.#prefetch();
    return block;
  }

  /** Time of the next row; undefined at the end. Errors as {@linkcode next}. */
  async peek(): Promise<bigint | undefined> {
    if (this.#first) return this.#first.batches[this.#first.runs[0]]!.times[this.#first.rows[0]];
    await this.#advance();
    return this.#merger.head();
  }

  /** Lets go of all batches. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { source } of this.#topics) source.close();
    this.#merger.close();
    this.#batches = [];
  }

  /** Opens batches until the next row is known; gives the time up to which rows are final, undefined at the end. */
  async #advance(): Promise<bigint | undefined> {
    for (;;) {
      const position = this.#nextPosition();
      const head = this.#merger.head();
      if (position < 0) return head === undefined ? undefined : MAX_NS;
      const horizon = this.#topics[position].source.nextNs!;
      if (head !== undefined && head < horizon) return horizon - 1n;
      await this.#open(position);
    }
  }

  /** The topic whose next closed batch begins first; -1 where all are open. */
  #nextPosition(): number {
    const topics = this.#topics;
    let first = -1;
    let firstNs = 0n;
    for (let i = 0; i < topics.length; i++) {
      const { nextNs } = topics[i].source;
      if (nextNs === undefined || (first >= 0 && nextNs >= firstNs)) continue;
      first = i;
      firstNs = nextNs;
    }
    return first;
  }

  async #open(position: number): Promise<void> {
    const { topic, source } = this.#topics[position];
    const bytes = this.#openBytes + source.nextBytes;
    if (bytes > this.#maxBytes && this.#openBytes > 0) {
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot replay sequence "${topic.sequence}": ${
          this.#batches.length - this.#free.length + 1
        } batches overlap ` +
          `in time and take ${bytes} bytes, maxBufferedBytes is ${this.#maxBytes}`,
        { sequence: topic.sequence, topic: topic.name },
      );
    }
    const run = await source.open();
    if (!run) return;
    const { batchNumber, batch, from, to } = run;
    this.#merger.add(
      this.#place(new TopicBatch(topic, batch)),
      position,
      batchNumber,
      batch.times,
      from,
      to,
    );
    this.#openBytes += batch.bytes;
  }

  /** Puts a batch into a free place. */
  #place(batch: TopicBatch): number {
    if (this.#shared) {
      this.#batches = this.#batches.slice();
      // Blocks that are out keep what they need; from here on nothing else does.
      for (const free of this.#free) this.#batches[free] = undefined;
      this.#shared = false;
    }
    const place = this.#free.pop() ?? this.#batches.length;
    this.#batches[place] = batch;
    return place;
  }

  /** Reads ahead what will be opened next, while the caller is busy with the block. */
  #prefetch(): void {
    const position = this.#nextPosition();
    if (position < 0) return;
    const { source } = this.#topics[position];
    if (this.#openBytes + source.nextBytes <= this.#maxBytes) source.prefetch();
  }
}
