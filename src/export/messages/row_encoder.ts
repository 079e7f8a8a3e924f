import type { Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import type { ByteBuilder } from "../byte_builder.ts";

/** Adds the bytes of a row's message. */
export type EncodeRow = (row: number, out: ByteBuilder) => void;

/** Turns the rows of a topic into messages. */
export interface RowEncoder {
  /** How its messages are encoded. */
  readonly format: MessageFormat;
  /** Encodes rows of a batch, whose columns are those of the topic after `timestamp_ns`. */
  bind(columns: readonly Vector[]): EncodeRow;
}
