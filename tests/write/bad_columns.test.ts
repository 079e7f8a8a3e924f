import { RecordBatch } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import {
  bool,
  float32,
  float64,
  int32,
  int64,
  int8,
  list,
  optional,
  struct,
} from "../../src/ontology/field.ts";
import { expectError } from "../support/errors.ts";
import { withClient } from "../support/places.ts";
import { asRecordBatch } from "../support/values.ts";
import { between, Reading } from "./reading.ts";

const TIMES = BigInt64Array.of(5n, 6n);
const COLUMNS = { timestampNs: TIMES, count: [1, 2], total: [3n, 4n] };

/** Columns that must be refused, and what the error says. */
const BAD_COLUMNS: [title: string, columns: unknown, text: string][] = [
  ["nothing", undefined, "timestampNs is undefined: wanted a BigInt64Array"],
  ["text", "columns", "timestampNs is undefined: wanted a BigInt64Array"],
  ["no times", { ...COLUMNS, timestampNs: undefined }, "timestampNs is undefined: wanted a BigInt64Array"],
  [
    "times as an array",
    { ...COLUMNS, timestampNs: [5n, 6n] },
    "timestampNs is an Array of 2: wanted a BigInt64Array",
  ],
  [
    "a missing column",
    { timestampNs: TIMES, count: [1, 2] },
    `Column "total" is missing: wanted int64 for 2 rows`,
  ],
  [
    "an unknown column",
    { ...COLUMNS, speed: [1, 2] },
    `Column "speed" is an Array of 2: wanted no such column, only count, total`,
  ],
  [
    "a column too short",
    { ...COLUMNS, count: [1] },
    `Column "count" is an Array of 1 with length 1: wanted an array of 2`,
  ],
  [
    "a column too long",
    { ...COLUMNS, count: new Int32Array(3) },
    `Column "count" is a Int32Array with length 3: wanted an array of 2`,
  ],
  ["a number for a column", { ...COLUMNS, count: 5 }, `Column "count" is 5: wanted an array of 2`],
  ["text for a column", { ...COLUMNS, count: "12" }, `Column "count" is "12": wanted an array of 2`],
  ["a wrong value in the last row", { ...COLUMNS, count: [1, "2"] }, `Field "count" is "2": wanted int32`],
  [
    "a missing value where none may be",
    { ...COLUMNS, total: [1n, null] },
    `Field "total" is null: wanted int64`,
  ],
  [
    "a hole where nothing may be missing",
    { ...COLUMNS, total: [1n, ,] },
    `Field "total" is missing: wanted int64`,
  ],
  [
    "numbers of another type out of range",
    { ...COLUMNS, count: Float64Array.of(1, 2 ** 40) },
    `Field "count" is 1099511627776: wanted int32`,
  ],
  [
    "a struct's column missing",
    { ...COLUMNS, place: { y: [1, 2] } },
    `Column "place.x" is missing: wanted float64 for 2 rows`,
  ],
  [
    "an unknown column in a struct",
    { ...COLUMNS, place: { x: [1, 2], z: [0, 0] } },
    `Column "place.z" is an Array of 2`,
  ],
  [
    "a struct's column too short",
    { ...COLUMNS, place: { x: [1] } },
    `Column "place.x" is an Array of 1 with length 1`,
  ],
];

describe("TopicWriter.pushColumns", () => {
  it.each(BAD_COLUMNS)("refuses %s, takes none of the rows, and keeps the rest", async (_, columns, text) => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        const error = await expectError(() => topic.pushColumns(columns as never), "INVALID_MESSAGE");
        expect(error.rawMessage).toMatch(`Cannot push to topic "t" of sequence "s": ${text}`);
        expect(error.details).toEqual({ sequence: "s", topic: "t" });
        expect(topic.rowCount).toBe(1);
      }));
  });

  it("takes no rows as no rows", async () => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        await topic.pushColumns({ timestampNs: new BigInt64Array(0), count: [], total: [] } as never);
        expect(topic.rowCount).toBe(1);
      }));
  });

  it("has read its arrays when it returns", async () => {
    for (const rows of [10, 30_000, 200_000]) {
      await withClient("memory", async (client) => {
        await client.sequenceCreate("s", {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Reading });
          const timestampNs = new BigInt64Array(rows);
          const count = new Int32Array(rows).fill(7);
          const total = new BigInt64Array(rows).fill(8n);
          const pushed = topic.pushColumns({ timestampNs, count, total } as never);
          for (const array of [timestampNs, total]) array.fill(99n);
          count.fill(99);
          await pushed;
        });
        let [seen, wrong] = [0, 0];
        for await (const block of (await client.topicHandler("s", "t")).getDataStreamer().batches()) {
          for (const { timestampNs, data } of block) {
            seen++;
            if (timestampNs !== 0n || data.count !== 7 || data.total !== 8n) wrong++;
          }
        }
        expect([seen, wrong]).toEqual([rows, 0]);
      });
    }
  });
});

const ROW = { x: 1, y: [1, null], z: { a: 2n } };
const fieldsOf = (fields: Parameters<typeof defineOntology>[1]) => defineOntology("Other", fields).fields;
const Wanted = defineOntology("Wanted", {
  x: float64(),
  y: list(optional(int8())),
  z: struct({ a: int64() }),
});

/** Batches that must be refused, and what the error says. */
const BAD_BATCHES: [title: string, batch: () => unknown, text: string][] = [
  ["nothing", () => undefined, "The argument is no RecordBatch: wanted one of apache-arrow's"],
  ["rows as objects", () => [ROW], "The argument is no RecordBatch"],
  [
    "a batch without times",
    () => {
      const { schema, data } = asRecordBatch(Wanted.fields, [ROW]);
      return new RecordBatch(schema, data).select(["x", "y", "z"]);
    },
    `Column 0 is "x", float64: wanted "timestamp_ns", int64`,
  ],
  [
    "a column missing",
    () => asRecordBatch(Wanted.fields.slice(0, 2), [ROW]),
    `Column 3 is missing: wanted "z", struct<a: int64>`,
  ],
  ["columns in another order", () => asRecordBatch([...Wanted.fields].reverse(), [ROW]), `Column 1 is "z"`],
  [
    "a column too many",
    () => asRecordBatch([...Wanted.fields, ...fieldsOf({ w: bool() })], [{ ...ROW, w: true }]),
    `Column "w" is one too many: wanted 4 columns`,
  ],
  [
    "a column of another type",
    () =>
      asRecordBatch(fieldsOf({ x: float32(), y: list(optional(int8())), z: struct({ a: int64() }) }), [ROW]),
    `Column 1 is "x", float32: wanted "x", float64`,
  ],
  [
    "a list of another type",
    () =>
      asRecordBatch(fieldsOf({ x: float64(), y: list(optional(int32())), z: struct({ a: int64() }) }), [ROW]),
    `int32: wanted "y[].item", int8`,
  ],
  [
    "a struct with another field",
    () =>
      asRecordBatch(fieldsOf({ x: float64(), y: list(optional(int8())), z: struct({ b: int64() }) }), [{
        ...ROW,
        z: { b: 2n },
      }]),
    `"b", int64: wanted "z.a", int64`,
  ],
  [
    "a missing value",
    () =>
      asRecordBatch(
        fieldsOf({ x: optional(float64()), y: list(optional(int8())), z: struct({ a: int64() }) }),
        [ROW, { ...ROW, x: null }],
      ),
    `Column "x" has 1 missing values: wanted none`,
  ],
  [
    "a missing value in a struct",
    () =>
      asRecordBatch(
        fieldsOf({ x: float64(), y: list(optional(int8())), z: struct({ a: optional(int64()) }) }),
        [ROW, { ...ROW, z: { a: null } }],
      ),
    `Column "z.a" has 1 missing values: wanted none`,
  ],
];

describe("TopicWriter.pushBatch", () => {
  it.each(BAD_BATCHES)("refuses %s, takes none of the rows, and keeps the rest", async (_, batch, text) => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Wanted });
        await topic.pushBatch(asRecordBatch(Wanted.fields, [ROW, ROW]));
        const error = await expectError(() => topic.pushBatch(batch() as RecordBatch), "INVALID_MESSAGE");
        expect(error.rawMessage).toMatch(`Cannot push to topic "t" of sequence "s": `);
        expect(error.rawMessage).toMatch(text);
        await topic.pushBatch(asRecordBatch(Wanted.fields, [ROW]));
        expect(topic.rowCount).toBe(3);
      });
      expect((await client.topicHandler("s", "t")).rowCount).toBe(3);
    });
  });

  it("refuses a missing value in a list's struct, and takes what is missing below a missing struct", async () => {
    const fieldsWith = (a: typeof Int) => fieldsOf({ spots: list(optional(struct({ a }))) });
    const Int = int64();
    const spots = (...values: (bigint | null | undefined)[]) => [
      { spots: values.map((a) => (a === undefined ? null : { a })) },
    ];
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const ontology = defineOntology("Spots", { spots: list(optional(struct({ a: Int }))) });
        const topic = await sequence.topicCreate("t", { ontology });
        await topic.pushBatch(asRecordBatch(fieldsWith(Int), spots(1n, undefined, 3n)));
        const bad = asRecordBatch(fieldsWith(optional(Int) as unknown as typeof Int), spots(1n, 2n, null));
        await expectError(
          () => topic.pushBatch(bad),
          "INVALID_MESSAGE",
          /spots\.item\.a" has 1 missing values/,
        );
      });
      for await (const { data } of (await client.topicHandler("s", "t")).getDataStreamer()) {
        expect(data.spots.map((spot?: { a: bigint }) => spot?.a)).toEqual([1n, undefined, 3n]);
      }
    });
  });
});
