import { encodeBase64 } from "../../util/base64.ts";
import type { FieldSchema } from "../../schema.ts";
import type { MessageDecoder, Row, RowWriter } from "../message_decoder.ts";
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
  #misfitCount = 0;

  get misfitCount(): number {
    return this.#misfitCount;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    this.#misfitCount++;
    const text = decodeText(bytes) ?? dataUrl(bytes);
    return writer.push({ timestampNs, data: { [JSON_FIELD.name]: text, ...beside } });
  }
}

/** Bytes that are no text, as text. */
export function dataUrl(bytes: Uint8Array): string {
  return `data:application/octet-stream;base64,${encodeBase64(bytes)}`;
}
