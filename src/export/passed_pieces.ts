import { Condition } from "../util/condition.ts";
import type { ColumnPiece } from "./column_pieces.ts";

/** Pieces of one topic on their way to what writes them, which goes on beside. */
export class PassedPieces {
  readonly #pieces: ColumnPiece[] = [];
  readonly #change = new Condition();
  readonly #done: Promise<void>;
  #isEnded = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(write: (pieces: () => AsyncGenerator<ColumnPiece>) => Promise<void>) {
    this.#done = write(() => this.#take());
    this.#done.catch((reason) => this.#fail(reason));
  }

  /** Resolves when there is room for more. Rejects with what writing fails with. */
  async pass(piece: ColumnPiece): Promise<void> {
    this.#pieces.push(piece);
    this.#change.tell();
    while (this.#pieces.length > 1 && !this.#failure) await this.#change.wait();
    if (this.#failure) throw this.#failure.reason;
  }

  /** Resolves when all is written. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#change.tell();
    await this.#done;
  }

  /** Resolves when nothing is written any more. */
  async abort(reason: unknown): Promise<void> {
    this.#fail(reason);
    await this.#done.catch(() => {});
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#change.tell();
  }

  async *#take(): AsyncGenerator<ColumnPiece> {
    for (;;) {
      if (this.#failure) throw this.#failure.reason;
      const piece = this.#pieces.shift();
      this.#change.tell();
      if (piece) yield piece;
      else if (this.#isEnded) return;
      else await this.#change.wait();
    }
  }
}
