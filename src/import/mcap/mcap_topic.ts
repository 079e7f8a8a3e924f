import type { McapTypes } from "@mcap/core";
import { encodeBase64 } from "../../arrow/base64.ts";
import { SmaltiError } from "../../error.ts";
import type { Ontology } from "../../ontology/define_ontology.ts";
import type { FieldSchema } from "../../schema.ts";
import { MAX_NS, type Metadata } from "../../types.ts";
import type { SequenceWriter } from "../../write/sequence_writer.ts";
import type { TopicWriter } from "../../write/topic_writer.ts";
import { columnsOfJsonSchema, type JsonColumns } from "../json/json_schema.ts";
import { JSON_FIELD, JsonTopic, type Row } from "../json/json_topic.ts";
import { decodeText } from "../text.ts";

/** What became of one topic of an MCAP file. */
export interface ImportedTopic {
  /** The topic's name in the sequence. */
  readonly name: string;
  /** Its name in the file. */
  readonly mcapTopic: string;
  /** Messages taken. */
  readonly messageCount: number;
  /** Messages that are kept in `_json` since the columns do not hold all of them. */
  readonly jsonCount: number;
}

/** The one column of encodings other than JSON. */
const DATA_FIELD: FieldSchema = {
  name: "data",
  type: { kind: "binary", offsets: 32 },
  nullable: false,
  children: [],
  metadata: {
    description: "The message as it was, in the encoding that the topic's metadata names.",
  },
};

/** What MCAP says around a message, as columns. */
const ENVELOPE_FIELDS: readonly FieldSchema[] = [
  {
    name: "_publish_time_ns",
    type: { kind: "int", bits: 64, signed: false },
    nullable: true,
    children: [],
  },
  {
    name: "_sequence",
    type: { kind: "int", bits: 32, signed: false },
    nullable: true,
    children: [],
  },
];

/** Writes the messages of the channels that make one topic. */
export class McapTopic {
  readonly #channel: McapTypes.Channel;
  readonly #writer: TopicWriter<Row>;
  readonly #json: JsonTopic | undefined;
  readonly #envelope: boolean;

  private constructor(
    channel: McapTypes.Channel,
    writer: TopicWriter<Row>,
    json: JsonTopic | undefined,
    envelope: boolean,
  ) {
    this.#channel = channel;
    this.#writer = writer;
    this.#json = json;
    this.#envelope = envelope;
  }

  /**
   * Creates the topic: columns by the JSON Schema where messages are JSON, else one binary column; encoding and schema
   * in the metadata.
   *
   * @param name The topic's name in the sequence.
   * @param channel The first of its channels.
   * @param schema The channel's schema, if it has one.
   * @param envelope Whether publish time and sequence number become columns.
   */
  static async create(
    sequence: SequenceWriter,
    name: string,
    channel: McapTypes.Channel,
    schema: McapTypes.Schema | undefined,
    envelope: boolean,
  ): Promise<McapTopic> {
    const isJson = channel.messageEncoding === "json";
    const extra = envelope ? ENVELOPE_FIELDS : [];
    const columns = isJson
      ? jsonColumns(schema, [...extra, JSON_FIELD].map((field) => field.name))
      : undefined;
    const ontology: Ontology<Row> = Object.freeze({
      tag: schema?.name || channel.messageEncoding || "mcap",
      format: "default",
      fields: isJson ? [...(columns?.fields ?? []), ...extra, JSON_FIELD] : [DATA_FIELD, ...extra],
    });
    const writer = await sequence.topicCreate(name, {
      ontology,
      metadata: topicMetadata(channel, schema),
    });
    return new McapTopic(
      channel,
      writer,
      isJson ? new JsonTopic(writer, columns, envelope) : undefined,
      envelope,
    );
  }

  /** The topic's name in the sequence. */
  get name(): string {
    return this.#writer.name;
  }

  /** The first of its channels. */
  get channel(): McapTypes.Channel {
    return this.#channel;
  }

  /** What became of it so far. */
  get report(): ImportedTopic {
    return {
      name: this.name,
      mcapTopic: this.#channel.topic,
      messageCount: this.#writer.rowCount,
      jsonCount: this.#json?.jsonCount ?? 0,
    };
  }

  /** Writes one message. Returns what the topic's writer returns. UNSUPPORTED where the time is beyond int64. */
  push(message: McapTypes.Message): Promise<void> | undefined {
    const { logTime, publishTime, sequence, data } = message;
    if (logTime > MAX_NS) {
      const text =
        `the file has a message on topic "${this.name}" at ${logTime} ns: times up to 2^63 - 1 ns are supported`;
      throw new SmaltiError("UNSUPPORTED", text, { topic: this.name });
    }
    const extra = this.#envelope ? { _publish_time_ns: publishTime, _sequence: sequence } : undefined;
    if (this.#json) return this.#json.push(logTime, data, extra);
    return this.#writer.push({
      timestampNs: logTime,
      data: { data, ...extra },
    });
  }
}

/** Columns by the channel's schema; undefined where it is no JSON Schema, or one without columns. */
function jsonColumns(
  schema: McapTypes.Schema | undefined,
  reserved: string[],
): JsonColumns | undefined {
  if (schema?.encoding !== "jsonschema") return undefined;
  try {
    const columns = columnsOfJsonSchema(
      JSON.parse(decodeText(schema.data) ?? ""),
      reserved,
    );
    return columns && columns.fields.length > 0 ? columns : undefined;
  } catch (reason) {
    // Broken, or nested beyond the stack: messages are kept as text, and so is the schema.
    if (reason instanceof SyntaxError || reason instanceof RangeError) {
      return undefined;
    }
    throw reason;
  }
}

function topicMetadata(
  channel: McapTypes.Channel,
  schema: McapTypes.Schema | undefined,
): Metadata {
  const text = schema && decodeText(schema.data);
  return {
    "mcap.topic": channel.topic,
    "mcap.message_encoding": channel.messageEncoding,
    ...(schema && {
      "mcap.schema_name": schema.name,
      "mcap.schema_encoding": schema.encoding,
      ...(text === undefined
        ? { "mcap.schema_data_base64": encodeBase64(schema.data) }
        : { "mcap.schema_data": text }),
    }),
    "mcap.channel_metadata": Object.fromEntries(channel.metadata),
  };
}
