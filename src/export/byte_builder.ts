import { pieceEnd } from "./text_pieces.ts";

const encoder = new TextEncoder();

/** Little-endian bytes that grow. What it holds is good until it grows or is cleared. */
export class ByteBuilder {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** What was written: a view. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  /** Makes room for bytes, and gives the place where they begin; what is there is to be overwritten. */
  take(count: number): number {
    const start = this.length;
    const end = start + count;
    if (end > this.bytes.length) this.#grow(end);
    this.length = end;
    return start;
  }

  uint8(value: number): void {
    const at = this.take(1);
    this.bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.take(2);
    this.view.setUint16(at, value, true);
  }

  uint32(value: number): void {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  uint64(value: bigint): void {
    const at = this.take(8);
    this.view.setBigUint64(at, value, true);
  }

  /** A size, as 64 bits. */
  size(value: number): void {
    const at = this.take(8);
    this.setSize(at, value);
  }

  /** Writes a size over 64 bits that were taken. */
  setSize(at: number, value: number): void {
    this.view.setUint32(at, value % 2 ** 32, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  zeros(count: number): void {
    const at = this.take(count);
    this.bytes.fill(0, at, at + count);
  }

  /** Text in UTF-8, without its length. */
  utf8(text: string): void {
    for (let from = 0; from < text.length;) {
      const end = pieceEnd(text, from);
      const piece = end === text.length && from === 0 ? text : text.slice(from, end);
      // A UTF-16 unit takes 3 bytes at most.
      const start = this.take(3 * piece.length);
      this.length = start + encoder.encodeInto(piece, this.bytes.subarray(start)).written;
      from = end;
    }
  }

  #grow(end: number): void {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, end));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}
