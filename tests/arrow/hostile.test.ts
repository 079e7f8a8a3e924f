import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import { decodeSchemaMessage } from "../../src/arrow/decode.ts";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import type { StructVector } from "../../src/arrow/vector.ts";
import { type OpenBatch, openColumns } from "../../src/arrow/stored_batch.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { somePositions } from "../support/positions.ts";
import { damage, damaged, outcome, SAMPLE, SAMPLE_ROWS } from "../support/damage.ts";
import { anyTable } from "../support/random_tables.ts";
import {
  columnsOf,
  engine,
  field,
  open,
  rowsWritten,
  tableFields,
  touchedRow,
  view,
  written,
} from "../support/tables.ts";

/** All that a batch holds, as text. */
function contents(fields: readonly FieldSchema[], batch: OpenBatch): string {
  return [written(batch.times), ...rowsWritten(fields, batch)].join("\n");
}

/** All that a table holds, whatever it is. */
function tableContents(fields: readonly FieldSchema[], table: StructVector, rows: number): string {
  return Array.from({ length: rows }, (_, i) => written(touchedRow(fields, view(fields, table.children, i))))
    .join("\n");
}

describe("a sealed batch", () => {
  const { message, headerCrc } = sealBatch(engine, columnsOf(SAMPLE, SAMPLE_ROWS));
  const wanted = contents(SAMPLE, open(message, SAMPLE, headerCrc));

  it("cut anywhere is CORRUPT", () => {
    for (let length = 0; length < message.length; length++) {
      const cut = message.slice(0, length);
      expect([length, outcome(() => open(cut, SAMPLE, headerCrc) && "opened")]).toEqual([length, "CORRUPT"]);
    }
  });

  it("with bytes after its end is CORRUPT", () => {
    const longer = new Uint8Array(message.length + 8);
    longer.set(message);
    expect(outcome(() => open(longer, SAMPLE, headerCrc) && "opened")).toBe("CORRUPT");
  });

  it("with any one bit flipped gives its data or is CORRUPT or UNSUPPORTED", () => {
    const outcomes = new Map<string, number>();
    const copy = message.slice();
    for (const bit of somePositions(copy.length * 8)) {
      copy[bit >> 3] ^= 1 << (bit & 7);
      const seen = outcome(() => contents(SAMPLE, open(copy, SAMPLE, headerCrc)));
      copy[bit >> 3] ^= 1 << (bit & 7);
      if (seen !== wanted && seen !== "CORRUPT" && seen !== "UNSUPPORTED") {
        expect([bit, seen]).toEqual([bit, wanted]);
      }
      const kind = seen === wanted ? "data" : seen;
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    // Padding may be anything; most of a message is not padding.
    expect(outcomes.get("CORRUPT")!).toBeGreaterThan(outcomes.get("data")!);
  });

  it("of any schema with bytes changed gives its data or is CORRUPT or UNSUPPORTED", () => {
    fc.assert(
      fc.property(anyTable({ rows: 8 }), damage, ({ fields, rows }, flips) => {
        const { message, headerCrc } = sealBatch(engine, columnsOf(fields, rows));
        const wanted = contents(fields, open(message, fields, headerCrc));
        const seen = outcome(() => contents(fields, open(damaged(message, flips), fields, headerCrc)));
        expect([wanted, "CORRUPT", "UNSUPPORTED"]).toContain(seen);
      }),
      { numRuns: 500 },
    );
  });

  it("is CORRUPT where the index names another", () => {
    expect(outcome(() => open(message, SAMPLE, headerCrc ^ 1) && "opened")).toBe("CORRUPT");
    const unsealed = encodeBatch(columnsOf(SAMPLE, SAMPLE_ROWS));
    expect(outcome(() => open(unsealed, SAMPLE, headerCrc) && "opened")).toBe("CORRUPT");
  });

  it("is CORRUPT where its checksums are no checksums", () => {
    const columns = columnsOf(SAMPLE, SAMPLE_ROWS);
    for (const text of ["", "zzzzzzzz", "0000000", "NaN", "z".repeat(8 * 16), "00000000", "\u0000"]) {
      const message = encodeBatch(columns, { describe: () => new Map([["smalti:crc", text]]) });
      expect([text, outcome(() => open(message, SAMPLE) && "opened")]).toEqual([text, "CORRUPT"]);
    }
  });

  it("names the file, where it is given, and the buffer that is damaged", () => {
    const copy = message.slice();
    copy[copy.length - 16] ^= 1;
    let error: unknown;
    try {
      contents(SAMPLE, open(copy, SAMPLE, headerCrc));
    } catch (reason) {
      error = reason;
    }
    expect(error).toBeInstanceOf(SmaltiError);
    expect((error as SmaltiError).details.file).toBe("f");
    expect((error as SmaltiError).message).toMatch(/Buffer \d+ does not match its checksum \(file f\)/);
  });
});

describe("a batch without checksums", () => {
  it("with bytes changed gives some data or is CORRUPT or UNSUPPORTED", () => {
    fc.assert(
      fc.property(anyTable({ rows: 8 }), damage, fc.boolean(), ({ fields, rows }, flips, compressed) => {
        const coder = compressed ? { compress: (bytes: Uint8Array) => engine.compress(bytes) } : {};
        const message = damaged(encodeBatch(columnsOf(fields, rows), coder), flips);
        const seen = outcome(() => contents(fields, open(message, fields)));
        if (!seen.includes("\n")) expect(["CORRUPT", "UNSUPPORTED", "BigInt64Array[]", seen]).toContain(seen);
        if (/^[A-Z_]+$/.test(seen)) expect(["CORRUPT", "UNSUPPORTED"]).toContain(seen);
      }),
      { numRuns: 1500 },
    );
  });

  it("read by a schema that was changed gives some data or is CORRUPT or UNSUPPORTED", () => {
    fc.assert(
      fc.property(anyTable({ rows: 8 }), damage, ({ fields, rows }, flips) => {
        const all = tableFields(fields);
        const schema = damaged(encodeSchemaMessage({ fields: all, metadata: new Map([["k", "v"]]) }), flips);
        const message = encodeBatch(columnsOf(fields, rows));
        const seen = outcome(() => {
          const { fields } = decodeSchemaMessage(schema);
          const { layout, table } = openColumns(engine, message, { fields, where: {} });
          return tableContents(fields, table, layout.rows);
        });
        if (/^[A-Z_]+$/.test(seen)) expect(["CORRUPT", "UNSUPPORTED"]).toContain(seen);
      }),
      { numRuns: 1500 },
    );
  });

  const NO = new Uint8Array(0);
  const bool = field("item", { kind: "bool" });
  const nothing = field("item", { kind: "null" }, true);
  const empty = field("item", { kind: "struct" });
  const list32 = { kind: "list", offsets: 32 } as const;
  const list64 = { kind: "list", offsets: 64 } as const;
  const offsets32 = (...at: number[]) => bytesOf(Int32Array.from(at));
  const offsets64 = (...at: bigint[]) => bytesOf(BigInt64Array.from(at));
  const huge = 2 ** 50;
  const many = 2 ** 31 - 1;
  // Each would take memory or time without end if its claims were believed.
  const claims: [what: string, field: FieldSchema, columns: Omit<Columns, "rows">, code: string][] = [
    ["a list of 2^31 nulls", field("f", list32, false, [nothing]), {
      nodes: [1, 0, many, many],
      buffers: [NO, offsets32(0, many)],
    }, "UNSUPPORTED"],
    ["a list of 2^50 nulls", field("f", list64, false, [nothing]), {
      nodes: [1, 0, huge, huge],
      buffers: [NO, offsets64(0n, BigInt(huge))],
    }, "UNSUPPORTED"],
    ["a list of 2^31 structs without fields", field("f", list32, false, [empty]), {
      nodes: [1, 0, many, 0],
      buffers: [NO, offsets32(0, many), NO],
    }, "UNSUPPORTED"],
    ["a list of 2^50 booleans that are not there", field("f", list64, false, [bool]), {
      nodes: [1, 0, huge, 0],
      buffers: [NO, offsets64(0n, BigInt(huge)), NO, new Uint8Array(8)],
    }, "CORRUPT"],
    [
      "a list of 2^50 structs of texts that are not there",
      field("f", list64, false, [
        field("item", { kind: "struct" }, false, [field("s", { kind: "utf8", offsets: 32 })]),
      ]),
      {
        nodes: [1, 0, huge, 0, huge, 0],
        buffers: [NO, offsets64(0n, BigInt(huge)), NO, NO, offsets32(0), NO],
      },
      "CORRUPT",
    ],
    [
      "a fixed list of 2^31 items that are not there",
      field("f", { kind: "fixedList", size: many }, false, [bool]),
      {
        nodes: [1, 0, many, 0],
        buffers: [NO, NO, new Uint8Array(8)],
      },
      "CORRUPT",
    ],
    ["a fixed list of 2^31 nulls", field("f", { kind: "fixedList", size: many }, false, [nothing]), {
      nodes: [1, 0, many, many],
      buffers: [NO],
    }, "UNSUPPORTED"],
    [
      "a fixed list with fewer items than rows need",
      field("f", { kind: "fixedList", size: 3 }, false, [bool]),
      {
        nodes: [1, 0, 2, 0],
        buffers: [NO, NO, new Uint8Array(8)],
      },
      "CORRUPT",
    ],
    [
      "2^31 lists of no items",
      field("f", list32, false, [
        field("item", { kind: "fixedList", size: 0 }, false, [bool]),
      ]),
      {
        nodes: [1, 0, many, 0, 0, 0],
        buffers: [NO, offsets32(0, many), NO, NO, NO],
      },
      "UNSUPPORTED",
    ],
    [
      "a column with more rows than the batch",
      bool,
      { nodes: [9, 0], buffers: [NO, new Uint8Array(8)] },
      "CORRUPT",
    ],
    ["a column with fewer rows than the batch", bool, { nodes: [0, 0], buffers: [NO, NO] }, "CORRUPT"],
    [
      "more nulls than rows",
      bool,
      { nodes: [1, 2], buffers: [new Uint8Array(8), new Uint8Array(8)] },
      "CORRUPT",
    ],
    ["nulls without a bitmap", bool, { nodes: [1, 1], buffers: [NO, new Uint8Array(8)] }, "CORRUPT"],
    ["a buffer too few", bool, { nodes: [1, 0], buffers: [NO] }, "CORRUPT"],
    ["a buffer too many", bool, { nodes: [1, 0], buffers: [NO, new Uint8Array(8), NO] }, "CORRUPT"],
    ["a node too few", bool, { nodes: [], buffers: [NO, new Uint8Array(8)] }, "CORRUPT"],
    ["a node too many", bool, { nodes: [1, 0, 1, 0], buffers: [NO, new Uint8Array(8)] }, "CORRUPT"],
  ];
  it.each(claims)("that claims %s is refused", (_what, field, { nodes, buffers }, code) => {
    const message = encodeBatch({
      rows: 1,
      nodes: [1, 0, ...nodes],
      buffers: [NO, bytesOf(BigInt64Array.of(7n)), ...buffers],
    });
    const fields = tableFields([field]);
    const read = (what: (table: StructVector) => unknown) =>
      outcome(() => what(openColumns(engine, message, { fields, where: {} }).table));
    expect(read((table) => table.children[1].get(0))).toBe(code);
    expect(read((table) => table.children[1].plain(0, false))).toBe(code);
    expect(read((table) => table.children[1].plain(0, true))).toBe(code);
  });

  it("whose buffers claim any length when decompressed is CORRUPT", () => {
    const zeros = { rows: 1000, nodes: [1000, 0], buffers: [NO, new Uint8Array(8000)] };
    const message = encodeBatch(zeros, { compress: (bytes) => engine.compress(bytes) });
    const at = message.findIndex((_, i) =>
      i % 8 === 0 && new DataView(message.buffer, message.byteOffset + i, 8).getBigInt64(0, true) === 8000n
    );
    expect(at).toBeGreaterThan(0);
    const places = new DataView(message.buffer, message.byteOffset + at, 8);
    for (const claim of [7999n, 8001n, 8n, 0n, -2n, -(2n ** 63n), 2n ** 62n, 2n ** 40n, 2n ** 53n]) {
      places.setBigInt64(0, claim, true);
      expect([claim, outcome(() => open(message, []) && "opened")]).toEqual([claim, "CORRUPT"]);
    }
  });
});
