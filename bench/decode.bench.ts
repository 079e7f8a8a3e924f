/**
 * Decoding alone: 2 M rows of 7 columns in LZ4 batches of 64 k rows, in memory, by the engines and by apache-arrow (with
 * lz4js as its codec: it brings none). Then one buffer after another by LZ4 and by ZSTD.
 */
import {
  type Codec,
  compressionRegistry,
  CompressionType,
  type RecordBatch,
  RecordBatchReader,
} from "apache-arrow";
import lz4js from "lz4js";
import process from "node:process";
import { columnsFrom } from "../src/arrow/columns_from.ts";
import { encodeSchemaMessage, END_OF_STREAM } from "../src/arrow/encode.ts";
import { rowClass } from "../src/arrow/row_view.ts";
import type { NumberVector, Utf8Vector } from "../src/arrow/vector.ts";
import { type OpenBatch, openBatch } from "../src/arrow/stored_batch.ts";
import { sealBatch } from "../src/arrow/seal_batch.ts";
import type { Engine } from "../src/engine.ts";
import { defineOntology, float64, int64, utf8 } from "../mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { random } from "./data.ts";
import { loadEngines } from "./engines.ts";

const ROWS = 2_000_000;
const BATCH_ROWS = 1 << 16;

interface Row {
  count: bigint;
  volts: number;
  amperes: number;
  kelvin: number;
  unit: string;
  state: string;
}

const { fields: data } = defineOntology("Row", {
  count: int64(),
  volts: float64(),
  amperes: float64(),
  kelvin: float64(),
  unit: utf8(),
  state: utf8(),
});
const { fields: [time] } = defineOntology("Stamp", { timestamp_: int64() });
const fields = [{ ...time, name: "timestamp_ns" }, ...data];
const engines = await loadEngines();
const messages = makeMessages(engines[0]);
const file = concat([encodeSchemaMessage({ fields, metadata: new Map() }), ...messages, END_OF_STREAM]);

const codec: Codec = {
  // apache-arrow hands in the frame and wants what it finds behind its own length field.
  decode: (bytes) => lz4js.decompress(bytes, rawLengthOf(bytes)),
};
compressionRegistry.set(CompressionType.LZ4_FRAME, codec);

const times = sumTimes(engines[0]);
const all = sumColumns(engines[0]);
const rows = sumRows(engines[0]);
await compare([
  ...cases("one column of seven", sumTimesByArrow, sumTimes, times),
  ...cases("all columns", sumColumnsByArrow, sumColumns, all),
  ...cases("every field of every row", sumRowsByArrow, sumRows, rows),
  ...zstdCases(),
]);

function cases(
  name: string,
  byArrow: () => number,
  byEngine: (engine: Engine) => number,
  sum: number,
): Case[] {
  const rival = `${name}/apache-arrow`;
  return [
    { name: rival, count: ROWS, run: () => check("sum", byArrow(), sum) },
    ...engines.map((engine): Case => ({
      name: `${name}/smalti ${engine.name}`,
      count: ROWS,
      rival,
      run: () => check("sum", byEngine(engine), sum),
    })),
  ];
}

/** The same columns by LZ4 and by ZSTD, where the runtime can write ZSTD. */
function zstdCases(): Case[] {
  const { zstdCompressSync } = process.getBuiltinModule("node:zlib") as {
    zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
  };
  if (!zstdCompressSync) return [];
  const next = random(3);
  const raw = new Uint8Array(
    Float64Array.from({ length: BATCH_ROWS }, (_, i) => Math.round(1000 * Math.sin(i / 500) + 3 * next()) / 8)
      .buffer,
  );
  const [lz4, zstd] = [engines[0].compress(raw)!.slice(), zstdCompressSync(raw)];
  const repeat = 50;
  return engines.flatMap((engine) =>
    (["lz4", "zstd"] as const).map((codec): Case => ({
      name: `decompress ${codec}/smalti ${engine.name}`,
      count: repeat * BATCH_ROWS,
      rival: `decompress lz4/smalti ${engine.name}`,
      run: () => {
        for (let i = 0; i < repeat; i++) {
          const bytes = engine.decompress(codec, codec === "lz4" ? lz4 : zstd, raw.length);
          check("byte", bytes[raw.length - 1], raw[raw.length - 1]);
        }
      },
    }))
  );
}

function makeMessages(engine: Engine): Uint8Array[] {
  const next = random(7);
  const result: Uint8Array[] = [];
  for (let from = 0; from < ROWS; from += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, ROWS - from);
    const column = <T>(value: (i: number) => T): T[] => Array.from({ length }, (_, i) => value(from + i));
    // As sensors give them: in steps of their resolution.
    const stepped = (scale: number) =>
      Float64Array.from(
        { length },
        (_, i) => Math.round(scale * (Math.sin((from + i) / 500) + 0.01 * next())) / 16,
      );
    const columns = columnsFrom(fields, length, {
      timestamp_ns: BigInt64Array.from(column((i) => 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n)),
      count: BigInt64Array.from(column((i) => BigInt(i))),
      volts: stepped(200),
      amperes: stepped(30),
      kelvin: stepped(5000),
      unit: column(() => ["front", "rear", "left"][Math.floor(3 * next())]),
      state: column(() => next() < 0.2 ? "changing" : "steady"),
    });
    // In a buffer that is not used again when a batch gives it back.
    result.push(sealBatch(engine, columns).message.slice());
  }
  return result;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function* open(engine: Engine): Generator<OpenBatch> {
  for (const message of messages) {
    const batch = openBatch(engine, message, { fields, where: {}, mayReuse: true });
    yield batch;
    // As a stream of columns does.
    batch.giveBack();
  }
}

/** Low words: making bigints would be most of the cost, for all alike. */
function sumLowWords({ buffer, byteOffset, length }: ArrayBufferView & { length: number }): number {
  const words = new Int32Array(buffer, byteOffset, 2 * length);
  let sum = 0;
  for (let i = 0; i < words.length; i += 2) sum += words[i];
  return sum;
}

function sumTimes(engine: Engine): number {
  let sum = 0;
  for (const { times } of open(engine)) sum += sumLowWords(times);
  return sum;
}

function sumColumns(engine: Engine): number {
  let sum = 0;
  for (const { rows, table } of open(engine)) {
    table.loadAll();
    const { children } = table;
    for (const column of [2, 3, 4]) {
      const values = (children[column] as NumberVector).values as Float64Array;
      for (let i = 0; i < rows; i++) sum += values[i];
    }
    sum += sumLowWords((children[1] as NumberVector).values);
    for (const column of [5, 6]) {
      const { data, offsets } = children[column] as Utf8Vector;
      for (let i = 0; i < rows; i++) sum += data[offsets[i] as number];
    }
  }
  return sum;
}

function sumRows(engine: Engine): number {
  const Row = rowClass(data);
  let sum = 0;
  for (const { rows, table } of open(engine)) {
    const columns = table.children.slice(1);
    for (let i = 0; i < rows; i++) sum += sumRow(new Row(columns, i) as unknown as Row);
  }
  return sum;
}

function sumRow({ count, volts, amperes, kelvin, unit, state }: Row): number {
  return Number(count) + volts + amperes + kelvin + unit.length + state.length;
}

function openByArrow(): Iterable<RecordBatch> {
  return RecordBatchReader.from(file) as Iterable<RecordBatch>;
}

function sumTimesByArrow(): number {
  let sum = 0;
  for (const { data } of openByArrow()) sum += sumLowWords(data.children[0].values as BigInt64Array);
  return sum;
}

function sumColumnsByArrow(): number {
  let sum = 0;
  for (const { data: { children }, numRows } of openByArrow()) {
    for (const column of [2, 3, 4]) {
      const values = children[column].values as Float64Array;
      for (let i = 0; i < numRows; i++) sum += values[i];
    }
    sum += sumLowWords(children[1].values as BigInt64Array);
    for (const column of [5, 6]) {
      const { values, valueOffsets } = children[column];
      for (let i = 0; i < numRows; i++) sum += values[valueOffsets[i]];
    }
  }
  return sum;
}

function sumRowsByArrow(): number {
  let sum = 0;
  for (const batch of openByArrow()) {
    for (let i = 0; i < batch.numRows; i++) sum += sumRow(batch.get(i) as unknown as Row);
  }
  return sum;
}

function rawLengthOf(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset - 8, 8).getBigInt64(0, true));
}
