/**
 * Gathering rows of batches of every type, each batch in encodings of its own, by picks in any order.
 *
 * @module
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import { Dictionaries } from "../../src/arrow/dictionaries.ts";
import { encodeBatch, encodeDictionaryBatch } from "../../src/arrow/encode.ts";
import { ColumnEncoder } from "../../src/arrow/encodings.ts";
import { vectorsOf } from "../../src/arrow/rearrange.ts";
import { openColumns } from "../../src/arrow/stored_batch.ts";
import type { Vector } from "../../src/arrow/vector.ts";
import { gatherColumn } from "../../src/read/columns/gather.ts";
import { Picks, StretchList } from "../../src/read/columns/picks.ts";
import { ENCODING_KEY, type FieldSchema } from "../../src/schema.ts";
import { expectError } from "../support/errors.ts";
import { anyField, anyRow } from "../support/random_tables.ts";
import { columnsOf, engine, field, tableFields, written } from "../support/tables.ts";

const ENCODINGS: Readonly<Record<string, readonly string[]>> = {
  utf8: ["utf8_view", "dictionary[int16]", "dictionary[int8] of utf8_view"],
  binary: ["binary_view", "dictionary[uint32]"],
  list: ["list_view"],
  bool: ["dictionary[uint8]"],
  int: ["dictionary[int64]"],
  float: ["dictionary[int8]"],
  decimal: ["dictionary[int32]"],
};

/** The same field, marked as come in encodings that a list of numbers chooses. */
function marked(field: FieldSchema, choices: Iterator<number>): FieldSchema {
  const children = field.children.map((child) => marked(child, choices));
  const [names, choice] = [ENCODINGS[field.type.kind] ?? [], choices.next().value as number];
  const name = names[choice % (names.length + 1)];
  return { ...field, children, ...(name !== undefined && { metadata: { [ENCODING_KEY]: name } }) };
}

/** Columns as a peer sends them, in their encodings. */
function encoded(fields: readonly FieldSchema[], columns: Columns): readonly Vector[] {
  const encoder = new ColumnEncoder(fields);
  const { dictionaries, columns: batch } = encoder.encode(columns)!;
  const known = new Dictionaries(engine, encoder.fields);
  for (const { id, columns } of dictionaries) known.add(encodeDictionaryBatch(id, columns), {});
  const options = { fields: encoder.fields, where: {}, dictionaries: known.known };
  return openColumns(engine, encodeBatch(batch), options).table.children;
}

/** What half floats are kept in differs, and so does a list of numbers in an encoding. */
const plain = (value: unknown) => written(value).replaceAll(/[A-Za-z0-9]*Array\[/g, "[");

/** One field, some batches of it in encodings, and rows of them in any order, some side by side; source -1 lacks the field. */
const anyCase = anyField("f", 2).chain((field) =>
  fc.record({
    field: fc.constant(field),
    batches: fc.array(fc.array(anyRow([field]), { minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 3,
    }),
    choices: fc.infiniteStream(fc.nat(7)),
    picks: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 12 })), { maxLength: 12 }),
    lacks: fc.boolean(),
    isNested: fc.boolean(),
    copies: fc.boolean(),
  })
);

describe("gatherColumn", () => {
  it("gives what the rows have, whatever their encodings are", () => {
    fc.assert(
      fc.property(anyCase, ({ field: leaf, batches, choices, picks, lacks, isNested, copies }) => {
        // Beside a field that is not asked for.
        const other = field("other", { kind: "bool" }, true);
        const around = field("s", { kind: "struct" }, true, [other, leaf]);
        const fields = isNested ? [around] : [other, leaf];
        const tables = batches.map((rows) => {
          const nested = isNested ? rows.map((row, i) => i % 4 === 3 ? {} : { s: row }) : rows;
          const coded = tableFields(fields.map((one) => marked(one, choices)));
          return {
            vectors: encoded(coded, columnsOf(fields, nested)).slice(1),
            wanted: vectorsOf(tableFields(fields), columnsOf(fields, nested)).children.slice(1),
          };
        });
        const list = new StretchList();
        const wanted: unknown[] = [];
        for (const [one, row, count] of picks) {
          const source = one % (batches.length + (lacks ? 1 : 0));
          const rows = batches[source]?.length ?? 12;
          const from = row % rows;
          const to = Math.min(rows, from + count);
          list.add(source, from, to - from);
          for (let at = from; at < to; at++) {
            const [vector] = tables[source]?.wanted.slice(isNested ? 0 : 1) ?? [];
            const value = vector?.plain(at, false);
            wanted.push(isNested ? (value as Record<string, unknown> | undefined)?.f : value);
          }
        }
        const all = { tables: [...tables.map(({ vectors }) => vectors), undefined] };
        const paths = [...tables.map(() => isNested ? [0, 1] : [1]), undefined];
        const used = [...new Set(picks.map(([one]) => one % (batches.length + (lacks ? 1 : 0))))];
        const stretches = Picks.ofStretches(list.stretches, wanted.length, used);
        const rows = Picks.ofRows(stretches.sources, stretches.rows, wanted.length, batches.length + 1);
        for (const picks of [stretches, rows]) {
          const column = gatherColumn({ field: leaf, ...all, paths, picks, copies });
          expect(column.length).toBe(wanted.length);
          expect(wanted.map((_, i) => plain(column.at(i)))).toEqual(wanted.map(plain));
          expect(wanted.map((_, i) => column.isValid(i))).toEqual(wanted.map((value) => value !== undefined));
        }
      }),
      { numRuns: 600 },
    );
  });

  it("takes runs of equal values for what they stand for", () => {
    const text = field("values", { kind: "utf8", offsets: 32 }, true);
    const runs = field("f", { kind: "runEnd" }, false, [
      field("run_ends", { kind: "int", bits: 32, signed: true }),
      text,
    ]);
    const [table] = vectorsOf([runs], {
      rows: 7,
      nodes: [7, 0, 3, 0, 3, 1],
      buffers: [
        new Uint8Array(0),
        bytesOf(Int32Array.of(2, 3, 7)),
        Uint8Array.of(0b101),
        bytesOf(Int32Array.of(0, 2, 2, 5)),
        new TextEncoder().encode("abcde"),
      ],
    }).children;
    const rows = Int32Array.of(6, 0, 2, 1, 3);
    const picks = Picks.ofRows(new Int32Array(5), rows, 5, 1);
    const column = gatherColumn({
      field: { ...text, name: "f" },
      tables: [[table]],
      paths: [[0]],
      picks,
      copies: false,
    });
    expect(Array.from(rows, (_, i) => column.at(i))).toEqual(["cde", "ab", undefined, "ab", "cde"]);
  });

  it("refuses what is not where it should be, as CORRUPT, and says in which column", async () => {
    const text = field("f", { kind: "utf8", offsets: 32 });
    const gather = (offsets: number[], bytes: number[]) => {
      const table = vectorsOf([text], {
        rows: offsets.length - 1,
        nodes: [offsets.length - 1, 0],
        buffers: [new Uint8Array(0), bytesOf(Int32Array.from(offsets)), Uint8Array.from(bytes)],
      });
      const picks = Picks.ofOne(0, 0, offsets.length - 1);
      return gatherColumn({ field: text, tables: [table.children], paths: [[0]], picks, copies: false });
    };
    expect(gather([0, 1, 2], [65, 66]).at(1)).toBe("B");
    await expectError(() => gather([0, 3, 2], [65, 66]), "CORRUPT", 'Column "f"', "row 0 at 0 to 3");
    await expectError(() => gather([-1, 1, 2], [65, 66]), "CORRUPT", 'Column "f"', "row 0 at -1 to 1");
    const bad = gather([0, 1, 2], [65, 0xff]);
    expect(bad.at(0)).toBe("A");
    await expectError(() => bad.at(1), "CORRUPT", 'Column "f"', "not UTF-8");
  });
});
