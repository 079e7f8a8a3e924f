import { readableOf } from "../readable.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { Turns } from "../../util/turns.ts";
import type { RowBlock } from "../merge/row_block.ts";
import type { Streamer } from "../streamer.ts";
import type { ColumnBlock } from "./column_block.ts";
import { type ColumnPlan, gatherBlock } from "./gather_block.ts";
import type { ReusedBuffers } from "./reused_buffers.ts";

/**
 * One pass over rows in strict time order (by timestamp, then topic name, then order of pushing) as columns, a block at a
 * time: by far the fastest way to read. Iterate it (`for await`); leaving the loop closes it, and with it every source. Only
 * the columns that were asked for are checked and decompressed.
 *
 * What was given out stays as it is while reading goes on, after closing too. A stream of a sequence gives copies: each array
 * is the caller's own, to be changed or transferred. A stream of a topic gives views where rows lie side by side in a batch,
 * which is where the topic's batches do not overlap in time: of times, and of all arrays called `values` but those of booleans,
 * half floats and what is stored in a dictionary, views or runs. A view must not be changed or transferred, and keeps its batch
 * in memory for as long as it is kept; with `copies: true` a topic gives copies as well. `offsets` and `validity` are always
 * copies.
 *
 * With `reuse: true` arrays are valid until the next block, or its time, is asked for: they are views or are written anew then. That is the
 * fastest way, for who is done with a block by then or copies what is to stay.
 *
 * It reads when it is asked, and one batch ahead. Calls side by side are served one after another. After an error it is closed.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * for await (const block of handler.getColumnStreamer({ fields: ["position.x"] })) {
 *   const { values, validity } = block.numbers("position.x");
 *   const seconds = block.offsetsNs(handler.firstNs).map((ns) => ns / 1e9);
 *   for (let i = 0; i < block.length; i++) {
 *     if (validity?.[i] !== 0) console.log(seconds[i], block.topics[block.topicIndex[i]], values[i]);
 *   }
 * }
 * ```
 */
export class ColumnStreamer<N extends string = string>
  implements AsyncIterableIterator<ColumnBlock<N>>, AsyncDisposable {
  readonly #stream: Streamer<unknown>;
  readonly #blocks: AsyncGenerator<RowBlock, void, undefined>;
  readonly #plan: () => Promise<ColumnPlan>;
  readonly #buffers: ReusedBuffers | undefined;
  #closed = false;
  readonly #slice = new TimeSlice();
  readonly #turns = new Turns(() => this.close());

  /** @internal Use `getColumnStreamer` of a handler. The plan is asked for when there are rows. */
  constructor(stream: Streamer<unknown>, plan: () => Promise<ColumnPlan>, buffers?: ReusedBuffers) {
    this.#buffers = buffers;
    this.#stream = stream;
    this.#blocks = stream.rowBlocks();
    this.#plan = plan;
  }

  /** Itself: a streamer is one pass. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next block; done at the end, and once it is closed. NOT_FOUND, INVALID_ARGUMENT, CORRUPT, TOO_LARGE, IO. */
  next(): Promise<IteratorResult<ColumnBlock<N>, undefined>> {
    return this.#turns.take(async () => {
      this.#buffers?.restart();
      const { value: rows } = await this.#blocks.next();
      const block = rows && await gatherBlock(rows, await this.#plan(), this.#slice);
      if (!block || this.#closed) return { done: true, value: undefined };
      return { done: false, value: block as ColumnBlock<N> };
    });
  }

  /** Closes it, as leaving a loop does. */
  async return(): Promise<IteratorResult<ColumnBlock<N>, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Time of the row that comes next, in nanoseconds; the row stays. Undefined at the end. */
  nextTimestampNs(): Promise<bigint | undefined> {
    return this.#turns.take(() => this.#stream.nextTimestampNs());
  }

  /** A WHATWG stream of the blocks, with back-pressure. Cancelling it closes the streamer. */
  toReadableStream(): ReadableStream<ColumnBlock<N>> {
    return readableOf(this);
  }

  /** Ends the pass and lets go of what it held. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#stream.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
