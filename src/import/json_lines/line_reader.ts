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
  readonly #tooLong: (line: Omit<Line, "bytes">) => void;
  /** The beginning of a line whose end has not come. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  /** Bytes of a line that is too long, which are not kept. */
  #skippedBytes = 0;
  #number = 0;
  #offset = 0;

  /**
   * @param maxBytes Bound on a line.
   * @param tooLong Told of one beyond it as soon as that shows, unless it throws; the line is left out.
   */
  constructor(maxBytes: number, tooLong: (line: Omit<Line, "bytes">) => void) {
    this.#maxBytes = maxBytes;
    this.#tooLong = tooLong;
  }

  /** The lines that end in these bytes. What is left of them is copied. */
  *append(bytes: Uint8Array): Generator<Line> {
    let start = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
      yield* this.#line(bytes.subarray(start, end), 1);
    }
    if (start < bytes.length) this.#hold(bytes.subarray(start), true);
  }

  /** What follows the last end of a line, where that is anything: the file ends. */
  *finish(): Generator<Line> {
    if (this.#pieceBytes > 0) yield* this.#line(new Uint8Array(0), 0);
  }

  *#line(rest: Uint8Array, endBytes: number): Generator<Line> {
    let bytes = rest;
    if (this.#pieceBytes > 0 || this.#skippedBytes > 0 || rest.length > this.#maxBytes) {
      this.#hold(rest, false);
      bytes = new Uint8Array(this.#pieceBytes);
      let at = 0;
      for (const piece of this.#pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
    }
    const line = { bytes, number: ++this.#number, offset: this.#offset };
    this.#offset += this.#skippedBytes + bytes.length + endBytes;
    const isWhole = this.#skippedBytes === 0;
    this.#pieces = [];
    this.#pieceBytes = this.#skippedBytes = 0;
    if (isWhole) yield line;
  }

  #hold(piece: Uint8Array, isCopied: boolean): void {
    if (this.#skippedBytes === 0 && this.#pieceBytes + piece.length > this.#maxBytes) {
      this.#skippedBytes = this.#pieceBytes;
      this.#pieces = [];
      this.#pieceBytes = 0;
      this.#skippedBytes += piece.length;
      this.#tooLong({ number: this.#number + 1, offset: this.#offset });
      return;
    }
    if (this.#skippedBytes > 0) {
      this.#skippedBytes += piece.length;
      return;
    }
    this.#pieces.push(isCopied ? piece.slice() : piece);
    this.#pieceBytes += piece.length;
  }
}
