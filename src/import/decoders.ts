import { JsonDecoder } from "./json/json_decoder.ts";
import { JsonTextDecoder } from "./json/json_text_decoder.ts";
import type { DecoderKind, DecoderOptions, MessageDecoder, MessageFormat } from "./message_decoder.ts";
import { RawDecoder } from "./raw_decoder.ts";

/** Every kind of decoder. The first that fits and takes the schema is taken. */
export const DECODERS: readonly DecoderKind[] = [
  { encoding: "json", schemaEncoding: "jsonschema", open: JsonDecoder.open },
  { encoding: "json", open: () => new JsonTextDecoder() },
];

/** A decoder for the messages of one topic. What no kind takes stays bytes. */
export async function openDecoder(
  { encoding, schema }: MessageFormat,
  options: DecoderOptions,
  kinds: readonly DecoderKind[] = DECODERS,
): Promise<MessageDecoder> {
  for (const kind of kinds) {
    const { schemaEncoding = schema?.encoding } = kind;
    if (kind.encoding !== encoding || schemaEncoding !== schema?.encoding) continue;
    const decoder = await kind.open(schema, options);
    if (decoder) return decoder;
  }
  return new RawDecoder();
}
