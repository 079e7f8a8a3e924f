import { readFile } from "node:fs/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Columns } from "../../src/arrow/columns.ts";
import { decodeSchemaMessage } from "../../src/arrow/decode.ts";
import { decodeColumns, Dictionaries } from "../../src/arrow/dictionaries.ts";
import { encodeBatch, encodeDictionaryBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { ColumnEncoder } from "../../src/arrow/encodings.ts";
import { vectorsOf } from "../../src/arrow/rearrange.ts";
import { openColumns } from "../../src/arrow/stored_batch.ts";
import { rangePicks, take } from "../../src/arrow/take.ts";
import type { StructVector } from "../../src/arrow/vector.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import type { Engine } from "../../src/engine.ts";
import { ENCODING_KEY, type FieldSchema, plainFields, schemaKey, typeName } from "../../src/schema.ts";
import { damage, damaged, outcome } from "../support/damage.ts";
import { anyTable } from "../support/random_tables.ts";
import { columnsOf, engine, field, tableFields, touchedRow, view, written } from "../support/tables.ts";

const wasm = await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url));
const engines = [createJsEngine(), await createWasmEngine(await WebAssembly.compile(wasm))];

/** Encodings that a field of a type may come in. */
function encodingsOf({ type }: FieldSchema): string[] {
  const dictionaries = ["dictionary[int16]", "dictionary[uint8]", "dictionary[int64]", "dictionary[uint32]"];
  switch (type.kind) {
    case "utf8":
      return ["utf8_view", "dictionary[int8] of utf8_view", ...dictionaries];
    case "binary":
      return ["binary_view", "dictionary[int32] of binary_view", ...dictionaries];
    case "list":
      return ["list_view"];
    case "bool":
    case "int":
    case "float":
    case "decimal":
      return dictionaries;
    default:
      return [];
  }
}

/** The same fields, most of which are marked as come in an encoding. */
function marked(fields: readonly FieldSchema[], random: () => number): FieldSchema[] {
  return fields.map((field) => {
    const choices = encodingsOf(field);
    const children = marked(field.children, random);
    if (choices.length === 0 || random() < 0.2) return { ...field, children };
    return {
      ...field,
      children,
      metadata: { [ENCODING_KEY]: choices[Math.floor(random() * choices.length)] },
    };
  });
}

const encodedTable = fc.tuple(
  anyTable({ rows: 12 }),
  fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
)
  .map(([{ fields, rows }, numbers]) => ({
    fields: tableFields(marked(fields, () => numbers.next().value)),
    columns: columnsOf(fields, rows),
  }));

/** The messages of columns in their encodings: dictionaries, then the batch. */
function messagesOf(encoder: ColumnEncoder, columns: Columns): Uint8Array[] {
  const { dictionaries, columns: batch } = encoder.encode(columns)!;
  return [...dictionaries.map(({ id, columns }) => encodeDictionaryBatch(id, columns)), encodeBatch(batch)];
}

function dictionariesOf(
  fields: readonly FieldSchema[],
  messages: readonly Uint8Array[],
  by: Engine = engine,
): Dictionaries {
  const dictionaries = new Dictionaries(by, fields);
  for (const message of messages.slice(0, -1)) dictionaries.add(message, {});
  return dictionaries;
}

function rowsOf(fields: readonly FieldSchema[], table: StructVector): string[] {
  return Array.from(
    { length: table.length },
    (_, row) => written(touchedRow(fields, view(fields, table.children, row))),
  );
}

/** What a table reads as, but for the difference between arrays of numbers and of anything. */
function plainRows(fields: readonly FieldSchema[], table: StructVector): string[] {
  return rowsOf(fields, table).map((row) => row.replaceAll(/[A-Za-z0-9]*Array\[/g, "["));
}

describe("ColumnEncoder", () => {
  it("gives columns that read as the plain ones, and that take makes plain again", () => {
    fc.assert(
      fc.property(encodedTable, ({ fields, columns }) => {
        const encoder = new ColumnEncoder(fields);
        const messages = messagesOf(encoder, columns);
        const sent = encoder.fields;
        const dictionaries = dictionariesOf(sent, messages);
        // As a peer sees them.
        const schema = decodeSchemaMessage(encodeSchemaMessage({ fields: sent, metadata: new Map() }));
        expect(schemaKey(schema.fields)).toBe(schemaKey(sent));
        expect(plainFields(sent)).toEqual(fields);
        const options = { fields: sent, where: {}, dictionaries: dictionaries.known };
        const { table } = openColumns(engine, messages.at(-1)!, options);
        const wanted = plainRows(fields, vectorsOf(fields, columns));
        expect(plainRows(sent, table)).toEqual(wanted);
        const plain = decodeColumns(engine, messages.at(-1)!, sent, dictionaries);
        expect(rowsOf(fields, vectorsOf(fields, plain))).toEqual(rowsOf(fields, vectorsOf(fields, columns)));
      }),
      { numRuns: 300 },
    );
  });

  it("leaves what is in no encoding as it is, and what names none that fits", () => {
    const plain = tableFields([field("a", { kind: "utf8", offsets: 32 })]);
    expect(new ColumnEncoder(plain).fields).toBe(plain);
    const point = field("p", { kind: "struct" }, true, [field("x", { kind: "float", bits: 64 })]);
    const wrong: [FieldSchema, string][] = [
      [field("a", { kind: "utf8", offsets: 32 }), "binary_view"],
      [field("a", { kind: "utf8", offsets: 64 }), "utf8_view"],
      [field("a", { kind: "utf8", offsets: 32 }), "utf8_view of utf8_view"],
      [field("a", { kind: "utf8", offsets: 32 }), "dictionary[int8] of dictionary[int8]"],
      [field("a", { kind: "utf8", offsets: 32 }), "dictionary[int7]"],
      [field("a", { kind: "float", bits: 64 }), "list_view"],
      [field("a", { kind: "float", bits: 64 }), "run_end_encoded[int32]"],
      [point, "dictionary[int8]"],
      [field("a", { kind: "list", offsets: 32 }, true, [point]), "large_list_view"],
    ];
    for (const [field, encoding] of wrong) {
      const fields = [{ ...field, metadata: { [ENCODING_KEY]: encoding } }];
      expect(new ColumnEncoder(fields).fields, encoding).toBe(fields);
    }
  });

  it("gives nothing where a dictionary's indices are too few", () => {
    const [time, word] = tableFields([field("word", { kind: "int", bits: 32, signed: true })]);
    const columns = (rows: number) =>
      columnsOf([word], Array.from({ length: rows }, (_, i) => ({ word: i })));
    for (const [index, most] of [["int8", 128], ["uint8", 256]] as const) {
      const encoder = new ColumnEncoder([
        time,
        { ...word, metadata: { [ENCODING_KEY]: `dictionary[${index}]` } },
      ]);
      expect(encoder.encode(columns(most))!.dictionaries[0].columns.rows).toBe(most);
      expect(encoder.encode(columns(most + 1))).toBeUndefined();
    }
  });

  it("keeps the sign of zero, and one NaN", () => {
    const number = field("n", { kind: "float", bits: 64 });
    const fields = tableFields([{ ...number, metadata: { [ENCODING_KEY]: "dictionary[int8]" } }]);
    const columns = columnsOf([number], [0, -0, NaN, 0, NaN].map((n) => ({ n })));
    const encoder = new ColumnEncoder(fields);
    expect(encoder.encode(columns)!.dictionaries[0].columns.rows).toBe(3);
    const messages = messagesOf(encoder, columns);
    const plain = decodeColumns(
      engine,
      messages[1],
      encoder.fields,
      dictionariesOf(encoder.fields, messages),
    );
    expect(Array.from({ length: 5 }, (_, row) => vectorsOf(fields, plain).children[1].get(row)))
      .toEqual([0, -0, NaN, 0, NaN]);
  });
});

describe("columns in encodings", () => {
  it("with bytes changed give some data or are CORRUPT or UNSUPPORTED, the same in both engines", () => {
    let refused = 0;
    fc.assert(
      fc.property(encodedTable, fc.nat(100), damage, ({ fields, columns }, which, flips) => {
        const encoder = new ColumnEncoder(fields);
        const messages = messagesOf(encoder, columns);
        const at = which % messages.length;
        messages[at] = damaged(messages[at], flips);
        const outcomes = engines.map((engine) =>
          outcome(() => {
            const dictionaries = dictionariesOf(encoder.fields, messages, engine);
            const plain = decodeColumns(engine, messages.at(-1)!, encoder.fields, dictionaries);
            return rowsOf(fields, vectorsOf(fields, plain)).join("\n");
          })
        );
        expect(outcomes[1]).toBe(outcomes[0]);
        const [seen] = outcomes;
        if (seen === "CORRUPT" || seen === "UNSUPPORTED" || seen === "TOO_LARGE") refused++;
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  const text = field("f", { kind: "utf8View" }, true);
  const long = new TextEncoder().encode("x".repeat(1000));
  /** Views that all have the same thousand bytes. */
  function overlapping(rows: number): { fields: FieldSchema[]; columns: Columns } {
    const views = new Int32Array(4 * rows);
    for (let row = 0; row < rows; row++) views.set([1000, 0, 0, 0], 4 * row);
    const none = new Uint8Array(0);
    return {
      fields: [text],
      columns: {
        rows,
        nodes: [rows, 0],
        buffers: [none, new Uint8Array(views.buffer), long],
        variadic: [1],
      },
    };
  }

  it("that stand for more than is allowed are TOO_LARGE before any of it is made", () => {
    const { fields, columns } = overlapping(10_000);
    const { table } = openColumns(engine, encodeBatch(columns), { fields, where: {} });
    expect(() => take([table], rangePicks(0, 10_000), 2_000_000)).toThrowError(
      /^\[TOO_LARGE\] Column "f" takes more than 2000000 bytes/,
    );
    expect(take([table], rangePicks(0, 1000), 2_000_000).rows).toBe(1000);
    expect(take([table], rangePicks(0, 10_000)).buffers[2].length).toBe(10_000_000);
  });

  it("that nest what repeats, too: lists within lists of the same items", () => {
    const item = field("item", { kind: "int", bits: 8, signed: true });
    const inner = field("item", { kind: "listView", offsets: 32 }, false, [item]);
    const fields = [field("f", { kind: "listView", offsets: 32 }, false, [inner])];
    const none = new Uint8Array(0);
    const ranges = (rows: number, items: number) => [
      none,
      new Uint8Array(4 * rows),
      new Uint8Array(Int32Array.from({ length: rows }, () => items).buffer),
    ];
    const columns: Columns = {
      rows: 1000,
      nodes: [1000, 0, 1000, 0, 1000, 0],
      buffers: [...ranges(1000, 1000), ...ranges(1000, 1000), none, new Uint8Array(1000)],
    };
    const { table } = openColumns(engine, encodeBatch(columns), { fields, where: {} });
    expect(() => take([table], rangePicks(0, 1000), 100_000_000)).toThrowError(/^\[TOO_LARGE\] Column "f"/);
  });

  it("name the column and the row whose value is not there", () => {
    const { columns } = overlapping(3);
    new DataView(columns.buffers[1].buffer).setInt32(16 + 12, 1, true);
    const { table } = openColumns(engine, encodeBatch(columns), { fields: [text], where: {} });
    expect(() => take([table], rangePicks(0, 3))).toThrowError(
      /^\[CORRUPT\] Column "f" of type utf8_view has row 1 at 1 of data buffer 0, 1000 bytes/,
    );
    expect(take([table], rangePicks(2, 3)).rows).toBe(1);
  });

  it("may hold anything below a missing value", () => {
    const word: FieldSchema = {
      ...field("word", { kind: "utf8", offsets: 32 }),
      dictionary: { id: 0n, index: { bits: 8, signed: true } },
    };
    const fields = [field("f", { kind: "struct" }, true, [word])];
    const none = new Uint8Array(0);
    const values = {
      rows: 1,
      nodes: [1, 0],
      buffers: [none, new Uint8Array(Int32Array.of(0, 1).buffer), Uint8Array.of(97)],
    };
    const columns: Columns = {
      rows: 3,
      nodes: [3, 1, 3, 0],
      buffers: [Uint8Array.of(0b101), none, Uint8Array.of(0, 77, 0)],
    };
    const messages = [encodeDictionaryBatch(0n, values), encodeBatch(columns)];
    const plain = decodeColumns(engine, messages[1], fields, dictionariesOf(fields, messages));
    expect(rowsOf(plainFields(fields), vectorsOf(plainFields(fields), plain)))
      .toEqual([`{"f": {"word": "a"}}`, "{}", `{"f": {"word": "a"}}`]);
  });
});

describe("Dictionaries", () => {
  const index = { bits: 8, signed: false } as const;
  const word: FieldSchema = {
    ...field("word", { kind: "utf8", offsets: 32 }, true),
    dictionary: { id: 5n, index },
  };

  it("refuses a batch of an id that no column has, and one id of two types", () => {
    const values = {
      rows: 0,
      nodes: [0, 0],
      buffers: [new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)],
    };
    const dictionaries = new Dictionaries(engine, [word]);
    expect(() => dictionaries.add(encodeDictionaryBatch(6n, values), {})).toThrowError(
      /^\[CORRUPT\] Dictionary 6 is no column's/,
    );
    const other: FieldSchema = { ...word, name: "other", type: { kind: "binary", offsets: 32 } };
    expect(() => new Dictionaries(engine, [word, other])).toThrowError(
      /^\[CORRUPT\] Dictionary 5 has values of two/,
    );
  });

  it("refuses values that take a megabyte even where they are missing", () => {
    const wide: FieldSchema = {
      ...field("w", { kind: "fixedBinary", size: 2 ** 30 }, true),
      dictionary: { id: 5n, index },
    };
    const dictionaries = new Dictionaries(engine, [wide]);
    const values = { rows: 0, nodes: [0, 0], buffers: [new Uint8Array(0), new Uint8Array(0)] };
    expect(() => dictionaries.add(encodeDictionaryBatch(5n, values), {})).toThrowError(
      /^\[UNSUPPORTED\] Column "w"/,
    );
  });
});

describe("plainFields", () => {
  it("gives plain types, and the encodings in the metadata", () => {
    const text = field("t", { kind: "utf8View" });
    const encoded: FieldSchema[] = [
      { ...text, dictionary: { id: 0n, index: { bits: 16, signed: false }, isOrdered: true } },
      field("l", { kind: "listView", offsets: 64 }, true, [field("item", { kind: "binaryView" })]),
      {
        ...field("r", { kind: "runEnd" }, false, [
          field("run_ends", { kind: "int", bits: 32, signed: true }),
          field("values", { kind: "decimal", bits: 64, precision: 9, scale: 2 }, true),
        ]),
        metadata: { unit: "m" },
      },
    ];
    const plain = plainFields(encoded);
    expect(plain.map(typeName)).toEqual(["utf8", "large_list<binary>", "decimal64(9, 2)"]);
    expect(plain.map(({ nullable }) => nullable)).toEqual([false, true, true]);
    expect(plain.map(({ metadata }) => metadata)).toEqual([
      { [ENCODING_KEY]: "dictionary[uint16, ordered] of utf8_view" },
      { [ENCODING_KEY]: "large_list_view" },
      { unit: "m", [ENCODING_KEY]: "run_end_encoded[int32]" },
    ]);
    expect(plain[1].children[0].metadata).toEqual({ [ENCODING_KEY]: "binary_view" });
    expect(plainFields(plain)).toBe(plain);
  });
});
