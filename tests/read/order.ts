/**
 * Random recordings, and the obvious oracle of their order: sort everything.
 *
 * @module
 */
import * as fc from "fast-check";
import type { Client } from "../../src/client.ts";
import { bytesOf } from "../../src/arrow/columns.ts";
import { toRecordBatch } from "../../src/arrow/tables.ts";
import { MAX_NS, MIN_NS } from "../../src/types.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { Sample, sample, sampleText } from "../support/sample_rows.ts";
import { columnsOf, loadArrow, tableFields } from "../support/tables.ts";

/** One call of a writer. */
export interface Step {
  topic: number;
  call: "push" | "pushColumns" | "pushBatch" | "flush";
  times: bigint[];
}

/** What is recorded. */
export interface Recording {
  topics: string[];
  steps: Step[];
  /** The writer's bound: a small one makes it send small batches. */
  maxBufferedBytes?: number;
}

/** A recorded row. */
export interface Row {
  topic: string;
  timestampNs: bigint;
  /** Its place among the rows pushed to the topic. */
  serial: number;
}

/** Part of a recording; the bounds are in order. */
export interface Choice {
  topics?: string[];
  startNs?: bigint;
  endNs?: bigint;
}

/** Names whose order by locale or by path is not that by ASCII. */
const NAMES = [
  "a",
  "A",
  "B",
  "Z9",
  "a-b",
  "a/b",
  "a/b/c",
  "a0",
  "a_b",
  "aA",
  "b",
  "0",
  "9z",
];

const WORD = 2n ** 32n;

/** Ties, spreads, the extremes of int64, and where its two halves carry. */
export const anyTime: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(-4n, 4n) },
  { weight: 3, arbitrary: fc.bigInt(-1000n, 1000n) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(MIN_NS, MIN_NS + 1n, MAX_NS - 1n, MAX_NS),
  },
  { weight: 1, arbitrary: fc.bigInt(MIN_NS, MAX_NS) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom(-WORD, -WORD / 2n, WORD / 2n, WORD),
      fc.bigInt(-2n, 2n),
    )
      .map(([word, offset]) => word + offset),
  },
);

const anyCall = fc.constantFrom<Step["call"]>(
  "push",
  "push",
  "push",
  "pushColumns",
  "pushBatch",
  "flush",
);

/** Few rows in many batches. */
export const smallRecording: fc.Arbitrary<Recording> = fc
  .shuffledSubarray(NAMES, { minLength: 1, maxLength: 5 })
  .chain((topics) =>
    fc.record({
      topics: fc.constant(topics),
      steps: fc.array(
        fc.record({
          topic: fc.nat(topics.length - 1),
          call: anyCall,
          times: fc.array(anyTime, { maxLength: 8 }),
        }),
        { maxLength: 30 },
      ),
      maxBufferedBytes: fc.constantFrom(undefined, 1, 2000, 20_000),
    })
  );

/** Times that count up, or down, in steps, with a shake. */
const burst = fc.record({
  start: fc.bigInt(-10_000n, 10_000n),
  step: fc.constantFrom(0n, 1n, 1n, 7n, -3n, 1_000_000n),
  shake: fc.constantFrom(0, 0, 5, 1000),
  length: fc.integer({ min: 1, max: 6000 }),
  seed: fc.nat(),
}).map(({ start, step, shake, length, seed }) => {
  let state = seed;
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  return Array.from(
    { length },
    (_, i) => start + step * BigInt(i) + BigInt(Math.floor(shake * random())),
  );
});

/** More rows than a block holds. */
export const largeRecording: fc.Arbitrary<Recording> = fc
  .shuffledSubarray(NAMES, { minLength: 1, maxLength: 4 })
  .chain((topics) =>
    fc.record({
      topics: fc.constant(topics),
      steps: fc.array(
        fc.record({
          topic: fc.nat(topics.length - 1),
          call: anyCall,
          times: burst,
        }),
        { minLength: 2, maxLength: 6 },
      ),
      maxBufferedBytes: fc.constantFrom(undefined, undefined, 100_000),
    })
  );

/** A part of a recording whose topics are these. */
export function anyChoice(topics: readonly string[]): fc.Arbitrary<Choice> {
  const bound = fc.option(anyTime, { nil: undefined });
  return fc.record({
    topics: fc.option(fc.shuffledSubarray([...topics]), { nil: undefined }),
    bounds: fc.tuple(bound, bound),
  }).map(({ topics, bounds: [a, b] }) => {
    const swapped = a !== undefined && b !== undefined && a > b;
    return { topics, startNs: swapped ? b : a, endNs: swapped ? a : b };
  });
}

/** Records it under a name; gives all rows in the order of pushing, topic by topic. */
export async function record(
  client: Client,
  name: string,
  recording: Recording,
): Promise<Row[]> {
  const { topics, steps, maxBufferedBytes } = recording;
  const rows: Row[][] = topics.map(() => []);
  await client.sequenceCreate(name, { maxBufferedBytes }, async (sequence) => {
    const writers: TopicWriter<Sample>[] = [];
    for (const topic of topics) {
      writers.push(await sequence.topicCreate(topic, { ontology: Sample }));
    }
    for (const { topic, call, times } of steps) {
      const first = rows[topic].length;
      if (call !== "flush") {
        rows[topic].push(
          ...times.map((timestampNs, i) => ({
            topic: topics[topic],
            timestampNs,
            serial: first + i,
          })),
        );
      }
      await take(writers[topic], call, times, first);
    }
  });
  return rows.flat();
}

async function take(
  writer: TopicWriter<Sample>,
  call: Step["call"],
  times: bigint[],
  first: number,
): Promise<void> {
  const data = times.map((_, i) => sample(first + i));
  if (call === "flush") await writer.flush();
  else if (call === "push") {
    for (const [i, timestampNs] of times.entries()) {
      await writer.push({ timestampNs, data: data[i] });
    }
  } else if (call === "pushColumns") {
    await writer.pushColumns({
      timestampNs: BigInt64Array.from(times),
      serial: BigInt64Array.from(data, (row) => row.serial),
      label: data.map((row) => row.label),
      values: data.map((row) => row.values),
      place: data.map((row) => row.place),
    });
  } else {
    const columns = columnsOf(Sample.fields, data);
    columns.buffers[1] = bytesOf(BigInt64Array.from(times));
    await writer.pushBatch(
      await toRecordBatch(loadArrow, tableFields(Sample.fields), columns),
    );
  }
}

/** The rows of a choice in the strict order, as texts: timestamp, topic name by ASCII, order of pushing. */
export function inOrder(
  rows: readonly Row[],
  { topics, startNs, endNs }: Choice,
): string[] {
  return rows
    .filter(({ topic }) => topics === undefined || topics.includes(topic))
    .filter(({ timestampNs: ns }) =>
      (startNs === undefined || ns >= startNs) &&
      (endNs === undefined || ns < endNs)
    )
    .sort((a, b) =>
      Number(a.timestampNs > b.timestampNs) -
        Number(a.timestampNs < b.timestampNs) ||
      Number(a.topic > b.topic) - Number(a.topic < b.topic) ||
      a.serial - b.serial
    )
    .map(({ topic, timestampNs, serial }) => sampleText(topic, timestampNs, serial));
}
