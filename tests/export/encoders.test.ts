import { describe, expect, it } from "vitest";
import { buildVectors } from "../../src/arrow/build_vectors.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { ByteBuilder } from "../../src/export/byte_builder.ts";
import { bindProtobuf } from "../../src/export/messages/protobuf_encoder.ts";
import type { EncodeRow } from "../../src/export/messages/row_encoder.ts";
import { bindSequential } from "../../src/export/messages/sequential_encoder.ts";
import type { CompiledRecords } from "../../src/import/records/plan_columns.ts";
import { isFitting, type RecordColumns, STATUS } from "../../src/record_plan.ts";
import { damaged } from "../contract/records/record_identity.ts";
import { protobufSource } from "../contract/records/protobuf_source.ts";
import type { RecordSource } from "../contract/records/record_sources.ts";
import { rosSource } from "../contract/records/ros_source.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { decodeRows } from "../support/record_rows.ts";

const engine = createJsEngine();
const range = caseRange(300);

const ENCODINGS = {
  cdr: { source: (random: Random) => rosSource(random, "cdr", true), bind: bindSequential },
  ros1: { source: (random: Random) => rosSource(random, "packed", true), bind: bindSequential },
  protobuf: { source: (random: Random): RecordSource => protobufSource(random, true), bind: bindProtobuf },
};

function decoded({ plan }: CompiledRecords, records: readonly Uint8Array[]): RecordColumns {
  const decoder = engine.createRecordDecoder(plan);
  for (const record of records) {
    const job = { decoder, spans: Int32Array.of(0, record.length), statuses: new Uint8Array(1) };
    engine.decodeRecords(record, [job]);
  }
  return decoder.take();
}

function encoder(
  compiled: CompiledRecords,
  { rows, nodes, buffers }: RecordColumns,
  bind: (plan: CompiledRecords["plan"], columns: ReturnType<typeof buildVectors>["children"]) => EncodeRow,
): EncodeRow {
  const shape = {
    rows,
    nodes: Float64Array.from(nodes),
    bufferCount: buffers.length,
    variadic: new Float64Array(0),
  };
  const table = buildVectors(compiled.fields, shape, { buffer: (index) => buffers[index] }, new Map());
  return bind(compiled.plan, table.children);
}

describe.each(Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[])("columns of %s", (encoding) => {
  it("become messages that are decoded to the same columns", () => {
    const { source: sourceOf, bind } = ENCODINGS[encoding];
    let compared = 0;
    for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
      const source = sourceOf(new Random(seed));
      const records = Array.from({ length: 3 }, () => source.record());
      try {
        const encode = encoder(source, decoded(source, records), bind);
        const before = decodeRows(engine, source, records);
        const out = new ByteBuilder(1);
        const made = records.map((_, row) => {
          // Alignment counts from where a message begins, which is anywhere.
          out.zeros(row + 1);
          const start = out.length;
          encode(row, out);
          return out.bytes.slice(start, out.length);
        });
        const after = decodeRows(engine, source, made);
        before.rows.forEach((row, i) => {
          if (!isFitting(before.statuses[i])) return;
          expect(after.statuses[i]).toBe(STATUS.fits);
          expect(after.rows[i]).toEqual(row);
          compared++;
        });
      } catch (reason) {
        throw failedCase(seed, "tests/export/encoders.test.ts", reason);
      }
    }
    expect(compared).toBeGreaterThan(range.cases / 2);
  });
});

describe.each(["cdr", "packed"] as const)("status of %s", (encoding) => {
  it("says whether a record is encoded to its own bytes again", () => {
    const counts = new Map<number, number>();
    for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
      const random = new Random(seed);
      const source = rosSource(random, encoding);
      const valid = Array.from({ length: 3 }, () => source.record());
      const records = [...valid, ...valid.map((record) => damaged(random, record, valid[0]))];
      try {
        const encode = encoder(source, decoded(source, records), bindSequential);
        const { statuses } = decodeRows(engine, source, records);
        statuses.forEach((status, row) => {
          if (!isFitting(status)) return;
          counts.set(status, (counts.get(status) ?? 0) + 1);
          const out = new ByteBuilder(1);
          encode(row, out);
          if (status === STATUS.padded) out.zeros(-out.length & 3);
          const isSame = `${out.written}` === `${records[row]}`;
          expect(isSame, `status ${status}: ${records[row]} became ${out.written}`).toBe(
            status !== STATUS.unusual,
          );
        });
      } catch (reason) {
        throw failedCase(seed, "tests/export/encoders.test.ts", reason);
      }
    }
    if (range.cases < 300) return;
    const wanted = [STATUS.fits, STATUS.unusual, ...encoding === "cdr" ? [STATUS.padded] : []];
    expect([...counts.keys()].sort()).toEqual(wanted);
  });
});
