/**
 * What an import keeps of its file beside messages, as MCAP has it.
 *
 * @module
 */
import type { AttachmentInfo, JsonValue, Metadata, TopicSchema } from "../../types.ts";
import { jsonText } from "../../util/json_text.ts";
import type { OutAttachment } from "./mcap_writer.ts";

/** What rosbag2 says of a topic in a db3 -> what it calls that in the metadata of a channel. */
const ROS2_FACTS = {
  "ros2.qos_profiles": "offered_qos_profiles",
  "ros2.type_description_hash": "topic_type_hash",
} as const;

/** Name of the metadata record for what was told of the sequence here. */
const OWN_METADATA = "smalti";

/** The name that a topic had where it came from; of others their own, as ROS writes it. */
export function sourceName(name: string, { metadata }: TopicSchema): string {
  const source = metadata["mcap.topic"];
  return typeof source === "string" ? source : `/${name}`;
}

/** The metadata of a topic's channel: of the file that it came from, whatever its format. */
export function channelMetadata(name: string, schema: TopicSchema, sequence: Metadata): Map<string, string> {
  const { metadata } = schema;
  const texts = textsOf(metadata["mcap.channel_metadata"]);
  for (const [key, renamed] of Object.entries(ROS2_FACTS)) {
    const value = metadata[key];
    if (typeof value === "string") texts.set(renamed, value);
  }
  const connections = objectOf(sequence["bag.connections"])[name];
  if (Array.isArray(connections)) textsOf(connections[0]).forEach((text, key) => texts.set(key, text));
  return texts;
}

/** The metadata records of a sequence: those that it came with, and one of what else is told of it. */
export function metadataRecords(metadata: Metadata): [name: string, texts: Map<string, string>][] {
  const records: [string, Map<string, string>][] = [];
  const known = metadata["mcap.metadata"];
  for (const record of Array.isArray(known) ? known : []) {
    const { name, metadata: texts } = objectOf(record);
    if (typeof name === "string") records.push([name, textsOf(texts)]);
  }
  const own = Object.entries(metadata).filter(([key]) => !/^(mcap|import|bag)\./.test(key));
  if (own.length > 0) records.push([OWN_METADATA, textsOf(Object.fromEntries(own))]);
  return records;
}

/** An attachment as MCAP has it. MCAP counts times without a sign: one that is before 1970, or none, is 0. */
export function attachmentOf(info: AttachmentInfo, index: number, metadata: Metadata): OutAttachment {
  const { name, mediaType = "", timestampNs, createdNs } = info;
  const times = metadata["mcap.attachment_times"];
  const told = (Array.isArray(times) ? times : []).map(objectOf).find(({ attachment }) =>
    attachment === index
  );
  return {
    name,
    mediaType,
    logTime: timestampNs ?? timeOf(told?.log_time),
    createTime: createdNs ?? timeOf(told?.create_time),
  };
}

function timeOf(text: JsonValue | undefined): bigint {
  return typeof text === "string" && /^\d+$/.test(text) ? BigInt.asUintN(64, BigInt(text)) : 0n;
}

function textsOf(value: JsonValue | undefined): Map<string, string> {
  const entries = Object.entries(objectOf(value));
  return new Map(
    entries.map(([key, member]) => [key, typeof member === "string" ? member : jsonText(member)]),
  );
}

function objectOf(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
