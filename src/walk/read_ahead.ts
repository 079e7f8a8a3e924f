import type { BatchAhead, RunSource } from "../backend.ts";

/** Batches that are read ahead at most, or topics for which they are, where requests are shared. */
const MAX_AHEAD = 8;
/** Requests for one topic that are under way at most, beside the one whose batches are being opened. */
const MAX_SHARED = 3;
/** Bytes of a topic's first shared request; later ones are larger the more was read: who wants little is to get it soon. */
const FIRST_SHARED_BYTES = 5 * 2 ** 18;

/** Room for batches that are read ahead. */
export interface AheadRoom {
  /** The bound on all that is held, in bytes. */
  readonly maxBytes: number;
  /** What batches may take of it at most. */
  readonly maxAheadBytes: number;
  /** Whether there is room for a batch and plenty beside it. */
  hasPlenty(bytes: number): boolean;
  /** The same where reading again is dear. */
  hasRoomAhead(bytes: number): boolean;
  /** Sets bytes aside. */
  addAhead(bytes: number): void;
  /** Gives them back. */
  removeAhead(bytes: number): void;
}

/**
 * What a replay reads before it needs it: the batches that come first, one by one, or, where requests are dear, as many
 * batches of a topic together as a request had better carry and the topic's share of the memory holds.
 */
export class ReadAhead {
  readonly #sources: readonly RunSource[];
  readonly #memory: AheadRoom;
  /** How many batches are read ahead, by topic and in all, and what they take. */
  readonly #counts: Uint32Array;
  readonly #bytes: Float64Array;
  #count = 0;
  /** By topic, bytes that were taken so far. */
  readonly #taken: Float64Array;

  constructor(sources: readonly RunSource[], memory: AheadRoom) {
    this.#sources = sources;
    this.#memory = memory;
    this.#counts = new Uint32Array(sources.length);
    this.#bytes = new Float64Array(sources.length);
    this.#taken = new Float64Array(sources.length);
  }

  /** Whether batches of a topic that needs one share a request. */
  isShared(position: number): boolean {
    return this.#counts[position] === 0 && this.#sources[position].ahead?.sharedBytes !== undefined;
  }

  /** Says that a topic's next batch is to be opened. */
  take(position: number): void {
    const bytes = this.#sources[position].nextBytes;
    this.#taken[position] += bytes;
    if (this.#counts[position] === 0) return;
    this.#counts[position]--;
    this.#count--;
    this.#bytes[position] -= bytes;
    this.#memory.removeAhead(bytes);
  }

  /** Begins to read what there is room for. @param waiting Positions of topics, by when their next batch is to be opened. */
  fill(waiting: readonly number[]): void {
    for (;;) {
      let position = -1;
      let soonest: BatchAhead | undefined;
      // As many batches come first as there are topics that wait before a topic: so many are enough to look at.
      for (let i = 0; i < Math.min(waiting.length, MAX_AHEAD); i++) {
        const { ahead } = this.#sources[waiting[i]];
        if (!ahead || soonest && ahead.nextNs >= soonest.nextNs || !this.#hasLittle(waiting[i], ahead)) {
          continue;
        }
        [position, soonest] = [waiting[i], ahead];
      }
      if (!soonest) return;
      if (soonest.sharedBytes !== undefined) {
        if (!this.#readTogether(position, soonest, soonest.sharedBytes)) return;
        continue;
      }
      if (this.#count >= Math.min(soonest.most, MAX_AHEAD) || !this.#memory.hasPlenty(soonest.bytes)) return;
      this.#read(position, soonest.bytes);
    }
  }

  /** Lets go of so many bytes at least, if there are; gives how many there were. What is needed last goes first, topic by topic. */
  drop(bytes: number): number {
    const held = [...this.#counts.keys()].filter((position) => this.#counts[position] > 0);
    // A source that has batches ahead has a next one.
    const timeOf = (position: number) => this.#sources[position].nextNs!;
    held.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
    let dropped = 0;
    for (const position of held) {
      if (dropped >= bytes) break;
      this.#sources[position].dropAhead();
      dropped += this.#bytes[position];
      this.#count -= this.#counts[position];
      this.#counts[position] = this.#bytes[position] = 0;
    }
    return dropped;
  }

  /**
   * Whether a topic is to get more. Where requests are shared, only once a request's batches are used up, unless few topics
   * have the memory to themselves: who takes one batch when another is done with pays a request for each.
   */
  #hasLittle(position: number, { sharedBytes, bytes }: BatchAhead): boolean {
    if (sharedBytes === undefined) return true;
    const most = this.#mostTogether(position, sharedBytes, bytes);
    const spare = this.#memory.maxAheadBytes / this.#sources.length - most;
    return this.#bytes[position] <= Math.max(0, Math.min(spare, MAX_SHARED * most));
  }

  /** Bytes of a request: topics are at different places in theirs, so on average they hold half of them. */
  #mostTogether(position: number, sharedBytes: number, bytes: number): number {
    const share = bytes + this.#memory.maxBytes / this.#sources.length;
    return Math.min(sharedBytes, share, FIRST_SHARED_BYTES + 3 * this.#taken[position]);
  }

  /** Reads batches of a topic by one request; false where there is no room for any. */
  #readTogether(position: number, first: BatchAhead, sharedBytes: number): boolean {
    let left = this.#mostTogether(position, sharedBytes, first.bytes);
    let count = 0;
    for (let next: BatchAhead | undefined = first; next; next = this.#sources[position].ahead) {
      if (count > 0 && next.bytes > left || !this.#memory.hasRoomAhead(next.bytes)) break;
      left -= next.bytes;
      count++;
      this.#read(position, next.bytes);
    }
    return count > 0;
  }

  #read(position: number, bytes: number): void {
    this.#memory.addAhead(bytes);
    this.#counts[position]++;
    this.#count++;
    this.#bytes[position] += bytes;
    this.#sources[position].prefetch();
  }
}
