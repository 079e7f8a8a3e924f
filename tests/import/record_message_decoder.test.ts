import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { Undecodable } from "../../src/import/message_decoder.ts";
import { mostNullBytes, nullBytes } from "../../src/import/records/plan_columns.ts";
import { RecordMessageDecoder } from "../../src/import/records/record_message_decoder.ts";
import { compileRos } from "../../src/import/ros/ros_plan.ts";

const options = { engine: createJsEngine(), reserved: [], integers: "bigint" } as const;

/** A message with an array of so many float64, in a list or not. */
function compiled(arrayLength: number, isList: boolean) {
  const items = { type: "float64", name: "items", isArray: true, arrayLength };
  if (!isList) return compileRos([{ definitions: [items] }], "Test", "cdr");
  const list = { type: "T", name: "list", isArray: true, isComplex: true };
  return compileRos([{ definitions: [list] }, { name: "T", definitions: [items] }], "Test", "cdr");
}

describe("RecordMessageDecoder", () => {
  it("takes no schema whose arrays make a row of nulls larger than 256 KiB", () => {
    for (const isList of [false, true]) {
      expect(() => new RecordMessageDecoder(compiled(32_000, isList), options)).not.toThrow();
      expect(() => new RecordMessageDecoder(compiled(33_000, isList), options)).toThrow(Undecodable);
    }
  });

  it("holds back fewer messages where each may leave a large row of nulls", () => {
    const decoder = new RecordMessageDecoder(compiled(32_768, false), options);
    let rows = 0;
    let pushed = 0;
    const writer = {
      push: () => undefined,
      pushColumns: () => undefined,
      pushPrepared: (columns: { rows: number }) => {
        pushed = columns.rows;
        return undefined;
      },
    };
    for (; pushed === 0 && rows < 2000; rows++) {
      decoder.push(writer as never, BigInt(rows), new Uint8Array(0), undefined);
    }
    expect(pushed).toBe(64);
    expect(decoder.misfitCount).toBe(64);
  });

  it("counts a row of nulls with what stands in the place of items", () => {
    expect(nullBytes(compiled(3, false).fields)).toBe(24);
    expect(nullBytes(compiled(3, true).fields)).toBe(4);
    expect(mostNullBytes(compiled(3, true).fields)).toBe(24);
  });
});
