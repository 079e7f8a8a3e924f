import { withCurrent } from "../../reopen.ts";
import { MAX_NS } from "../../types.ts";
import { valueAt } from "../field_path.ts";
import { type FieldSource, lastValueNs } from "./last_value.ts";
import type { Message } from "../merge/message.ts";
import type { MessageGaps } from "./message_gaps.ts";
import type { MessageBlock, StreamOptions } from "../streamer.ts";
import type { TopicHandler } from "../topic_handler.ts";

/** A value and its time. */
export interface Timed {
  readonly ns: bigint;
  readonly value: unknown;
}

/**
 * One field of one topic, walked forward in time: the last value at or before a moment, and the first after it. Messages
 * without a value are passed over.
 */
export class SyncCursor {
  readonly #path: readonly string[];
  readonly #open: () => Promise<AsyncIterableIterator<MessageBlock<Message>>>;
  #blocks: AsyncIterableIterator<MessageBlock<Message>> | undefined;
  #block: MessageBlock<Message> | undefined;
  #at = 0;
  /** The last value at or before the latest moment. */
  before: Timed | undefined;
  /** The first value after it; undefined where there is none. */
  after: Timed | undefined;
  /** The first value not yet taken: of several at one time it need not be the one that counts. */
  #first: Timed | undefined;
  #started = false;
  #closed = false;
  /** Where the topic has no message for long, as far as it was read; undefined where nobody asks. */
  readonly gaps: MessageGaps | undefined;

  /** @param fromNs No moment asked for is before it: all values before it but the last are of no matter. */
  constructor(
    topic: TopicHandler,
    field: FieldSource,
    { fromNs, endNs }: { fromNs: bigint; endNs: bigint },
    gaps: MessageGaps | undefined,
    options: StreamOptions,
  ) {
    this.#path = field.path;
    this.gaps = gaps;
    this.#open = async () => {
      const startNs = await withCurrent(
        field.source,
        (source) => lastValueNs({ ...field, source }, fromNs, options.signal),
      );
      const window = endNs > MAX_NS ? { startNs } : { startNs, endNs };
      return topic.getDataStreamer({ ...options, ...window }).batches();
    };
  }

  /** Moves on to a moment, which is not before the one before. */
  async moveTo(ns: bigint): Promise<void> {
    if (!this.#started) {
      this.#started = true;
      this.#blocks = await this.#open();
      if (this.#closed) await this.#blocks.return!();
      this.#first = await this.#next();
      this.after = await this.#take();
    }
    while (this.after !== undefined && this.after.ns <= ns) {
      this.before = this.after;
      this.after = this.#takeAtHand() ?? await this.#take();
    }
  }

  /** As {@linkcode moveTo}, as far as messages are at hand. How many it passed; undefined where it is not there yet. */
  moveAtHand(ns: bigint): number | undefined {
    if (!this.#started) return undefined;
    let passed = 0;
    for (; this.after !== undefined && this.after.ns <= ns; passed++) {
      const next = this.#takeAtHand();
      if (next === undefined) return undefined;
      this.before = this.after;
      this.after = next;
    }
    return passed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#blocks?.return?.();
  }

  /** The last of the values at the next time; undefined where that is not certain without waiting. */
  #takeAtHand(): Timed | undefined {
    let found = this.#first;
    if (found === undefined) return undefined;
    for (;;) {
      const other = this.#nextAtHand();
      if (other === undefined) {
        this.#first = found;
        return undefined;
      }
      if (other.ns !== found.ns) {
        this.#first = other;
        return found;
      }
      found = other;
    }
  }

  async #take(): Promise<Timed | undefined> {
    let found = this.#first;
    if (found === undefined) return undefined;
    for (;;) {
      const other = await this.#next();
      if (other === undefined || other.ns !== found.ns) {
        this.#first = other;
        return found;
      }
      found = other;
    }
  }

  /** The next value of the block at hand. */
  #nextAtHand(): Timed | undefined {
    const block = this.#block;
    while (block !== undefined && this.#at < block.length) {
      const message = block.at(this.#at++);
      const value = valueAt(message.data, this.#path);
      if (value !== undefined) return { ns: message.timestampNs, value };
    }
    return undefined;
  }

  async #next(): Promise<Timed | undefined> {
    for (;;) {
      const found = this.#nextAtHand();
      if (found) return found;
      const { done, value } = await this.#blocks!.next();
      if (done) {
        this.gaps?.end();
        return undefined;
      }
      this.gaps?.add(value);
      this.#block = value;
      this.#at = 0;
    }
  }
}
