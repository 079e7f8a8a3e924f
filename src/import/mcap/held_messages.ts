import type { McapMessage } from "./mcap_records.ts";

/** Bytes that are held at most, of all channels. */
const MAX_HELD_BYTES = 32 * 2 ** 20;
/** What a message takes beside its data, roughly. */
const MESSAGE_BYTES = 128;

/** A message with its number in the file. */
export type NumberedMessage = McapMessage & { readonly index: number };

/** Messages of one channel that is not known yet. */
export interface Held {
  readonly channelId: number;
  /** Byte of the file of the first, or of its chunk. */
  readonly offset: number;
  readonly messages: NumberedMessage[];
  /** Those for which there was no room. */
  lostCount: number;
}

/** Holds messages whose channel is not known, since it may yet come, as in the summary of a file that is a stream. */
export class HeldMessages {
  readonly #byChannel = new Map<number, Held>();
  #bytes = 0;

  /** Takes a message, as a copy; past the bound only its count. */
  hold(message: NumberedMessage, offset: number): void {
    const { channelId, data } = message;
    const held = this.#byChannel.get(channelId) ?? { channelId, offset, messages: [], lostCount: 0 };
    this.#byChannel.set(channelId, held);
    const bytes = data.length + MESSAGE_BYTES;
    // Where one was lost all that follow are, so that there is one hole and not many.
    if (held.lostCount > 0 || this.#bytes + bytes > MAX_HELD_BYTES) {
      held.lostCount++;
      return;
    }
    this.#bytes += bytes;
    held.messages.push({ ...message, data: data.slice() });
  }

  /** Whether messages of a channel are held. */
  has(channelId: number): boolean {
    return this.#byChannel.has(channelId);
  }

  /** Gives a channel's messages out, in their order. */
  release(channelId: number): Held | undefined {
    const held = this.#byChannel.get(channelId);
    if (!held) return undefined;
    this.#byChannel.delete(channelId);
    for (const { data } of held.messages) this.#bytes -= data.length + MESSAGE_BYTES;
    return held;
  }

  /** The channels that messages are held of. */
  get channelIds(): number[] {
    return [...this.#byChannel.keys()];
  }
}
