/**
 * One simulated recording for all who write and replay: 20 topics of accelerations at 1 to 1,000 Hz.
 *
 * @module
 */
import { McapWriter } from "@mcap/core";
import { lz4Compress } from "../src/engine/lz4_compress.ts";
import { type Client, defineOntology, float64, type Ontology, struct } from "../mod.ts";
import { random, shapes } from "./data.ts";

/** Messages in it. */
export const MESSAGES = 2_000_000;

/** What a message holds. */
export interface Sample {
  /** In m/s^2. */
  acceleration: { x: number; y: number; z: number };
}

/** The ontology of all topics. */
export const Sample: Ontology<Sample> = defineOntology("Sample", {
  acceleration: struct({ x: float64(), y: float64(), z: float64() }),
});

/** The recording in memory, in time order. */
export interface Recording {
  topics: string[];
  /** Per message. */
  topic: Uint8Array;
  times: BigInt64Array;
  x: Float64Array;
  y: Float64Array;
  z: Float64Array;
  /** What a replay must find. */
  whole: Facts;
  /** The topic with the most messages, and what a replay of it must find. */
  busiest: Facts & { topic: string };
}

/** What tells messages in order apart from any other. */
export interface Facts {
  count: number;
  /** Sum of x, added in order. */
  sum: number;
  /** Time of the last. */
  last: bigint;
}

/** Makes the recording, of about so many messages, the same each time: of noise, or with a `y` and a `z` that stay what they are. */
export function makeRecording(messages: number = MESSAGES, isSteady = false): Recording {
  const runs = shapes.find(({ name }) => name === "mixed rates")!.create(
    messages,
  );
  const count = runs.reduce((sum, run) => sum + run.times.length, 0);
  const base = runs.reduce(
    (least, { times }) => (times[0] < least ? times[0] : least),
    runs[0].times[0],
  );
  // Offset and topic in one number: sorting it gives the order.
  const keys = new Float64Array(count);
  let at = 0;
  for (const { topic, times } of runs) {
    for (const time of times) keys[at++] = Number(time - base) * 32 + topic;
  }
  keys.sort();
  const next = random(7);
  const topic = Uint8Array.from(keys, (key) => key % 32);
  const times = BigInt64Array.from(
    keys,
    (key) => base + BigInt(Math.floor(key / 32)),
  );
  const x = Float64Array.from(
    keys,
    (_, i) => Math.sin(i / 1000) + 0.01 * next(),
  );
  const whole: Facts = { count: 0, sum: 0, last: 0n };
  const facts = runs.map((): Facts => ({ count: 0, sum: 0, last: 0n }));
  for (let i = 0; i < count; i++) {
    for (const one of [whole, facts[topic[i]]]) {
      one.count++;
      one.sum += x[i];
      one.last = times[i];
    }
  }
  const topics = runs.map(({ topic }) => `imu/${String(topic).padStart(2, "0")}`);
  const most = facts.reduce(
    (best, one, i) => (one.count > facts[best].count ? i : best),
    0,
  );
  return {
    topics,
    topic,
    times,
    x,
    y: Float64Array.from(keys, (_, i) => isSteady ? 0 : Math.cos(i / 1000) + 0.01 * next()),
    z: Float64Array.from(keys, () => isSteady ? 9.81 : 9.81 + 0.01 * next()),
    whole,
    busiest: { topic: topics[most], ...facts[most] },
  };
}

/** Records it message by message. */
export async function push(
  client: Client,
  name: string,
  recording: Recording,
): Promise<void> {
  const { topics, topic, times, x, y, z } = recording;
  await client.sequenceCreate(name, {}, async (sequence) => {
    const writers = await Promise.all(
      topics.map((name) => sequence.topicCreate(name, { ontology: Sample })),
    );
    for (let i = 0; i < times.length; i++) {
      const full = writers[topic[i]].push({
        timestampNs: times[i],
        data: { acceleration: { x: x[i], y: y[i], z: z[i] } },
      });
      if (full) await full;
    }
  });
}

/** One topic's columns. */
export interface TopicColumns {
  timestampNs: BigInt64Array;
  acceleration: { x: Float64Array; y: Float64Array; z: Float64Array };
}

/** The recording's columns by topic. */
export function columnsByTopic(
  { topics, topic, times, x, y, z }: Recording,
): TopicColumns[] {
  return topics.map((_, position) => {
    const rows = Int32Array.from(topic.keys()).filter((row) => topic[row] === position);
    const column = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]);
    return {
      timestampNs: BigInt64Array.from([...rows], (row) => times[row]),
      acceleration: { x: column(x), y: column(y), z: column(z) },
    };
  });
}

/** Records it topic by topic, in columns. */
export async function pushColumns(
  client: Client,
  name: string,
  topics: string[],
  columns: TopicColumns[],
): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    for (let i = 0; i < topics.length; i++) {
      const writer = await sequence.topicCreate(topics[i], {
        ontology: Sample,
      });
      await writer.pushColumns(columns[i]);
    }
  });
}

/** An MCAP file in memory. */
export interface McapFile {
  /** Its pieces, as written. */
  bytes: Uint8Array;
  /** What `@mcap/core` reads from. */
  size(): Promise<bigint>;
  read(offset: bigint, length: bigint): Promise<Uint8Array>;
}

/** The same messages through `@mcap/core`: 24 ready-made bytes each, in chunks of 1 MiB. */
export async function writeMcap(
  recording: Recording,
  compression: "" | "lz4",
): Promise<McapFile> {
  const { topics, topic, times, x, y, z } = recording;
  const sink = new MemoryFile();
  const writer = new McapWriter({
    writable: sink,
    ...(compression === "lz4" && {
      compressChunk: (data: Uint8Array) => {
        const compressedData = lz4Compress(data);
        return compressedData ? { compression, compressedData } : { compression: "", compressedData: data };
      },
    }),
  });
  await writer.start({ profile: "", library: "" });
  const ids: number[] = [];
  for (const name of topics) {
    ids.push(
      await writer.registerChannel({
        schemaId: 0,
        topic: name,
        messageEncoding: "raw",
        metadata: new Map(),
      }),
    );
  }
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  for (let i = 0; i < times.length; i++) {
    view.setFloat64(0, x[i], true);
    view.setFloat64(8, y[i], true);
    view.setFloat64(16, z[i], true);
    await writer.addMessage({
      channelId: ids[topic[i]],
      sequence: i,
      logTime: times[i],
      publishTime: times[i],
      data,
    });
  }
  await writer.end();
  return sink.finish();
}

/** Collects what is written; the cheapest file there is. */
class MemoryFile {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  position(): bigint {
    return BigInt(this.#size);
  }
  write(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes.slice());
    this.#size += bytes.length;
    return Promise.resolve();
  }
  finish(): McapFile {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return {
      bytes,
      size: () => Promise.resolve(BigInt(bytes.length)),
      read: (offset, length) =>
        Promise.resolve(
          bytes.subarray(Number(offset), Number(offset + length)),
        ),
    };
  }
}
