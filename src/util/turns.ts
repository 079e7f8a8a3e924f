/** Serves calls one after another, in the order they came: a mutex with a first-in-first-out queue. */
export class Turns {
  readonly #failed: (() => Promise<void>) | undefined;
  #count = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param failed What is to be done in the turn of a call that failed, before the call rejects. */
  constructor(failed?: () => Promise<void>) {
    this.#failed = failed;
  }

  /** Whether no call is running or waiting. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  /** Runs `action` when all calls before it have ended, well or not. Resolves and rejects as it does. */
  async take<R>(action: () => Promise<R>): Promise<R> {
    this.#count++;
    let mine = this.#last.then(action);
    if (this.#failed) mine = mine.catch((reason) => this.#refuse(reason));
    // Without the result: who waits for a turn must not keep alive what the one before gave out.
    this.#last = mine.then(() => {}, () => {});
    try {
      return await mine;
    } finally {
      this.#count--;
    }
  }

  async #refuse(reason: unknown): Promise<never> {
    await this.#failed!();
    throw reason;
  }
}
