/** Bytes as they are written, with alignment from a place on. */
export class ByteSink {
  readonly #bytes: number[] = [];
  readonly #isBig: boolean;
  readonly #maxAlignment: number;
  #origin = 0;

  constructor({ isBig = false, maxAlignment = 1 } = {}) {
    this.#isBig = isBig;
    this.#maxAlignment = maxAlignment;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Alignment counts from here. */
  begin(): void {
    this.#origin = this.length;
  }

  align(width: number): void {
    const alignment = Math.min(width, this.#maxAlignment);
    while ((this.length - this.#origin) % alignment !== 0) this.#bytes.push(0);
  }

  /** Bytes as they are. */
  bytes(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#bytes.push(byte);
  }

  /** An aligned value of so many bytes, of which the low ones are given first. */
  value(littleEndian: readonly number[]): void {
    this.align(littleEndian.length);
    this.bytes(this.#isBig ? littleEndian.toReversed() : littleEndian);
  }

  u32(value: number): void {
    this.value(
      [value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 255),
    );
  }

  /** A base 128 varint. */
  varint(value: bigint): void {
    let left = BigInt.asUintN(64, value);
    for (; left > 127n; left >>= 7n) {
      this.#bytes.push(Number(left & 127n) | 128);
    }
    this.#bytes.push(Number(left));
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
