import { encodeBase64 } from "../../util/base64.ts";
import type { FieldSchema } from "../../schema.ts";
import type { JsonValue, Metadata } from "../../types.ts";
import type { RecordingImport } from "../recording_import.ts";
import { decodeText } from "../text.ts";
import type { TopicImport } from "../topic_import.ts";
import type { McapChannel, McapSchema } from "./mcap_records.ts";

/** Schemas and channels by id, as the file says them somewhere. */
export interface Definitions {
  readonly schemas: ReadonlyMap<number, McapSchema>;
  readonly channels: ReadonlyMap<number, McapChannel>;
  /** Whether they are known to be what was written. */
  readonly areRight: boolean;
}

/** A topic, and the first of its channels. */
interface ChannelTopic {
  channel: McapChannel;
  schema: McapSchema | undefined;
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
  readonly #schemas = new Map<number, McapSchema>();
  readonly #topics: McapTopics;
  readonly #byId = new Map<number, { channel: McapChannel; topic: TopicImport }>();
  readonly #merged: JsonValue[] = [];
  readonly #lookUp: () => Promise<Definitions>;
  /** Whether it was told that what was looked up may be wrong. */
  #hasTold = false;

  /**
   * @param envelope Columns for what MCAP says around a message.
   * @param topics Those of all files.
   * @param lookUp Finds what all of the file says of schemas and channels, for where one is missed.
   */
  constructor(
    recording: RecordingImport,
    envelope: readonly FieldSchema[],
    topics: McapTopics,
    lookUp: () => Promise<Definitions>,
  ) {
    recording.hasPublishTimes = true;
    this.#recording = recording;
    this.#envelope = envelope;
    this.#topics = topics;
    this.#lookUp = lookUp;
  }

  /** The topic of a channel that was taken before. */
  topicOf(channelId: number): TopicImport | undefined {
    return this.#byId.get(channelId)?.topic;
  }

  /** The topic of a channel that was not, where the file says somewhere what it is. */
  async find(channelId: number): Promise<TopicImport | undefined> {
    const { channels, schemas, areRight } = await this.#lookUp();
    const channel = channels.get(channelId);
    if (!channel) return undefined;
    if (!areRight && !this.#hasTold) {
      this.#hasTold = true;
      const text = "channels that lay in what is lost are known from a damaged summary alone";
      this.#recording.flaw({
        kind: "channel",
        message: `the file is damaged: ${text}, the first is ${channelId}`,
      });
    }
    const schema = schemas.get(channel.schemaId);
    if (schema && !this.#schemas.has(schema.id)) this.#schemas.set(schema.id, schema);
    await this.addChannel(channel);
    return this.topicOf(channelId);
  }

  /** Takes a schema; one of id 0 is none. One that differs from another of its id is a flaw, and takes its place. */
  addSchema(schema: McapSchema, isRepeated = false): void {
    const { id } = schema;
    if (id === 0) {
      const message = `the file has a schema (name ${quote(schema.name)}) of id 0, which no schema can have`;
      return this.#recording.flaw({ kind: "schema", message });
    }
    const known = this.#schemas.get(id);
    if (known && !isSameSchema(known, schema)) {
      const message = `the file is damaged: schema ${id} is there twice, and not the same`;
      const lost = `schema ${id} as it was: later channels go by the new one`;
      this.#recording.flaw({ kind: "schema", message, ...(!isRepeated && { lost }) });
      if (isRepeated) return;
    }
    this.#schemas.set(id, schema);
  }

  /**
   * Takes a channel, and creates a topic where it needs one. Flaws are: that it differs from another of its id, whose place
   * it takes; that its schema is not there, so that its messages are kept without.
   */
  addChannel(channel: McapChannel, isRepeated = false): Promise<void> | undefined {
    const { id, schemaId, topic } = channel;
    const known = this.#byId.get(id);
    if (known) {
      if (isSameChannel(known.channel, channel)) return undefined;
      const message =
        `the file is damaged at byte ${this.#recording.offset}: Channel record for id ${id} (topic: ${
          topic.slice(0, 100)
        }) differs from previous channel record of the same id.`;
      const lost = `channel ${id} as it was: later messages go by the new one`;
      this.#recording.flaw({ kind: "channel", message, ...(!isRepeated && { lost }) });
      if (isRepeated) return undefined;
    }
    if (channel.twice.length > 0) {
      const message = `the metadata of channel ${id} has key ${
        quote(channel.twice[0])
      } twice: the last value is kept`;
      this.#recording.flaw({ kind: "channel", message });
    }
    const schema = this.#schemas.get(schemaId);
    return schema || schemaId === 0 ? this.#define(channel, schema) : this.#defineWithout(channel);
  }

  /** Takes a channel whose schema has not come. */
  async #defineWithout(channel: McapChannel): Promise<void> {
    const { id, schemaId, topic } = channel;
    const schema = this.#recording.salvages ? (await this.#lookUp()).schemas.get(schemaId) : undefined;
    if (schema) this.#schemas.set(schemaId, schema);
    else {
      const message = `the file is damaged: channel ${id} (topic ${
        topic.slice(0, 100)
      }) comes before its schema ${schemaId}`;
      this.#recording.flaw({
        kind: "schema",
        message,
        lost: `schema ${schemaId}: messages are kept as they are`,
      });
    }
    await this.#define(channel, schema);
  }

  #define(channel: McapChannel, schema: McapSchema | undefined): Promise<void> | undefined {
    const { id, topic, messageEncoding } = channel;
    const key = JSON.stringify([topic, messageEncoding]);
    const known = this.#topics.get(key)?.find((other) => isSameSchema(other.schema, schema));
    if (!known) return this.#createTopic(key, channel, schema);
    this.#byId.set(id, { channel, topic: known.topic });
    if (known.topic.isLeftOut) return undefined;
    const metadata = Object.fromEntries(channel.metadata);
    if (JSON.stringify(metadata) !== JSON.stringify(Object.fromEntries(known.channel.metadata))) {
      this.#merged.push({ topic: known.topic.name, metadata });
      this.#recording.topicFacts["mcap.channels"] = this.#merged;
    }
    return undefined;
  }

  /** A schema with the definition that is known of its type, where it has none: rosbag2 writes it empty where it finds none itself. */
  async #withDefinition(schema: McapSchema, encoding: string): Promise<McapSchema> {
    if (encoding !== "cdr" || decodeText(schema.data)?.trim() !== "") return schema;
    // No message has come by which to choose one of several.
    const { chooseDefinition } = await import("../ros/choose_definition.ts");
    const { engine, definitions } = this.#recording;
    const found = await chooseDefinition(engine, schema.name, undefined, undefined, definitions);
    if (!found) return schema;
    return { ...schema, encoding: found.encoding, data: new TextEncoder().encode(found.text) };
  }

  async #createTopic(
    key: string,
    channel: McapChannel,
    schema: McapSchema | undefined,
  ): Promise<void> {
    const { messageEncoding: encoding } = channel;
    const defined = schema && await this.#withDefinition(schema, encoding);
    const topic = await this.#recording.createTopic({
      name: channel.topic,
      tag: schema?.name || encoding || "mcap",
      format: { encoding, schema: defined },
      envelope: this.#envelope,
      metadata: topicMetadata(channel, defined),
    });
    this.#topics.set(key, [...this.#topics.get(key) ?? [], { channel, schema, topic }]);
    this.#byId.set(channel.id, { channel, topic });
  }
}

/** Whether two schemas are the same but for their ids. */
function isSameSchema(a?: McapSchema, b?: McapSchema): boolean {
  if (!a || !b || a === b) return a === b;
  return a.name === b.name && a.encoding === b.encoding &&
    a.data.length === b.data.length &&
    a.data.every((byte, i) => byte === b.data[i]);
}

function isSameChannel(a: McapChannel, b: McapChannel): boolean {
  return a.schemaId === b.schemaId && a.topic === b.topic && a.messageEncoding === b.messageEncoding &&
    a.metadata.size === b.metadata.size &&
    [...a.metadata].every(([key, value]) => b.metadata.get(key) === value);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function topicMetadata(channel: McapChannel, schema: McapSchema | undefined): Metadata {
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
