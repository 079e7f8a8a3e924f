import type { McapTypes } from "@mcap/core";
import { encodeBase64 } from "../../util/base64.ts";
import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import type { JsonValue, Metadata } from "../../types.ts";
import type { RecordingImport } from "../recording_import.ts";
import { decodeText } from "../text.ts";
import type { TopicImport } from "../topic_import.ts";

/** A topic, and the first of its channels. */
interface ChannelTopic {
  channel: McapTypes.Channel;
  schema: McapTypes.Schema | undefined;
  topic: TopicImport;
}

/** Topics of the sequence by name and encoding: one for each schema. Files of one import share them. */
export type McapTopics = Map<string, ChannelTopic[]>;

/**
 * The channels of one file and their topics. Takes schemas and channels in file order; a promise that comes back is
 * awaited before the next call. Channels of the same topic, schema and encoding share a topic of the sequence.
 */
export class McapChannels {
  readonly #recording: RecordingImport;
  readonly #envelope: readonly FieldSchema[];
  readonly #schemas = new Map<number, McapTypes.Schema>();
  readonly #topics: McapTopics;
  readonly #byId = new Map<number, TopicImport>();
  readonly #merged: JsonValue[] = [];

  /** @param envelope Columns for what MCAP says around a message. */
  constructor(recording: RecordingImport, envelope: readonly FieldSchema[], topics: McapTopics) {
    this.#recording = recording;
    this.#envelope = envelope;
    this.#topics = topics;
  }

  /** The topic of a channel that was taken before. */
  topicOf(channelId: number): TopicImport {
    return this.#byId.get(channelId)!;
  }

  /** Takes a schema. CORRUPT where another has its id. */
  addSchema(schema: McapTypes.Schema): void {
    const known = this.#schemas.get(schema.id);
    if (!known) {
      this.#schemas.set(schema.id, schema);
    } else if (!isSameSchema(known, schema)) {
      throw new SmaltiError(
        "CORRUPT",
        `the file is damaged: schema ${schema.id} is there twice, and not the same`,
      );
    }
  }

  /** Takes a channel, and creates a topic where it needs one. CORRUPT where its schema is not there. */
  addChannel(channel: McapTypes.Channel): Promise<void> | undefined {
    const { id, schemaId, topic, messageEncoding } = channel;
    if (this.#byId.has(id)) return undefined;
    const schema = this.#schemas.get(schemaId);
    if (!schema && schemaId !== 0) {
      throw new SmaltiError(
        "CORRUPT",
        `the file is damaged: channel ${id} (topic ${topic}) comes before its schema ${schemaId}`,
      );
    }
    const key = JSON.stringify([topic, messageEncoding]);
    const known = this.#topics.get(key)?.find((other) => isSameSchema(other.schema, schema));
    if (!known) return this.#createTopic(key, channel, schema);
    this.#byId.set(id, known.topic);
    const metadata = Object.fromEntries(channel.metadata);
    if (JSON.stringify(metadata) !== JSON.stringify(Object.fromEntries(known.channel.metadata))) {
      this.#merged.push({ topic: known.topic.name, metadata });
      this.#recording.metadata["mcap.channels"] = this.#merged;
    }
    return undefined;
  }

  async #createTopic(
    key: string,
    channel: McapTypes.Channel,
    schema: McapTypes.Schema | undefined,
  ): Promise<void> {
    const { messageEncoding: encoding } = channel;
    const topic = await this.#recording.createTopic({
      name: channel.topic,
      tag: schema?.name || encoding || "mcap",
      format: { encoding, schema },
      envelope: this.#envelope,
      metadata: topicMetadata(channel, schema),
    });
    this.#topics.set(key, [...this.#topics.get(key) ?? [], { channel, schema, topic }]);
    this.#byId.set(channel.id, topic);
  }
}

/** Whether two schemas are the same but for their ids. */
function isSameSchema(a?: McapTypes.Schema, b?: McapTypes.Schema): boolean {
  if (!a || !b || a === b) return a === b;
  return a.name === b.name && a.encoding === b.encoding &&
    a.data.length === b.data.length &&
    a.data.every((byte, i) => byte === b.data[i]);
}

function topicMetadata(channel: McapTypes.Channel, schema: McapTypes.Schema | undefined): Metadata {
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
