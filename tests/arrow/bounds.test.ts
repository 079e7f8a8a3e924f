import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchBounds, boundedColumns, boundsOf } from "../../src/arrow/bounds.ts";
import { vectorsOf } from "../../src/arrow/rearrange.ts";
import type { Vector } from "../../src/arrow/vector.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import { anyTable } from "../support/random_tables.ts";
import { columnsOf, engine, open, tableFields } from "../support/tables.ts";

/** The values of a column at a path, where all on the way to it are there; NaN counts as none. */
function valuesAt(table: Vector, path: readonly number[]): (number | bigint)[] {
  const way = path.reduce<Vector[]>((seen, child) => [...seen, seen.at(-1)!.children[child]], [table]);
  return Array.from({ length: table.length }, (_, row) => row)
    .filter((row) => way.every((vector) => vector.isValid(row)))
    .map((row) => way.at(-1)!.get(row) as number | bigint)
    .filter((value) => !Number.isNaN(value));
}

describe("boundsOf", () => {
  it("gives the extremes of every numeric column of any table, and never less of wide integers", () => {
    fc.assert(
      fc.property(anyTable({ depth: 2, columns: 5 }), ({ fields, rows }) => {
        const table = vectorsOf(tableFields(fields), columnsOf(fields, rows));
        const bounds = new BatchBounds(tableFields(fields), boundsOf(table));
        for (const path of boundedColumns(tableFields(fields))) {
          const [min, max] = bounds.of(0, path)!;
          const values = valuesAt(table, path.split(",").map(Number));
          if (values.length === 0) {
            expect([min, max]).toEqual([Infinity, -Infinity]);
            continue;
          }
          for (const value of values) expect(min <= value && value <= max).toBe(true);
          const within = (bound: number, value: number) =>
            expect(Math.abs(bound - value)).toBeLessThanOrEqual(
              Math.abs(value) < 2 ** 53 ? 0 : Math.abs(value) * 2 ** -51,
            );
          const sorted = values.sort((a, b) => a < b ? -1 : a > b ? 1 : 0).map(Number);
          if (Number.isFinite(sorted[0])) within(min, sorted[0]);
          if (Number.isFinite(sorted.at(-1)!)) within(max, sorted.at(-1)!);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same of a stored batch, bit for bit", () => {
    fc.assert(
      fc.property(anyTable(), ({ fields, rows }) => {
        const columns = columnsOf(fields, rows);
        const stored = open(sealBatch(engine, columns).message, fields).table;
        expect(boundsOf(stored)).toEqual(boundsOf(vectorsOf(tableFields(fields), columns)));
      }),
      { numRuns: 200 },
    );
  });
});
