import type { RunSource } from "../../backend.ts";
import type { Engine, Merger, RowPicker } from "../../engine.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { MAX_NS } from "../../types.ts";
import { ReadAhead } from "../../walk/read_ahead.ts";
import { type MessageTopic, TopicBatch } from "./message.ts";
import { ReadMemory } from "./read_memory.ts";
import { type BlockArrays, type BlockUse, PickedRows, type RowBlock, Stretch, timeOf } from "./row_block.ts";

/** Rows of a block at most: enough to forget what a block costs, few enough to stay in the processor's cache. */
const BLOCK_ROWS = 8192;

/** A topic to be read: what its messages need to know, and its batches. */
export interface TopicRuns {
  readonly topic: MessageTopic;
  readonly source: RunSource;
}

/**
 * The rows of several topics in time order, a block at a time. Batches are opened only when the order reaches them: no
 * batch still closed begins before the running minimum of their first times, so rows before that are final.
 *
 * Backwards it is the same merge, of the rows of each batch from the last to the first by keys that ascend then: see
 * {@linkcode keysBackwards}. Where times are spoken of here, they are keys in that case.
 */
export class RowBlocks {
  readonly #topics: readonly TopicRuns[];
  /** Positions of topics with closed batches, by when the next one begins. */
  #waiting: number[];
  readonly #merger: Merger | RowPicker;
  readonly #memory: ReadMemory;
  /** What blocks share; copied before it is changed. */
  #batches: (TopicBatch | undefined)[] = [];
  #shared = false;
  /** Slots of `#batches` whose rows were all given out. */
  readonly #free: number[] = [];
  /** Batches that only the block given out last still needs. */
  #ended: TopicBatch[] = [];
  readonly #ahead: ReadAhead;
  #closed = false;
  /** What is in memory is read without waiting for anything, block after block. */
  readonly #slice = new TimeSlice();
  /** Rows that come before all others. */
  #first: RowBlock | undefined;
  readonly #use: BlockUse;
  readonly #picker: RowPicker | undefined;
  /** Backwards: by slot, the row that is the first one of the run. */
  readonly #lastRows: number[] | undefined;
  /** Runs and rows of the last block, where they are written anew. */
  #numbers: BlockArrays | undefined;
  /** How many batches the merger has rows of. */
  #merging = 0;
  /** The rows of a batch that come before all that is open or to be opened. */
  #stretch: Stretch | undefined;

  /**
   * @param topics In the order of their names, which breaks ties; backwards in the reverse of it, with sources that go backwards.
   * @param maxBytes Bound on what is held at a time; see {@linkcode ReadMemory}. What was given out counts until more is
   * asked for.
   * @param first Rows to give out before those of the topics. TOO_LARGE where their batches are.
   * @param use What is done with the blocks. For copies the sources may give bytes that were used before, and the first rows are
   * none that somebody keeps.
   */
  constructor(
    engine: Engine,
    topics: readonly TopicRuns[],
    maxBytes: number,
    first?: RowBlock,
    use: BlockUse = "messages",
    reverse = false,
    allocate?: (bytes: number) => ArrayBuffer,
  ) {
    this.#lastRows = reverse ? [] : undefined;
    this.#first = first;
    this.#use = use;
    this.#topics = topics;
    this.#waiting = [...topics.keys()].filter((position) => topics[position].source.nextNs !== undefined)
      .sort((a, b) => this.#compare(a, b));
    // A picker knows nothing of rows that are numbered from the last one on.
    this.#picker = use === "messages" || reverse ? undefined : engine.createPicker?.(allocate);
    this.#merger = this.#picker ?? engine.createMerger();
    this.#memory = new ReadMemory(maxBytes, (bytes) => this.#ahead.drop(bytes));
    this.#ahead = new ReadAhead(topics.map(({ source }) => source), this.#memory);
    this.#ended = (first?.batches ?? []).filter((batch) => batch !== undefined);
    for (const batch of this.#ended) this.#memory.add(batch);
  }

  /**
   * The next rows; undefined at the end. CORRUPT, IO, TOO_LARGE, the signal's reason.
   *
   * @param spare Of a block that nobody looks at any more, to be used again.
   */
  async next(spare?: BlockArrays): Promise<RowBlock | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first) return first;
    const untilNs = await this.#advance();
    if (untilNs === undefined || this.#closed) {
      this.#merger.close();
      return undefined;
    }
    const stretch = this.#stretch;
    if (stretch) {
      this.#stretch = undefined;
      this.#ended.push(stretch.batches[0]);
      this.#ahead.fill(this.#waiting);
      return stretch;
    }
    const block = this.#picker ? this.#pick(this.#picker, untilNs) : this.#fill(untilNs, spare);
    this.#shared = true;
    for (const run of this.#merger.exhausted) {
      this.#ended.push(this.#batches[run]!);
      this.#free.push(run);
      this.#merging--;
    }
    // While the caller is busy with the block.
    this.#ahead.fill(this.#waiting);
    return block;
  }

  #pick(picker: RowPicker, untilNs: bigint): RowBlock {
    return new PickedRows(this.#batches, picker, 0, picker.fill(untilNs, BLOCK_ROWS));
  }

  #fill(untilNs: bigint, spare: BlockArrays | undefined): RowBlock {
    // Those of a part of a block are smaller.
    const { runs, rows } = (spare?.runs.length === BLOCK_ROWS ? spare : this.#numbers) ??
      { runs: new Int32Array(BLOCK_ROWS), rows: new Int32Array(BLOCK_ROWS) };
    if (this.#use !== "messages") this.#numbers = { runs, rows };
    const length = (this.#merger as Merger).fill(untilNs, runs, rows);
    const lastRows = this.#lastRows;
    if (lastRows) { for (let i = 0; i < length; i++) rows[i] = lastRows[runs[i]] - rows[i]; }
    return { runs, rows, length, batches: this.#batches };
  }

  /** Time of the next row; undefined at the end. Errors as {@linkcode next}. */
  async peek(): Promise<bigint | undefined> {
    if (this.#first) return timeOf(this.#first, 0);
    await this.#advance();
    if (this.#stretch) return timeOf(this.#stretch, 0);
    const head = this.#merger.head();
    return this.#lastRows && head !== undefined ? ~head : head;
  }

  /** Lets go of all batches. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { source } of this.#topics) source.close();
    this.#waiting = [];
    this.#merger.close();
    this.#memory.close();
    for (const batch of [...this.#ended, ...this.#batches, ...this.#stretch?.batches ?? []]) batch?.keep?.();
    this.#batches = [];
    this.#ended = [];
    this.#stretch = undefined;
  }

  /** Opens batches until the next row is known; gives the time up to which rows are final, undefined at the end. */
  async #advance(): Promise<bigint | undefined> {
    if (this.#ended.length > 0) this.#letGo();
    for (;;) {
      await this.#slice.pause();
      if (this.#stretch) return timeOf(this.#stretch, this.#stretch.length - 1);
      const position = this.#waiting.at(0);
      const head = this.#merger.head();
      if (position === undefined) return head === undefined ? undefined : MAX_NS;
      const horizon = this.#topics[position].source.nextNs!;
      if (head !== undefined && head < horizon) return horizon - 1n;
      await this.#openNext();
    }
  }

  /** Whose next batch begins earlier, ties by position: negative where `a`'s does. */
  #compare(a: number, b: number): number {
    const [aNs, bNs] = [this.#topics[a].source.nextNs!, this.#topics[b].source.nextNs!];
    return aNs < bNs ? -1 : aNs > bNs ? 1 : a - b;
  }

  /** Puts a topic that has closed batches in its place among those that wait. */
  #insert(position: number): void {
    let [low, high] = [0, this.#waiting.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#waiting[middle], position) < 0) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, position);
  }

  /** Opens the batch that begins first. TOO_LARGE. */
  async #openNext(): Promise<void> {
    // What is needed at once comes by the same request as what follows it.
    if (this.#ahead.isShared(this.#waiting[0])) this.#ahead.fill(this.#waiting);
    const position = this.#waiting.shift()!;
    const { topic, source } = this.#topics[position];
    const bytes = source.nextBytes;
    this.#ahead.take(position);
    this.#memory.reserve(bytes, topic);
    const run = await source.open();
    if (source.nextNs !== undefined) this.#insert(position);
    this.#memory.free(bytes);
    if (!run) return;
    const { batchNumber, from, to } = run;
    const batch = new TopicBatch(topic, run.batch, run.keep);
    if (this.#lastRows) batch.extraBytes = batch.times.byteLength;
    this.#memory.add(batch);
    if (this.#lastRows) {
      const slot = this.#slot(batch);
      this.#lastRows[slot] = to - 1;
      this.#merger.add(slot, position, -batchNumber, keysBackwards(batch.times, from, to), 0, to - from);
      this.#merging++;
      return;
    }
    if (this.#use !== "messages" && this.#isAlone(position, batch.times[to - 1])) {
      this.#stretch = new Stretch(batch, from, to - from);
      return;
    }
    this.#merger.add(this.#slot(batch), position, batchNumber, batch.times, from, to);
    this.#merging++;
  }

  /** Whether the rows of a batch just opened come before all others, up to its last time. */
  #isAlone(position: number, lastNs: bigint): boolean {
    if (this.#merging > 0) return false;
    const next = this.#waiting.at(0);
    if (next === undefined) return true;
    const { nextNs } = this.#topics[next].source;
    // Batches of one topic come by their times, so of rows of one time a later batch may have the earlier ones.
    return nextNs! > lastNs || nextNs === lastNs && next > position;
  }

  /** Lets go of the batches whose rows were all given out. */
  #letGo(): void {
    for (const batch of this.#ended) {
      this.#memory.remove(batch);
      if (batch.keep) batch.keep();
      else if (this.#use === "copies") batch.batch.giveBack();
    }
    this.#ended = [];
    this.#unshare();
  }

  /** Puts a batch into a free slot. */
  #slot(batch: TopicBatch): number {
    this.#unshare();
    const slot = this.#free.pop() ?? this.#batches.length;
    this.#batches[slot] = batch;
    return slot;
  }

  /** Blocks that are out keep what they need; from here on nothing else does. */
  #unshare(): void {
    if (!this.#shared) return;
    this.#batches = this.#batches.slice();
    for (const free of this.#free) {
      this.#batches[free] = undefined;
      this.#picker?.letGo(free);
    }
    this.#shared = false;
  }
}

/**
 * Keys of rows from the last to the first, as {@linkcode RunOptions.reverse} has them: for each `~ns`, which ascends where
 * times descend. Word by word: bigints would take many times as long.
 */
function keysBackwards(times: BigInt64Array, from: number, to: number): BigInt64Array {
  const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  const keys = new Int32Array(2 * (to - from));
  for (let row = to - 1, at = 0; row >= from; row--, at += 2) {
    keys[at] = ~words[2 * row];
    keys[at + 1] = ~words[2 * row + 1];
  }
  return new BigInt64Array(keys.buffer);
}
