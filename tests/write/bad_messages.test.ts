import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldSchema } from "../../src/schema.ts";
import { expectError } from "../support/errors.ts";
import { withClient } from "../support/places.ts";
import { expectedRow } from "../support/random_tables.ts";
import { touchedRow, written } from "../support/tables.ts";
import { anyOntology, anyRows } from "../support/values.ts";
import { between, GOOD, Reading } from "./reading.ts";

/** Messages that must be refused: what they hold, the field that the error names, what it says of the value, what it wants. */
const BAD: [title: string, data: unknown, field: string, seen: string, wanted: string][] = [
  ["a missing field", { total: 2n }, "count", "missing", "int32"],
  ["null where nothing may be missing", { count: null, total: 2n }, "count", "null", "int32"],
  ["no data at all", undefined, "data", "missing", "an object"],
  ["data that is text", "text", "data", `"text"`, "an object"],
  ["data that is an array", [1, 2n], "data", "an Array of 2", "an object"],
  ["an unknown field", { ...GOOD, speed: 3 }, "speed", "3", "no such field, only count, total"],
  [
    "an unknown field within a struct",
    { ...GOOD, place: { x: 1, lat: 4 } },
    "place.lat",
    "4",
    "no such field, only x, y",
  ],
  ["text for a number", { ...GOOD, count: "1" }, "count", `"1"`, "int32"],
  ["a number for text", { ...GOOD, label: 5 }, "label", "5", "utf8"],
  ["a lone surrogate", { ...GOOD, label: "a\ud800" }, "label", `"a`, "utf8 without lone surrogates"],
  ["a bigint for an int32", { ...GOOD, count: 1n }, "count", "1n", "int32"],
  ["a fraction for an integer", { ...GOOD, count: 1.5 }, "count", "1.5", "int32 (-2147483648 to 2147483647)"],
  ["NaN for an integer", { ...GOOD, count: NaN }, "count", "NaN", "int32"],
  [
    "an integer too great",
    { ...GOOD, count: 2 ** 31 },
    "count",
    "2147483648",
    "int32 (-2147483648 to 2147483647)",
  ],
  ["an integer too small", { ...GOOD, count: -(2 ** 31) - 1 }, "count", "-2147483649", "int32"],
  [
    "an unsafe integer",
    { ...GOOD, total: 2 ** 53 },
    "total",
    "9007199254740992",
    "int64 as bigint or safe integer",
  ],
  [
    "an int64 too great",
    { ...GOOD, total: 2n ** 63n },
    "total",
    "9223372036854775808n",
    "int64 (-9223372036854775808 to",
  ],
  ["an unsigned integer below 0", { ...GOOD, big: -1n }, "big", "-1n", "uint64 (0 to 18446744073709551615)"],
  ["text for an int64", { ...GOOD, total: "2" }, "total", `"2"`, "int64 as bigint or safe integer"],
  ["a float16 out of range", { ...GOOD, half: 65520 }, "half", "65520", "float16"],
  ["a float32 out of range", { ...GOOD, single: 1e39 }, "single", "1e+39", "float32"],
  ["a number for a bool", { ...GOOD, flag: 1 }, "flag", "1", "bool"],
  ["a number for a list", { ...GOOD, bytes: 1 }, "bytes", "1", "list<int8> as an array"],
  ["a wrong item in a list", { ...GOOD, bytes: [1, 2, 200] }, "bytes[2]", "200", "int8"],
  ["a missing item in a list", { ...GOOD, bytes: [1, null] }, "bytes[1]", "null", "int8"],
  ["a list of another size", { ...GOOD, pair: [1] }, "pair", "an Array of 1", "an array of 2"],
  ["a number for a struct", { ...GOOD, place: 5 }, "place", "5", "an object"],
  ["a struct without a field", { ...GOOD, place: { y: 1 } }, "place.x", "missing", "float64"],
  ["a function", { ...GOOD, count: () => 1 }, "count", "a function", "int32"],
];

const BAD_TIMES: [title: string, time: unknown, text: string][] = [
  ["no time", undefined, "timestampNs is missing, wanted a bigint"],
  [
    "a number",
    5,
    "timestampNs is 5, wanted a bigint of nanoseconds (5n or BigInt(5)), a Date or a Temporal.Instant",
  ],
  [
    "an unsafe number",
    1.7e18,
    "wanted a bigint of nanoseconds (which a number beyond 2^53 cannot be), a Date",
  ],
  ["null", null, "timestampNs is null, wanted a bigint"],
  ["an invalid Date", new Date(NaN), "timestampNs is an invalid Date, wanted a valid one"],
  ["2^63", 2n ** 63n, "timestampNs is 9223372036854775808n, wanted int64"],
  ["-2^63 - 1", -(2n ** 63n) - 1n, "timestampNs is -9223372036854775809n, wanted int64"],
];

describe("TopicWriter.pushJson", () => {
  it("refuses what push would, names topic and field, and keeps the rest", async () => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        for (
          const [data, text] of [
            [{ total: 2 }, `Field "count" is missing: wanted int32`],
            [{ count: "1", total: 2 }, `Field "count" is "1": wanted int32`],
            [{ count: 2 ** 40, total: 2 }, `Field "count" is 1099511627776: wanted int32 (`],
          ] as const
        ) {
          const error = await expectError(
            () => topic.pushJson({ timestamp_ns: "9", data }),
            "INVALID_MESSAGE",
            `Cannot push to topic "t" of sequence "s": ${text}`,
          );
          expect(error.details).toEqual({ sequence: "s", topic: "t" });
        }
      }));
  });
});

describe("TopicWriter.push", () => {
  it.each(BAD)("refuses %s and keeps the rest", async (_, data, field, seen, wanted) => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        const push = () => topic.push({ timestampNs: 9n, data: data as Reading });
        // At once, so that nobody need await to learn of it.
        expect(push).toThrow("INVALID_MESSAGE");
        const error = await expectError(push, "INVALID_MESSAGE");
        expect(error.rawMessage).toMatch(
          `Cannot push to topic "t" of sequence "s": Field "${field}" is ${seen}`,
        );
        expect(error.rawMessage).toMatch(`: wanted ${wanted}`);
        expect(error.details).toEqual({ sequence: "s", topic: "t" });
      }));
  });

  it.each(BAD_TIMES)("refuses %s as the time and keeps the rest", async (_, time, text) => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        await expectError(
          () => topic.push({ timestampNs: time as bigint, data: GOOD }),
          "INVALID_MESSAGE",
          text,
        );
      }));
  });

  it("refuses what is no message", async () => {
    await withClient("memory", (client) =>
      between(client, async (topic) => {
        for (const message of [undefined, null, 5, "text", {}]) {
          await expectError(() => topic.push(message as never), "INVALID_MESSAGE", "timestampNs is missing");
        }
      }));
  });

  it("takes an object with epochNanoseconds as the time", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Reading });
        await topic.push({ timestampNs: { epochNanoseconds: -7n }, data: GOOD });
        await expectError(
          () => topic.push({ timestampNs: { epochNanoseconds: 2n ** 63n }, data: GOOD }),
          "INVALID_MESSAGE",
        );
      });
      expect((await client.topicHandler("s", "t")).firstNs).toBe(-7n);
    });
  });

  it("keeps exactly the good rows of any mix of good and bad ones", async () => {
    const anyMix = anyOntology.chain((ontology) =>
      fc.tuple(fc.constant(ontology), fc.array(fc.tuple(anyRows(ontology), fc.nat()), { maxLength: 5 }))
    );
    let round = 0;
    await withClient("memory", async (client) => {
      await fc.assert(
        fc.asyncProperty(anyMix, async ([ontology, parts]) => {
          const { fields } = ontology;
          const name = `round${round++}`;
          const good: Record<string, unknown>[] = [];
          await client.sequenceCreate(name, {}, async (sequence) => {
            const topic = await sequence.topicCreate("t", { ontology });
            for (const [rows, place] of parts) {
              for (const data of rows) {
                good.push(data);
                await topic.push({ timestampNs: 0n, data });
                const bad = spoil(fields, data, place);
                await expectError(() => topic.push({ timestampNs: 0n, data: bad }), "INVALID_MESSAGE");
              }
            }
          });
          const seen: string[] = [];
          for await (const { data } of (await client.topicHandler(name, "t")).getDataStreamer()) {
            seen.push(written(touchedRow(fields, data)));
          }
          expect(seen).toEqual(good.map((row) => written(expectedRow(fields, row))));
          await client.sequenceDelete(name);
        }),
        { numRuns: 200 },
      );
    });
  });
});

/** A copy of a row with a value in one place, chosen by a number, that no field takes. */
function spoil(
  fields: readonly FieldSchema[],
  row: Record<string, unknown>,
  place: number,
): Record<string, unknown> {
  const spoiled = structuredClone(row);
  const places: (() => void)[] = [];
  const visit = (
    field: FieldSchema,
    parent: Record<string | number, unknown>,
    key: string | number,
  ): void => {
    places.push(() => parent[key] = Symbol("bad"));
    const value = parent[key];
    if (Array.isArray(value)) value.forEach((_, i) => visit(field.children[0], value as never, i));
    else if (field.type.kind === "struct" && value) {
      for (const child of field.children) visit(child, value as Record<string, unknown>, child.name);
    }
  };
  for (const field of fields) visit(field, spoiled, field.name);
  places[place % places.length]();
  return spoiled;
}
