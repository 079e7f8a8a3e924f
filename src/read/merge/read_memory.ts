import { SmaltiError } from "../../error.ts";
import type { AheadRoom } from "../../walk/read_ahead.ts";
import type { TopicBatch } from "./message.ts";

/**
 * The bound on what a replay holds: open batches as they are stored, with their times, and what was decompressed of their
 * columns. Columns make room for others and for batches, unless they are in use, and are decompressed again when they are
 * touched again; batches stay open. A single batch is held however large it is.
 */
export class ReadMemory implements AheadRoom {
  readonly #maxBytes: number;
  /** Lets go of batches that are read ahead. */
  readonly #dropAhead: (bytes: number) => number;
  /** In the order of opening. */
  readonly #open = new Set<TopicBatch>();
  /** Of open batches, and of those on their way. */
  #batchBytes = 0;
  #columnBytes = 0;
  /** Of batches that are read ahead of need. */
  #aheadBytes = 0;

  /**
   * @param maxBytes The bound, in bytes.
   * @param dropAhead Lets go of what was read ahead, of so many bytes at least, and gives how many there were: it makes room for
   * all else.
   */
  constructor(maxBytes: number, dropAhead: (bytes: number) => number = () => Infinity) {
    this.#maxBytes = maxBytes;
    this.#dropAhead = dropAhead;
  }

  /** Whether another batch leaves half of the bound to columns, and none has to make room for it. */
  hasPlenty(bytes: number): boolean {
    const wanted = this.#batchBytes + this.#aheadBytes + bytes;
    return 2 * wanted <= this.#maxBytes && wanted + this.#columnBytes <= this.#maxBytes;
  }

  /** The bound, in bytes. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** What batches may take at most, those that are read ahead among them, where {@linkcode hasRoomAhead} says so. */
  get maxAheadBytes(): number {
    return this.#maxBytes * 3 / 4;
  }

  /** As {@linkcode hasPlenty} where reading again is dear: columns get a quarter of the bound, and an eighth to grow by. */
  hasRoomAhead(bytes: number): boolean {
    const wanted = this.#batchBytes + this.#aheadBytes + bytes;
    return wanted <= this.maxAheadBytes && wanted + this.#columnBytes <= this.#maxBytes * 7 / 8;
  }

  /** Sets bytes aside for a batch that is read ahead, until it is to be opened or has to make room. */
  addAhead(bytes: number): void {
    this.#aheadBytes += bytes;
  }

  /** Gives them back. */
  removeAhead(bytes: number): void {
    this.#aheadBytes -= bytes;
  }

  /** Sets bytes aside for a batch of a topic that is to be opened. TOO_LARGE. */
  reserve(bytes: number, { sequence, name }: TopicBatch["topic"]): void {
    if (this.#batchBytes > 0 && this.#batchBytes + bytes > this.#maxBytes) {
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot replay sequence "${sequence}": ${this.#open.size + 1} batches overlap in time and take ` +
          `${this.#batchBytes + bytes} bytes, maxBufferedBytes is ${this.#maxBytes}`,
        { sequence, topic: name },
      );
    }
    this.#makeRoom(bytes);
    this.#batchBytes += bytes;
  }

  /** Gives back what was set aside. */
  free(bytes: number): void {
    this.#batchBytes -= bytes;
  }

  /** Holds an open batch, and what will be decompressed of its columns. TOO_LARGE. */
  add(batch: TopicBatch): void {
    this.reserve(batch.heldBytes, batch.topic);
    // Of one that was at hand some columns are there.
    if (this.#batchBytes + this.#columnBytes + batch.columnBytes > this.#maxBytes) batch.unload();
    this.#columnBytes += batch.columnBytes;
    this.#open.add(batch);
    batch.batch.onLoad = (bytes) => this.#load(batch, bytes);
    batch.release = () => this.#unload(batch);
  }

  /** Lets go of a batch. Messages on it that somebody keeps are theirs. */
  remove(batch: TopicBatch): void {
    this.#open.delete(batch);
    batch.batch.onLoad = batch.release = undefined;
    this.#batchBytes -= batch.heldBytes;
    this.#columnBytes -= batch.columnBytes;
  }

  /** Lets go of all batches. */
  close(): void {
    for (const batch of this.#open) this.remove(batch);
  }

  #load(batch: TopicBatch, bytes: number): void {
    this.#makeRoom(bytes, batch);
    const wanted = this.#batchBytes + this.#columnBytes + bytes;
    if (wanted > this.#maxBytes && this.#open.size > 1) {
      const { sequence, name } = batch.topic;
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot read topic "${name}" of sequence "${sequence}": ${this.#open.size} batches overlap in time and ` +
          `take ${wanted} bytes with the columns that are read, maxBufferedBytes is ${this.#maxBytes}`,
        { sequence, topic: name },
      );
    }
    batch.columnBytes += bytes;
    this.#columnBytes += bytes;
  }

  /** Lets go of what was read ahead, then unloads columns, as far as it takes: those opened first, since they are soonest done with. */
  #makeRoom(bytes: number, except?: TopicBatch): void {
    const missing = this.#batchBytes + this.#columnBytes + this.#aheadBytes + bytes - this.#maxBytes;
    if (this.#aheadBytes > 0 && missing > 0) {
      this.#aheadBytes = Math.max(0, this.#aheadBytes - this.#dropAhead(missing));
    }
    for (const batch of this.#open) {
      if (this.#batchBytes + this.#columnBytes + bytes <= this.#maxBytes) return;
      if (batch === except || batch.inUse || batch.columnBytes === 0) continue;
      this.#unload(batch);
    }
  }

  #unload(batch: TopicBatch): void {
    this.#columnBytes -= batch.columnBytes;
    batch.unload();
  }
}
