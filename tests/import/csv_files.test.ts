import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import { importCsv, type ImportCsvOptions } from "../../src/import/csv/import_csv.ts";
import { typeName } from "../../src/schema.ts";

/** A file that can be read twice, or, as a pipe, once. */
function fileOf(content: string, name = "part.csv", isRepeatable = true): ByteSource {
  async function* chunks() {
    yield await Promise.resolve(new TextEncoder().encode(content));
  }
  return { name, chunks: { [Symbol.asyncIterator]: chunks }, isRepeatable };
}

/** Imports files of one topic unless named otherwise; the columns of each topic, and all data. */
async function importAll(files: ByteSource[], options: Partial<ImportCsvOptions> = {}) {
  await using client = await connect("memory:");
  const report = await importCsv(client, files, { name: "s", timeUnit: "s", ...options });
  const handler = await client.sequenceHandler("s");
  const topics: Record<string, Record<string, string>> = {};
  for (const { name } of handler.topics) {
    const { fields } = await client.topicHandler("s", name);
    topics[name] = Object.fromEntries(fields.slice(1).map((field) => [field.name, typeName(field)]));
  }
  const rows: { timestamp_ns: string; data: Record<string, unknown> }[] = [];
  for await (const [, message] of handler.getDataStreamer()) rows.push(JSON.parse(jsonLine(message)));
  return { report, topics, rows, data: rows.map(({ data }) => data) };
}

describe("CSV in several files", () => {
  it("has one topic with types for the cells of all", async () => {
    const { topics, data, report } = await importAll([
      fileOf("t,a,b,c,d\n1,1,1,,18446744073709551615\n"),
      fileOf("t,a,b,c,d\n2,0.5,x,,2\n"),
      fileOf("t,a,b,c,d\n"),
      fileOf("t,a,b,c,d\n3,2,3,7,4\n"),
    ]);
    expect(topics).toEqual({ part: { t: "int64", a: "float64", b: "utf8", c: "int64", d: "uint64" } });
    expect(data).toEqual([
      { t: 1, a: 1, b: "1", c: null, d: "18446744073709551615" },
      { t: 2, a: 0.5, b: "x", c: null, d: 2 },
      { t: 3, a: 2, b: "3", c: 7, d: 4 },
    ]);
    expect(report.files.map(({ messageCount }) => messageCount)).toEqual([1, 1, 0, 1]);
  });

  it("keeps rows that are too long in any of them", async () => {
    const { topics, data } = await importAll([fileOf("t,a\n1,x\n"), fileOf("t,a\n2,y,more\n")]);
    expect(topics).toEqual({ part: { t: "int64", a: "utf8", _row: "utf8" } });
    expect(data).toEqual([{ t: 1, a: "x", _row: null }, { t: 2, a: "y", _row: "2,y,more" }]);
  });

  it("has times of one unit and one order of month and day", async () => {
    const units = await importAll([fileOf("t\n0.5\n"), fileOf("t\n1700000000000\n")], {
      timeUnit: undefined,
    });
    expect(units.rows.map(({ timestamp_ns }) => timestamp_ns)).toEqual(["500000", "1700000000000000000"]);
    const dates = await importAll([fileOf("time,a\n01/02/2021,1\n"), fileOf("time,a\n01/20/2021,2\n")]);
    const days = dates.rows.map(({ timestamp_ns }) => new Date(Number(timestamp_ns) / 1e6).toISOString());
    expect(days).toEqual(["2021-01-02T00:00:00.000Z", "2021-01-20T00:00:00.000Z"]);
  });

  it("has other topics for other columns and other names, which say nothing of each other", async () => {
    const { topics } = await importAll([
      fileOf("t,a\n1,1\n"),
      fileOf("t,b\n2,x\n"),
      fileOf("t,a\n3,x\n", "other.csv"),
    ]);
    expect(topics).toEqual({
      part: { t: "int64", a: "int64" },
      part_2: { t: "int64", b: "utf8" },
      other: { t: "int64", a: "utf8" },
    });
    const named = await importAll([fileOf("t,a\n1,1\n"), fileOf("t,a\n3,x\n", "other.csv")], {
      topic: "all",
    });
    expect(named.topics).toEqual({ all: { t: "int64", a: "utf8" } });
  });

  it("says nothing of types where it comes in a pipe", async () => {
    const { topics, data } = await importAll([fileOf("t,a\n1,1\n"), fileOf("t,a\n2,x\n", "part.csv", false)]);
    expect(topics).toEqual({
      part: { t: "int64", a: "int64" },
      part_2: { t: "int64", a: "utf8", _row: "utf8" },
    });
    expect(data).toEqual([{ t: 1, a: 1 }, { t: 2, a: "x", _row: null }]);
  });

  it("keeps what comes before a file that cannot be imported, which the error names", async () => {
    await using client = await connect("memory:");
    const files = [fileOf("t,a\n1,1\n", "good.csv"), fileOf("x,a\n1,1\n", "bad.csv")];
    await expect(importCsv(client, files, { name: "s", timeUnit: "s" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      rawMessage: expect.stringMatching(/^Cannot import "bad\.csv" \(file 2 of 2\) .*messages 1, topics 1/),
    });
  });
});
