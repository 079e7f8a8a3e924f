/**
 * Going on with topics whose files are written anew while they are read, as a compaction does. The new file has the same rows
 * in the same order, so what was given out is known by the time of the last row and how many of that time there were.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { MAX_ATTEMPTS } from "../../reopen.ts";
import { isWrittenAnew } from "../../store/store.ts";
import type { Window } from "../../types.ts";
import { type BlockArrays, restOf, type RowBlock, timeOf } from "./row_block.ts";
import type { BlockSource } from "../streamer.ts";

/** How far rows in order were given out. */
export class Progress {
  /** Time of the last one; undefined before the first. */
  lastNs: bigint | undefined;
  /** How many of that time there were. */
  count = 0;

  /** Counts rows that were given out, by their times. */
  note(length: number, timeOf: (row: number) => bigint): void {
    if (length === 0) return;
    const last = timeOf(length - 1);
    let same = 1;
    while (same < length && timeOf(length - 1 - same) === last) same++;
    this.count = same === length && last === this.lastNs ? this.count + same : same;
    this.lastNs = last;
  }
}

/** The rows of a window, from the files as they were opened, and from there on from those that took their place. */
export class ResumingBlocks implements BlockSource {
  readonly #open: (window: Window) => BlockSource | Promise<BlockSource>;
  readonly #reopen: () => Promise<void>;
  readonly #window: Window;
  #blocks: BlockSource | undefined;
  readonly #progress: Progress;
  readonly #reverse: boolean;
  /** Rows that were read and not yet given out. */
  #rest: RowBlock | undefined;
  #closed = false;

  /**
   * @param blocks The rows of the window; undefined where reading has to go on after what was given out already.
   * @param open Gives the rows of a part of it once more, after `reopen` has resolved.
   */
  constructor(
    blocks: BlockSource | undefined,
    window: Window,
    open: (window: Window) => BlockSource | Promise<BlockSource>,
    reopen: () => Promise<void>,
    progress: Progress = new Progress(),
    reverse = false,
  ) {
    this.#reverse = reverse;
    this.#blocks = blocks;
    this.#window = window;
    this.#open = open;
    this.#reopen = reopen;
    this.#progress = progress;
  }

  async next(spare?: BlockArrays): Promise<RowBlock | undefined> {
    const block = await this.#retry(() => this.#take(spare));
    if (block) this.#progress.note(block.length, (row) => timeOf(block, row));
    return block;
  }

  async #take(spare: BlockArrays | undefined): Promise<RowBlock | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest ?? await this.#blocks!.next(spare);
  }

  peek(): Promise<bigint | undefined> {
    return this.#retry(async () => this.#rest ? timeOf(this.#rest, 0) : await this.#blocks!.peek());
  }

  close(): void {
    this.#closed = true;
    this.#rest = undefined;
    this.#blocks?.close();
  }

  async #retry<R>(action: () => Promise<R>): Promise<R> {
    for (let attempt = 0;; attempt++) {
      try {
        if (!this.#blocks) await this.#resume();
        return await action();
      } catch (reason) {
        if (!isWrittenAnew(reason) || this.#closed || attempt === MAX_ATTEMPTS) throw reason;
        this.#blocks?.close();
        this.#blocks = undefined;
      }
    }
  }

  /** Begins anew at the last row that was given out, and passes over those of its time that were given out. */
  async #resume(): Promise<void> {
    await this.#reopen();
    const { firstNs, lastNs } = this.#window;
    const { lastNs: givenNs, count } = this.#progress;
    // Latched rows, which come before the window, are not given out again.
    const isWithin = givenNs !== undefined && givenNs >= firstNs;
    const rest = this.#reverse
      ? { firstNs, lastNs: givenNs ?? lastNs }
      : { firstNs: givenNs ?? firstNs, lastNs };
    const blocks = await this.#open(isWithin ? rest : this.#window);
    this.#blocks = blocks;
    this.#rest = undefined;
    if (this.#closed) blocks.close();
    for (let left = isWithin ? count : 0; left > 0;) {
      const block = await blocks.next();
      if (this.#closed) return;
      if (!block) {
        throw new SmaltiError(
          "IO",
          `Cannot go on at ${givenNs} ns: the file that took another's place has no such rows`,
        );
      }
      if (block.length > left) this.#rest = restOf(block, left);
      left -= Math.min(left, block.length);
    }
  }
}
