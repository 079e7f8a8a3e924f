/**
 * An ontology with a field of every kind, for tests of what a topic refuses.
 *
 * @module
 */
import { expect } from "vitest";
import type { Client } from "../../src/client.ts";
import { defineOntology, type Infer } from "../../src/ontology/define_ontology.ts";
import {
  bool,
  fixedSizeList,
  float16,
  float32,
  float64,
  int32,
  int64,
  int8,
  list,
  optional,
  struct,
  uint64,
  utf8,
} from "../../src/ontology/field.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { touchedRow, written } from "../support/tables.ts";

export const Reading = defineOntology("Reading", {
  count: int32(),
  total: int64(),
  big: optional(uint64()),
  half: optional(float16()),
  single: optional(float32()),
  label: optional(utf8()),
  flag: optional(bool()),
  bytes: optional(list(int8())),
  pair: optional(fixedSizeList(int8(), 2)),
  place: optional(struct({ x: float64(), y: optional(float64()) })),
});
export type Reading = Infer<typeof Reading>;
/** The least that a message must hold. */
export const GOOD = { count: 1, total: 2n };

/** Records topic "t" of sequence "s" with one row before and one after what `push` does; expects these two to be there. */
export async function between(
  client: Client,
  push: (topic: TopicWriter<Reading>) => Promise<void>,
): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("t", { ontology: Reading });
    await topic.push({ timestampNs: 1n, data: { ...GOOD, label: "before", place: { x: 1 } } });
    await push(topic);
    await topic.push({ timestampNs: 2n, data: { ...GOOD, label: "after", pair: [3, 4] } });
    expect(topic.rowCount).toBe(2);
  });
  const seen: unknown[] = [];
  for await (const { timestampNs, data } of (await client.topicHandler("s", "t")).getDataStreamer()) {
    seen.push([timestampNs, written(touchedRow(Reading.fields, data))]);
  }
  expect(seen).toEqual([
    [1n, `{"count": 1, "total": 2n, "label": "before", "place": {"x": 1}}`],
    [2n, `{"count": 1, "total": 2n, "label": "after", "pair": Int8Array[3, 4]}`],
  ]);
}
