import { BinaryVector, type Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { END_ALIGNMENT } from "../../record_plan.ts";
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

/** Messages by another encoder, but for those that were kept as they were, in columns of bytes. */
export class EncoderBesideRaw implements RowEncoder {
  readonly #encoder: RowEncoder;
  readonly #raw: number;
  readonly #padding: number | undefined;

  /**
   * @param raw The place of the bytes among the columns.
   * @param padding That of `PADDING_FIELD`.
   */
  constructor(encoder: RowEncoder, raw: number, padding?: number) {
    this.#encoder = encoder;
    this.#raw = raw;
    this.#padding = padding;
  }

  get format(): MessageFormat {
    return this.#encoder.format;
  }

  bind(columns: readonly Vector[]): EncodeRow {
    const encode = this.#encoder.bind(columns);
    const raw = bytesOf(columns[this.#raw]);
    const padding = this.#padding === undefined ? undefined : bytesOf(columns[this.#padding]);
    if (!raw && !padding) return encode;
    return (row, out) => {
      const padded = padding?.(row);
      const whole = raw?.(row) ?? (padded?.length === 0 ? undefined : padded);
      if (whole) return out.raw(whole);
      const start = out.length;
      encode(row, out);
      if (padded) out.zeros((start - out.length) & (END_ALIGNMENT - 1));
    };
  }
}

/** What gives the bytes of a row; undefined where no row has any. */
function bytesOf(column: Vector): ((row: number) => Uint8Array | undefined) | undefined {
  if (!(column instanceof BinaryVector) || column.nullCount === column.length) return undefined;
  return (row) => column.get(row) as Uint8Array | undefined;
}
