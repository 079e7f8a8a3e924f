import type { McapTypes } from "@mcap/core";
import { SmaltiError } from "../../error.ts";
import type { Metadata } from "../../types.ts";
import type { SequenceWriter } from "../../write/sequence_writer.ts";
import { type ImportedTopic, McapTopic } from "./mcap_topic.ts";
import { TopicNames } from "../topic_names.ts";

/**
 * The topics of one import. Takes schemas, channels and messages in file order; a promise that comes back is awaited
 * before the next call. Channels of the same topic, schema and encoding share a topic of the sequence.
 */
export class McapTopics {
  readonly #sequence: SequenceWriter;
  readonly #envelope: boolean;
  readonly #names = new TopicNames();
  readonly #schemas = new Map<number, McapTypes.Schema>();
  /** Topics by name and encoding: one for each schema. */
  readonly #topics = new Map<
    string,
    { schema?: McapTypes.Schema; topic: McapTopic }[]
  >();
  readonly #channels = new Map<number, McapTopic>();
  readonly #merged: { topic: string; metadata: Metadata }[] = [];
  #messageCount = 0;
  #droppedPublishTimes = 0;

  /** @param envelope Whether publish time and sequence number become columns. */
  constructor(sequence: SequenceWriter, envelope: boolean) {
    this.#sequence = sequence;
    this.#envelope = envelope;
  }

  /** Messages taken so far. */
  get messageCount(): number {
    return this.#messageCount;
  }

  /** Messages so far whose publish time differs from their log time and is not kept. */
  get droppedPublishTimes(): number {
    return this.#droppedPublishTimes;
  }

  /** Metadata of channels that share a topic with an earlier channel, and say something else than that one. */
  get mergedChannels(): readonly { topic: string; metadata: Metadata }[] {
    return this.#merged;
  }

  /** What became of each topic, in the order of their channels; those of one name and encoding together. */
  get report(): ImportedTopic[] {
    return [...this.#topics.values()].flat().map(({ topic }) => topic.report);
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
    if (this.#channels.has(id)) return undefined;
    const schema = this.#schemas.get(schemaId);
    if (!schema && schemaId !== 0) {
      throw new SmaltiError(
        "CORRUPT",
        `the file is damaged: channel ${id} (topic ${topic}) comes before its schema ${schemaId}`,
      );
    }
    const key = JSON.stringify([topic, messageEncoding]);
    const known = this.#topics.get(key)?.find((other) => isSameSchema(other.schema, schema))?.topic;
    if (!known) return this.#createTopic(key, channel, schema);
    this.#channels.set(id, known);
    const metadata = Object.fromEntries(channel.metadata);
    if (
      JSON.stringify(metadata) !==
        JSON.stringify(Object.fromEntries(known.channel.metadata))
    ) {
      this.#merged.push({ topic: known.name, metadata });
    }
    return undefined;
  }

  /** Writes a message of a channel that was taken before. UNSUPPORTED where its time is beyond int64. */
  push(message: McapTypes.Message): Promise<void> | undefined {
    const written = this.#channels.get(message.channelId)!.push(message);
    this.#messageCount++;
    if (!this.#envelope && message.publishTime !== message.logTime) {
      this.#droppedPublishTimes++;
    }
    return written;
  }

  async #createTopic(
    key: string,
    channel: McapTypes.Channel,
    schema?: McapTypes.Schema,
  ): Promise<void> {
    const name = this.#names.claim(channel.topic);
    const topic = await McapTopic.create(
      this.#sequence,
      name,
      channel,
      schema,
      this.#envelope,
    );
    this.#topics.set(key, [...this.#topics.get(key) ?? [], { schema, topic }]);
    this.#channels.set(channel.id, topic);
  }
}

/** Whether two schemas are the same but for their ids. */
function isSameSchema(a?: McapTypes.Schema, b?: McapTypes.Schema): boolean {
  if (!a || !b || a === b) return a === b;
  return a.name === b.name && a.encoding === b.encoding &&
    a.data.length === b.data.length &&
    a.data.every((byte, i) => byte === b.data[i]);
}
