/**
 * One `requestAnimationFrame` for all of the page: what changed draws once a frame, and nothing runs while nothing changes.
 *
 * @module
 */

/** Draws what asked for it, once, in the next frame. */
export class Frames {
  readonly #wanted = new Set<(nowMs: number) => void>();
  #handle: number | undefined;

  /** Calls it in the next frame, once however often it was asked for. A frame's own requests are for the one after. */
  request(draw: (nowMs: number) => void): void {
    this.#wanted.add(draw);
    this.#handle ??= requestAnimationFrame((nowMs) => this.#run(nowMs));
  }

  /** Takes a request back. */
  cancel(draw: (nowMs: number) => void): void {
    this.#wanted.delete(draw);
  }

  #run(nowMs: number): void {
    this.#handle = undefined;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (const draw of wanted) {
      // What fails in one panel is no reason to stop the others.
      try {
        draw(nowMs);
      } catch (reason) {
        console.error(reason);
      }
    }
  }
}
