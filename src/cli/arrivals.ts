import type { Recording } from "./find_recordings.ts";

/** A recording in a directory that is watched, as it was found. */
export interface Arrival {
  readonly recording: Recording;
  /** Its path below the directory. */
  readonly name: string;
  /** Bytes of all its files. */
  readonly size: number;
  /** When the last of them was changed, in milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** What tells a recording apart from another, and from itself before it was changed. */
export function arrivalKey({ name, size, mtimeMs }: Pick<Arrival, "name" | "size" | "mtimeMs">): string {
  return JSON.stringify([name, size, mtimeMs]);
}

/** Tells which recordings are to be imported: those that stay as they are for a while, each once. */
export class Arrivals {
  readonly #settleMs: number;
  readonly #done: Set<string>;
  /** When each was first seen as it is, by its key. */
  #since = new Map<string, number>();

  /**
   * @param settleMs How long a recording has to stay as it is.
   * @param done Keys of those that were imported before.
   */
  constructor(settleMs: number, done: Iterable<string>) {
    this.#settleMs = settleMs;
    this.#done = new Set(done);
  }

  /** Those of all that are there at a time which have come to rest and are not done. */
  settled(found: readonly Arrival[], nowMs: number): Arrival[] {
    const since = new Map<string, number>();
    for (const arrival of found) {
      const key = arrivalKey(arrival);
      if (!this.#done.has(key)) since.set(key, this.#since.get(key) ?? nowMs);
    }
    this.#since = since;
    return found.filter((arrival) => {
      const firstMs = since.get(arrivalKey(arrival));
      return firstMs !== undefined && nowMs - firstMs >= this.#settleMs;
    });
  }

  /** Notes that one was imported, or cannot be as it is. */
  finish(arrival: Arrival): void {
    this.#done.add(arrivalKey(arrival));
  }
}
