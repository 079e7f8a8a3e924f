/**
 * The buffers of a stored record batch message: found by its layout, checked and decompressed when they are touched.
 *
 * @module
 */
import type { BatchLayout, Engine } from "../engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import { giveBytes, takeBytes } from "../util/buffer_pool.ts";
import type { BufferSource } from "./vector.ts";

const NO_BYTES = new Uint8Array(0);
/** The buffers of column `timestamp_ns`, which come first: validity and values. */
export const TIME_BUFFERS = 2;

/**
 * The raw length before a compressed buffer, -1 where the rest is stored as it is: int64, in two halves, since by way of
 * bigint it takes longer. Format: Message.fbs, BodyCompression.
 */
export function rawLengthAt(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

/** A message's buffers: checked and decompressed when first asked for. */
export class MessageBuffers implements BufferSource {
  readonly #engine: Engine;
  readonly #message: Uint8Array;
  readonly #layout: BatchLayout;
  readonly #crcs: number[] | undefined;
  readonly #where: ErrorDetails;
  readonly #mayReuse: boolean;
  /** The buffers that may be used again. */
  #taken: Uint8Array[] = [];
  #loaded: Uint8Array[] = [];
  #loadedBytes = 0;
  /** Hears how many bytes a buffer takes before it is decompressed, and a negative number where that fails. */
  onLoad: ((bytes: number) => void) | undefined;

  constructor(
    engine: Engine,
    message: Uint8Array,
    layout: BatchLayout,
    crcs: number[] | undefined,
    where: ErrorDetails,
    mayReuse = false,
  ) {
    this.#mayReuse = mayReuse;
    this.#engine = engine;
    this.#message = message;
    this.#layout = layout;
    this.#crcs = crcs;
    this.#where = where;
  }

  buffer(index: number): Uint8Array {
    return this.#loaded[index] ??= this.#load(index);
  }

  /** Bytes of all buffers once they are decompressed, as they claim. */
  rawBytes(): number {
    const { codec, buffers } = this.#layout;
    const view = new DataView(this.#message.buffer, this.#message.byteOffset, this.#message.byteLength);
    let bytes = 0;
    for (let i = 0; i < buffers.length; i += 2) {
      const [offset, length] = [buffers[i], buffers[i + 1]];
      const rawLength = codec !== "none" && length >= 8 ? rawLengthAt(view, offset) : -1;
      bytes += rawLength < 0 ? length : rawLength;
    }
    return bytes;
  }

  /** Bytes that were made of buffers, beside those of the message. */
  get loadedBytes(): number {
    return this.#loadedBytes;
  }

  /** Lets go of all buffers but the first few. */
  unload(kept: number): void {
    this.#loaded.length = kept;
    this.#loadedBytes = 0;
    // Somebody may have columns of them.
    this.#taken = [];
  }

  readonly #take = (length: number): Uint8Array => {
    const bytes = takeBytes(length);
    this.#taken.push(bytes);
    return bytes;
  };

  /** For who has nothing of them any more: they, and the message's bytes, are used again where they may be. */
  giveBack(): void {
    for (const bytes of this.#taken) giveBytes(bytes);
    this.#taken = [];
    if (this.#mayReuse) giveBytes(this.#message);
  }

  /** The same buffers, with what is loaded of them by now. */
  share(): MessageBuffers {
    const other = new MessageBuffers(this.#engine, this.#message, this.#layout, this.#crcs, this.#where);
    other.#loaded = this.#loaded.slice();
    other.#loadedBytes = this.#loadedBytes;
    return other;
  }

  #load(index: number): Uint8Array {
    const offset = this.#layout.buffers[2 * index];
    const stored = this.#message.subarray(offset, offset + this.#layout.buffers[2 * index + 1]);
    try {
      const crc = stored.length === 0 ? 0 : this.#engine.crc32(stored);
      if (this.#crcs && crc !== this.#crcs[index]) {
        throw new SmaltiError("CORRUPT", `Buffer ${index} does not match its checksum`);
      }
      return this.#raw(stored, index);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(this.#where) : reason;
    }
  }

  #raw(stored: Uint8Array, index: number): Uint8Array {
    const { codec } = this.#layout;
    if (codec === "none" || stored.length === 0) return this.#aligned(stored, index);
    if (stored.length < 8) {
      throw new SmaltiError("CORRUPT", `Buffer ${index} has ${stored.length} bytes: wanted at least 8`);
    }
    const view = new DataView(stored.buffer, stored.byteOffset, 8);
    const rawLength = rawLengthAt(view, 0);
    const rest = stored.subarray(8);
    if (rawLength === -1) return this.#aligned(rest, index);
    if (rawLength === 0) return NO_BYTES;
    if (rawLength < 0 || rawLength > Number.MAX_SAFE_INTEGER) {
      throw new SmaltiError("CORRUPT", `Buffer ${index} claims ${view.getBigInt64(0, true)} bytes`);
    }
    this.#count(index, rawLength);
    try {
      return this.#engine.decompress(codec, rest, rawLength, this.#mayReuse ? this.#take : undefined);
    } catch (reason) {
      this.#count(index, -rawLength);
      throw reason;
    }
  }

  /** Typed arrays need their items at multiples of their size; other writers may not place them so. */
  #aligned(bytes: Uint8Array, index: number): Uint8Array {
    if (bytes.byteOffset % 8 === 0) return bytes;
    this.#count(index, bytes.length);
    return bytes.slice();
  }

  #count(index: number, bytes: number): void {
    // The times are counted by who holds the batch.
    if (index < TIME_BUFFERS) return;
    this.onLoad?.(bytes);
    this.#loadedBytes += bytes;
  }
}
