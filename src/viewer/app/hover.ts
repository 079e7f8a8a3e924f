/** The moment under the pointer, which all panels show by a thin line. */
export class Hover {
  #seconds: number | undefined;
  readonly #listeners = new Set<(seconds: number | undefined) => void>();

  /** Seconds from the recording's start; undefined where the pointer is over nothing that has a time. */
  get seconds(): number | undefined {
    return this.#seconds;
  }

  /** Moves it. */
  set(seconds: number | undefined): void {
    if (seconds === this.#seconds) return;
    this.#seconds = seconds;
    for (const listener of [...this.#listeners]) listener(seconds);
  }

  /** Hears of it. Returns what takes the listener off. */
  subscribe(listener: (seconds: number | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
