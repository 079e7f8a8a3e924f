import * as fc from "fast-check";
import process from "node:process";
import { expect, it } from "vitest";
import { vectorsOf } from "../../src/arrow/rearrange.ts";
import type { Columns } from "../../src/arrow/columns.ts";
import { openParquet } from "../../src/export/parquet/parquet_file.ts";
import { ParquetReader } from "../../src/import/parquet/parquet_reader.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { anyTable } from "../support/random_tables.ts";
import { columnsOf, engine, tableFields } from "../support/tables.ts";

/** Of random tables; printed when a test fails. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** The rows as JSON has them. */
function rowsOf(fields: readonly FieldSchema[], columns: Columns): string[] {
  const { children } = vectorsOf(fields, columns);
  return Array.from(
    { length: columns.rows },
    (_, row) => JSON.stringify(children.slice(1).map((column) => column.plain(row, true))),
  );
}

it("any table is the same in Parquet", async () => {
  let count = 0;
  const property = fc.asyncProperty(anyTable({ rows: 12, odd: false }), async ({ fields, rows }) => {
    if (rows.length === 0) return;
    const table = tableFields(fields);
    const columns = columnsOf(fields, rows);
    const parts: Uint8Array[] = [];
    let parquet;
    try {
      parquet = await openParquet(table, [], (part) => Promise.resolve(void parts.push(part)));
    } catch (reason) {
      expect(reason).toBeInstanceOf(SmaltiError);
      expect((reason as SmaltiError).code).toBe("UNSUPPORTED");
      return;
    }
    await parquet.add(columns);
    await parquet.add(columns);
    await parquet.finish();
    const file = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
    const access = {
      sizeBytes: file.length,
      read: (offset: number, length: number) => Promise.resolve(file.slice(offset, offset + length)),
    };
    const reader = await ParquetReader.open(access, engine, 2 ** 30);
    for (const group of [0, 1]) {
      expect(rowsOf(reader.fields, await reader.read(group))).toEqual(rowsOf(table, columns));
    }
    count++;
  });
  const field = {
    name: "count",
    type: { kind: "int", bits: 32, signed: false },
    nullable: false,
    children: [],
  } as const;
  const large = { fields: [field], rows: [{ count: 0 }, { count: 2 ** 32 - 1 }] };
  await fc.assert(property, { seed: SEED, numRuns: 150, examples: [[large]] });
  expect(count).toBeGreaterThan(30);
});
