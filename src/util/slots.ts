/** Lets so many calls run at a time, the others in the order they came: a counting semaphore. */
export class Slots {
  readonly #most: number;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs `action` once there is room for it. Resolves and rejects as it does. */
  async take<R>(action: () => Promise<R>): Promise<R> {
    if (this.#running < this.#most) this.#running++;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await action();
    } finally {
      const next = this.#queue.shift();
      if (next) next(); // takes over this one's place
      else this.#running--;
    }
  }
}
