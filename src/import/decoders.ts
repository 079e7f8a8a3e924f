import { JsonDecoder } from "./json/json_decoder.ts";
import { JsonTextDecoder } from "./json/json_text_decoder.ts";
import type { DecoderKind, DecoderOptions, MessageDecoder, MessageFormat } from "./message_decoder.ts";
import { RawDecoder } from "./raw_decoder.ts";

/** Every kind of decoder. The first that fits and takes the schema is taken. */
export const DECODERS: readonly DecoderKind[] = [
  { encoding: "json", schemaEncoding: "jsonschema", readsTime: true, open: JsonDecoder.open },
  { encoding: "json", readsTime: true, open: (_, { time }) => new JsonTextDecoder(time) },
];

/** A decoder for the messages of one topic. What no kind takes stays bytes: UNSUPPORTED where they are to say the time. */
export async function openDecoder(
  { encoding, schema }: MessageFormat,
  options: DecoderOptions,
  kinds: readonly DecoderKind[] = DECODERS,
): Promise<MessageDecoder> {
  for (const kind of kinds) {
    const { schemaEncoding = schema?.encoding } = kind;
    if (kind.encoding !== encoding || schemaEncoding !== schema?.encoding) continue;
    if (options.time && !kind.readsTime) continue;
    const decoder = await kind.open(schema, options);
    if (decoder) return decoder;
  }
  if (options.time) throw options.time.unreadable(encoding);
  return new RawDecoder();
}
