import { BinaryVector, type Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import type { EncodeRow, RowEncoder } from "./row_encoder.ts";

/** Messages that were kept as they were, in a column of bytes. */
export class RawEncoder implements RowEncoder {
  readonly format: MessageFormat;
  readonly #column: number;

  /** @param column The place of the bytes among the columns. */
  constructor(format: MessageFormat, column: number) {
    this.format = format;
    this.#column = column;
  }

  bind(columns: readonly Vector[]): EncodeRow {
    const bytes = columns[this.#column];
    return (row, out) => {
      const value = bytes.get(row);
      if (value instanceof Uint8Array) out.raw(value);
    };
  }
}

/** Messages by another encoder, but for those that were kept as they were, in a column of bytes. */
export class EncoderBesideRaw implements RowEncoder {
  readonly #encoder: RowEncoder;
  readonly #column: number;

  /** @param column The place of the bytes among the columns. */
  constructor(encoder: RowEncoder, column: number) {
    this.#encoder = encoder;
    this.#column = column;
  }

  get format(): MessageFormat {
    return this.#encoder.format;
  }

  bind(columns: readonly Vector[]): EncodeRow {
    const encode = this.#encoder.bind(columns);
    const raw = columns[this.#column];
    if (!(raw instanceof BinaryVector) || raw.nullCount === raw.length) return encode;
    return (row, out) => {
      const bytes = raw.get(row);
      if (bytes instanceof Uint8Array) out.raw(bytes);
      else encode(row, out);
    };
  }
}
