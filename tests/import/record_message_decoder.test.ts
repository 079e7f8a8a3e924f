import { describe, expect, it } from "vitest";
import { copyColumns } from "../../src/arrow/batching.ts";
import type { Columns } from "../../src/arrow/columns.ts";
import { stackColumns } from "../../src/arrow/rearrange.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { Undecodable } from "../../src/import/message_decoder.ts";
import { mostNullBytes, nullBytes } from "../../src/import/records/plan_columns.ts";
import { RecordMessageDecoder } from "../../src/import/records/record_message_decoder.ts";
import { compileRos } from "../../src/import/ros/ros_plan.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { caseRange, Random } from "../support/random_cases.ts";
import { concat } from "./mcap_file.ts";

const options = { engine: createJsEngine(), reserved: [], integers: "bigint" } as const;

/** A message with an array of so many float64, in a list or not. */
function compiled(arrayLength: number, isList: boolean) {
  const items = { type: "float64", name: "items", isArray: true, arrayLength };
  if (!isList) return compileRos([{ definitions: [items] }], "Test", "cdr");
  const list = { type: "T", name: "list", isArray: true, isComplex: true };
  return compileRos([{ definitions: [list] }, { name: "T", definitions: [items] }], "Test", "cdr");
}

/** Decodes what is noted of a piece. */
function decode(decoder: RecordMessageDecoder, piece: Uint8Array, writer: never) {
  options.engine.decodeRecords(piece, [decoder.noted]);
  decoder.decodeNoted(writer, piece);
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

  it("holds columns back until they make a batch, with what does not fit in its row", () => {
    const collected = { bytes: 0 };
    const item = { type: "float64", name: "item" };
    const plan = compileRos([{ definitions: [item] }], "Test", "cdr");
    const decoder = new RecordMessageDecoder(plan, { ...options, collected });
    const batches: Columns[] = [];
    const writer = { pushPrepared: (columns: Columns) => void batches.push(copyColumns(columns)) };
    const isMisfit = (row: number) => row % 1000 === 999 || row === 5000;
    const count = 70_000;
    for (let row = 0; row < count; row++) {
      const message = new Uint8Array(isMisfit(row) ? 5 : 12);
      message[1] = 1;
      if (!isMisfit(row)) new DataView(message.buffer).setFloat64(4, row, true);
      else message[4] = row % 251;
      decoder.push(writer as never, BigInt(row), message, undefined);
    }
    expect(batches.length).toBeLessThan(count / 10_000);
    expect(collected.bytes).toBeGreaterThan(0);
    decoder.flush(writer as never);
    expect(collected.bytes).toBe(0);
    expect(decoder.misfitCount).toBe(71);
    let row = 0;
    for (const { rows, nodes, buffers } of batches) {
      const times = new BigInt64Array(buffers[1].buffer, buffers[1].byteOffset, rows);
      const values = new Float64Array(buffers[3].buffer, buffers[3].byteOffset, rows);
      const offsets = new Int32Array(buffers[5].buffer, buffers[5].byteOffset, rows + 1);
      let misfits = 0;
      const wrong: number[] = [];
      for (let i = 0; i < rows; i++, row++) {
        const isRight = isMisfit(row)
          ? buffers[6][offsets[i] + 4] === row % 251 && (buffers[4][i >> 3] >> (i & 7) & 1) === 1
          : values[i] === row;
        const rawBytes = offsets[i + 1] - offsets[i];
        if (!isRight || times[i] !== BigInt(row) || rawBytes !== (isMisfit(row) ? 5 : 0)) wrong.push(row);
        if (isMisfit(row)) misfits++;
      }
      expect(wrong).toEqual([]);
      expect(nodes).toEqual([rows, 0, rows, misfits, rows, rows - misfits]);
    }
    expect(row).toBe(count);
  });

  const { cases, seed } = caseRange(40);
  it("makes the same of messages that are noted as of those that are pushed, in any mixture", () => {
    const compiled = compileRos(
      [{ definitions: [{ type: "float64", name: "x" }, { type: "string", name: "text" }] }],
      "Test",
      "packed",
    );
    for (let i = 0; i < cases; i++) {
      const random = new Random(seed + i);
      const messages = Array.from({ length: random.below(3000) + 1 }, (_, row) => {
        const text = "ä".repeat(random.below(20));
        const textBytes = new TextEncoder().encode(text);
        const bytes = new Uint8Array(12 + textBytes.length);
        new DataView(bytes.buffer).setFloat64(0, row, true);
        new DataView(bytes.buffer).setUint32(8, textBytes.length, true);
        bytes.set(textBytes, 12);
        return random.below(50) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      });
      const timeNs = (row: number) => 2n ** 62n + BigInt(row) * 1_000_000_007n;
      const collect = (isNoted: (run: number) => boolean) => {
        const decoder = new RecordMessageDecoder(compiled, options);
        const batches: Columns[] = [];
        const writer = {
          pushPrepared: (columns: Columns) => void batches.push(copyColumns(columns)),
        } as never;
        for (let row = 0, run = 0; row < messages.length; run++) {
          const end = Math.min(messages.length, row + 1 + random.below(700));
          const piece = concat(messages.slice(row, end));
          let [at, noted] = [0, 0];
          for (; row < end; row++) {
            const { length } = messages[row];
            const [low, high] = [0n, 32n].map((shift) => Number(timeNs(row) >> shift & 0xffffffffn));
            if (isNoted(run) && decoder.note(at, at + length, low, high) > 0) noted++;
            else {
              // What is noted comes first.
              if (noted > 0) decode(decoder, piece, writer);
              noted = 0;
              decoder.push(writer, timeNs(row), messages[row], undefined);
            }
            at += length;
          }
          if (noted > 0) decode(decoder, piece, writer);
        }
        decoder.flush(writer);
        const whole = stackColumns([TIMESTAMP_FIELD, ...decoder.fields], batches);
        return { whole, misfits: decoder.misfits, count: decoder.misfitCount };
      };
      const pushed = collect(() => false);
      expect(pushed.whole.rows, `seed ${seed + i}`).toBe(messages.length);
      for (const isNoted of [() => true, (run: number) => run % 2 === 0, (run: number) => run % 3 > 0]) {
        expect(collect(isNoted), `seed ${seed + i}`).toEqual(pushed);
      }
    }
  }, 60_000 + 100 * cases);

  it("holds back no more than all decoders may", () => {
    const collected = { bytes: 16 * 2 ** 20 };
    const plan = compileRos([{ definitions: [{ type: "float64", name: "item" }] }], "Test", "cdr");
    const decoder = new RecordMessageDecoder(plan, { ...options, collected });
    let rows = 0;
    const writer = { pushPrepared: (columns: Columns) => void (rows += columns.rows) };
    for (let row = 0; row < 1024; row++) {
      decoder.push(writer as never, 0n, new Uint8Array(12), undefined);
    }
    expect(rows).toBe(1024);
    expect(collected.bytes).toBe(16 * 2 ** 20);
  });

  it("counts a row of nulls with what stands in the place of items", () => {
    expect(nullBytes(compiled(3, false).fields)).toBe(24);
    expect(nullBytes(compiled(3, true).fields)).toBe(4);
    expect(mostNullBytes(compiled(3, true).fields)).toBe(24);
  });
});
