/** Bytes that are handed over at once: a call per line costs more than making the line. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/**
 * Text -> bytes in large chunks. One call at a time: the next begins when the last has resolved. Text becomes bytes at
 * once, in memory that is used again and again: what piles up until it is collected would be most of the process.
 */
export class TextChunks {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #bytes = new Uint8Array(2 * CHUNK_BYTES);
  #length = 0;

  /** @param write Takes a chunk, which is ours again when it has resolved. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** Adds text. Returns a promise only where enough has come together to be handed over: await it. */
  write(text: string): Promise<void> | undefined {
    // A UTF-16 unit takes 3 bytes at most.
    const most = this.#length + 3 * text.length;
    if (most > this.#bytes.length) {
      const larger = new Uint8Array(most);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
    return this.#length < CHUNK_BYTES ? undefined : this.flush();
  }

  /** Hands over what there is. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    await this.#write(bytes);
  }
}
