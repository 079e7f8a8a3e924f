/**
 * Files that are read at any place.
 *
 * @module
 */

/** A file of which any part can be had. */
export interface RandomAccess {
  readonly sizeBytes: number;
  /** The bytes from a place on, as many as there are. They may be kept; nobody else changes them. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes that are read at once, and blocks of them that are kept. */
const BLOCK_BYTES = 1 << 18;
const KEPT_BLOCKS = 16;

/** Reads a file in blocks, of which the ones used last are kept. */
export class BlockCache implements RandomAccess {
  readonly #file: RandomAccess;
  /** By their number; the one used last comes last. */
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(file: RandomAccess) {
    this.#file = file;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** The bytes at a place if they are at hand. */
  peek(offset: number, length: number): Uint8Array | undefined {
    const number = Math.floor(offset / BLOCK_BYTES);
    const start = offset - number * BLOCK_BYTES;
    if (start + length > BLOCK_BYTES) return undefined;
    return this.#blocks.get(number)?.subarray(start, start + length);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const number = Math.floor(offset / BLOCK_BYTES);
    const start = offset - number * BLOCK_BYTES;
    if (start + length > BLOCK_BYTES) return await this.#file.read(offset, length);
    let block = this.#blocks.get(number);
    if (block) this.#blocks.delete(number);
    else {
      block = await this.#file.read(number * BLOCK_BYTES, BLOCK_BYTES);
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size < KEPT_BLOCKS) break;
        this.#blocks.delete(oldest);
      }
    }
    this.#blocks.set(number, block);
    return block.subarray(start, start + length);
  }
}
