import { goneAway } from "../status.ts";

/** Who waits for bytes. */
interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

/** Memory that uploads share. Who finds too little left waits; who came first is first. */
export class ByteBudget {
  readonly #allBytes: number;
  #usedBytes = 0;
  readonly #waiting: Waiting[] = [];

  constructor(bytes: number) {
    this.#allBytes = bytes;
  }

  /**
   * Waits until the bytes are free, and gives what frees all but so many of them again. More than all there are come in once nobody has any.
   * CANCELED where the signal is aborted before.
   */
  async take(bytes: number, signal: AbortSignal): Promise<(kept?: number) => void> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, signal);
    else this.#usedBytes += bytes;
    let held = bytes;
    return (kept = 0) => {
      if (kept >= held) return;
      this.#usedBytes -= held - kept;
      held = kept;
      this.#startNext();
    };
  }

  /** Takes the bytes where they are free and nobody waits; whether it did. They are freed by {@linkcode free}. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0 || this.#usedBytes + bytes > this.#allBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** Frees bytes of {@linkcode tryTake}. */
  free(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#startNext();
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        this.#startNext();
        reject(goneAway());
      };
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const waiting = { bytes, start };
      this.#waiting.push(waiting);
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave);
    });
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#allBytes;
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      // At once, so that nobody comes in between.
      this.#usedBytes += next.bytes;
      next.start();
    }
  }
}
