/**
 * Open batches that are kept at hand, so that who looks near a place again reads and decodes nothing.
 *
 * A segmented LRU: what a walk has passed goes to a part of the room where the oldest goes first, so that a replay of all
 * drives out no more than that part; what is asked for again moves to the rest, where what was not asked for the longest goes
 * first.
 *
 * The batches belong to the files that they are of, and the cache knows files by weak references alone: a file that nobody
 * holds any longer takes its batches with it.
 *
 * @module
 */
import type { OpenBatch } from "./stored_batch.ts";
import { unlessAborted } from "../util/unless_aborted.ts";

/** Part of the room for what was passed once. */
const PASSED_PART = 4;

/** Bytes that are kept of open batches unless told. */
export const CACHED_BYTES: number = 32 * 2 ** 20;

/** A batch that is kept. */
interface Kept {
  readonly batch: OpenBatch;
  readonly place: Place;
}

/** What the cache knows of a batch that is kept, or was until its file was forgotten. */
interface Place {
  readonly batches: WeakRef<Map<number, Kept>>;
  readonly number: number;
  bytes: number;
  /** Where it is. */
  segment: Segment;
}

/** Places in the order in which they are to go, and their bytes. */
interface Segment {
  readonly places: Set<Place>;
  bytes: number;
}

/** A batch that is being opened for one or several. */
interface Load {
  readonly batch: Promise<OpenBatch>;
  readonly stop: AbortController;
  waiting: number;
}

/** Batches of many files, within a bound of bytes: as stored, their times, and what was decompressed of their columns. */
export class BatchCache {
  readonly #maxBytes: number;
  readonly #passed: Segment = { places: new Set(), bytes: 0 };
  readonly #wanted: Segment = { places: new Set(), bytes: 0 };
  #isClosed = false;

  /** @param maxBytes The bound; with 0 nothing is kept. */
  constructor(maxBytes: number = CACHED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that a walk may add before it drives out its own. */
  get walkBytes(): number {
    return this.#maxBytes / PASSED_PART;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#passed.bytes + this.#wanted.bytes;
  }

  /** Room for the batches of a file; undefined where nothing is kept. */
  file(): FileBatches | undefined {
    return this.#maxBytes > 0 ? new FileBatches(this) : undefined;
  }

  /** Lets go of all, and keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    for (const { places } of [this.#passed, this.#wanted]) {
      for (const place of places) this.remove(place);
    }
  }

  /** @internal Keeps a batch that is not kept yet. */
  add(batches: Map<number, Kept>, number: number, batch: OpenBatch, isWanted: boolean): void {
    if (this.#isClosed) return;
    const bytes = batch.message.length + batch.times.byteLength + batch.loadedBytes;
    const segment = isWanted ? this.#wanted : this.#passed;
    const place: Place = { batches: new WeakRef(batches), number, bytes, segment };
    batches.set(number, { batch, place });
    segment.places.add(place);
    segment.bytes += bytes;
    batch.onLoad = (loaded) => {
      if (!place.segment.places.has(place)) return;
      place.bytes += loaded;
      place.segment.bytes += loaded;
      this.#makeRoom();
    };
    this.#makeRoom();
  }

  /** @internal Notes that a batch was asked for again. */
  touch(place: Place): void {
    this.#forget(place);
    place.segment = this.#wanted;
    place.segment.places.add(place);
    place.segment.bytes += place.bytes;
    this.#makeRoom();
  }

  /** @internal Lets go of a batch, which its holders keep. */
  remove(place: Place): void {
    this.#forget(place);
    const batches = place.batches.deref();
    const kept = batches?.get(place.number);
    if (kept?.place !== place) return;
    kept.batch.onLoad = undefined;
    batches!.delete(place.number);
  }

  #forget(place: Place): void {
    if (place.segment.places.delete(place)) place.segment.bytes -= place.bytes;
  }

  #makeRoom(): void {
    for (const place of this.#passed.places) {
      if (this.#passed.bytes <= this.walkBytes) break;
      this.remove(place);
    }
    for (const place of this.#wanted.places) {
      if (this.bytes <= this.#maxBytes) break;
      this.remove(place);
    }
  }
}

/** The batches of one file that are kept, by number. */
export class FileBatches {
  readonly #cache: BatchCache;
  readonly #batches = new Map<number, Kept>();
  readonly #loads = new Map<number, Load>();

  /** @internal Use {@linkcode BatchCache.file}. */
  constructor(cache: BatchCache) {
    this.#cache = cache;
  }

  /** Bytes that a walk may add before it drives out its own. */
  get walkBytes(): number {
    return this.#cache.walkBytes;
  }

  /** Whether a batch is at hand, or on its way. */
  has(number: number): boolean {
    return this.#batches.has(number) || this.#loads.has(number);
  }

  /** A batch that is at hand or on its way; undefined where it is neither. Others have it too: `share` gives one's own. */
  get(number: number, signal?: AbortSignal): OpenBatch | Promise<OpenBatch> | undefined {
    const kept = this.#batches.get(number);
    if (kept) {
      this.#cache.touch(kept.place);
      return kept.batch;
    }
    const load = this.#loads.get(number);
    return load && this.#wait(number, load, signal);
  }

  /**
   * The same, and opens it where it is neither: once, however many ask meanwhile. Each waits by its own signal; opening is
   * stopped when nobody waits any longer.
   */
  async load(
    number: number,
    open: (signal: AbortSignal) => Promise<OpenBatch>,
    signal?: AbortSignal,
  ): Promise<OpenBatch> {
    signal?.throwIfAborted();
    return await (this.get(number, signal) ?? this.#wait(number, this.#load(number, open), signal));
  }

  /** Keeps a batch that a walk has passed, in place of the one that is kept of that number. The walk is done with it. */
  keep(number: number, batch: OpenBatch): void {
    const before = this.#batches.get(number);
    if (before) this.#cache.remove(before.place);
    this.#cache.add(this.#batches, number, batch, before !== undefined);
  }

  /** Lets go of all of them. Who waits for one gets it. */
  clear(): void {
    for (const { place } of [...this.#batches.values()]) this.#cache.remove(place);
    this.#loads.clear();
  }

  #load(number: number, open: (signal: AbortSignal) => Promise<OpenBatch>): Load {
    const stop = new AbortController();
    const opened = async () => {
      try {
        const batch = await open(stop.signal);
        // Unless all were let go of meanwhile.
        if (this.#loads.get(number) === load && !this.#batches.has(number)) {
          this.#cache.add(this.#batches, number, batch, true);
        }
        return batch;
      } finally {
        this.#end(number, load);
      }
    };
    const load: Load = { batch: Promise.resolve().then(opened), stop, waiting: 0 };
    this.#loads.set(number, load);
    return load;
  }

  async #wait(number: number, load: Load, signal: AbortSignal | undefined): Promise<OpenBatch> {
    load.waiting++;
    try {
      return await unlessAborted(load.batch, signal);
    } finally {
      load.waiting--;
      if (load.waiting === 0) {
        this.#end(number, load);
        load.stop.abort();
      }
    }
  }

  #end(number: number, load: Load): void {
    if (this.#loads.get(number) === load) this.#loads.delete(number);
  }
}
