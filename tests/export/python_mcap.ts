/**
 * The messages of a sequence, and of the file that it went out as in Python's eyes; equal where nothing was lost.
 *
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceName } from "../../src/export/mcap/source_facts.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { plainRow } from "../support/plain_values.ts";
import { runPython } from "../support/python.ts";

/** What is known of a message. */
export interface PlainMessage {
  readonly type: string;
  readonly time: string;
  readonly publishTime?: string;
  readonly number?: number;
  readonly data: object;
}

/** Messages by the name of their topic in the file, in order of time. */
export type PlainMessages = Record<string, PlainMessage[]>;

/** Columns that say what is around a message, or are there for messages that the others do not fit. */
const BESIDE = new Set(["_index", "_log_time_ns", "_publish_time_ns", "_sequence", "_raw", "_json"]);

/** The messages of a sequence, as its own handler gives them. */
export async function messagesOf(handler: SequenceHandler): Promise<PlainMessages> {
  const topics = new Map<string, Awaited<ReturnType<SequenceHandler["topicSchema"]>>>();
  for (const { name } of handler.topics) topics.set(name, await handler.topicSchema(name));
  const found: PlainMessages = {};
  for await (const [topic, { timestampNs, data }] of handler.getDataStreamer()) {
    const schema = topics.get(topic)!;
    const fields = schema.fields.slice(1).filter(({ name }) => !BESIDE.has(name));
    (found[sourceName(topic, schema)] ??= []).push({
      type: String(schema.metadata["mcap.schema_name"] ?? schema.ontologyTag),
      time: String(timestampNs),
      publishTime: String(data._publish_time_ns ?? timestampNs),
      number: Number(data._sequence ?? 0),
      data: JSON.parse(JSON.stringify(plainRow(fields, data)), sortedMap),
    });
  }
  return found;
}

/** The messages of a file, as `mcap` reads them with its decoders, and as rosbags does where all of it is of ROS 2. */
export async function readByPython(
  file: Uint8Array,
): Promise<{ mcap: PlainMessages; rosbags: PlainMessages }> {
  const read: Record<string, PlainMessages> = { mcap: {}, rosbags: {} };
  const output = await withFile(
    file,
    (path) => runPython(new URL("read_mcap.py", import.meta.url), path),
  );
  for (const line of output.split("\n").filter((line) => line !== "")) {
    const { by, topic, ...message } = JSON.parse(line, sortedMap);
    (read[by][topic] ??= []).push(message);
  }
  return read as { mcap: PlainMessages; rosbags: PlainMessages };
}

/** What rosbags tells of a message: it knows no publish times and sequence numbers. */
export function inBag({ type, time, data }: PlainMessage): PlainMessage {
  return { type, time, data };
}

/** Calls something with the path of a file that holds these bytes for so long. */
export async function withFile<T>(file: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-python-"));
  try {
    const path = join(directory, "out.mcap");
    await writeFile(path, file);
    return await use(path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Puts the entries of a map in one order: those of Protocol Buffers have none. */
function sortedMap(_key: string, value: unknown): unknown {
  const isEntry = (item: unknown) =>
    Object.keys((item as { struct?: object })?.struct ?? {}).join() === "key,value";
  if (!Array.isArray(value) || !value.every(isEntry)) return value;
  const texts = value.map((entry) => JSON.stringify(entry)).sort();
  return texts.map((text) => JSON.parse(text));
}
