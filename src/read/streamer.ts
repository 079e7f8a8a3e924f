import { readableOf } from "./readable.ts";
import { Turns } from "../util/turns.ts";
import type { OptionNames } from "../util/options.ts";
import type { TimeRange } from "../types.ts";
import { type BlockArrays, restOf, type RowBlock, timeOf } from "./merge/row_block.ts";
import type { RowBlocks } from "./merge/row_blocks.ts";
import type { MessageCursor } from "./merge/message_cursor.ts";
import { checkRows, rowLimit, type TableOptions } from "./table_options.ts";

/** Rows of a table at most, unless told. */
const TABLE_ROWS = 100_000_000;

/** Rows in order, a block at a time. */
export type BlockSource = Pick<RowBlocks, "next" | "peek" | "close">;

/** Options of every stream of rows. */
export interface StreamOptions extends TimeRange {
  /** Stops the stream: reading rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Bound on what the stream holds, in bytes: of each batch whose time has come the bytes as stored and 8 a row for its
   * times, and what was decompressed of columns that were touched. Columns make room for others, and are decompressed
   * again when they are touched again: that is slow, where much overlaps in time. Where batches overlap of which the times
   * and the columns of one do not fit, reading them is TOO_LARGE before more is held, with how many they are and what they
   * take; a batch alone may be larger. `toArrow` and `toTable` need the columns of all batches that a topic has in a block, and a
   * stream of columns those of one field of all batches in a block.
   * What is made of columns (strings, Arrow tables) and messages kept beyond their block are not counted, nor are the
   * index of each topic and its dictionaries.
   * @default 64 MiB
   */
  maxBufferedBytes?: number;
  /** How many rows to give at most, a whole number from 0 on: reading stops after them. @default all */
  limit?: number;
  /**
   * Whether to go backwards: from the last row to the first, in exactly the reverse of the order, so that with a `limit` the
   * last rows come. It takes 8 bytes a row more of `maxBufferedBytes`. Reading from a server rejects with UNSUPPORTED.
   * @default false
   */
  reverse?: boolean;
}

/** Their names. */
export const STREAM_OPTIONS: OptionNames<StreamOptions> = {
  startNs: true,
  endNs: true,
  signal: true,
  maxBufferedBytes: true,
  limit: true,
  reverse: true,
};

/** The bound on what a stream holds, in bytes. RangeError where it is not above 0. */
export function bufferedBytes(
  { maxBufferedBytes = 64 * 2 ** 20 }: Pick<StreamOptions, "maxBufferedBytes">,
): number {
  if (!(maxBufferedBytes > 0)) {
    throw new RangeError(
      `Cannot stream: maxBufferedBytes is ${maxBufferedBytes}, wanted a number of bytes above 0`,
    );
  }
  return maxBufferedBytes;
}

/** Items in order and at hand: iterating a block waits for nothing. It is valid for as long as it is kept. */
export interface MessageBlock<T> extends Iterable<T> {
  /** Items in it; at least one. */
  readonly length: number;
  /** The item at an index from 0 to `length` - 1. */
  at(index: number): T;
  /**
   * Walks over its messages with one object for all of them, which is the fastest way to read them. Each call gives a
   * cursor of its own.
   *
   * @param fromNs The moment from which {@linkcode MessageCursor.offsetNs} counts. @default the time of the stream's first
   * message
   */
  cursor(fromNs?: bigint): MessageCursor;
}

/**
 * One pass over messages in strict time order, or backwards in exactly the reverse of it. Iterate it (`for await`) message by message, or through `batches()` block
 * by block, which is the fast way. Leaving the loop closes it, and with it every source.
 *
 * It reads when it is asked, and ahead where that gains time: one batch, from a slow disk up to eight, from the page cache
 * none. All ways of reading share the one pass. After an error it is closed.
 */
export abstract class Streamer<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #open: () => Promise<BlockSource>;
  readonly #signal: AbortSignal | undefined;
  #opened: Promise<BlockSource> | undefined;
  #closed = false;
  #rows: RowBlock | undefined;
  #block: MessageBlock<T> | undefined;
  /** Whether somebody may keep the rows at hand. */
  #isShared = false;
  /** Time of its first message, once that is known. */
  #firstNs: bigint | undefined;
  /** Index in the block of the next message. */
  #at = 0;
  /** After an error it is closed. */
  readonly #turns = new Turns(() => this.close());

  /** @internal Use `getDataStreamer` of a handler. */
  constructor(open: () => Promise<BlockSource>, signal: AbortSignal | undefined) {
    this.#open = open;
    this.#signal = signal;
  }

  /** @internal Messages on rows of a stream that begins at a time. */
  protected abstract blockOf(rows: RowBlock, firstNs: bigint): MessageBlock<T>;

  /** Itself: a streamer is one pass. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message; done at the end, and once it is closed. */
  next(): Promise<IteratorResult<T, undefined>> {
    const block = this.#block;
    if (block !== undefined && this.#at < block.length && this.#turns.isIdle) {
      return Promise.resolve({ done: false, value: block.at(this.#at++) });
    }
    return this.#turns.take(async () => {
      if (!this.#hasRest() && !this.#take(await this.#read())) {
        return { done: true, value: undefined };
      }
      return { done: false, value: this.#block!.at(this.#at++) };
    });
  }

  /** Closes it, as leaving a loop does. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** The messages in blocks of up to some thousand, in the same order. Leaving the loop closes the streamer. */
  batches(): AsyncIterableIterator<MessageBlock<T>> {
    return blocks(
      () => this.nextRows().then((rows) => rows && this.blockOf(rows, this.#firstNs!)),
      () => this.close(),
    );
  }

  /** Time of the message that comes next, in nanoseconds; the message stays. Undefined at the end. */
  nextTimestampNs(): Promise<bigint | undefined> {
    return this.#turns.take(async () => {
      if (this.#hasRest()) return timeOf(this.#rows!, this.#at);
      const ns = await (await this.#source())?.peek();
      this.#signal?.throwIfAborted();
      return this.#closed ? undefined : ns;
    });
  }

  /** A WHATWG stream of the messages, with back-pressure. Cancelling it closes the streamer. */
  toReadableStream(): ReadableStream<T> {
    return readableOf(this);
  }

  /** Ends the pass and lets go of what it held. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#forget();
    const blocks = await this.#opened?.catch(() => undefined);
    blocks?.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal The rows not yet given out, a block at a time: for who reads columns. Leaving the loop closes it. */
  async *rowBlocks(): AsyncGenerator<RowBlock, void, undefined> {
    try {
      for (let rows = await this.nextRows(); rows; rows = await this.nextRows()) yield rows;
    } finally {
      await this.close();
    }
  }

  /** @internal The rows not yet given out of the block at hand, else those of the next; undefined at the end. */
  protected nextRows(): Promise<RowBlock | undefined> {
    return this.#turns.take(async () => {
      if (!this.#hasRest() && !this.#take(await this.#read())) return undefined;
      const rows = this.#rows!;
      const from = this.#at;
      this.#at = rows.length;
      this.#isShared = true;
      return from === 0 ? rows : restOf(rows, from);
    });
  }

  /** @internal Hands over all rows not yet given out, block by block, for one table. TOO_LARGE, and what `take` throws. */
  protected async takeAll(options: TableOptions, take: (rows: RowBlock) => void): Promise<void> {
    const maxRows = rowLimit(options, TABLE_ROWS);
    let count = 0;
    try {
      for (let rows = await this.nextRows(); rows; rows = await this.nextRows()) {
        count += rows.length;
        const { sequence } = rows.batches[rows.runs[0]]!.topic;
        checkRows(count, maxRows, { sequence }, false);
        take(rows);
      }
    } catch (reason) {
      await this.close();
      throw reason;
    }
  }

  #hasRest(): boolean {
    return this.#rows !== undefined && this.#at < this.#rows.length;
  }

  async #read(): Promise<RowBlock | undefined> {
    const spare = this.#isShared ? undefined : arraysOf(this.#rows);
    return await (await this.#source())?.next(spare);
  }

  /** Makes rows that were read the ones at hand; false at the end and once it is closed. To be called as soon as they are read. */
  #take(rows: RowBlock | undefined): boolean {
    if (this.#closed) return false;
    this.#signal?.throwIfAborted();
    this.#rows = rows;
    this.#block = rows && this.blockOf(rows, this.#firstNs ??= timeOf(rows, 0));
    this.#at = 0;
    this.#isShared = false;
    if (!rows) this.#forget();
    return rows !== undefined;
  }

  /** Lets go of the rows at hand, and of the signal. */
  readonly #forget = (): void => {
    this.#rows = this.#block = undefined;
    this.#signal?.removeEventListener("abort", this.#abort);
  };

  /** An abort takes effect at once, not at the end of the block at hand, and stops what is being read. */
  readonly #abort = (): void => {
    this.#forget();
    this.#opened?.then((blocks) => blocks.close(), () => {});
  };

  async #source(): Promise<BlockSource | undefined> {
    // All given out by now, and no longer counted among what is held.
    this.#rows = this.#block = undefined;
    if (this.#closed) return undefined;
    this.#signal?.throwIfAborted();
    if (!this.#opened) this.#signal?.addEventListener("abort", this.#abort);
    return await (this.#opened ??= this.#open());
  }
}

/** The arrays of a block alone: who holds the block holds its batches. */
function arraysOf(block: RowBlock | undefined): BlockArrays | undefined {
  return block && { runs: block.runs, rows: block.rows };
}

/** An iterator over blocks that closes its source when it is left. Hand-written: a generator costs twice as much. */
function blocks<T>(
  read: () => Promise<T | undefined>,
  close: () => Promise<void>,
): AsyncIterableIterator<T> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const value = await read();
      return value === undefined ? { done: true, value } : { done: false, value };
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
}
