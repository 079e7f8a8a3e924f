/** Something that buffers rows and can let go of them. */
export interface Holder {
  /** Bytes of memory it holds now. */
  readonly heldBytes: number;
  /** Sends what it holds on its way and gives the memory back. */
  spill(): void;
}

/**
 * The bound on what all topics of a sequence hold in memory. One half is for rows that are collected: when it is
 * full the largest holder spills, so that many slow topics cannot starve a fast one of its large batches. The other half
 * is for batches on their way to the store: when it is full, writers wait.
 */
export class WriteMemory {
  readonly #half: number;
  readonly #holders = new Set<Holder>();
  #held = 0;
  #sending = 0;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;

  /** @param maxBytes The bound, in bytes. */
  constructor(maxBytes: number) {
    this.#half = maxBytes / 2;
  }

  /** Tells that a holder holds `bytes` more, or less. */
  hold(holder: Holder, bytes: number): void {
    this.#holders.add(holder);
    this.#held += bytes;
    while (this.#held > this.#half) {
      let largest = holder;
      for (const other of this.#holders) if (other.heldBytes > largest.heldBytes) largest = other;
      const before = this.#held;
      largest.spill();
      if (this.#held >= before) break;
    }
  }

  /** Counts a batch until it is with the store. */
  send(bytes: number, stored: Promise<void>): void {
    this.#sending += bytes;
    const done = () => {
      this.#sending -= bytes;
      if (this.#sending > this.#half) return;
      this.#waiting?.resolve();
      this.#waiting = undefined;
    };
    stored.then(done, done);
  }

  /** Resolves when there is room for more; undefined where there is now. */
  wait(): Promise<void> | undefined {
    if (this.#sending <= this.#half) return undefined;
    if (!this.#waiting) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => resolve = done);
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }
}
