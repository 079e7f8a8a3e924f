import * as fc from "fast-check";
import { Builder } from "flatbuffers";
import { describe, expect, it } from "vitest";
import { decodeFooter, decodeSchemaMessage } from "../../src/arrow/decode.ts";
import { encodeFileEnd, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { somePositions } from "../support/positions.ts";
import { damage, damaged, outcome, SAMPLE } from "../support/damage.ts";
import { field, tableFields } from "../support/tables.ts";

describe("a schema message", () => {
  const message = encodeSchemaMessage({
    fields: tableFields(SAMPLE),
    metadata: new Map([["smalti:version", "1"]]),
  });

  it("cut anywhere is CORRUPT", () => {
    for (let length = 0; length < message.length; length++) {
      const seen = outcome(() => decodeSchemaMessage(message.slice(0, length)) && "decoded");
      expect([length, seen]).toEqual([length, "CORRUPT"]);
    }
  });

  it("with any byte changed to any other gives a schema or is CORRUPT or UNSUPPORTED", () => {
    const outcomes = new Set<string>();
    for (let at = 0; at < message.length; at++) {
      const was = message[at];
      for (const byte of somePositions(256, [was, 128])) {
        message[at] = byte;
        outcomes.add(outcome(() => decodeSchemaMessage(message) && "decoded"));
      }
      message[at] = was;
    }
    expect([...outcomes].sort()).toEqual(["CORRUPT", "UNSUPPORTED", "decoded"]);
  });

  /** A schema message whose fields vector is made by `build`. */
  function made(build: (builder: Builder) => number): Uint8Array {
    const builder = new Builder(1024);
    const fields = build(builder);
    builder.startObject(4);
    builder.addFieldOffset(1, fields, 0);
    const schema = builder.endObject();
    builder.startObject(5);
    builder.addFieldInt8(1, 1, 0);
    builder.addFieldOffset(2, schema, 0);
    builder.finish(builder.endObject());
    const table = builder.asUint8Array();
    const bytes = new Uint8Array(8 + Math.ceil(table.length / 8) * 8);
    new DataView(bytes.buffer).setInt32(0, -1, true);
    new DataView(bytes.buffer).setInt32(4, bytes.length - 8, true);
    bytes.set(table, 8);
    return bytes;
  }
  const vector = (builder: Builder, tables: number[]) => {
    builder.startVector(4, tables.length, 4);
    for (const table of tables) builder.addOffset(table);
    return builder.endVector();
  };

  it("of which a few bytes stand for 2^60 fields is CORRUPT", () => {
    const message = made((builder) => {
      builder.startObject(0);
      const type = builder.endObject();
      let fields = 0;
      for (let depth = 0; depth < 60; depth++) {
        builder.startObject(7);
        builder.addFieldInt8(2, 13, 0); // struct
        builder.addFieldOffset(3, type, 0);
        builder.addFieldOffset(5, fields, 0);
        const table = builder.endObject();
        fields = vector(builder, [table, table]);
      }
      return fields;
    });
    expect(message.length).toBeLessThan(4096);
    expect(outcome(() => decodeSchemaMessage(message) && "decoded")).toBe("CORRUPT");
  });

  it("of which a text stands for many is CORRUPT", () => {
    const message = made((builder) => {
      const name = builder.createString("x".repeat(100_000));
      builder.startObject(0);
      const type = builder.endObject();
      builder.startObject(7);
      builder.addFieldOffset(0, name, 0);
      builder.addFieldInt8(2, 1, 0);
      builder.addFieldOffset(3, type, 0);
      const table = builder.endObject();
      return vector(builder, Array(20_000).fill(table));
    });
    expect(outcome(() => decodeSchemaMessage(message) && "decoded")).toBe("CORRUPT");
  });

  it("of many thousand fields, each with its own bytes, is read", () => {
    const fields = Array.from({ length: 5000 }, (_, i) => ({
      ...field(`a field with a rather long name ${i}`, { kind: "float", bits: 64 }),
      metadata: { unit: "m/s", description: "as long as descriptions are" },
    }));
    expect(decodeSchemaMessage(encodeSchemaMessage({ fields, metadata: new Map() })).fields).toEqual(fields);
  });
});

describe("a footer", () => {
  it("cut or with bytes changed gives a footer or is CORRUPT or UNSUPPORTED", () => {
    const places = Array.from({ length: 20 }, (_, i) => ({ offset: 512 * i, headBytes: 64, length: 512 }));
    const schema = { fields: tableFields(SAMPLE), metadata: new Map([["k", "v"]]) };
    const end = encodeFileEnd(schema, places, new Map([["smalti:index", "{}"]]));
    const footer = end.slice(8, end.length - 10);
    expect(decodeFooter(footer).batches).toHaveLength(20);
    for (let length = 0; length < footer.length; length++) {
      const seen = outcome(() => decodeFooter(footer.slice(0, length)) && "decoded");
      if (seen !== "decoded" && seen !== "CORRUPT") expect([length, seen]).toEqual([length, "CORRUPT"]);
    }
    fc.assert(
      fc.property(damage, (flips) => {
        const seen = outcome(() => decodeFooter(damaged(footer, flips)) && "decoded");
        expect(["decoded", "CORRUPT", "UNSUPPORTED"]).toContain(seen);
      }),
      { numRuns: 3000 },
    );
  });
});
