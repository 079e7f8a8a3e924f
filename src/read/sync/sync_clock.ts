import { MAX_NS, MIN_NS } from "../../types.ts";
import type { Message } from "../merge/message.ts";
import type { MessageBlock } from "../streamer.ts";
import type { TopicStreamer } from "../topic_streamer.ts";

/** The ticks that fields are brought onto, in time order. */
export interface SyncClock {
  /** The next tick, where it is at hand. */
  peek(): bigint | undefined;
  /** Goes on to the tick after it. */
  pass(): void;
  /** Waits until a tick is at hand; false at the end. */
  load(): Promise<boolean>;
  /** Ticks that are sure to come. */
  readonly left: bigint;
  close(): Promise<void>;
}

/** A clock that ticks from a time on and every so many nanoseconds. */
export class PeriodClock implements SyncClock {
  readonly firstNs: bigint;
  /** No tick is after it. */
  readonly lastNs: bigint;
  readonly periodNs: bigint;
  #nextNs: bigint;

  constructor(firstNs: bigint, lastNs: bigint, periodNs: bigint) {
    this.firstNs = this.#nextNs = firstNs;
    this.lastNs = lastNs;
    this.periodNs = periodNs;
  }

  peek(): bigint | undefined {
    return this.#nextNs <= this.lastNs ? this.#nextNs : undefined;
  }

  pass(): void {
    this.#nextNs += this.periodNs;
  }

  load(): Promise<boolean> {
    return Promise.resolve(this.#nextNs <= this.lastNs);
  }

  get left(): bigint {
    return this.#nextNs > this.lastNs ? 0n : (this.lastNs - this.#nextNs) / this.periodNs + 1n;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A clock that ticks with each message of a topic. */
export class TopicClock implements SyncClock {
  readonly left = 0n;
  readonly #stream: TopicStreamer;
  readonly #blocks: AsyncIterator<MessageBlock<Message>>;
  #block: MessageBlock<Message> | undefined;
  #at = 0;

  constructor(stream: TopicStreamer) {
    this.#stream = stream;
    this.#blocks = stream.batches();
  }

  peek(): bigint | undefined {
    const block = this.#block;
    return block && this.#at < block.length ? block.at(this.#at).timestampNs : undefined;
  }

  pass(): void {
    this.#at++;
  }

  async load(): Promise<boolean> {
    this.#block = (await this.#blocks.next()).value;
    this.#at = 0;
    return this.#block !== undefined;
  }

  close(): Promise<void> {
    return this.#stream.close();
  }
}

/** First and last time of several topics; undefined where they have no message. */
export function spanOf(
  topics: readonly { firstNs: bigint | undefined; lastNs: bigint | undefined }[],
): { firstNs: bigint; lastNs: bigint } | undefined {
  let [first, last] = [MAX_NS, MIN_NS];
  for (const { firstNs, lastNs } of topics) {
    if (firstNs !== undefined && firstNs < first) first = firstNs;
    if (lastNs !== undefined && lastNs > last) last = lastNs;
  }
  return first <= last ? { firstNs: first, lastNs: last } : undefined;
}
