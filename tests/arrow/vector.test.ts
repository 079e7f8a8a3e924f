import { describe, expect, it } from "vitest";
import { buildVectors } from "../../src/arrow/build_vectors.ts";
import { bytesOf } from "../../src/arrow/columns.ts";
import { emptyDictionary } from "../../src/arrow/dictionaries.ts";
import { encodeBatch } from "../../src/arrow/encode.ts";
import type { Dictionary } from "../../src/arrow/encoded_vector.ts";
import type { StructVector, Vector } from "../../src/arrow/vector.ts";
import { openColumns } from "../../src/arrow/stored_batch.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import { SmaltiError } from "../../src/error.ts";
import type { DataType, FieldSchema } from "../../src/schema.ts";
import { columnsOf, dataView, engine, open, tableFields, touched, written } from "../support/tables.ts";

const NO = new Uint8Array(0);
const field = (type: DataType, nullable = true, children: FieldSchema[] = []): FieldSchema => ({
  name: "f",
  type,
  nullable,
  children,
});
const ascii = (text: string) => new TextEncoder().encode(text);

/** One column over buffers at hand. */
function column(
  field: FieldSchema,
  { nodes, buffers, variadic = [], dictionaries }: {
    nodes: number[];
    buffers: Uint8Array[];
    variadic?: number[];
    dictionaries?: Map<bigint, Dictionary>;
  },
): Vector {
  const shape = { rows: nodes[0], nodes, bufferCount: buffers.length, variadic };
  const table: StructVector = buildVectors(
    [field],
    shape,
    { buffer: (index) => buffers[index] },
    dictionaries,
  );
  return table.children[0];
}

/** What a call gives, or the code of its error. */
function outcome(call: () => string): string {
  try {
    return call();
  } catch (error) {
    if (error instanceof SmaltiError) return error.code;
    throw error;
  }
}

/** Each row's value as text, or the code of its error. */
function values(vector: Vector): string[] {
  return Array.from({ length: vector.length }, (_, row) =>
    outcome(() => {
      const value = touched(vector.field, vector.get(row));
      expect(vector.isMissing(row)).toBe(value === undefined);
      return written(value);
    }));
}

describe("openBatch", () => {
  const fields: FieldSchema[] = [
    { ...field({ kind: "utf8", offsets: 32 }, false), name: "a" },
    { ...field({ kind: "int", bits: 32, signed: true }, false), name: "b" },
    { ...field({ kind: "float", bits: 64 }, false), name: "c" },
  ];
  const rows = Array.from({ length: 100 }, (_, i) => ({ a: `row ${i}`, b: i, c: i / 2 }));
  const { message } = sealBatch(engine, columnsOf(fields, rows));

  it("loads a column's buffers when one of its values is touched, and no other's", () => {
    const checked: number[] = [];
    const counting = {
      ...engine,
      crc32: (bytes: Uint8Array) => checked.push(bytes.length) && engine.crc32(bytes),
    };
    const { table } = openColumns(counting, message, { fields: tableFields(fields), where: {} });
    const atOpen = checked.length;
    const [time, a, b, c] = table.children;
    b.get(3);
    b.get(4);
    expect(checked.length - atOpen).toBe(1);
    a.get(0);
    expect(checked.length - atOpen).toBe(3);
    expect([time, a, b, c].map((one) => one.loaded)).toEqual([false, true, true, false]);
  });

  it("reads on where another column is damaged, which is CORRUPT when touched, again and again", () => {
    const layout = engine.parseBatch(message);
    const damaged = message.slice();
    damaged[layout.buffers[2 * 4] + 8] ^= 1; // data of `a`
    const row = dataView(fields, open(damaged, fields), 7) as unknown as { a: string; b: number; c: number };
    expect([row.b, row.c]).toEqual([7, 3.5]);
    for (let i = 0; i < 2; i++) {
      expect(() => row.a).toThrowError(/^\[CORRUPT\] Buffer 4 does not match its checksum \(file f\)$/);
    }
    expect(row.b).toBe(7);
  });

  it("never takes a damaged column for missing values, however often it is touched", () => {
    const all: FieldSchema[] = [
      ...fields,
      { ...field({ kind: "bool" }, false), name: "d" },
      { ...field({ kind: "binary", offsets: 32 }), name: "e" },
      { ...field({ kind: "list", offsets: 32 }, true, [field({ kind: "float", bits: 16 })]), name: "g" },
    ];
    const more = rows.map((row, i) => ({
      ...row,
      d: i % 2 === 0,
      e: i === 3 ? null : Uint8Array.of(i),
      g: [i, null],
    }));
    const { message } = sealBatch(engine, columnsOf(all, more));
    const layout = engine.parseBatch(message);
    for (let i = 2; i < layout.buffers.length / 2; i++) {
      if (layout.buffers[2 * i + 1] === 0) continue;
      const damaged = message.slice();
      damaged[layout.buffers[2 * i]] ^= 1;
      const row = dataView(all, open(damaged, all), 7) as unknown as Record<string, unknown>;
      const read = () => all.map(({ name }) => outcome(() => written(row[name])));
      const first = read();
      expect([i, first.filter((one) => one === "CORRUPT")]).toEqual([i, ["CORRUPT"]]);
      expect([i, read()]).toEqual([i, first]);
    }
  });

  it("is CORRUPT at once where times are damaged or missing", () => {
    const layout = engine.parseBatch(message);
    const damaged = message.slice();
    damaged[layout.buffers[2] + 8] ^= 1;
    expect(() => open(damaged, fields)).toThrowError(/^\[CORRUPT\] Buffer 1 does not match its checksum/);
    for (const nullCount of [1, -1]) {
      const missing = encodeBatch({
        rows: 2,
        nodes: [2, nullCount],
        buffers: [Uint8Array.of(0b01), bytesOf(BigInt64Array.of(1n, 2n))],
      });
      expect(() => open(missing, [])).toThrowError(/^\[CORRUPT\] Column "timestamp_ns" .*missing/);
    }
  });

  it("reads a message at any place in memory, and buffers at any place in a message", () => {
    const columns = columnsOf(fields, rows);
    for (const stored of [message, encodeBatch(columns)]) {
      for (let shift = 0; shift < 8; shift++) {
        const memory = new Uint8Array(shift + stored.length);
        memory.set(stored, shift);
        const batch = open(memory.subarray(shift), fields);
        expect(written(dataView(fields, batch, 99).toJSON())).toBe(`{"a": "row 99", "b": 99, "c": 49.5}`);
        expect(batch.times[99]).toBe(99n);
      }
    }
  });
});

describe("Vector", () => {
  it("reads rows whose nulls the writer did not count, with a bitmap or without", () => {
    const ints = field({ kind: "int", bits: 16, signed: true });
    const data = bytesOf(Int16Array.of(1, 2, 3));
    expect(values(column(ints, { nodes: [3, -1], buffers: [Uint8Array.of(0b101), data] }))).toEqual([
      "1",
      "missing",
      "3",
    ]);
    expect(values(column(ints, { nodes: [3, -1], buffers: [NO, data] }))).toEqual(["1", "2", "3"]);
    expect(values(column(ints, { nodes: [3, 0], buffers: [Uint8Array.of(0b111), data] }))).toEqual([
      "1",
      "2",
      "3",
    ]);
  });

  it("reads texts beside bytes that are none, where no row holds these", () => {
    const utf8 = field({ kind: "utf8", offsets: 32 });
    const data = Uint8Array.of(0xff, 97, 0xfe, 0xc3, 0xa4, 0xc3);
    const buffers = [Uint8Array.of(0b1010), bytesOf(Int32Array.of(0, 1, 2, 3, 5)), data];
    expect(values(column(utf8, { nodes: [4, 2], buffers }))).toEqual(["missing", `"a"`, "missing", `"ä"`]);
    const within = [NO, bytesOf(Int32Array.of(0, 1, 2, 4, 5)), data];
    expect(values(column(utf8, { nodes: [4, 0], buffers: within }))).toEqual([
      "CORRUPT",
      `"a"`,
      "CORRUPT",
      "CORRUPT",
    ]);
  });

  it("refuses rows of texts and lists that are no ranges, and reads the others", () => {
    const offsets = bytesOf(Int32Array.of(0, 3, 1, 4, 5, -1));
    const wanted = ["abc", "CORRUPT", "bcd", "CORRUPT", "CORRUPT"];
    const utf8 = column(field({ kind: "utf8", offsets: 32 }), {
      nodes: [5, 0],
      buffers: [NO, offsets, ascii("abcd")],
    });
    expect(values(utf8)).toEqual(wanted.map((text) => text === "CORRUPT" ? text : `"${text}"`));
    const list = field({ kind: "list", offsets: 32 }, true, [field({ kind: "int", bits: 8, signed: false })]);
    const lists = column(list, { nodes: [5, 0, 4, 0], buffers: [NO, offsets, NO, ascii("abcd")] });
    expect(values(lists)).toEqual(
      wanted.map((text) => text === "CORRUPT" ? text : `Uint8Array[${[...ascii(text)].join(", ")}]`),
    );
  });

  it("reads views: short ones inline, long ones from their buffers; refuses those that point elsewhere", () => {
    const view = (length: number, ...rest: (number | string)[]) => {
      const bytes = new Uint8Array(16);
      const data = new DataView(bytes.buffer);
      data.setInt32(0, length, true);
      if (typeof rest[0] === "string") bytes.set(ascii(rest[0]), 4);
      else rest.forEach((number, i) => data.setInt32(8 + 4 * i, number as number, true));
      return bytes;
    };
    const views = [
      view(0, ""),
      view(5, "short"),
      view(12, "twelve chars"),
      view(13, 0, 1),
      view(20, 1, 0),
      view(13, 0, 2), // past the end
      view(13, 2, 0), // no such buffer
      view(13, -1, 0),
      view(13, 0, -1),
      view(-1, 0, 0),
      view(2 ** 31 - 1, 0, 0),
    ];
    const buffers = [
      NO,
      new Uint8Array(views.flatMap((one) => [...one])),
      ascii("0123456789abcd"),
      ascii("x".repeat(20)),
    ];
    const nodes = [views.length, 0];
    const texts = ["", "short", "twelve chars", "123456789abcd", "x".repeat(20)];
    const corrupt = Array(6).fill("CORRUPT");
    expect(values(column(field({ kind: "utf8View" }), { nodes, buffers, variadic: [2] })))
      .toEqual([...texts.map((text) => `"${text}"`), ...corrupt]);
    expect(values(column(field({ kind: "binaryView" }), { nodes, buffers, variadic: [2] })))
      .toEqual([...texts.map((text) => written(ascii(text))), ...corrupt]);
    const bad = [NO, view(2, "\xff".slice(0, 0)), NO, NO];
    bad[1].set([0xff, 0xff], 4);
    expect(values(column(field({ kind: "utf8View" }), { nodes: [1, 0], buffers: bad, variadic: [2] })))
      .toEqual(["CORRUPT"]);
  });

  it("reads dictionaries of any type and index; refuses indices beyond them", () => {
    const words = emptyDictionary(field({ kind: "utf8", offsets: 32 }));
    words.add(column(field({ kind: "utf8", offsets: 32 }), {
      nodes: [3, 1],
      buffers: [Uint8Array.of(0b101), bytesOf(Int32Array.of(0, 1, 1, 3)), ascii("abb")],
    }));
    for (const signed of [true, false]) {
      for (const bits of [8, 16, 32, 64] as const) {
        const index = { bits, signed };
        const used = { ...field({ kind: "utf8", offsets: 32 }), dictionary: { id: 7n, index } };
        const indices = [2, 0, 1, 0, 3, -1];
        const bytes = new Uint8Array(indices.length * bits / 8);
        const data = new DataView(bytes.buffer);
        indices.forEach((one, i) => {
          if (bits === 8) data.setInt8(i, one);
          else if (bits === 16) data.setInt16(2 * i, one, true);
          else if (bits === 32) data.setInt32(4 * i, one, true);
          else data.setBigInt64(8 * i, BigInt(one), true);
        });
        const vector = column(used, {
          nodes: [6, 1],
          buffers: [Uint8Array.of(0b110111), bytes],
          dictionaries: new Map([[7n, words]]),
        });
        const first = Array.from({ length: 4 }, (_, row) => written(vector.get(row)));
        expect(first).toEqual([`"bb"`, `"a"`, "missing", "missing"]);
        expect(vector.isMissing(2)).toBe(true);
        for (const row of [4, 5]) {
          expect(() => vector.get(row)).toThrowError(/^\[CORRUPT\] .*of a dictionary of 3/);
        }
      }
    }
    const lost = {
      ...field({ kind: "utf8", offsets: 32 }),
      dictionary: { id: 8n, index: { bits: 8, signed: true } },
    } as const;
    expect(() => column(lost, { nodes: [1, 0], buffers: [NO, NO] })).toThrowError(
      /^\[CORRUPT\] .*dictionary 8/,
    );
  });

  it("reads a map as a list of its entries", () => {
    const entries = { ...field({ kind: "struct" }, false), name: "entries" };
    const key = { ...field({ kind: "utf8", offsets: 32 }, false), name: "key" } as const;
    const value = { ...field({ kind: "int", bits: 8, signed: true }), name: "value" } as const;
    const map = field({ kind: "map", keysSorted: false }, true, [{ ...entries, children: [key, value] }]);
    const vector = column(map, {
      nodes: [3, 1, 3, 0, 3, 0, 3, 1],
      buffers: [
        Uint8Array.of(0b101),
        bytesOf(Int32Array.of(0, 2, 2, 3)),
        NO,
        NO,
        bytesOf(Int32Array.of(0, 1, 2, 3)),
        ascii("xyz"),
        Uint8Array.of(0b101),
        Uint8Array.of(1, 2, 3),
      ],
    });
    expect([0, 1, 2].map((row) => written(vector.plain(row, false)))).toEqual([
      `[{"key": "x", "value": 1}, {"key": "y"}]`,
      "missing",
      `[{"key": "z", "value": 3}]`,
    ]);
  });
});
