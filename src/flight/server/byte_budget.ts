import { Code, ConnectError } from "@connectrpc/connect";
import { goneAway } from "../status.ts";

/** Who waits for bytes. */
interface Waiting {
  readonly owner: object;
  readonly bytes: number;
  readonly start: () => void;
}

/**
 * Memory that uploads share. Who finds too little left waits, who came first is first; but who has some already does not,
 * since what is not read of one stream of a connection may keep its others from going on.
 */
export class ByteBudget {
  readonly #allBytes: number;
  #usedBytes = 0;
  readonly #held = new Map<object, number>();
  readonly #waiting: Waiting[] = [];

  constructor(bytes: number) {
    this.#allBytes = bytes;
  }

  /**
   * Waits until the bytes are free, and gives what frees them again. More than all there are come in once nobody has any.
   * RESOURCE_EXHAUSTED where their owner would have to wait for itself; CANCELED where the signal is aborted before.
   */
  async take(bytes: number, owner: object, signal: AbortSignal): Promise<() => void> {
    const isOwner = this.#held.has(owner);
    if (this.#fits(bytes) && (isOwner || this.#waiting.length === 0)) this.#add(owner, bytes);
    else if (!isOwner) await this.#wait(bytes, owner, signal);
    else {
      throw new ConnectError(
        `A message of ${bytes} bytes finds the server's memory for uploads full, ${this.#usedBytes} of ` +
          `${this.#allBytes} bytes: wanted smaller messages, or fewer at once`,
        Code.ResourceExhausted,
      );
    }
    let isFree = false;
    return () => {
      if (isFree) return;
      isFree = true;
      this.#add(owner, -bytes);
      this.#startNext();
    };
  }

  #wait(bytes: number, owner: object, signal: AbortSignal): Promise<void> {
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
      const waiting = { bytes, owner, start };
      this.#waiting.push(waiting);
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave);
    });
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#allBytes;
  }

  #add(owner: object, bytes: number): void {
    const held = (this.#held.get(owner) ?? 0) + bytes;
    if (held > 0) this.#held.set(owner, held);
    else this.#held.delete(owner);
    this.#usedBytes += bytes;
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      // At once, so that nobody comes in between.
      this.#add(next.owner, next.bytes);
      next.start();
    }
  }
}
