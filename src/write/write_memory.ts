/** Something that buffers rows and can let go of them. */
export interface Holder {
  /** Bytes of memory it holds now. */
  readonly heldBytes: number;
  /** Sends what it holds on its way and gives the memory back. */
  spill(): void;
}

/** What is left of the half that collects once holders have spilled: were it full, each row would make one spill again. */
const LEFT = 7 / 8;

/**
 * The bound on what all topics of a sequence hold in memory. One half is for rows that are collected: when it is
 * full the largest holders spill, so that many slow topics cannot starve a fast one of its large batches. The other half
 * is for batches on their way to the store: when it is full, writers wait.
 */
export class WriteMemory {
  readonly #half: number;
  readonly #holders = new Set<Holder>();
  #held = 0;
  #isSpilling = false;
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
    if (this.#held <= this.#half || this.#isSpilling) return;
    this.#isSpilling = true;
    try {
      this.#spill();
    } finally {
      this.#isSpilling = false;
    }
  }

  #spill(): void {
    const largestFirst = [...this.#holders].sort((a, b) => b.heldBytes - a.heldBytes);
    for (const holder of largestFirst) {
      const before = this.#held;
      if (before <= this.#half * LEFT) return;
      holder.spill();
      if (this.#held >= before) return;
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
