/**
 * Going on with topics whose files are written anew while they are read, as a compaction does. The new file has the same rows
 * in the same order, so what was given out is known by the time of the last row and how many of that time there were.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { MAX_ATTEMPTS } from "../reopen.ts";
import { isWrittenAnew } from "../store/store.ts";
import type { Window } from "../types.ts";
import type { RowBlock } from "./row_blocks.ts";
import type { BlockSource } from "./streamer.ts";

/** The rows of a window, from the files as they were opened, and from there on from those that took their place. */
export class ResumingBlocks implements BlockSource {
  readonly #open: (window: Window) => BlockSource | Promise<BlockSource>;
  readonly #reopen: () => Promise<void>;
  readonly #window: Window;
  #blocks: BlockSource;
  /** Time of the last row that was given out, and how many rows of that time were. */
  #lastNs: bigint | undefined;
  #given = 0;
  /** Rows that were read and not yet given out. */
  #rest: RowBlock | undefined;
  #closed = false;

  /**
   * @param blocks The rows of the window.
   * @param open Gives the rows of a part of it once more, after `reopen` has resolved.
   */
  constructor(
    blocks: BlockSource,
    window: Window,
    open: (window: Window) => BlockSource | Promise<BlockSource>,
    reopen: () => Promise<void>,
  ) {
    this.#blocks = blocks;
    this.#window = window;
    this.#open = open;
    this.#reopen = reopen;
  }

  async next(): Promise<RowBlock | undefined> {
    const block = await this.#retry(() => this.#take());
    if (block) this.#note(block);
    return block;
  }

  async #take(): Promise<RowBlock | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest ?? await this.#blocks.next();
  }

  peek(): Promise<bigint | undefined> {
    return this.#retry(async () => this.#rest ? timeOf(this.#rest, 0) : await this.#blocks.peek());
  }

  close(): void {
    this.#closed = true;
    this.#rest = undefined;
    this.#blocks.close();
  }

  async #retry<R>(action: () => Promise<R>): Promise<R> {
    let failure: unknown;
    for (let attempt = 0;; attempt++) {
      try {
        if (failure !== undefined) await this.#resume();
        return await action();
      } catch (reason) {
        if (!isWrittenAnew(reason) || this.#closed || attempt === MAX_ATTEMPTS) throw reason;
        failure = reason;
      }
    }
  }

  /** Begins anew at the last row that was given out, and passes over those of its time that were given out. */
  async #resume(): Promise<void> {
    this.#blocks.close();
    await this.#reopen();
    const { firstNs, lastNs } = this.#window;
    // Latched rows, which come before the window, are not given out again.
    const isWithin = this.#lastNs !== undefined && this.#lastNs >= firstNs;
    this.#blocks = await this.#open({ firstNs: isWithin ? this.#lastNs! : firstNs, lastNs });
    this.#rest = undefined;
    if (this.#closed) this.#blocks.close();
    for (let left = isWithin ? this.#given : 0; left > 0;) {
      const block = await this.#blocks.next();
      if (this.#closed) return;
      if (!block) {
        throw new SmaltiError(
          "IO",
          `Cannot go on at ${this.#lastNs} ns: the file that took another's place has no such rows`,
        );
      }
      if (block.length > left) this.#rest = restOf(block, left);
      left -= Math.min(left, block.length);
    }
  }

  #note(block: RowBlock): void {
    const { length } = block;
    const last = timeOf(block, length - 1);
    let same = 1;
    while (same < length && timeOf(block, length - 1 - same) === last) same++;
    this.#given = same === length && last === this.#lastNs ? this.#given + same : same;
    this.#lastNs = last;
  }
}

function timeOf({ runs, rows, batches }: RowBlock, at: number): bigint {
  return batches[runs[at]]!.times[rows[at]];
}

/** The rows of a block from one on. */
function restOf({ runs, rows, length, batches }: RowBlock, from: number): RowBlock {
  return {
    runs: runs.subarray(from, length),
    rows: rows.subarray(from, length),
    length: length - from,
    batches,
  };
}
