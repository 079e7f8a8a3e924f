import type { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import type { MessageDecoder, Row, RowWriter } from "./message_decoder.ts";

const DATA_FIELD: FieldSchema = {
  name: "data",
  type: { kind: "binary", offsets: 32 },
  nullable: false,
  children: [],
  metadata: {
    description: "The message as it was, in the encoding that the topic's metadata names.",
  },
};

/** Keeps messages as bytes, in one column `data`. */
export class RawDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[] = [DATA_FIELD];
  readonly misfitCount = 0;
  readonly reason: string;
  readonly #refusal: SmaltiError | undefined;

  /**
   * @param reason Why the messages are not decoded.
   * @param refusal What every message is refused with, where a field is to say its time.
   */
  constructor(reason: string, refusal?: SmaltiError) {
    this.reason = reason;
    this.#refusal = refusal;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    if (this.#refusal) throw this.#refusal;
    return writer.push({ timestampNs, data: { data: bytes, ...beside } });
  }
}
