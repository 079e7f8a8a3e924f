import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { vectorsOf } from "../../src/arrow/rearrange.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { formatOf } from "../../src/import/formats.ts";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import { decimalToNs } from "../../src/import/message_time.ts";
import type { ImportOptions } from "../../src/import/import_options.ts";
import type { ImportReport } from "../../src/import/import_report.ts";
import { ColumnTimes } from "../../src/import/tables/time_column.ts";

const context = { engine: createCodecs(loadNativeCodecs()) };

/** Files of many types that pyarrow 26 wrote, and what it reads of them: temporal values as integers, decimals as text. */
const FILES = new URL("../fixtures/tables/", import.meta.url);
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FILES)));
const expected = JSON.parse(readFileSync(new URL("expected.json", FILES), "utf8")) as {
  parquet: Record<string, unknown>[];
  arrow: Record<string, unknown>[];
};

const importers = { parquet: importParquet, arrow: importArrow, arrows: importArrow };

type Options = Partial<ImportOptions> & { topic?: string; maxRecordBytes?: number };

/** A source whose ranges can be read, and whose chunks are small. */
function sourceOf(bytes: Uint8Array, name: string): ByteSource {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.slice(at, at + 1000);
  }
  return {
    name,
    sizeBytes: bytes.length,
    chunks: chunks(),
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
  };
}

interface Imported {
  readonly report: ImportReport;
  readonly rows: { timestamp_ns: string; topic: string; data: Record<string, unknown> }[];
  readonly metadata: Record<string, unknown>;
}

async function importAll(
  sources: ByteSource | ByteSource[],
  options: Options = {},
  engine: "js" | "wasm" = "js",
): Promise<Imported> {
  await using client = await connect("memory:", { engine });
  const [{ name }] = [sources].flat();
  const importer = importers[name!.split(".").at(-1) as keyof typeof importers];
  const report = await importer(client, sources, { name: "s", ...options });
  const handler = await client.sequenceHandler("s");
  const rows = [];
  for await (const [, message] of handler.getDataStreamer()) rows.push(JSON.parse(jsonLine(message)));
  const [{ metadata }] = handler.topics;
  return { report, rows, metadata };
}

const importFile = (name: string, options: Options = {}, engine: "js" | "wasm" = "js") =>
  importAll(sourceOf(bytesOf(name), name), options, engine);

describe.each(["wasm", "js"] as const)("engine %s", (engine) => {
  it.each([
    "types.snappy.parquet",
    "types.gzip.parquet",
    "types.brotli.parquet",
    "types.lz4.parquet",
    "types.v2page.parquet", // ZSTD is in the files of formats.test.ts
    "types.nocompl.parquet",
    "types.lz4.arrow",
    "types.zstd.arrow",
    "types.delta.arrows",
    "types.v4.arrows",
  ])("reads every type of %s as pyarrow does", async (file) => {
    const { rows } = await importFile(file, { time: "t" }, engine);
    const isWide = file.includes(".arrow") && !file.includes("v4");
    expect(rows.map(({ data }) => data)).toEqual(isWide ? expected.arrow : expected.parquet);
    expect(rows.map(({ timestamp_ns }) => timestamp_ns)).toEqual(rows.map(({ data }) => data.t));
  });
});

it("reads INT96 as nanoseconds, exactly", async () => {
  const { rows } = await importFile("types.int96.parquet");
  expect(rows[0]).toMatchObject({
    timestamp_ns: "1700000000123456789",
    data: { t: "1700000000123456789", us: "1700000000123456000" },
  });
});

it("says of columns in encodings what they were", async () => {
  await using client = await connect("memory:");
  await importArrow(client, sourceOf(bytesOf("types.lz4.arrow"), "a.arrow"), { name: "s" });
  const { fields } = await client.topicHandler("s", "a");
  const encodings = fields.map(({ name, metadata }) => [name, metadata?.["smalti:arrow_type"]]);
  expect(encodings.filter(([, encoding]) => encoding)).toEqual([
    ["dict", "dictionary[int32]"],
    ["lv", "list_view"],
    ["sv", "utf8_view"],
    ["ree", "run_end_encoded[int32]"],
  ]);
});

it.each([
  ["union.arrows", 'Arrow field "odd" is a union'],
  ["interval.arrows", 'Arrow field "odd" is an interval'],
])("refuses %s by name", async (file, text) => {
  await expect(importFile(file)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining(text),
  });
});

describe("the time of a table", () => {
  it("is the first timestamp, in its unit", async () => {
    const { rows, metadata } = await importFile("types.v4.arrows");
    expect(rows[0].timestamp_ns).toBe("1700000000123456789");
    expect(metadata["table.time"]).toEqual({ column: "t", unit: "ns", unit_by: "type" });
  });

  it("is the column that is named, whose numbers count the unit that is given", async () => {
    const { rows } = await importFile("types.snappy.parquet", { time: "u32", timeUnit: "s" });
    expect(rows.at(-1)).toMatchObject({ timestamp_ns: "4294967295000000000", data: { req: 0 } });
  });

  it("is told by the size of numbers otherwise", async () => {
    const { rows, metadata } = await importFile("types.snappy.parquet", { time: "u32" });
    expect(rows.at(-1)!.timestamp_ns).toBe("4294967295000000000");
    expect(metadata["table.time"]).toEqual({ column: "u32", unit: "s", unit_by: "size" });
  });

  it("may lie within structs", async () => {
    const { rows } = await importFile("types.snappy.parquet", { time: "reqs.v", timeUnit: "ms" });
    expect(rows[1]).toMatchObject({ timestamp_ns: "500000", data: { reqs: { v: 0.5 } } });
  });

  it("is missing in a row: that is an error, and with salvage the row is left out", async () => {
    const time = { time: "i8", timeUnit: "s" } as const;
    await expect(importFile("types.lz4.arrow", time)).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
      message: expect.stringContaining('row 3: its time, column "i8", is missing'),
    });
    const { report, rows } = await importFile("types.lz4.arrow", { ...time, salvage: true });
    expect(report.flawCounts).toEqual({ time: 2 });
    expect(rows.map(({ data }) => data.req)).toEqual([6, 4, 3, 1, 0]);
  });

  it("has to be there: the error lists the columns", async () => {
    const wrong = importFile("types.int96.parquet", { time: "stamp" });
    await expect(wrong).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('no column "stamp", only "t", "us", "f64", "s", "l", "dec"'),
    });
  });
});

it("files of one name and schema are one topic, numbered on", async () => {
  const [a, b] = ["a/imu.1.parquet", "b/imu.2.parquet"].map((name) => {
    return sourceOf(bytesOf("types.snappy.parquet"), name);
  });
  const { report, rows } = await importAll([a, b], { envelope: true, time: "t" });
  expect(report.topics).toEqual([{
    name: "imu",
    sourceName: "imu",
    messageCount: 14,
    misfitCount: 0,
  }]);
  expect(report.files.map(({ messageCount }) => messageCount)).toEqual([7, 7]);
  expect(rows.map(({ data }) => data._index)).toEqual([0, 7, 1, 8, 2, 9, 3, 10, 4, 11, 5, 12, 6, 13]);
});

describe("files that are cut or damaged", () => {
  it.each(["types.lz4.arrow", "types.delta.arrows"])(
    "keeps the batches of %s before its end",
    async (file) => {
      const whole = bytesOf(file);
      const cut = sourceOf(whole.subarray(0, whole.length * 0.7), file);
      const { report, rows } = await importAll(cut, { salvage: true, time: "t" });
      expect(report.flawCounts).toEqual({ cut: 1 });
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.map(({ data }) => data)).toEqual(expected.arrow.slice(0, rows.length));
      const again = sourceOf(whole.subarray(0, whole.length * 0.7), file);
      await expect(importAll(again, { time: "t" })).rejects.toMatchObject({ code: "CORRUPT" });
    },
  );

  it("says that nothing is read of a Parquet file without its end", async () => {
    const cut = sourceOf(bytesOf("types.snappy.parquet").slice(0, -100), "a.parquet");
    const text = expect.stringContaining("does not end with PAR1");
    await expect(importAll(cut, { salvage: true })).rejects.toMatchObject({ code: "CORRUPT", message: text });
  });

  it("leaves out the row groups that are damaged", async () => {
    const bytes = bytesOf("types.gzip.parquet");
    bytes.fill(0xff, 10, 400); // in the first group's first columns
    const { report, rows } = await importAll(sourceOf(bytes, "a.parquet"), { salvage: true, time: "t" });
    expect(report.flawCounts).toEqual({ row_group: 1 });
    expect(rows.map(({ data }) => data)).toEqual(expected.parquet.slice(3));
  });

  it("bounds what a row group, a batch or a stream takes", async () => {
    for (const file of ["types.snappy.parquet", "types.lz4.arrow"]) {
      await expect(importFile(file, { maxRecordBytes: 5000 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    }
    const { chunks } = sourceOf(bytesOf("types.snappy.parquet"), "");
    const stream = { name: "a.parquet", chunks };
    await expect(importAll(stream, { maxRecordBytes: 5000 })).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  /** Whatever a file claims, it is read or refused, by an error of ours and soon. */
  it.each(["types.v2page.parquet", "types.snappy.parquet", "types.delta.arrows", "types.zstd.arrow"])(
    "ends with an error of smalti's where bytes of %s are others",
    async (file) => {
      const whole = bytesOf(file);
      let seed = 7;
      const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
      await using client = await connect("memory:");
      const importer = importers[file.split(".").at(-1) as keyof typeof importers];
      for (let i = 0; i < 60; i++) {
        const bytes = whole.slice();
        for (let change = 0; change <= random(3); change++) bytes[random(bytes.length)] = random(256);
        const options = { name: `s${i}`, salvage: i % 2 === 0, maxRecordBytes: 2 ** 24 };
        const failed = await importer(client, sourceOf(bytes, file), options).then(() => undefined, (e) => e);
        if (failed) expect([i, failed.name, failed.code]).not.toContain("INTERNAL");
        if (failed) expect([i, failed.stack, failed.name]).toEqual([i, failed.stack, "SmaltiError"]);
      }
    },
  );
});

it("knows tables by their beginning", async () => {
  const names = ["types.snappy.parquet", "types.lz4.arrow", "types.delta.arrows", "types.v4.arrows"];
  const found = await Promise.all(names.map(async (name) => {
    return (await formatOf([sourceOf(bytesOf(name), name)], context)).format.name;
  }));
  expect(found).toEqual(["Parquet file", "Arrow file", "Arrow file", "Arrow file"]);
});

it("a time of float64 is what its shortest text says", () => {
  const values = Float64Array.of(
    1700000000.123456,
    1700000000.1234567,
    0.1,
    -2.5,
    4e15 / 1e6,
    1e-9,
    123456789,
  );
  const field = { name: "t", type: { kind: "float", bits: 64 }, nullable: false, children: [] } as const;
  const columns = {
    rows: values.length,
    nodes: [values.length, 0],
    buffers: [new Uint8Array(0), new Uint8Array(values.buffer)],
  };
  const { children } = vectorsOf([field], columns);
  const { times } = new ColumnTimes([field], { index: 0, within: [] }, "s").read(children);
  expect([...times]).toEqual([...values].map((value) => decimalToNs(String(value), "s")));
});

it("refuses pages whose blocks lead backwards, where hyparquet would never end", async () => {
  await expect(importFile("backwards.parquet", { time: "t" })).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining("it has a page whose"),
  });
});
