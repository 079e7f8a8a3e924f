import { describe, expect, it } from "vitest";
import { IMU, Temperature } from "../../src/ontology/builtin/mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import {
  binary,
  bool,
  fixedSizeList,
  float32,
  int64,
  list,
  optional,
  struct,
  utf8,
} from "../../src/ontology/field.ts";
import { expectError } from "../support/errors.ts";

const Odd = defineOntology("Odd", {
  count: int64(),
  bytes: binary(),
  flag: optional(bool()),
  text: optional(utf8()),
  numbers: optional(list(float32())),
  pair: optional(fixedSizeList(int64(), 2)),
  points: optional(list(struct({ x: float32() }))),
});
const GOOD = { count: "9007199254740993", bytes: "AQL/" };
const message = (data: unknown) => ({ timestamp_ns: "1", topic: "t", ontology: "Odd", data });

describe("fromJson", () => {
  it("makes bytes, bigints and floats of their texts", () => {
    expect(
      Odd.fromJson(message({ ...GOOD, flag: null, numbers: [1.5, "NaN", "-Infinity"], pair: [1, "-2"] })),
    )
      .toStrictEqual({
        timestampNs: 1n,
        data: {
          count: 9007199254740993n,
          bytes: Uint8Array.of(1, 2, 255),
          numbers: [1.5, NaN, -Infinity],
          pair: [1, -2n],
        },
      });
  });

  it("takes a message without topic and ontology, and its time as a safe integer", () => {
    expect(Temperature.fromJson({ timestamp_ns: -5, data: { value: 3 } }))
      .toEqual({ timestampNs: -5n, data: { value: 3 } });
  });

  it.each<[what: string, json: unknown, text: string]>([
    ["no object", 5, "A message is 5: wanted an object as toJSON() gives it"],
    [
      "another ontology",
      { ...message(GOOD), ontology: "GPS" },
      `The message's ontology is "GPS": wanted "Odd"`,
    ],
    ["no time", { data: GOOD }, "timestamp_ns is missing: wanted nanoseconds as a decimal string"],
    ["a fraction for a time", { timestamp_ns: 1.5, data: GOOD }, "timestamp_ns is 1.5: wanted"],
    ["a word for a time", { timestamp_ns: "now", data: GOOD }, `timestamp_ns is "now": wanted`],
    ["no data", { timestamp_ns: "1" }, `Field "data" is missing: wanted an object`],
    ["a list for data", message([]), `Field "data" is []: wanted an object`],
    ["a missing field", message({ bytes: "" }), `Field "count" is missing: wanted int64`],
    ["null for a field", message({ ...GOOD, count: null }), `Field "count" is missing: wanted int64`],
    [
      "a misspelt field",
      message({ ...GOOD, flg: true }),
      `Field "flg" is true: wanted no such field; did you mean "flag"?`,
    ],
    [
      "an unsafe integer",
      message({ ...GOOD, count: 2 ** 53 }),
      `Field "count" is 9007199254740992: wanted int64 as a safe integer or a decimal string`,
    ],
    ["a hexadecimal", message({ ...GOOD, count: "0x1" }), `Field "count" is "0x1": wanted int64 as`],
    ["no base64", message({ ...GOOD, bytes: "AQ*" }), `Field "bytes" is "AQ*": wanted bytes in base64`],
    ["numbers for bytes", message({ ...GOOD, bytes: [1] }), `Field "bytes" is [1]: wanted bytes in base64`],
    ["a number for a bool", message({ ...GOOD, flag: 1 }), `Field "flag" is 1: wanted bool`],
    ["a bool for text", message({ ...GOOD, text: true }), `Field "text" is true: wanted utf8`],
    ["text for a list", message({ ...GOOD, numbers: "1" }), `Field "numbers" is "1": wanted an array`],
    [
      "a word for a float",
      message({ ...GOOD, numbers: [1, "nan"] }),
      `Field "numbers[1]" is "nan": wanted float32`,
    ],
    [
      "null in a list",
      message({ ...GOOD, numbers: [null] }),
      `Field "numbers[0]" is missing: wanted float32`,
    ],
    [
      "a struct without a field",
      message({ ...GOOD, points: [{ x: 1 }, {}] }),
      `Field "points[1].x" is missing: wanted float32`,
    ],
    ["a number for a struct", message({ ...GOOD, points: [1] }), `Field "points[0]" is 1: wanted an object`],
  ])("is INVALID_MESSAGE for %s", async (_, json, text) => {
    await expectError(() => Odd.fromJson(json), "INVALID_MESSAGE", text);
  });

  it("wants what a built-in class requires", async () => {
    const data = { acceleration: { x: 1, y: 2, z: 3 }, angular_velocity: { x: 1, y: 2, z: null } };
    await expectError(
      () => IMU.fromJson({ timestamp_ns: "1", data }),
      "INVALID_MESSAGE",
      `Field "angular_velocity.z" is missing: wanted float64`,
    );
  });
});
