import type { Message } from "../merge/message.ts";
import type { MessageBlock } from "../streamer.ts";

/** A stretch of time without a message; undefined where there is none before or after it at all. */
export interface Gap {
  readonly fromNs: bigint | undefined;
  readonly toNs: bigint | undefined;
}

/** Where a topic that is read in time order has no message for longer than a bound. */
export class MessageGaps {
  readonly #leastNs: bigint;
  /** Those not yet passed. */
  #gaps: Gap[] = [];
  /** The last message that was read. */
  #lastNs: bigint | undefined;

  /** @param leastNs Gaps that are not longer are of no matter. */
  constructor(leastNs: bigint) {
    this.#leastNs = leastNs;
  }

  /** Takes the messages that follow. */
  add(block: MessageBlock<Message>): void {
    const last = block.at(block.length - 1).timestampNs;
    // Looked into only where there is room for a gap: mostly there is none.
    const isDense = this.#lastNs !== undefined && last - this.#lastNs <= this.#leastNs;
    for (let i = isDense ? block.length : 0; i < block.length; i++) {
      const ns = block.at(i).timestampNs;
      const fromNs = this.#lastNs;
      if (fromNs === undefined || ns - fromNs > this.#leastNs) this.#gaps.push({ fromNs, toNs: ns });
      this.#lastNs = ns;
    }
    this.#lastNs = last;
  }

  /** There are no more messages. */
  end(): void {
    this.#gaps.push({ fromNs: this.#lastNs, toNs: undefined });
  }

  /**
   * The gap that a moment is in, after its first message and before its last, and the first moment at which that may be
   * another; undefined for never. Moments ascend, and messages up to the moment and one more were added.
   */
  at(ns: bigint): { gap: Gap | undefined; untilNs: bigint | undefined } {
    while (this.#gaps.length > 0 && this.#gaps[0].toNs !== undefined && this.#gaps[0].toNs <= ns) {
      this.#gaps.shift();
    }
    const [gap] = this.#gaps;
    // Between the messages at its ends: at these themselves there is one.
    if (gap && (gap.fromNs === undefined || gap.fromNs < ns)) return { gap, untilNs: gap.toNs };
    return { gap: undefined, untilNs: (gap?.fromNs ?? this.#lastNs!) + 1n };
  }
}
