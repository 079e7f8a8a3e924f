import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import { encodeBatch } from "../../src/arrow/encode.ts";
import { inTimeOrder, sliceColumns, stackColumns, vectorsOf } from "../../src/arrow/rearrange.ts";
import { type Picks, rangePicks, take } from "../../src/arrow/take.ts";
import type { StructVector } from "../../src/arrow/vector.ts";
import { openColumns } from "../../src/arrow/stored_batch.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import { SmaltiError } from "../../src/error.ts";
import type { DataType, FieldSchema } from "../../src/schema.ts";
import { anyRow, anyTable } from "../support/random_tables.ts";
import {
  columnsOf,
  engine,
  open,
  rowsWritten,
  tableFields,
  touchedRow,
  view,
  written,
} from "../support/tables.ts";

/** Some batches of one schema, and rows picked from them. */
const picked = anyTable({ rows: 0 }).chain(({ fields }) =>
  fc.record({
    fields: fc.constant(fields),
    batches: fc.array(fc.array(anyRow(fields), { minLength: 1, maxLength: 15 }), {
      minLength: 1,
      maxLength: 4,
    }),
    picks: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }),
  })
).map(({ fields, batches, picks }) => {
  const sources = Int32Array.from(picks, ([source]) => source % batches.length);
  const rows = Int32Array.from(picks, ([, row], i) => row % batches[sources[i]].length);
  return { fields, batches, picks: { sources, rows } };
});

/** A table's rows as text, read out of columns through their stored form. */
function columnRows(fields: readonly FieldSchema[], columns: Columns): string[] {
  return rowsWritten(fields, open(encodeBatch(columns), fields));
}

/** The rows of batches as text, `timestamp_ns` included. */
function tableRows(fields: readonly FieldSchema[], table: StructVector): string[] {
  return Array.from(
    { length: table.length },
    (_, row) => written(touchedRow(tableFields(fields), view(tableFields(fields), table.children, row))),
  );
}

/** The same columns with 64-bit offsets in place of those of 32 bits. */
function enlarged(
  fields: readonly FieldSchema[],
  columns: Columns,
): { fields: FieldSchema[]; columns: Columns } {
  const out: Columns = { ...columns, buffers: [] };
  let at = 0;
  const next = () => out.buffers.push(columns.buffers[at++]);
  const visit = (field: FieldSchema): FieldSchema => {
    const { type } = field;
    if (type.kind !== "null") next();
    if (type.kind === "utf8" || type.kind === "binary" || type.kind === "list") {
      const { buffer, byteOffset, length } = columns.buffers[at++];
      const offsets = new Int32Array(buffer, byteOffset, length / 4);
      out.buffers.push(bytesOf(BigInt64Array.from(offsets, BigInt)));
      if (type.kind !== "list") next();
    } else if (["bool", "int", "float", "decimal"].includes(type.kind)) next();
    const large = "offsets" in type ? { ...type, offsets: 64 as const } : type;
    return { ...field, type: large, children: field.children.map(visit) };
  };
  return { fields: fields.map(visit), columns: out };
}

describe("take", () => {
  it("gives the rows picked, in the order of the picks, from batches opened or still in memory", () => {
    fc.assert(
      fc.property(picked, fc.boolean(), ({ fields, batches, picks }, stored) => {
        const columns = batches.map((rows) => columnsOf(fields, rows));
        const table = tableFields(fields);
        const sources = columns.map((one) =>
          stored ? open(sealBatch(engine, one).message, fields).table : vectorsOf(table, one)
        );
        const all = sources.map((source) => tableRows(fields, source));
        const wanted = Array.from(picks.rows, (row, i) => all[picks.sources[i]][row]);
        const taken = take(sources, picks);
        expect(taken.rows).toBe(picks.rows.length);
        expect(tableRows(fields, vectorsOf(table, taken))).toEqual(wanted);
        expect(tableRows(fields, open(encodeBatch(taken), fields).table)).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  it("gives ranges of one batch, empty ones too", () => {
    const ranges = anyTable({ rows: 30 }).chain((table) =>
      fc.tuple(fc.constant(table), fc.nat(table.rows.length), fc.nat(table.rows.length))
    );
    fc.assert(
      fc.property(ranges, ([{ fields, rows }, a, b]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const batch = open(sealBatch(engine, columnsOf(fields, rows)).message, fields);
        const taken = take([batch.table], rangePicks(from, to));
        expect(columnRows(fields, taken)).toEqual(rowsWritten(fields, batch).slice(from, to));
      }),
      { numRuns: 200 },
    );
  });

  it("gives runs of several batches one after another", () => {
    fc.assert(
      fc.property(picked, ({ fields, batches }) => {
        const sources = batches.map((rows) =>
          open(sealBatch(engine, columnsOf(fields, rows)).message, fields)
        );
        const picks: Picks = {
          sources: Int32Array.from(batches.flatMap((rows, i) => rows.map(() => i))),
          rows: Int32Array.from(batches.flatMap((rows) => rows.map((_, row) => row))),
        };
        const taken = take(sources.map((source) => source.table), picks);
        expect(columnRows(fields, taken)).toEqual(sources.flatMap((source) => rowsWritten(fields, source)));
      }),
      { numRuns: 100 },
    );
  });

  it("gives rows of columns with 64-bit offsets", () => {
    fc.assert(
      fc.property(picked, ({ fields, batches, picks }) => {
        const large = batches.map((rows) => enlarged(tableFields(fields), columnsOf(fields, rows)));
        const wanted = batches.map((rows) =>
          tableRows(fields, vectorsOf(tableFields(fields), columnsOf(fields, rows)))
        );
        const taken = take(large.map(({ fields, columns }) => vectorsOf(fields, columns)), picks);
        const largeFields = large[0].fields.slice(1);
        expect(tableRows(largeFields, vectorsOf(large[0].fields, taken)))
          .toEqual(Array.from(picks.rows, (row, i) => wanted[picks.sources[i]][row]));
      }),
      { numRuns: 150 },
    );
  });

  it("gives rows of fixed size binary and temporal columns", () => {
    const fields = tableFields([
      { name: "id", type: { kind: "fixedBinary", size: 3 }, nullable: true, children: [] },
      {
        name: "at",
        type: { kind: "temporal", of: "timestamp", bits: 64, unit: "us" },
        nullable: false,
        children: [],
      },
      {
        name: "day",
        type: { kind: "temporal", of: "date", bits: 32, unit: "day" },
        nullable: false,
        children: [],
      },
    ]);
    const columns: Columns = {
      rows: 3,
      nodes: [3, 0, 3, 1, 3, 0, 3, 0],
      buffers: [
        new Uint8Array(0),
        bytesOf(BigInt64Array.of(1n, 2n, 3n)),
        Uint8Array.of(0b101),
        Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
        new Uint8Array(0),
        bytesOf(BigInt64Array.of(-1n, 0n, 1n)),
        new Uint8Array(0),
        bytesOf(Int32Array.of(10, 20, 30)),
      ],
    };
    const taken = take([vectorsOf(fields, columns)], {
      sources: new Int32Array(4),
      rows: Int32Array.of(2, 1, 0, 2),
    });
    const table = vectorsOf(fields, taken);
    expect(
      Array.from({ length: 4 }, (_, row) => written(touchedRow(fields, view(fields, table.children, row)))),
    ).toEqual([
      `{"timestamp_ns": 3n, "id": Uint8Array[7, 8, 9], "at": 1n, "day": 30}`,
      `{"timestamp_ns": 2n, "at": 0n, "day": 20}`,
      `{"timestamp_ns": 1n, "id": Uint8Array[1, 2, 3], "at": -1n, "day": 10}`,
      `{"timestamp_ns": 3n, "id": Uint8Array[7, 8, 9], "at": 1n, "day": 30}`,
    ]);
  });

  it("is CORRUPT where a row lies outside of its column, and allocates nothing for it", () => {
    const types: [DataType, FieldSchema[]][] = [
      [{ kind: "utf8", offsets: 64 }, []],
      [{ kind: "binary", offsets: 64 }, []],
      [{ kind: "list", offsets: 64 }, [{
        name: "item",
        type: { kind: "bool" },
        nullable: false,
        children: [],
      }]],
    ];
    for (const [type, children] of types) {
      for (const offsets of [[0n, 2n ** 40n], [8n, 4n], [-8n, 4n], [0n, 9n]]) {
        const fields = tableFields([{ name: "f", type, nullable: false, children }]);
        const isList = type.kind === "list";
        const message = encodeBatch({
          rows: 1,
          nodes: [1, 0, 1, 0, ...(isList ? [8, 0] : [])],
          buffers: [
            new Uint8Array(0),
            bytesOf(BigInt64Array.of(7n)),
            new Uint8Array(0),
            bytesOf(BigInt64Array.from(offsets)),
            ...(isList ? [new Uint8Array(0), new Uint8Array(1)] : [new Uint8Array(8)]),
          ],
        });
        const { table } = openColumns(engine, message, { fields, where: {} });
        expect([type.kind, offsets, codeOf(() => take([table], rangePicks(0, 1)))])
          .toEqual([type.kind, offsets, "CORRUPT"]);
        expect(codeOf(() => table.children[1].get(0))).toBe("CORRUPT");
      }
    }
  });
});

describe("sliceColumns, stackColumns, inTimeOrder", () => {
  it("slice what stack put together", () => {
    fc.assert(
      fc.property(picked, ({ fields, batches }) => {
        const table = tableFields(fields);
        const pieces = batches.map((rows) => columnsOf(fields, rows));
        const stacked = stackColumns(table, pieces);
        let at = 0;
        for (const piece of pieces) {
          const slice = sliceColumns(table, stacked, at, at + piece.rows);
          expect(tableRows(fields, vectorsOf(table, slice))).toEqual(
            tableRows(fields, vectorsOf(table, piece)),
          );
          at += piece.rows;
        }
        expect(stacked.rows).toBe(at);
      }),
      { numRuns: 100 },
    );
  });

  it("sort by time, stably, over all of int64", () => {
    const times = fc.array(
      fc.oneof(
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.bigInt(-3n, 3n),
        fc.constantFrom(2n ** 32n, -(2n ** 32n)),
      ),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(times, (times) => {
        const fields: FieldSchema[] = [{
          name: "n",
          type: { kind: "int", bits: 32, signed: true },
          nullable: false,
          children: [],
        }];
        const columns = columnsOf(fields, times.map((_, n) => ({ n })));
        columns.buffers[1] = bytesOf(BigInt64Array.from(times));
        const order = times.map((time, n) => ({ time, n })).sort((a, b) =>
          a.time < b.time ? -1 : a.time > b.time ? 1 : a.n - b.n
        );
        const { sorted, firstNs, lastNs } = inTimeOrder(tableFields(fields), columns);
        const batch = open(encodeBatch(sorted), fields);
        expect(Array.from(batch.times)).toEqual(order.map(({ time }) => time));
        expect(rowsWritten(fields, batch)).toEqual(order.map(({ n }) => `{"n": ${n}}`));
        expect([firstNs, lastNs]).toEqual([order[0].time, order[order.length - 1].time]);
      }),
      { numRuns: 200 },
    );
  });
});

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return "none";
  } catch (error) {
    return error instanceof SmaltiError ? error.code : error;
  }
}

it.each([32, 64] as const)("take keeps all that a NaN of %i bits holds", (bits) => {
  const field: FieldSchema = { name: "x", type: { kind: "float", bits }, nullable: false, children: [] };
  // Signalling ones, with a sign and a payload.
  const words = bits === 32
    ? Int32Array.of(0x7f800001, -0x7ffffe)
    : Int32Array.of(5, 0x7ff00000, 7, -0xfffff);
  const columns = { rows: 2, nodes: [2, 0], buffers: [new Uint8Array(0), bytesOf(words)] };
  const picks = { sources: new Int32Array(3), rows: Int32Array.of(1, 0, 1) };
  const { buffers } = take([vectorsOf([field], columns)], picks);
  const width = bits / 8;
  const [first, second] = [bytesOf(words).subarray(0, width), bytesOf(words).subarray(width)];
  expect([...buffers[1]]).toEqual([...second, ...first, ...second]);
});
