import { encodeBase64 } from "../../util/base64.ts";
import type { FieldSchema } from "../../schema.ts";
import type { MessageDecoder, Row, RowWriter } from "../message_decoder.ts";
import type { TimeField } from "../message_time.ts";
import { decodeText } from "../text.ts";

/** The column for messages that the other columns do not hold. */
export const JSON_FIELD: FieldSchema = {
  name: "_json",
  type: { kind: "utf8", offsets: 32 },
  nullable: true,
  children: [],
  metadata: {
    description: "The message as it was, where the other columns do not hold all of it.",
  },
};

/** Keeps messages as text, in one column `_json`: JSON of which no schema tells. */
export class JsonTextDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[] = [JSON_FIELD];
  readonly #time: TimeField | undefined;
  #misfitCount = 0;

  /** @param time The field that says when messages were. */
  constructor(time?: TimeField) {
    this.#time = time;
  }

  get misfitCount(): number {
    return this.#misfitCount;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    const ns = this.#time ? this.#time.ofJson(bytes) : timestampNs;
    this.#misfitCount++;
    const text = decodeText(bytes) ?? dataUrl(bytes);
    return writer.push({ timestampNs: ns, data: { [JSON_FIELD.name]: text, ...beside } });
  }
}

/** Bytes that are no text, as text. */
export function dataUrl(bytes: Uint8Array): string {
  return `data:application/octet-stream;base64,${encodeBase64(bytes)}`;
}
