/** A condition variable: some wait until others say that something has changed, and look again. */
export class Condition {
  #waiting: (() => void)[] = [];

  /** Resolves when {@linkcode tell} is called. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Wakes all who wait. */
  tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
