import { SmaltiError } from "../../error.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the fields of one record, none beyond its end. CORRUPT where the record ends before a field does. */
export class RecordCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next field begins, in the record's content. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A number of bytes, in 8 bytes: exact as far as anything can be that long. */
  size(): number {
    return Number(this.uint64());
  }

  /** A view of that many bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** All bytes that are left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.at);
  }

  text(): string {
    return decoder.decode(this.bytes(this.uint32()));
  }

  /** Texts by text. A key that is there again replaces what it had, and is named in `twice`. */
  texts(twice: string[] = []): Map<string, string> {
    const cursor = new RecordCursor(this.bytes(this.uint32()));
    const found = new Map<string, string>();
    while (cursor.at < cursor.#bytes.length) {
      const [key, value] = [cursor.text(), cursor.text()];
      if (found.has(key)) twice.push(key);
      found.set(key, value);
    }
    return found;
  }

  #take(length: number): number {
    const start = this.at;
    if (length > this.#bytes.length - start) {
      const text =
        `a record of ${this.#bytes.length} bytes has a field of ${length} bytes at its byte ${start}`;
      throw new SmaltiError("CORRUPT", text);
    }
    this.at = start + length;
    return start;
  }
}
