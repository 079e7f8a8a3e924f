/**
 * Rows that can be told apart, and what a reader should give of them.
 *
 * @module
 */
import type { Client } from "../../src/client.ts";
import { defineOntology, type Infer } from "../../src/ontology/define_ontology.ts";
import { float32, float64, int64, list, optional, struct, utf8 } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { expectedRow } from "./random_tables.ts";
import { touchedRow, written } from "./tables.ts";

/** Rows with an optional field, a list and a struct, so that mixed up columns show. */
export const Sample = defineOntology("Sample", {
  serial: int64(),
  label: optional(utf8()),
  values: list(float64()),
  place: optional(struct({ x: float64(), y: optional(float32()) })),
});
export type Sample = Infer<typeof Sample>;

/** The data of row number `serial` of a topic; no two are the same. */
export function sample(serial: number): Sample {
  return {
    serial: BigInt(serial),
    label: serial % 3 === 0 ? undefined : `row ${serial}`,
    values: Float64Array.from({ length: serial % 4 }, (_, i) => serial + i / 8),
    place: serial % 5 === 0 ? undefined : { x: -serial, y: serial % 2 ? serial / 2 : undefined },
  };
}

/** A message as text: topic, time and data, each property touched. */
export function rowText(topic: string, timestampNs: bigint, data: object): string {
  return `${topic} ${timestampNs} ${written(touchedRow(Sample.fields, data))}`;
}

/** The same of a message with the data of {@linkcode sample}. */
export function sampleText(topic: string, timestampNs: bigint, serial: number): string {
  return `${topic} ${timestampNs} ${written(expectedRow(Sample.fields, { ...sample(serial) }))}`;
}

/** The messages of a stream as texts. */
export async function texts(stream: AsyncIterable<[string, Message] | Message>): Promise<string[]> {
  const all: string[] = [];
  for await (const item of stream) {
    const message = Array.isArray(item) ? item[1] : item;
    all.push(rowText(Array.isArray(item) ? item[0] : message.topic, message.timestampNs, message.data));
  }
  return all;
}

/** All messages of a sequence as texts. */
export async function allTexts(client: Client, sequence: string): Promise<string[]> {
  return await texts((await client.sequenceHandler(sequence)).getDataStreamer());
}

/** Pushes a row for each time, numbered from `serial`. */
export async function pushSamples(
  topic: TopicWriter<Sample>,
  times: readonly number[],
  serial = 0,
): Promise<void> {
  for (const time of times) {
    await topic.push({ timestampNs: BigInt(time), data: sample(serial++) });
  }
}

/** A new topic with a row for each time. */
export async function addTopic(
  sequence: SequenceWriter,
  name: string,
  times: readonly number[],
): Promise<TopicWriter<Sample>> {
  const topic = await sequence.topicCreate(name, { ontology: Sample });
  await pushSamples(topic, times);
  return topic;
}

/** Records a finalized sequence: topics with a row for each time. */
export async function recordSequence(
  client: Client,
  name: string,
  topics: Record<string, readonly number[]>,
): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    for (const [topic, times] of Object.entries(topics)) {
      await addTopic(sequence, topic, times);
    }
  });
}
