import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/arrow/columns.ts";
import { encodeBatch } from "../../src/arrow/encode.ts";
import { plainRow } from "../../src/arrow/row_view.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { Random } from "../support/random_cases.ts";
import { anyRow, anyTable, expectedRow } from "../support/random_tables.ts";
import {
  columnsOf,
  dataView,
  engine,
  open,
  rootBuilder,
  rowsWritten,
  withTimes,
  written,
} from "../support/tables.ts";

describe("builders, sealBatch, openBatch", () => {
  it("give back every row of any schema as it was appended", () => {
    fc.assert(
      fc.property(anyTable(), ({ fields, rows }) => {
        const { message, headerCrc } = sealBatch(engine, columnsOf(fields, rows));
        const batch = open(message, fields, headerCrc);
        expect(batch.rows).toBe(rows.length);
        expect(Array.from(batch.times)).toEqual(rows.map((_, i) => BigInt(i)));
        expect(rowsWritten(fields, batch)).toEqual(rows.map((row) => written(expectedRow(fields, row))));
      }),
      { numRuns: 400 },
    );
  });

  it("give back more rows than arrays held at first, compressed or not", () => {
    fc.assert(
      fc.property(
        anyTable({ depth: 1, columns: 3, rows: 12 }),
        fc.integer({ min: 1, max: 50 }),
        (table, times) => {
          const { fields } = table;
          const rows = Array.from({ length: times }, () => table.rows).flat();
          const columns = columnsOf(fields, rows);
          const wanted = rows.map((row) => written(expectedRow(fields, row)));
          expect(rowsWritten(fields, open(sealBatch(engine, columns).message, fields))).toEqual(wanted);
          expect(rowsWritten(fields, open(encodeBatch(columns), fields))).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("give back batch after batch out of one builder that is emptied in between", () => {
    const tables = anyTable({ rows: 0 }).chain(({ fields }) =>
      fc.record({
        fields: fc.constant(fields),
        batches: fc.array(fc.array(anyRow(fields), { maxLength: 70 }), { minLength: 2, maxLength: 4 }),
      })
    );
    fc.assert(
      fc.property(tables, ({ fields, batches }) => {
        const root = rootBuilder(fields);
        const messages = batches.map((rows) => {
          for (const row of rows) root.append(row);
          const { message } = sealBatch(engine, withTimes(root));
          root.truncate(0);
          return message;
        });
        batches.forEach((rows, i) => {
          const wanted = rows.map((row) => written(expectedRow(fields, row)));
          expect(rowsWritten(fields, open(messages[i], fields))).toEqual(wanted);
        });
      }),
      { numRuns: 60 },
    );
  });

  it("stores times as they are that LZ4 would make a quarter smaller, and other columns in LZ4", () => {
    const random = new Random(1);
    // Of each hundred values 30 are the same.
    const values = BigInt64Array.from({ length: 10_000 }, (_, i) => {
      return i % 100 < 30 ? 7n : BigInt(random.below(2 ** 32)) << 32n | BigInt(random.below(2 ** 32));
    });
    const bytes = bytesOf(values);
    const nothing = new Uint8Array(0);
    const stored = (times: Uint8Array) => {
      const columns = {
        rows: values.length,
        nodes: [values.length, 0, values.length, 0],
        buffers: [nothing, times, nothing, bytes],
      };
      const { message } = sealBatch(engine, columns);
      const { buffers } = engine.parseBatch(message);
      return [buffers[3], buffers[7]];
    };
    const [times, column] = stored(bytes);
    expect(times).toBe(8 + bytes.length);
    expect(column).toBeLessThan(0.75 * bytes.length);
    expect(stored(new Uint8Array(bytes.length))[0]).toBeLessThan(1000);
  });

  it("give rows whose plain form is the same, and stays when the message's bytes are gone", () => {
    fc.assert(
      fc.property(anyTable(), fc.boolean(), ({ fields, rows }, compressed) => {
        const columns = columnsOf(fields, rows);
        const message = compressed ? sealBatch(engine, columns).message : encodeBatch(columns);
        const batch = open(message, fields);
        const plain = rows.map((_, row) => plainRow(dataView(fields, batch, row), false));
        for (const { source } of [batch.table]) {
          for (let i = 0; i < columns.buffers.length; i++) source.buffer(i).fill(255);
        }
        message.fill(255);
        expect(plain.map(written)).toEqual(rows.map((row) => written(expectedRow(fields, row))));
      }),
      { numRuns: 150 },
    );
  });

  it("give rows that JSON.stringify writes with null for what is missing", () => {
    fc.assert(
      fc.property(anyTable({ odd: false }), ({ fields, rows }) => {
        const batch = open(sealBatch(engine, columnsOf(fields, rows)).message, fields);
        rows.forEach((row, i) => {
          const wanted = jsonRow(fields, expectedRow(fields, row));
          expect(JSON.parse(JSON.stringify(dataView(fields, batch, i)))).toEqual(
            JSON.parse(JSON.stringify(wanted)),
          );
        });
      }),
      { numRuns: 150 },
    );
  });
});

/** An expected value as JSON has it: bigints as numbers where exact, bytes in base64, lists as arrays. */
function jsonOf(field: FieldSchema, value: unknown): unknown {
  if (value === undefined) return null;
  switch (field.type.kind) {
    case "int":
      return typeof value === "bigint" && !Number.isSafeInteger(Number(value))
        ? String(value)
        : Number(value);
    case "float":
      return Number.isFinite(value) ? value : String(value);
    case "binary":
      return btoa(String.fromCharCode(...(value as Uint8Array)));
    case "list":
    case "fixedList":
      return Array.from(value as ArrayLike<unknown>, (item) => jsonOf(field.children[0], item));
    case "struct":
      return jsonRow(field.children, value as Record<string, unknown>);
    default:
      return value;
  }
}

function jsonRow(fields: readonly FieldSchema[], row: Record<string, unknown>): unknown {
  return Object.fromEntries(fields.map((field) => [field.name, jsonOf(field, row[field.name])]));
}
