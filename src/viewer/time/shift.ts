/**
 * Two recordings on one time: the second one is shown from the first one's start on, later by a shift.
 *
 * @module
 */
import type { WindowNs } from "../data/protocol.ts";
import { secondsOf } from "./clock.ts";

/** Takes moments of the page, which are those of the first recording, to the second one and back. */
export class Shift {
  /** How much later the second one is shown. */
  readonly shiftNs: bigint;
  readonly #betweenNs: bigint;

  /** @param startNs Where seconds of each are counted from: `startNs` of their `RecordingInfo`. */
  constructor(startNs: { readonly first: bigint; readonly second: bigint }, shiftNs: bigint = 0n) {
    this.shiftNs = shiftNs;
    this.#betweenNs = startNs.second - startNs.first - shiftNs;
  }

  /** The second recording's moment that is shown at one of the page. */
  toSecond(ns: bigint): bigint {
    return ns + this.#betweenNs;
  }

  /** The page's moment at which one of the second recording is shown. */
  toPage(ns: bigint): bigint {
    return ns - this.#betweenNs;
  }

  /** A window of the page in the second recording. */
  window({ fromNs, toNs }: WindowNs): WindowNs {
    return { fromNs: this.toSecond(fromNs), toNs: this.toSecond(toNs) };
  }

  /** What is added to the second recording's seconds where they are drawn. */
  get seconds(): number {
    return secondsOf(this.shiftNs);
  }
}
