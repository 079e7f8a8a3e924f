/**
 * Random recordings, each written once by every engine and read by every engine: the same messages, which are those of a
 * sort of everything.
 *
 * @module
 */
import * as fc from "fast-check";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { Engine } from "../../src/engine.ts";
import { compareNames } from "../../src/names.ts";
import type { Ontology } from "../../src/ontology/define_ontology.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { anyTable, expectedRow } from "../support/random_tables.ts";
import { touchedRow, written } from "../support/tables.ts";
import { anyChoice, anyTime, type Choice } from "../read/order.ts";

/** A topic and the steps of recording it: rows to push, each with its time, and where batches end. */
export interface Topic {
  name: string;
  fields: FieldSchema[];
  steps: { timestampNs: bigint; data: Record<string, unknown>; flush: boolean }[];
}

/** What is recorded, and what of it is read. */
export interface Recording {
  topics: Topic[];
  maxBufferedBytes: number | undefined;
  choices: (Choice & { most: number })[];
}

const NAMES = ["a", "A", "a-b", "a/b", "a0", "b", "Z9"];

const anyTopic = (name: string): fc.Arbitrary<Topic> =>
  anyTable({ depth: 2, columns: 4, rows: 30 }).chain(({ fields, rows }) =>
    fc.record({
      times: fc.array(anyTime, { minLength: rows.length, maxLength: rows.length }),
      flushes: fc.array(fc.nat(9), { minLength: rows.length, maxLength: rows.length }),
      ordered: fc.boolean(),
      // Long texts and lists come again and again, so that there is something to compress.
      repeats: fc.constantFrom(1, 1, 1, 1, 30),
    }).map(({ times, flushes, ordered, repeats }) => {
      const count = rows.length * repeats;
      const all = Array.from({ length: count }, (_, i) => times[i % rows.length]);
      if (ordered) all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const steps = all.map((timestampNs, i) => ({
        timestampNs,
        data: rows[i % rows.length],
        flush: flushes[i % rows.length] === 0 && i % 7 === 0,
      }));
      return { name, fields, steps };
    })
  );

/** Few topics of any types and times. */
export const anyRecording: fc.Arbitrary<Recording> = fc
  .shuffledSubarray(NAMES, { minLength: 1, maxLength: 4 })
  .chain((names) =>
    fc.record({
      topics: fc.tuple(...names.map(anyTopic)),
      maxBufferedBytes: fc.constantFrom(undefined, undefined, 1, 3000),
      choices: fc.array(
        fc.record({ choice: anyChoice(names), most: fc.constantFrom(Infinity, Infinity, 1, 10) })
          .map(({ choice, most }) => ({ ...choice, most })),
        { minLength: 2, maxLength: 2 },
      ),
    })
  );

/** Runs one case on every engine; throws where one differs. */
export async function checkRecording(engines: readonly Engine[], seed: number): Promise<void> {
  const [recording] = fc.sample(anyRecording, { numRuns: 1, seed });
  const stores = engines.map(() => new MemoryStore());
  for (const [i, engine] of engines.entries()) await record(stores[i], engine, recording);
  for (const choice of [{ most: Infinity }, ...recording.choices]) {
    const wanted = inOrder(recording, choice);
    let json: string | undefined;
    for (const store of stores) {
      for (const engine of engines) {
        const handler = await new Client(new EmbeddedBackend(store, engine)).sequenceHandler("s");
        const got = await read(handler, choice, recording);
        compare(got.rows, wanted, `engine ${engine.name}`);
        json ??= got.json;
        if (got.json !== json) throw new Error(`engine ${engine.name}: other JSON`);
      }
    }
  }
  for (const store of stores) await store.close();
}

/** Records it as sequence "s". */
export async function record(
  store: MemoryStore,
  engine: Engine,
  { topics, maxBufferedBytes }: Recording,
): Promise<void> {
  const client = new Client(new EmbeddedBackend(store, engine));
  await client.sequenceCreate("s", { maxBufferedBytes }, async (sequence) => {
    for (const { name, fields, steps } of topics) {
      const ontology: Ontology<Record<string, unknown>> = { tag: "Any", format: "default", fields };
      const writer = await sequence.topicCreate(name, { ontology });
      for (const { timestampNs, data, flush } of steps) {
        await writer.push({ timestampNs, data });
        if (flush) await writer.flush();
      }
    }
  });
}

/** The rows of a choice by the rule itself: time, topic, order of pushing. */
function inOrder(
  { topics }: Recording,
  { topics: names, startNs, endNs, most }: Choice & { most: number },
): string[] {
  return topics
    .filter(({ name }) => names === undefined || names.includes(name))
    .sort((a, b) => compareNames(a.name, b.name))
    .flatMap(({ name, fields, steps }) => steps.map((step) => ({ name, fields, ...step })))
    .filter(({ timestampNs: ns }) =>
      (startNs === undefined || ns >= startNs) && (endNs === undefined || ns < endNs)
    )
    // Stable: what is equal stays in the order of topics and of pushing.
    .sort((a, b) => (a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0))
    .slice(0, most)
    .map(({ name, fields, timestampNs, data }) =>
      `${name} ${timestampNs} ${written(expectedRow(fields, data))}`
    );
}

async function read(
  handler: SequenceHandler,
  { most, ...options }: Choice & { most: number },
  { topics }: Recording,
): Promise<{ rows: string[]; json: string }> {
  const fields = new Map(topics.map((topic) => [topic.name, topic.fields]));
  const rows: string[] = [];
  const json: string[] = [];
  for await (const [topic, message] of handler.getDataStreamer(options)) {
    rows.push(`${topic} ${message.timestampNs} ${written(touchedRow(fields.get(topic)!, message.data))}`);
    json.push(JSON.stringify(message));
    if (rows.length >= most) break;
  }
  return { rows, json: json.join("\n") };
}

function compare(got: readonly string[], wanted: readonly string[], what: string): void {
  const at = got.findIndex((row, i) => row !== wanted[i]);
  if (at >= 0) throw new Error(`${what}: row ${at} is\n${got[at]}\nwanted\n${wanted[at]}`);
  if (got.length !== wanted.length) throw new Error(`${what}: ${got.length} rows, wanted ${wanted.length}`);
}
