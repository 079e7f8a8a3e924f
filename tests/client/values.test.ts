import type { RecordBatch, Table } from "apache-arrow";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { ALL } from "../../src/ontology/builtin/mod.ts";
import type { Ontology } from "../../src/ontology/define_ontology.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../src/schema.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { rowFromArrow } from "../support/from_arrow.ts";
import { withClient } from "../support/places.ts";
import { expectedRow } from "../support/random_tables.ts";
import { touchedRow, written } from "../support/tables.ts";
import { anyOntology, anyRows, asColumns, asRecordBatch, jsonRow } from "../support/values.ts";

type Rows = Record<string, unknown>[];

let round = 0;

/** Records one topic by `push`, and gives its messages and itself as a Table. */
async function replay(
  client: Client,
  ontology: Ontology,
  push: (topic: TopicWriter) => Promise<void>,
): Promise<{ messages: Message[]; table: Table }> {
  const name = `round${round++}`;
  await client.sequenceCreate(name, {}, async (sequence) => {
    await push(await sequence.topicCreate("topic", { ontology }));
  });
  const topic = await client.topicHandler(name, "topic");
  const messages: Message[] = [];
  for await (const message of topic.getDataStreamer()) messages.push(message);
  const table = await topic.getDataStreamer().toTable();
  await client.sequenceDelete(name);
  return { messages, table };
}

/** The three ways to push the same rows, at times from 0 on. */
const WAYS: Record<string, (topic: TopicWriter, ontology: Ontology, rows: Rows) => Promise<void>> = {
  async push(topic, _, rows) {
    for (const [i, data] of rows.entries()) await topic.push({ timestampNs: BigInt(i), data });
  },
  async "pushColumns of values"(topic, { fields }, rows) {
    await topic.pushColumns({ timestampNs: times(rows), ...asColumns(fields, rows, false) });
  },
  async "pushColumns of typed arrays"(topic, { fields }, rows) {
    await topic.pushColumns({ timestampNs: times(rows), ...asColumns(fields, rows, true) });
  },
};

/** Pushes messages as JSON text has them. */
async function pushText(topic: TopicWriter, text: string): Promise<void> {
  for (const message of JSON.parse(text)) await topic.pushJson(message);
}

function times(rows: Rows): BigInt64Array {
  return BigInt64Array.from(rows, (_, i) => BigInt(i));
}

/** Rows as apache-arrow reads them, which drops byte order marks: time and data. */
function arrowTexts(fields: readonly FieldSchema[], table: Table | RecordBatch): string[] {
  return Array.from({ length: table.numRows }, (_, i) => {
    const { timestamp_ns, ...data } = rowFromArrow([TIMESTAMP_FIELD, ...fields], table.get(i)!);
    return unmarked(`${timestamp_ns} ${written(expectedRow(fields, data))}`);
  });
}

function unmarked(text: string): string {
  return text.replaceAll("\ufeff", "");
}

/** Whether apache-arrow made the batch that was asked for: its builders stumble over some nested nulls. */
function isAsMeant(fields: readonly FieldSchema[], batch: RecordBatch, wanted: readonly string[]): boolean {
  return arrowTexts(fields, batch).join() === wanted.map(unmarked).join();
}

/** Expects the messages to hold these rows, by every way to look at them. */
function expectRows(
  { messages, table }: { messages: Message[]; table: Table },
  ontology: Ontology,
  rows: Rows,
): void {
  const { fields, tag } = ontology;
  const wanted = rows.map((row) => written(expectedRow(fields, row)));
  expect(messages.map(({ timestampNs }) => timestampNs)).toEqual(rows.map((_, i) => BigInt(i)));
  expect(messages.map(({ data }) => written(touchedRow(fields, data)))).toEqual(wanted);
  expect(messages.map((message) => written(touchedRow(fields, message.getData(ontology) as object)))).toEqual(
    wanted,
  );
  const json = rows.map((row, i) => ({
    timestamp_ns: String(i),
    topic: "topic",
    ontology: tag,
    data: jsonRow(fields, row),
  }));
  // What JSON cannot say, as NaN, is for JSON.stringify to replace on both sides.
  expect(JSON.stringify(messages)).toBe(JSON.stringify(json));
  expect(arrowTexts(fields, table)).toEqual(wanted.map((row, i) => unmarked(`${i} ${row}`)));
}

/** Expects the messages to come back from their JSON: bit by bit from its objects, and from its text but for -0. */
async function expectJsonBack(
  client: Client,
  ontology: Ontology,
  messages: readonly Message[],
): Promise<void> {
  const { fields } = ontology;
  const text = JSON.stringify(messages);
  const fromText = await replay(client, ontology, (topic) => pushText(topic, text));
  expect(JSON.stringify(fromText.messages)).toBe(text);
  const fromObjects = await replay(client, ontology, async (topic) => {
    for (const message of messages) await topic.pushJson(message.toJSON());
  });
  const textsOf = (all: readonly Message[]) => all.map(({ data }) => written(touchedRow(fields, data)));
  expect(textsOf(fromObjects.messages)).toEqual(textsOf(messages));
  // And from plain copies, as they are.
  const fromCopies = await replay(client, ontology, async (topic) => {
    for (const message of messages) await topic.push(message.toObject());
  });
  expect(textsOf(fromCopies.messages)).toEqual(textsOf(messages));
}

describe("messages of the built-in classes", () => {
  it.each(ALL.map((ontology) => [ontology.tag, ontology] as const))(
    "of %s come back as they were pushed",
    async (_, ontology) => {
      await withClient("memory", async (client) => {
        for (const push of Object.values(WAYS)) {
          await fc.assert(
            fc.asyncProperty(anyRows(ontology), async (rows) => {
              const replayed = await replay(client, ontology, (topic) => push(topic, ontology, rows));
              expectRows(replayed, ontology, rows);
              await expectJsonBack(client, ontology, replayed.messages);
            }),
            { numRuns: 12 },
          );
        }
      });
    },
  );
});

describe("messages of any ontology", () => {
  const anyTable = anyOntology.chain((ontology) => fc.tuple(fc.constant(ontology), anyRows(ontology)));

  for (const [way, push] of Object.entries(WAYS)) {
    it(`come back as they were given to ${way}`, async () => {
      await withClient("memory", async (client) => {
        await fc.assert(
          fc.asyncProperty(anyTable, async ([ontology, rows]) => {
            const replayed = await replay(client, ontology, (topic) => push(topic, ontology, rows));
            expectRows(replayed, ontology, rows);
            await expectJsonBack(client, ontology, replayed.messages);
          }),
          { numRuns: 300 },
        );
      });
    });
  }

  it("come back from pushBatch as apache-arrow has them, whole or in slices", async () => {
    await withClient("memory", async (client) => {
      const cuts = fc.tuple(fc.nat(12), fc.nat(12));
      await fc.assert(
        fc.asyncProperty(anyTable, fc.array(cuts, { maxLength: 3 }), async ([ontology, rows], cuts) => {
          const { fields } = ontology;
          let batch = asRecordBatch(fields, rows);
          let wanted = rows.map((row, i) => `${i} ${written(expectedRow(fields, row))}`);
          for (const [a, b] of cuts) {
            const [from, to] = [Math.min(a, b), Math.max(a, b)];
            batch = batch.slice(from, to);
            wanted = wanted.slice(from, to);
          }
          fc.pre(isAsMeant(fields, batch, wanted));
          const { messages } = await replay(client, ontology, (topic) => topic.pushBatch(batch));
          expect(
            messages.map(({ timestampNs, data }) => `${timestampNs} ${written(touchedRow(fields, data))}`),
          ).toEqual(wanted);
        }),
        { numRuns: 500 },
      );
    });
  });

  it("come back from one topic that takes them by push, pushColumns and pushBatch in turn", async () => {
    await withClient("memory", async (client) => {
      const property = fc.asyncProperty(
        anyTable,
        fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
        async ([ontology, rows], ways) => {
          const { fields } = ontology;
          const batches = rows.map((row) => asRecordBatch(fields, [row]));
          const wanted = rows.map((row) => written(expectedRow(fields, row)));
          batches.forEach((batch, i) => fc.pre(ways[i] < 3 || isAsMeant(fields, batch, [`0 ${wanted[i]}`])));
          const { messages } = await replay(client, ontology, async (topic) => {
            for (const [i, row] of rows.entries()) {
              const timestampNs = BigInt64Array.of(0n);
              if (ways[i] === 3) await topic.pushBatch(batches[i]);
              else if (ways[i] > 0) {
                await topic.pushColumns({ timestampNs, ...asColumns(fields, [row], ways[i] === 1) });
              } else await topic.push({ timestampNs: 0n, data: row });
            }
          });
          const seen = messages.map(({ data }) => written(touchedRow(fields, data)));
          expect(seen).toEqual(wanted);
        },
      );
      await fc.assert(property, { numRuns: 300 });
    });
  });
});
