import { pieceEnd } from "./text_pieces.ts";

/** Bytes that are handed over at once: a call per line costs more than making the line. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/**
 * Text -> bytes in large chunks. One call at a time: the next begins when the last has resolved. Text becomes bytes at
 * once, in memory that is used again and again: what piles up until it is collected would be most of the process.
 */
export class TextChunks {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  /** A piece fits behind what is not enough yet. */
  readonly #bytes = new Uint8Array(2 * CHUNK_BYTES);
  #length = 0;

  /** @param write Takes a chunk, which is ours again when it has resolved. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** Adds text. Returns a promise only where enough has come together to be handed over: await it. */
  write(text: string): Promise<void> | undefined {
    const end = pieceEnd(text, 0);
    if (end < text.length) return this.#writeLong(text);
    this.#add(text);
    return this.#length < CHUNK_BYTES ? undefined : this.flush();
  }

  /** Adds text in pieces: of pictures in base64 there are megabytes, which would lie here as bytes a second time. */
  async #writeLong(text: string): Promise<void> {
    for (let from = 0; from < text.length;) {
      const end = pieceEnd(text, from);
      this.#add(text.slice(from, end));
      from = end;
      if (this.#length >= CHUNK_BYTES) await this.flush();
    }
  }

  #add(text: string): void {
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Hands over what there is. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    await this.#write(bytes);
  }
}
