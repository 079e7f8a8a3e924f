/** Messages of a batch, about; more than one of a piece of bytes are several batches then. */
export const MOST_BATCH_BYTES: number = 1 << 18;

/**
 * Messages that lie one after another in one piece of bytes, noted by place and time: of each five numbers and no object. Good
 * until its reader is asked for more, which uses it again.
 */
export class MessageBatch {
  readonly type = "Messages";
  /** What they lie in, and a view on it. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where that begins in the file; of a chunk, where the chunk does. */
  offset = 0;
  count = 0;
  /** The channel, connection or subscription of each. */
  channels: Uint32Array = new Uint32Array(64);
  /** Where the content of each begins and ends in the bytes. */
  starts: Int32Array = new Int32Array(64);
  ends: Int32Array = new Int32Array(64);
  /** The time of each, in nanoseconds: its low and high 32 bits. */
  lows: Uint32Array = new Uint32Array(64);
  highs: Uint32Array = new Uint32Array(64);

  /** Whether it has so much that it is to be handed over. */
  get isFull(): boolean {
    return this.count > 0 && this.ends[this.count - 1] - this.starts[0] >= MOST_BATCH_BYTES;
  }

  /** Begins anew, with other bytes. */
  begin(bytes: Uint8Array, view: DataView, offset: number): void {
    this.bytes = bytes;
    this.view = view;
    this.offset = offset;
    this.count = 0;
  }

  add(channel: number, start: number, end: number, low: number, high: number): void {
    const i = this.count;
    if (i === this.starts.length) this.#grow();
    this.count = i + 1;
    this.channels[i] = channel;
    this.starts[i] = start;
    this.ends[i] = end;
    this.lows[i] = low;
    this.highs[i] = high;
  }

  /** The content of one; a view. */
  content(i: number): Uint8Array {
    return this.bytes.subarray(this.starts[i], this.ends[i]);
  }

  /** The time of one. */
  timeNs(i: number): bigint {
    return BigInt(this.highs[i]) << 32n | BigInt(this.lows[i]);
  }

  #grow(): void {
    const { channels, starts, ends, lows, highs } = this;
    const length = 4 * this.count;
    [this.channels, this.lows, this.highs] = [channels, lows, highs].map((each) => {
      const larger = new Uint32Array(length);
      larger.set(each);
      return larger;
    });
    [this.starts, this.ends] = [starts, ends].map((each) => {
      const larger = new Int32Array(length);
      larger.set(each);
      return larger;
    });
  }
}
