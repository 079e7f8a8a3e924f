/**
 * The bytes of a file that came and were not yet read. They are views on what came last where that has all of them, else a
 * copy of its own, which grows with what comes and not with what a record claims to need.
 */
export class ByteWindow {
  /** The bytes, and a view on them. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where in them the next unread byte is. */
  at = 0;
  /** Where in the file they begin. */
  #base = 0;
  #own = new Uint8Array(0);

  /** Where in the file the next unread byte is. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Takes more bytes: the caller's, until {@linkcode keep}. */
  append(part: Uint8Array): void {
    const left = this.left;
    if (left === 0) return this.#set(part);
    const length = left + part.length;
    // What is left lies in the own buffer: see keep.
    const start = this.bytes.byteOffset + this.at;
    if (start + length <= this.#own.length) {
      this.#own.set(part, start + left);
      return this.#set(this.#own.subarray(start, start + length));
    }
    if (length > this.#own.length) {
      const grown = new Uint8Array(2 * length);
      grown.set(this.bytes.subarray(this.at));
      this.#own = grown;
    } else this.#own.copyWithin(0, start, start + left);
    this.#own.set(part, left);
    this.#set(this.#own.subarray(0, length));
  }

  /** Copies what is left where it is the caller's, who may use its bytes again. */
  keep(): void {
    if (this.bytes.buffer === this.#own.buffer) return;
    const left = this.left;
    if (left > this.#own.length) this.#own = new Uint8Array(2 * left);
    this.#own.set(this.bytes.subarray(this.at));
    this.#set(this.#own.subarray(0, left));
  }

  #set(bytes: Uint8Array): void {
    this.#base = this.offset;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }
}
