import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import {
  COLUMN,
  FLAT,
  FREE_BYTES,
  MAX_GROWTH,
  PROTO,
  type RecordPlan,
  REPEATED,
  STATUS,
} from "../../src/record_plan.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { checkRecordIdentity } from "../contract/records/record_identity.ts";
import { sameBytes } from "../support/bytes.ts";
import { caseRange } from "../support/random_cases.ts";

const module = await WebAssembly.compile(
  await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
);
const engines = [createJsEngine(), await createWasmEngine(module)];
const range = caseRange(1000);

function decode(plan: RecordPlan, record: Uint8Array) {
  const outcomes = engines.map((engine) => {
    const decoder = engine.createRecordDecoder(plan);
    const statuses = new Uint8Array(1);
    engine.decodeRecords(record, [{ decoder, spans: Int32Array.of(0, record.length), statuses }]);
    const columns = decoder.take();
    decoder.close();
    return {
      status: statuses[0],
      bytes: columns.buffers.reduce((sum, { length }) => sum + length, 0),
      columns,
    };
  });
  const [js, wasm] = outcomes;
  expect(wasm.status).toBe(js.status);
  expect(wasm.columns.nodes).toEqual(js.columns.nodes);
  expect(js.columns.buffers.every((buffer, i) => sameBytes(buffer, wasm.columns.buffers[i]))).toBe(true);
  return js;
}

/** A list of messages or tables with so many numbers, `item` being the code of theirs. */
function listOfRows(fields: number): number[] {
  const columns = [COLUMN.list, 0, fields + 1, COLUMN.struct, 0, fields];
  for (let i = 0; i < fields; i++) columns.push(COLUMN.fixed, 8, 0);
  return columns;
}

describe("Decoders of records", () => {
  it(
    "give the same well-formed columns in both engines for random records of random schemas, damaged or not",
    () => {
      const counts = checkRecordIdentity(engines, range);
      if (range.cases < 1000) return;
      for (const encoding of ["cdr", "packed", "packedPrefix", "protobuf", "flatbuffer"]) {
        for (const status of [STATUS.fits, STATUS.text, STATUS.short]) {
          expect(counts.get(`${encoding} ${status}`) ?? 0, `${encoding} ${status}`).toBeGreaterThan(0);
        }
      }
      for (const key of [`cdr ${STATUS.unusual}`, `cdr ${STATUS.padded}`, `packed ${STATUS.unusual}`]) {
        expect(counts.get(key) ?? 0, key).toBeGreaterThan(0);
      }
    },
    60_000 + 20 * range.cases,
  );

  it("let a list of empty messages become no more than its bytes allow", () => {
    const fields = 1000;
    const item = 3 + 6;
    const code = [1, -1, 0, 1, PROTO.message, 0, REPEATED, item, 0, fields, -1, 8 * fields];
    for (let i = 0; i < fields; i++) code.push(i + 1, PROTO.int64, i + 2, 0, 0, 0);
    const plan: RecordPlan = {
      encoding: "protobuf",
      columns: Int32Array.from(listOfRows(fields)),
      code: Int32Array.from(code),
    };
    const few = new Uint8Array(2 * 8).map((_, i) => i % 2 === 0 ? 10 : 0);
    expect(decode(plan, few)).toMatchObject({ status: STATUS.fits });
    expect(decode(plan, few).bytes).toBeGreaterThan(8 * 8 * fields);

    const many = new Uint8Array(2 * 10_000).map((_, i) => i % 2 === 0 ? 10 : 0);
    expect(decode(plan, many)).toMatchObject({ status: STATUS.broken });
    expect(decode(plan, many).bytes).toBeLessThan(MAX_GROWTH * many.length + FREE_BYTES);
  });

  it("let members of a oneof replace each other only as often as its bytes allow", () => {
    const fields = 5000;
    const columns: number[] = [];
    const code = [fields, -1, 0];
    for (let i = 0; i < fields; i++) {
      columns.push(COLUMN.bool, 0, 0);
      code.push(i + 1, PROTO.bool, i, 2, 0, 1);
    }
    const plan: RecordPlan = {
      encoding: "protobuf",
      columns: Int32Array.from(columns),
      code: Int32Array.from(code),
    };
    expect(decode(plan, Uint8Array.of(8, 1, 16, 1))).toMatchObject({ status: STATUS.fits });
    const many = new Uint8Array(20_000).map((_, i) => i % 2 === 0 ? 8 + (i % 4) * 4 : 1);
    expect(decode(plan, many)).toMatchObject({ status: STATUS.broken });
  });

  it("let a table that many share become no more than its bytes allow", () => {
    const fields = 1000;
    const item = 4 + 8;
    const code = [1, -1, 0, 6, 4, FLAT.tables, 0, 4, item, 1, 0, 0, fields, -1, 8 * fields, 4 + 2 * fields];
    for (let i = 0; i < fields; i++) code.push(4 + 2 * i, FLAT.scalar, i + 2, 8, 0, 0, 7, 0);
    const plan: RecordPlan = {
      encoding: "flatbuffer",
      columns: Int32Array.from(listOfRows(fields)),
      code: Int32Array.from(code),
    };
    const record = (items: number) => {
      const view = new DataView(new ArrayBuffer(40 + 4 * items));
      view.setUint32(0, 12, true); // the root at 12, its vtable at 4
      view.setUint16(4, 6, true);
      view.setUint16(6, 8, true);
      view.setUint16(8, 4, true);
      view.setInt32(12, 8, true);
      view.setUint32(16, 12, true); // the vector at 28
      view.setUint16(20, 4, true); // the item's vtable at 20, the item at 24
      view.setUint16(22, 4, true);
      view.setInt32(24, 4, true);
      view.setUint32(28, items, true);
      // Offsets have no sign: this one leads past the end, and the item must follow the vector.
      view.setInt32(32 + 4 * items, 32 + 4 * items - 20, true);
      for (let i = 0; i < items; i++) view.setUint32(32 + 4 * i, 4 * (items - i), true);
      return new Uint8Array(view.buffer);
    };
    expect(decode(plan, record(8))).toMatchObject({ status: STATUS.fits });
    expect(decode(plan, record(8)).bytes).toBeGreaterThan(8 * 8 * fields);
    expect(decode(plan, record(10_000))).toMatchObject({ status: STATUS.broken });
  });

  it("put small defaults into memory that grew for them", () => {
    const plan = (width: number): RecordPlan => ({
      encoding: "flatbuffer",
      columns: Int32Array.of(COLUMN.fixed, width, 0),
      code: Int32Array.of(1, -1, 0, 6, 4, FLAT.scalar, 0, width, 0, 0, 0x0203, 0),
    });
    // A table without fields: its vtable at 4, itself at 8.
    const record = Uint8Array.of(8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0);
    expect([...decode(plan(1), record).columns.buffers[1]]).toEqual([3]);
    expect([...decode(plan(2), record).columns.buffers[1]]).toEqual([3, 2]);
  });
});
