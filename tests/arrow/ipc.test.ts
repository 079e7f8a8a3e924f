import * as arrow from "apache-arrow";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFooter, decodeSchemaMessage, MAGIC } from "../../src/arrow/decode.ts";
import { Dictionaries } from "../../src/arrow/dictionaries.ts";
import { decodeFrame, MessageType } from "../../src/engine/batch_message.ts";
import {
  encodeBatch,
  encodeFileEnd,
  encodeSchemaMessage,
  END_OF_STREAM,
  type FooterBlock,
} from "../../src/arrow/encode.ts";
import { openColumns } from "../../src/arrow/stored_batch.ts";
import { SmaltiError } from "../../src/error.ts";
import type { DataType, FieldSchema, Schema } from "../../src/schema.ts";
import { decimalFromArrow } from "../support/from_arrow.ts";
import { anyTable, expectedRow } from "../support/random_tables.ts";
import { columnsOf, engine, tableFields, touchedRow, view, written } from "../support/tables.ts";

const TYPES: DataType[] = [
  { kind: "null" },
  { kind: "bool" },
  ...([8, 16, 32, 64] as const).flatMap((bits) =>
    [true, false].map((signed): DataType => ({ kind: "int", bits, signed }))
  ),
  ...([16, 32, 64] as const).map((bits): DataType => ({ kind: "float", bits })),
  { kind: "temporal", of: "date", bits: 32, unit: "day" },
  { kind: "temporal", of: "date", bits: 64, unit: "ms" },
  { kind: "temporal", of: "time", bits: 32, unit: "s" },
  { kind: "temporal", of: "time", bits: 32, unit: "ms" },
  { kind: "temporal", of: "time", bits: 64, unit: "us" },
  { kind: "temporal", of: "time", bits: 64, unit: "ns" },
  ...(["s", "ms", "us", "ns"] as const).flatMap((unit): DataType[] => [
    { kind: "temporal", of: "timestamp", bits: 64, unit },
    { kind: "temporal", of: "timestamp", bits: 64, unit, timezone: "Europe/Rome" },
    { kind: "temporal", of: "timestamp", bits: 64, unit, timezone: "" },
    { kind: "temporal", of: "duration", bits: 64, unit },
  ]),
  ...([32, 64] as const).flatMap((
    offsets,
  ): DataType[] => [{ kind: "utf8", offsets }, { kind: "binary", offsets }]),
  { kind: "utf8View" },
  { kind: "binaryView" },
  { kind: "fixedBinary", size: 0 },
  { kind: "fixedBinary", size: 2 ** 31 - 1 },
];
const NESTED: DataType[] = [
  { kind: "list", offsets: 32 },
  { kind: "list", offsets: 64 },
  { kind: "fixedList", size: 0 },
  { kind: "fixedList", size: 36 },
  { kind: "map", keysSorted: true },
  { kind: "map", keysSorted: false },
];

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const metadata = fc.option(fc.dictionary(text, text, { minKeys: 1, maxKeys: 3 }), { nil: undefined });
const dictionary = fc.option(
  fc.record({
    id: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    index: fc.record({
      bits: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const),
      signed: fc.boolean(),
    }),
  }),
  { nil: undefined },
);
const field: fc.Arbitrary<FieldSchema> = fc.letrec<{ field: FieldSchema }>((tie) => {
  const made = (
    type: fc.Arbitrary<DataType>,
    children: fc.Arbitrary<FieldSchema[]>,
  ): fc.Arbitrary<FieldSchema> =>
    fc.record({ name: text, type, nullable: fc.boolean(), children, metadata, dictionary })
      .map(({ metadata, dictionary, ...rest }) => ({
        ...rest,
        ...(metadata && { metadata }),
        ...(dictionary && { dictionary }),
      }));
  return {
    field: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      made(fc.constantFrom(...TYPES), fc.constant([])),
      made(fc.constantFrom(...NESTED), fc.tuple(tie("field"))),
      made(fc.constant({ kind: "struct" }), fc.array(tie("field"), { maxLength: 4 })),
    ),
  };
}).field;
const schema: fc.Arbitrary<Schema> = fc.record({
  fields: fc.array(field, { maxLength: 6 }),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((pairs) => new Map(pairs)),
});

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return "none";
  } catch (error) {
    return error instanceof SmaltiError ? error.code : error;
  }
}

describe("encodeSchemaMessage, decodeSchemaMessage", () => {
  it("round trip every type", () => {
    const child: FieldSchema = { name: "item", type: { kind: "bool" }, nullable: true, children: [] };
    for (const type of [...TYPES, ...NESTED]) {
      const children = NESTED.includes(type) ? [child] : [];
      const fields = [{ name: "f", type, nullable: false, children }];
      expect(decodeSchemaMessage(encodeSchemaMessage({ fields, metadata: new Map() })).fields).toEqual(
        fields,
      );
    }
  });

  it("round trip any schema with its metadata", () => {
    fc.assert(
      fc.property(schema, (schema) => {
        const message = encodeSchemaMessage(schema);
        expect(message.length % 8).toBe(0);
        expect(decodeSchemaMessage(message)).toEqual(schema);
      }),
      { numRuns: 500 },
    );
  });

  it("agree with apache-arrow on every type that it knows", () => {
    const child: FieldSchema = { name: "item", type: { kind: "bool" }, nullable: true, children: [] };
    const entries: FieldSchema = {
      name: "entries",
      type: { kind: "struct" },
      nullable: false,
      children: [{ ...child, name: "key" }, { ...child, name: "value" }],
    };
    for (const type of [...TYPES, ...NESTED]) {
      // It has no large lists, and drops an empty timezone.
      if (type.kind.endsWith("View") || (type.kind === "list" && type.offsets === 64)) continue;
      if (type.kind === "temporal" && type.timezone === "") continue;
      const children = type.kind === "map" ? [entries] : NESTED.includes(type) ? [child] : [];
      const fields: FieldSchema[] = [
        { name: "f", type, nullable: true, children, metadata: { unit: "m" } },
        { name: "g", type: { kind: "int", bits: 8, signed: true }, nullable: false, children: [] },
      ];
      const ours = encodeSchemaMessage({ fields, metadata: new Map([["k", "v"]]) });
      const table = arrow.tableFromIPC([ours, END_OF_STREAM]);
      expect(table.schema.fields.map((field) => [field.name, field.nullable])).toEqual([["f", true], [
        "g",
        false,
      ]]);
      expect([...table.schema.metadata]).toEqual([["k", "v"]]);
      const theirs = decodeSchemaMessage(arrow.tableToIPC(table, "stream"));
      expect(theirs.fields).toEqual(fields);
      expect([...theirs.metadata]).toEqual([["k", "v"]]);
    }
  });

  it("are UNSUPPORTED for types that smalti does not read", () => {
    const types: arrow.DataType[] = [
      new arrow.Decimal(2, 39, 128),
      new arrow.Decimal(128, 38, 128),
      new arrow.IntervalYearMonth(),
      new arrow.IntervalDayTime(),
      new arrow.DenseUnion([0], [new arrow.Field("a", new arrow.Int8())]),
      new arrow.SparseUnion([0], [new arrow.Field("a", new arrow.Int8())]),
    ];
    for (const type of types) {
      const table = new arrow.Table(new arrow.Schema([new arrow.Field("f", type)]));
      const bytes = arrow.tableToIPC(table, "stream");
      expect([String(type), codeOf(() => decodeSchemaMessage(bytes))]).toEqual([String(type), "UNSUPPORTED"]);
    }
  });

  it("are CORRUPT beyond any depth that a message has", () => {
    const nested = (depth: number): FieldSchema => ({
      name: "item",
      type: { kind: "list", offsets: 32 },
      nullable: true,
      children: [
        depth === 0
          ? { name: "x", type: { kind: "bool" }, nullable: false, children: [] }
          : nested(depth - 1),
      ],
    });
    const message = (depth: number) => encodeSchemaMessage({ fields: [nested(depth)], metadata: new Map() });
    expect(decodeSchemaMessage(message(60)).fields).toEqual([nested(60)]);
    expect(codeOf(() => decodeSchemaMessage(message(100)))).toBe("CORRUPT");
  });
});

describe("encodeFileEnd, decodeFooter", () => {
  it("round trip schema, places of batches and metadata", () => {
    const place = fc.record({
      offset: fc.nat().map((at) => 8 * at),
      headBytes: fc.integer({ min: 1, max: 1000 }).map((size) => 8 * size),
      body: fc.oneof(fc.nat(10_000), fc.constant(2 ** 40)),
    }).map(({ body, headBytes, offset }): FooterBlock => ({ offset, headBytes, length: headBytes + body }));
    const pairs = fc.array(fc.tuple(text, text), { maxLength: 3 }).map((pairs) => new Map(pairs));
    fc.assert(
      fc.property(schema, fc.array(place, { maxLength: 20 }), pairs, (schema, places, metadata) => {
        const end = encodeFileEnd(schema, places, metadata);
        expect([...end.subarray(-6)]).toEqual([...MAGIC]);
        expect([...end.subarray(0, 8)]).toEqual([...END_OF_STREAM]);
        const length = new DataView(end.buffer, end.byteOffset).getInt32(end.length - 10, true);
        const footer = decodeFooter(end.subarray(end.length - 10 - length, end.length - 10));
        expect(footer).toEqual({
          schema,
          dictionaries: [],
          batches: places.map(({ offset, length }) => ({ offset, length })),
          metadata,
        });
      }),
      { numRuns: 200 },
    );
  });
});

/** All rows of an Arrow IPC stream, read by our own decoder. */
function readStream(bytes: Uint8Array): { fields: readonly FieldSchema[]; rows: string[] } {
  const { fields } = decodeSchemaMessage(bytes);
  const dictionaries = new Dictionaries(engine, fields);
  const rows: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const frame = decodeFrame(bytes.subarray(at));
    if (!frame) break;
    const message = bytes.subarray(at, at += frame.headBytes + frame.bodyBytes);
    if (frame.type === MessageType.schema) continue;
    if (frame.type === MessageType.dictionaryBatch) {
      dictionaries.add(message, {});
      continue;
    }
    const options = { fields, where: {}, dictionaries: dictionaries.known };
    const { layout, table } = openColumns(engine, message, options);
    for (let row = 0; row < layout.rows; row++) {
      rows.push(written(touchedRow(fields, view(fields, table.children, row))));
    }
  }
  return { fields, rows };
}

/** A value as apache-arrow gives it, in the form of ours. */
function plainOf(field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  const item = field.children[0];
  switch (field.type.kind) {
    case "decimal":
      return decimalFromArrow(value as Uint32Array, field.type.bits, field.type.scale);
    case "list":
    case "fixedList":
      return [...(value as arrow.Vector)].map((one) => plainOf(item, one));
    case "struct": {
      const row = Object.fromEntries(
        field.children.map((
          child,
        ) => [child.name, plainOf(child, (value as Record<string, unknown>)[child.name])]),
      );
      return field.nullable && Object.values(row).every((one) => one === undefined) ? undefined : row;
    }
    default:
      return value;
  }
}

/** The same of a row as `expectedRow` gives it: without the difference between arrays of numbers and of anything. */
function untyped(field: FieldSchema, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (field.type.kind === "list" || field.type.kind === "fixedList") {
    return Array.from(value as ArrayLike<unknown>, (one) => untyped(field.children[0], one));
  }
  // apache-arrow drops a byte order mark at the start of a text.
  if (field.type.kind === "utf8") return (value as string).replace(/^\ufeff/, "");
  if (field.type.kind !== "struct") return value;
  return Object.fromEntries(
    field.children.map((
      child,
    ) => [child.name, untyped(child, (value as Record<string, unknown>)[child.name])]),
  );
}

describe("apache-arrow", () => {
  it("reads what we write, value by value", () => {
    fc.assert(
      fc.property(anyTable({ odd: false, rows: 10 }), ({ fields, rows }) => {
        const all = tableFields(fields);
        const bytes = [
          encodeSchemaMessage({ fields: all, metadata: new Map() }),
          encodeBatch(columnsOf(fields, rows)),
          END_OF_STREAM,
        ];
        const table = arrow.tableFromIPC(bytes);
        expect(table.numRows).toBe(rows.length);
        rows.forEach((row, i) => {
          const wanted = { timestamp_ns: BigInt(i), ...expectedRow(fields, row) } as Record<string, unknown>;
          for (const field of all) {
            const seen = plainOf(field, table.getChild(field.name)!.get(i));
            expect(written(seen)).toBe(written(untyped(field, wanted[field.name])));
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it("writes streams and files that we read, value by value", () => {
    fc.assert(
      fc.property(anyTable({ odd: false, rows: 10 }), ({ fields, rows }) => {
        const all = tableFields(fields);
        const table = arrow.tableFromIPC([
          encodeSchemaMessage({ fields: all, metadata: new Map() }),
          encodeBatch(columnsOf(fields, rows)),
          END_OF_STREAM,
        ]);
        const wanted = rows.map((row, i) =>
          written({ timestamp_ns: BigInt(i), ...expectedRow(fields, row) })
        );
        expect(readStream(arrow.tableToIPC(table, "stream"))).toEqual({ fields: all, rows: wanted });
        const file = arrow.tableToIPC(table, "file");
        const length = new DataView(file.buffer, file.byteOffset).getInt32(file.length - 10, true);
        const footer = decodeFooter(file.subarray(file.length - 10 - length, file.length - 10));
        expect(footer.schema.fields).toEqual(all);
        const seen = footer.batches.flatMap(({ offset, length }) => {
          const message = file.slice(offset, offset + length);
          const opened = openColumns(engine, message, { fields: all, where: {} });
          return Array.from(
            { length: opened.layout.rows },
            (_, i) => written(touchedRow(all, view(all, opened.table.children, i))),
          );
        });
        expect(seen).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  it("writes dictionaries, times and other types that we only read", () => {
    const repeated = arrow.vectorFromArray(
      ["a", "b", null, "a"],
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
    );
    const columns = {
      word: repeated,
      words: arrow.vectorFromArray(
        [["x"], ["y", "x"], null, []],
        new arrow.List(
          new arrow.Field("item", new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), true),
        ),
      ),
      at: arrow.makeVector(arrow.makeData({
        type: new arrow.TimestampNanosecond("UTC"),
        data: BigInt64Array.of(1n, -1n, 5n, 0n),
        nullBitmap: Uint8Array.of(0b1011),
      })),
      day: arrow.vectorFromArray([new Date(0), new Date(86_400_000), null, new Date(0)], new arrow.DateDay()),
      time: arrow.vectorFromArray([1n, 2n, null, 3n], new arrow.TimeMicrosecond()),
      span: arrow.vectorFromArray([5n, 6n, null, 7n], new arrow.DurationMillisecond()),
      large: arrow.vectorFromArray(["ä", "", null, "日本"], new arrow.LargeUtf8()),
      bytes: arrow.vectorFromArray(
        [Uint8Array.of(1), Uint8Array.of(), null, Uint8Array.of(2, 3)],
        new arrow.LargeBinary(),
      ),
      id: arrow.vectorFromArray(
        [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4), null],
        new arrow.FixedSizeBinary(2),
      ),
    };
    const { fields, rows } = readStream(arrow.tableToIPC(new arrow.Table(columns), "stream"));
    expect(fields.map(({ name }) => name)).toEqual(Object.keys(columns));
    expect(rows).toEqual([
      `{"word": "a", "words": ["x"], "at": 1n, "day": 0, "time": 1n, "span": 5n, "large": "ä", ` +
      `"bytes": Uint8Array[1], "id": Uint8Array[1, 2]}`,
      `{"word": "b", "words": ["y", "x"], "at": -1n, "day": 1, "time": 2n, "span": 6n, "large": "", "bytes": Uint8Array[]}`,
      `{"id": Uint8Array[3, 4]}`,
      `{"word": "a", "words": [], "at": 0n, "day": 0, "time": 3n, "span": 7n, "large": "日本", "bytes": Uint8Array[2, 3]}`,
    ]);
  });
});
