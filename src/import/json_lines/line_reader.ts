import { SmaltiError } from "../../error.ts";

/** A line of a text, without what ends it. */
export interface Line {
  /** Valid until the next is asked for. */
  readonly bytes: Uint8Array;
  /** The first is 1. */
  readonly number: number;
  /** Where it begins in the file. */
  readonly offset: number;
}

const NEWLINE = 0x0a;

/** Cuts bytes, whatever pieces they come in, into lines. */
export class LineReader {
  readonly #maxBytes: number;
  /** The beginning of a line whose end has not come. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #number = 0;
  #offset = 0;

  /** @param maxBytes Bound on a line: TOO_LARGE beyond it. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in these bytes. What is left of them is copied. */
  *append(bytes: Uint8Array): Generator<Line> {
    let start = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
      yield this.#line(bytes.subarray(start, end), 1);
    }
    if (start === bytes.length) return;
    this.#hold(bytes.slice(start));
  }

  /** What follows the last end of a line, where that is anything: the file ends. */
  *finish(): Generator<Line> {
    if (this.#pieceBytes > 0) yield this.#line(new Uint8Array(0), 0);
  }

  #line(rest: Uint8Array, endBytes: number): Line {
    let bytes = rest;
    if (this.#pieceBytes > 0) {
      this.#hold(rest);
      bytes = new Uint8Array(this.#pieceBytes);
      let at = 0;
      for (const piece of this.#pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
      this.#pieces = [];
      this.#pieceBytes = 0;
    }
    const offset = this.#offset;
    this.#offset += bytes.length + endBytes;
    return { bytes, number: ++this.#number, offset };
  }

  #hold(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes <= this.#maxBytes) return;
    const where = `line ${this.#number + 1}, which begins at byte ${this.#offset}`;
    const text = `the file is too large: ${where}, has more than ${this.#maxBytes} bytes`;
    throw new SmaltiError("TOO_LARGE", text, { offset: this.#offset });
  }
}
