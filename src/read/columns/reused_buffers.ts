/** Buffers of the arrays of one block at a time: those of the block before, in the order in which they were taken. */
export class ReusedBuffers {
  readonly #buffers: ArrayBuffer[] = [];
  #taken = 0;

  /** Begins another block: nobody looks at the last one any more. */
  restart(): void {
    this.#taken = 0;
  }

  /** So many bytes or more, whatever is in them. */
  readonly take = (bytes: number): ArrayBuffer => {
    const at = this.#taken++;
    const buffer = this.#buffers[at];
    // One that was transferred has none.
    if (buffer?.byteLength >= bytes) return buffer;
    // Blocks are of about the same length.
    return this.#buffers[at] = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
  };
}
