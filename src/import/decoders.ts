import { FLATBUFFER_DECODER } from "./flatbuffer/flatbuffer_decoder.ts";
import { JsonDecoder } from "./json/json_decoder.ts";
import { JsonTextDecoder } from "./json/json_text_decoder.ts";
import {
  type DecoderKind,
  type DecoderOptions,
  type MessageDecoder,
  type MessageFormat,
  type MessageSchema,
  Undecodable,
} from "./message_decoder.ts";
import { PROTOBUF_DECODER } from "./protobuf/protobuf_decoder.ts";
import { RawDecoder } from "./raw_decoder.ts";
import { ROS_DECODERS } from "./ros/ros_decoders.ts";

/** Every kind of decoder. The first that fits and takes the schema is taken. */
export const DECODERS: readonly DecoderKind[] = [
  { encoding: "json", schemaEncoding: "jsonschema", readsTime: true, open: JsonDecoder.open },
  { encoding: "json", readsTime: true, open: (_, { time }) => new JsonTextDecoder(time) },
  ...ROS_DECODERS,
  PROTOBUF_DECODER,
  FLATBUFFER_DECODER,
];

/** A decoder for the messages of one topic. What no kind takes stays bytes: refused where they are to say the time. */
export async function openDecoder(
  { encoding, schema }: MessageFormat,
  options: DecoderOptions,
  kinds: readonly DecoderKind[] = DECODERS,
): Promise<MessageDecoder> {
  for (const kind of kinds) {
    const { schemaEncoding = schema?.encoding } = kind;
    if (kind.encoding !== encoding || schemaEncoding !== schema?.encoding) continue;
    if (options.time && !kind.readsTime) continue;
    try {
      const decoder = await kind.open(schema, options);
      if (decoder) return decoder;
    } catch (reason) {
      if (!(reason instanceof Undecodable)) throw reason;
      return rawDecoder(encoding, options, reason.message);
    }
  }
  return rawDecoder(encoding, options, whyNone(encoding, schema, kinds));
}

/** A decoder that keeps messages as bytes; one that refuses them where they are to say the time. */
export function rawDecoder(
  encoding: string,
  { time }: Pick<DecoderOptions, "time">,
  reason: string,
): RawDecoder {
  return new RawDecoder(reason, time?.unreadable(encoding, reason));
}

/** Why there is no decoder for messages. */
function whyNone(encoding: string, schema: MessageSchema | undefined, kinds: readonly DecoderKind[]): string {
  if (encoding === "") return "the file does not say how its messages are encoded";
  if (!kinds.some((kind) => kind.encoding === encoding)) {
    return `there is no decoder for the encoding ${JSON.stringify(encoding)}`;
  }
  return schema
    ? `there is no decoder for ${encoding} by definitions in ${JSON.stringify(schema.encoding)}`
    : `there is no definition of its messages, which are ${encoding}`;
}
