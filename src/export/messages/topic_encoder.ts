/**
 * What the messages of a topic go out as: as they came, else as those of ROS 2 where they are of a class that it knows, else JSON.
 *
 * @module
 */
import type { MessageFormat, MessageSchema } from "../../import/message_decoder.ts";
import { PADDING_FIELD, RAW_FIELD } from "../../import/records/raw_column.ts";
import type { MessageData } from "../../read/merge/message.ts";
import type { FieldSchema } from "../../schema.ts";
import type { Metadata, TopicSchema } from "../../types.ts";
import { decodeBase64 } from "../../util/base64.ts";
import { JsonEncoder } from "./json_encoder.ts";
import { OntologyEncoder } from "./ontology_encoder.ts";
import { openProtobufEncoder } from "./protobuf_encoder.ts";
import { EncoderBesideRaw, RawEncoder } from "./raw_encoder.ts";
import { openRosEncoder } from "./ros_encoder.ts";
import type { RowEncoder } from "./row_encoder.ts";

/** Columns that say what is around a message. */
const ENVELOPE = new Set([PADDING_FIELD.name, "_index", "_log_time_ns", "_publish_time_ns", "_sequence"]);

/**
 * An encoder for the messages of a topic.
 *
 * @param first Gives the topic's first message, where that is to be had.
 */
export async function openEncoder(
  schema: TopicSchema,
  first: () => Promise<MessageData | undefined>,
): Promise<RowEncoder> {
  const columns = schema.fields.slice(1);
  const format = formatOf(schema.metadata);
  // They come last: before them messages may have fields of these names.
  const count = format ? columns.findLastIndex(({ name }) => !ENVELOPE.has(name)) + 1 : columns.length;
  const [fields, envelope] = [columns.slice(0, count), columns.slice(count)];
  const source = format && await encoderOf(format, fields, envelope);
  return source ?? await OntologyEncoder.open(schema, fields, first) ??
    JsonEncoder.ofColumns(schema.ontologyTag, fields);
}

/** An encoder that gives messages as they came; undefined where the columns are others by now. */
async function encoderOf(
  format: MessageFormat,
  fields: readonly FieldSchema[],
  envelope: readonly FieldSchema[],
): Promise<RowEncoder | undefined> {
  if (fields.length === 1 && fields[0].name === "data" && fields[0].type.kind === "binary") {
    return new RawEncoder(format, 0);
  }
  const { encoding, schema } = format;
  const isWhole = fields.at(-1)?.name === "_json";
  if (encoding === "json" && isWhole) return JsonEncoder.ofSource(format, fields, envelope);
  const raw = fields.length - 1;
  if (fields[raw]?.name !== RAW_FIELD.name) return undefined;
  const own = fields.slice(0, raw);
  if ((encoding === "cdr" || encoding === "ros1") && schema) {
    const encoder = await openRosEncoder(format, own, envelope);
    const padding = envelope[0]?.name === PADDING_FIELD.name ? raw + 1 : undefined;
    return encoder && new EncoderBesideRaw(encoder, raw, padding);
  }
  if (encoding === "protobuf" && schema?.encoding === "protobuf") {
    const encoder = await openProtobufEncoder(format, own, envelope);
    return encoder && new EncoderBesideRaw(encoder, raw);
  }
  return undefined;
}

/** How the messages were encoded that a topic was imported from. */
function formatOf(metadata: Metadata): MessageFormat | undefined {
  const text = (key: string) => {
    const value = metadata[`mcap.${key}`];
    return typeof value === "string" ? value : undefined;
  };
  const encoding = text("message_encoding");
  if (encoding === undefined) return undefined;
  const name = text("schema_name");
  const data = text("schema_data");
  const base64 = text("schema_data_base64");
  if (name === undefined || name === "" && data === undefined && base64 === undefined) return { encoding };
  const schema: MessageSchema = {
    name,
    encoding: text("schema_encoding") ?? "",
    data: base64 === undefined ? new TextEncoder().encode(data ?? "") : decodeBase64(base64),
  };
  return { encoding, schema };
}
