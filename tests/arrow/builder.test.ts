import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/arrow/builder.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import { SmaltiError } from "../../src/error.ts";
import type { DataType, FieldSchema } from "../../src/schema.ts";
import { anyRow, anyTable, expectedRow } from "../support/random_tables.ts";
import {
  dataView,
  engine,
  field,
  newCount,
  oneBuilder,
  open,
  rootBuilder,
  rowsWritten,
  withTimes,
  written,
} from "../support/tables.ts";

const float64 = (name: string, nullable = false) => field(name, { kind: "float", bits: 64 }, nullable);
const utf8 = (name: string, nullable = false) => field(name, { kind: "utf8", offsets: 32 }, nullable);
const list = (name: string, item: FieldSchema) => field(name, { kind: "list", offsets: 32 }, false, [item]);
const struct = (name: string, ...children: FieldSchema[]) => field(name, { kind: "struct" }, false, children);

/** What a refused call says. */
function refusal(call: () => void): string {
  try {
    call();
  } catch (error) {
    if (error instanceof SmaltiError && error.code === "INVALID_MESSAGE") return error.rawMessage;
    throw error;
  }
  return "taken";
}

describe("Builder", () => {
  const int = (bits: 8 | 16 | 32 | 64, signed: boolean): DataType => ({ kind: "int", bits, signed });
  const refused: [type: DataType, value: unknown, said: string][] = [
    [{ kind: "bool" }, 1, "1: wanted bool"],
    [{ kind: "bool" }, "true", `"true": wanted bool`],
    [int(8, true), 128, "128: wanted int8 (-128 to 127)"],
    [int(8, true), -129, "-129: wanted int8 (-128 to 127)"],
    [int(8, false), -1, "-1: wanted uint8 (0 to 255)"],
    [int(16, true), 1.5, "1.5: wanted int16 (-32768 to 32767)"],
    [int(16, false), 65536, "65536: wanted uint16 (0 to 65535)"],
    [int(32, true), 2 ** 31, "2147483648: wanted int32 (-2147483648 to 2147483647)"],
    [int(32, false), NaN, "NaN: wanted uint32 (0 to 4294967295)"],
    [int(32, false), "7", `"7": wanted uint32 (0 to 4294967295)`],
    [int(32, true), 7n, "7n: wanted int32 (-2147483648 to 2147483647)"],
    [int(64, true), 2 ** 53, "9007199254740992: wanted int64 as bigint or safe integer"],
    [int(64, true), 0.5, "0.5: wanted int64 as bigint or safe integer"],
    [int(64, true), "1", `"1": wanted int64 as bigint or safe integer`],
    [int(64, true), 2n ** 63n, `${2n ** 63n}n: wanted int64 (-${2n ** 63n} to ${2n ** 63n - 1n})`],
    [
      int(64, true),
      -(2n ** 63n) - 1n,
      `-${2n ** 63n + 1n}n: wanted int64 (-${2n ** 63n} to ${2n ** 63n - 1n})`,
    ],
    [int(64, false), -1n, `-1n: wanted uint64 (0 to ${2n ** 64n - 1n})`],
    [int(64, false), 2n ** 64n, `${2n ** 64n}n: wanted uint64 (0 to ${2n ** 64n - 1n})`],
    [{ kind: "float", bits: 64 }, 1n, "1n: wanted float64"],
    [{ kind: "float", bits: 64 }, "1.5", `"1.5": wanted float64`],
    [{ kind: "float", bits: 32 }, 3.5e38, "3.5e+38: wanted float32 (up to 3.4e38)"],
    [{ kind: "float", bits: 32 }, -3.5e38, "-3.5e+38: wanted float32 (up to 3.4e38)"],
    [{ kind: "float", bits: 16 }, 65520, "65520: wanted float16 (up to 65504)"],
    [{ kind: "float", bits: 16 }, true, "true: wanted float16"],
    [{ kind: "utf8", offsets: 32 }, 7, "7: wanted utf8"],
    [{ kind: "utf8", offsets: 32 }, "a\ud800", "wanted utf8 without lone surrogates"],
    [{ kind: "utf8", offsets: 32 }, "a".repeat(70) + "\udc00", "wanted utf8 without lone surrogates"],
    [{ kind: "binary", offsets: 32 }, "AAAA", `"AAAA": wanted binary as Uint8Array`],
    [{ kind: "binary", offsets: 32 }, [1, 2], "an Array of 2: wanted binary as Uint8Array"],
    [{ kind: "binary", offsets: 32 }, new Float32Array(1), "a Float32Array: wanted binary as Uint8Array"],
    [{ kind: "null" }, 0, "0: wanted null"],
  ];
  it.each(
    refused.map(([type, value, said]) =>
      [type.kind, written(value).slice(0, 30), said, type, value] as const
    ),
  )(
    "of %s refuses %s with the field, the value seen and the type wanted",
    (_kind, _text, said, type, value) => {
      const message = refusal(() => oneBuilder({ type, nullable: false }).append(value));
      expect(message).toMatch(/^Field "f" is /);
      expect(message).toContain(said);
    },
  );

  it("refuses a missing value where the field wants one", () => {
    for (const type of [{ kind: "bool" }, int(64, true), { kind: "utf8", offsets: 32 }] as DataType[]) {
      const builder = oneBuilder({ type, nullable: false });
      expect(refusal(() => builder.append(undefined))).toMatch(/^Field "f" is missing: wanted /);
      expect(refusal(() => builder.append(null))).toMatch(/^Field "f" is null: wanted /);
    }
  });

  it("names the place of a value within lists and structs", () => {
    const fields = [
      struct("pose", struct("position", float64("x"), float64("y"))),
      list("ranges", float64("item")),
      list("points", struct("item", float64("x"), utf8("tag", true))),
      list("grid", list("item", float64("item"))),
      field("covariance", { kind: "fixedList", size: 3 }, true, [float64("item")]),
    ];
    const good = {
      pose: { position: { x: 1, y: 2 } },
      ranges: [],
      points: [],
      grid: [],
      covariance: [1, 2, 3],
    };
    const bad: [row: object, said: string][] = [
      [{ ...good, pose: { position: { x: 1, y: "2" } } }, `Field "pose.position.y" is "2": wanted float64`],
      [{ ...good, pose: { position: { x: 1 } } }, `Field "pose.position.y" is missing: wanted float64`],
      [{ ...good, pose: { position: 7 } }, `Field "pose.position" is 7: wanted an object`],
      [{ ...good, pose: { position: [1, 2] } }, `Field "pose.position" is an Array of 2: wanted an object`],
      [
        { ...good, pose: { position: { x: 1, y: 2, z: 3 } } },
        `Field "pose.position.z" is 3: wanted no such field, only x, y`,
      ],
      [{ ...good, ranges: [1, null] }, `Field "ranges[1]" is null: wanted float64`],
      [{ ...good, ranges: 5 }, `Field "ranges" is 5: wanted list<float64> as an array`],
      [{ ...good, ranges: "12" }, `Field "ranges" is "12": wanted list<float64> as an array`],
      [{ ...good, ranges: new BigInt64Array(1) }, `Field "ranges[0]" is 0n: wanted float64`],
      [{ ...good, points: [{ x: 1 }, { x: 1, tag: 5 }] }, `Field "points[1].tag" is 5: wanted utf8`],
      [{ ...good, grid: [[1], [2, 3], [4, 5, "6"]] }, `Field "grid[2][2]" is "6": wanted float64`],
      [{ ...good, covariance: [1, 2, "3"] }, `Field "covariance[2]" is "3": wanted float64`],
      [{ ...good, covariance: [1, 2] }, `Field "covariance" is an Array of 2: wanted an array of 3`],
      [
        { ...good, speed: 1 },
        `Field "speed" is 1: wanted no such field, only pose, ranges, points, grid, covariance`,
      ],
      [
        { ...good, rangs: [] },
        `Field "rangs" is an Array of 0: wanted no such field, only pose, ranges, points, grid, covariance; did you mean "ranges"?`,
      ],
      [
        { ...good, pose: undefined },
        `Field "pose" is missing: wanted an object`,
      ],
    ];
    const root = rootBuilder(fields);
    for (const [row, said] of bad) {
      expect(refusal(() => root.append(row))).toBe(said);
      root.truncate(0);
    }
    for (
      const [value, seen] of [[undefined, "missing"], [7, "7"], ["x", `"x"`], [[], "an Array of 0"]] as const
    ) {
      expect(refusal(() => root.append(value))).toMatch(new RegExp(`^Field "data" is ${seen}: wanted `));
      root.truncate(0);
    }
    root.append(good);
    expect(root.length).toBe(1);
  });

  it("takes properties of any kind: inherited, of a class, without a prototype, undefined beyond the fields", () => {
    class Reading {
      get x() {
        return 1;
      }
    }
    const fields = [float64("x"), utf8("tag", true)];
    const root = rootBuilder(fields);
    const rows = [
      new Reading(),
      Object.create({ x: 2, tag: "in" }),
      Object.assign(Object.create(null), { x: 3 }),
      {
        x: 4,
        nonsense: undefined,
      },
    ];
    for (const row of rows) root.append(row);
    const batch = open(sealBatch(engine, withTimes(root)).message, fields);
    expect(rowsWritten(fields, batch)).toEqual([`{"x": 1}`, `{"x": 2, "tag": "in"}`, `{"x": 3}`, `{"x": 4}`]);
  });

  it("takes rows that were read, as they are", () => {
    fc.assert(
      fc.property(anyTable(), ({ fields, rows }) => {
        const [first, second] = [rootBuilder(fields), rootBuilder(fields)];
        for (const row of rows) first.append(row);
        const batch = open(sealBatch(engine, withTimes(first)).message, fields);
        for (let row = 0; row < rows.length; row++) second.append(dataView(fields, batch, row));
        expect(rowsWritten(fields, open(sealBatch(engine, withTimes(second)).message, fields)))
          .toEqual(rowsWritten(fields, batch));
      }),
      { numRuns: 100 },
    );
  });

  it("is unharmed by refused rows, once truncated to the length before", () => {
    const tables = anyTable({ rows: 0 }).chain(({ fields }) =>
      fc.record({
        fields: fc.constant(fields),
        rows: fc.array(fc.record({ row: anyRow(fields), spoil: fc.nat(), spoiled: fc.boolean() }), {
          maxLength: 30,
        }),
      })
    );
    fc.assert(
      fc.property(tables, ({ fields, rows }) => {
        const root = rootBuilder(fields);
        const kept: Record<string, unknown>[] = [];
        for (const { row, spoil, spoiled } of rows) {
          const length = root.length;
          if (spoiled) {
            expect(refusal(() => root.append(spoilt(fields, row, spoil)))).toMatch(/^Field ".*" is /s);
            root.truncate(length);
          } else {
            root.append(row);
            kept.push(row);
          }
        }
        const batch = open(sealBatch(engine, withTimes(root)).message, fields);
        expect(rowsWritten(fields, batch)).toEqual(kept.map((row) => written(expectedRow(fields, row))));
      }),
      { numRuns: 300 },
    );
  });

  it("forgets rows from any length on, as often as one likes", () => {
    const tables = anyTable({ rows: 0 }).chain(({ fields }) =>
      fc.record({
        fields: fc.constant(fields),
        steps: fc.array(fc.record({ row: anyRow(fields), keep: fc.double({ min: 0, max: 1, noNaN: true }) })),
      })
    );
    fc.assert(
      fc.property(tables, ({ fields, steps }) => {
        const root = rootBuilder(fields);
        const kept: Record<string, unknown>[] = [];
        steps.forEach(({ row, keep }, i) => {
          root.append(row);
          kept.push(row);
          if (i % 3 !== 0) return;
          const length = Math.floor(keep * kept.length);
          root.truncate(length);
          kept.length = length;
        });
        const batch = open(sealBatch(engine, withTimes(root)).message, fields);
        expect(rowsWritten(fields, batch)).toEqual(kept.map((row) => written(expectedRow(fields, row))));
      }),
      { numRuns: 150 },
    );
  });

  it("counts the bytes of texts, binaries and list items", () => {
    const count = newCount();
    const root = rootBuilder([
      utf8("s"),
      field("b", { kind: "binary", offsets: 32 }),
      list("l", float64("item")),
    ], count);
    root.append({ s: "äb", b: new Uint8Array(5), l: [1, 2] });
    expect(count.variable).toBe(3 + 5 + 2 * 8);
    root.append({ s: "äb", b: new Uint8Array(0), l: [] });
    expect(count.variable).toBe(3 + 5 + 2 * 8 + 3);
    expect(count.capacity).toBeGreaterThanOrEqual(count.variable);
  });

  it("is UNSUPPORTED for values of types that are written as columns alone", () => {
    const types: DataType[] = [
      { kind: "utf8", offsets: 64 },
      { kind: "binary", offsets: 64 },
      { kind: "utf8View" },
      { kind: "binaryView" },
      { kind: "fixedBinary", size: 4 },
      { kind: "temporal", of: "timestamp", bits: 64, unit: "ns" },
    ];
    const fields = [
      ...types.map((type) => field("f", type)),
      field("f", { kind: "list", offsets: 64 }, false, [float64("item")]),
      field("f", { kind: "map", keysSorted: false }, false, [
        struct("entries", utf8("key"), float64("value")),
      ]),
      struct("f", list("g", field("h", { kind: "utf8View" }))),
    ];
    for (const one of fields) {
      let code: unknown = "none";
      try {
        createBuilder(one, one.name, newCount()).append(one.type.kind === "struct" ? { g: ["x"] } : "x");
      } catch (error) {
        code = (error as SmaltiError).code;
      }
      expect([one.type.kind, code]).toEqual([one.type.kind, "UNSUPPORTED"]);
    }
  });
});

/** A row with one value that no field takes, somewhere within. */
function spoilt(fields: readonly FieldSchema[], row: Record<string, unknown>, choice: number): unknown {
  // One beyond the fields stands for a field too many.
  const at = choice % (fields.length + 1);
  const rest = Math.floor(choice / (fields.length + 1));
  if (at === fields.length) return { ...row, "no such field": 1 };
  const { name, type, children } = fields[at];
  const value = row[name];
  if (type.kind === "struct" && value && rest % 4 !== 0) {
    return { ...row, [name]: spoilt(children, value as Record<string, unknown>, rest >> 2) };
  }
  const items = Array.isArray(value) && rest % 4 !== 0 ? [...value] : [];
  if (items.length === 0) return { ...row, [name]: Symbol("no value at all") };
  const spoiledItem = rest % items.length;
  items[spoiledItem] = children[0].type.kind === "struct" && items[spoiledItem]
    ? spoilt(children[0].children, items[spoiledItem] as Record<string, unknown>, rest >> 2)
    : Symbol("no value at all");
  return { ...row, [name]: items };
}
