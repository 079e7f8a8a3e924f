/** Bytes that grow. What is beyond the end is zero. */
export class GrowingBytes {
  #bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  /** Makes room for more bytes, zero until they are written, and gives where they begin. */
  grow(bytes: number): number {
    const start = this.length;
    this.length += bytes;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(256, Math.ceil(1.5 * this.length)));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
    }
    return start;
  }

  add(bytes: Uint8Array): void {
    const at = this.grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** All there is, until more is added. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  setBit(bit: number): void {
    this.#bytes[bit >> 3] |= 1 << (bit & 7);
  }

  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.length);
    this.#bytes.fill(0, 0, this.length);
    this.length = 0;
    return bytes;
  }
}

/** Bits that grow, of which most pieces are all set or all clear. */
export class GrowingBits {
  readonly #bits = new GrowingBytes();
  length = 0;
  set = 0;

  get bytes(): number {
    return this.#bits.length;
  }

  /** Adds bits: those given, or all of one kind. */
  add(count: number, bits: Uint8Array | boolean): void {
    const start = this.length;
    this.length += count;
    this.#bits.grow(Math.ceil(this.length / 8) - this.#bits.length);
    if (bits === false) return;
    for (let i = 0; i < count; i++) {
      if (bits !== true && (bits[i >> 3] & (1 << (i & 7))) === 0) continue;
      this.#bits.setBit(start + i);
      this.set++;
    }
  }

  take(): Uint8Array {
    this.length = this.set = 0;
    return this.#bits.take();
  }
}
