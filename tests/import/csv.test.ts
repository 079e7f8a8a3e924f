import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import { separatorOf } from "../../src/import/csv/csv_reader.ts";
import { importCsv, type ImportCsvOptions } from "../../src/import/csv/import_csv.ts";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { formatOf } from "../../src/import/formats.ts";
import { uniqueNames } from "../../src/import/tables/table_topics.ts";

const context = { engine: createCodecs(loadNativeCodecs()) };

const utf8 = new TextEncoder();

/** A file in parts of so many bytes. */
function fileOf(content: string | Uint8Array, name = "log.csv", partBytes = 7): ByteSource {
  const bytes = typeof content === "string" ? utf8.encode(content) : content;
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) yield bytes.slice(at, at + partBytes);
  }
  return {
    name,
    sizeBytes: bytes.length,
    chunks: { [Symbol.asyncIterator]: parts },
    isRepeatable: true,
  };
}

/** The same, read once. */
const pipeOf = (content: string): ByteSource => ({
  ...fileOf(content, undefined, 1000),
  isRepeatable: false,
});

async function importAll(source: ByteSource | ByteSource[], options: Partial<ImportCsvOptions> = {}) {
  await using client = await connect("memory:");
  const report = await importCsv(client, source, { name: "s", ...options });
  const handler = await client.sequenceHandler("s");
  const rows: { timestamp_ns: string; topic: string; data: Record<string, unknown> }[] = [];
  for await (const [, message] of handler.getDataStreamer()) rows.push(JSON.parse(jsonLine(message)));
  const topics = await Promise.all(handler.topics.map(({ name }) => client.topicHandler("s", name)));
  const types = topics.map(({ fields }) =>
    Object.fromEntries(
      fields.slice(fields[0].name === "timestamp_ns" ? 1 : 0).map(({ name, type }) => {
        return [name, type.kind === "int" ? (type.signed ? "int64" : "uint64") : type.kind];
      }),
    )
  );
  return { report, rows, types, metadata: topics[0]?.metadata, data: rows.map(({ data }) => data) };
}

const importText = (text: string, options?: Partial<ImportCsvOptions>) => importAll(fileOf(text), options);

describe("columns", () => {
  it("are of the type that all their cells have", async () => {
    const text = "t,int,large,float,odd,text,empty,late\n" +
      "1,1,18446744073709551615,1,nan,x,,1\n" +
      "2, -9223372036854775808 ,1,.5e1,-inf,true,, 2\n" +
      '3,,0,-2.,1e400," a, ""b""\n c ",,3.5\n';
    const { types, data } = await importText(text);
    expect(types).toEqual([{
      t: "int64",
      int: "int64",
      large: "uint64",
      float: "float",
      odd: "float",
      text: "utf8",
      empty: "utf8",
      late: "float",
    }]);
    expect(data).toEqual([
      { t: 1, int: 1, large: "18446744073709551615", float: 1, odd: "NaN", text: "x", empty: null, late: 1 },
      {
        t: 2,
        int: "-9223372036854775808",
        large: 1,
        float: 5,
        odd: "-Infinity",
        text: "true",
        empty: null,
        late: 2,
      },
      { t: 3, int: null, large: 0, float: -2, odd: "Infinity", text: 'a, "b"\n c', empty: null, late: 3.5 },
    ]);
  });

  it("of integers are text where no type holds them all, or float64 where that is asked for", async () => {
    const text = "t,a,b\n1,18446744073709551616,18446744073709551615\n2,1,-1\n";
    expect((await importText(text)).types[0]).toEqual({ t: "int64", a: "utf8", b: "utf8" });
    const numbers = await importText("t,a\n1,9007199254740993\n", { integers: "number" });
    expect(numbers.data).toEqual([{ t: 1, a: 9007199254740992 }]);
  });

  it("are called as the header says, each once", async () => {
    const { data } = await importText("t,a,a,,_row\n1,2,3,4,5\n");
    expect(data).toEqual([{ t: 1, a: 2, a_2: 3, column_4: 4, _row_2: 5 }]);
  });

  it("have numbers where there is no header", async () => {
    const { data } = await importText("5;1.5\n6;2.5\n", { time: "column_1", timeUnit: "s" });
    expect(data).toEqual([{ column_1: 5, column_2: 1.5 }, { column_1: 6, column_2: 2.5 }]);
    const named = await importText("2019,2020\n1,2\n", { header: true, time: "2019" });
    expect(named.data).toEqual([{ 2019: 1, 2020: 2 }]);
  });

  it.each([
    ["comma, CRLF, and no line end at the end", 't,a\r\n1,"x"\r\n2,y'],
    ["semicolon", "t;a\n1;x\n2;y\n"],
    ["tab", "t\ta\n1\tx\n2\ty\n"],
    ["bar, and CR alone", "t|a\r1|x\r2|y\r"],
    ["a byte order mark, and empty lines", "\uFEFFt,a\n\n1,x\n\n2,y\n\n"],
    ["a line that says the separator", "sep=;\nt;a\n1;x\n2;y\n"],
  ])("are told apart by %s", async (_, text) => {
    expect((await importText(text)).data).toEqual([{ t: 1, a: "x" }, { t: 2, a: "y" }]);
  });

  it("may be in UTF-16", async () => {
    const units = Uint16Array.from("\uFEFFt,a\n1,ä\n", (letter) => letter.charCodeAt(0));
    const { data } = await importAll(fileOf(new Uint8Array(units.buffer)));
    expect(data).toEqual([{ t: 1, a: "ä" }]);
  });

  it("tells the separator by lines that have it equally often", () => {
    expect(separatorOf("a;b,c;d\n1,5;2;3,5\n")).toBe(";");
    expect(separatorOf('"a;b;c;d",x\n"e;f",y\n')).toBe(",");
  });
});

describe("the time", () => {
  it.each([
    ["1700000000.123456789", "1700000000123456789", "s"],
    ["1700000000123.456789", "1700000000123456789", "ms"],
    ["1700000000123456.789", "1700000000123456789", "us"],
    ["1700000000123456789", "1700000000123456789", "ns"],
    ["1.7e9", "1700000000000000000", "s"],
    ["+.5", "500000000", "s"],
    ["-3.", "-3000000000", "s"],
  ])("of %s is %s, never by way of a float64", async (text, ns, unit) => {
    const { rows, metadata } = await importText(`time,a\n${text},1\n`);
    expect(rows[0].timestamp_ns).toBe(ns);
    expect(metadata["table.time"]).toEqual({ column: "time", unit, unit_by: "size" });
  });

  it("counts the unit that is given, in the column that is named", async () => {
    const { rows, metadata } = await importText("time,clock\n1,2.000001\n", {
      time: "clock",
      timeUnit: "ms",
    });
    expect(rows[0]).toMatchObject({ timestamp_ns: "2000001", data: { time: 1, clock: 2.000001 } });
    expect(metadata["table.time"]).toEqual({ column: "clock", unit: "ms", unit_by: "option" });
  });

  it("is told by the largest of all numbers", async () => {
    const { rows } = await importText("__time,a\n0,1\n1700000000000,2\n");
    expect(rows.map(({ timestamp_ns }) => timestamp_ns)).toEqual(["0", "1700000000000000000"]);
  });

  it("is timestamp_ns itself, which is no column beside", async () => {
    const { rows } = await importText("a,timestamp_ns\n1,17\n");
    expect(rows).toEqual([expect.objectContaining({ timestamp_ns: "17", data: { a: 1 } })]);
    const other = await importText("at,timestamp_ns\n1,17\n", { time: "at", timeUnit: "ns" });
    expect(other.rows).toEqual([
      expect.objectContaining({ timestamp_ns: "1", data: { at: 1, _log_time_ns: 17 } }),
    ]);
  });

  it.each([
    ["2023-11-14T22:13:20.123456789Z", "1700000000123456789"],
    ["2023-11-14 23:13:20+01:00", "1700000000000000000"],
    ["11/14/2023 22:13:20.5", "1700000000500000000"],
    ["14/11/2023, 10:13:20 PM", "1700000000000000000"],
    ["14.11.2023 22:13:20", "1700000000000000000"],
  ])("of %s is %s", async (text, ns) => {
    const { rows } = await importText(`Datetime;a\n${text};1\n`);
    expect(rows[0]).toMatchObject({ timestamp_ns: ns, data: { Datetime: text } });
  });

  it("has to show which is the month", async () => {
    await expect(importText("time;a\n01/02/2023;1\n")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('column "time" has dates of which none shows'),
    });
  });

  it("has to be there: the error lists the columns", async () => {
    await expect(importText("when,a\n1,2\n")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('its columns are "when", "a"'),
    });
  });

  it("is missing in a row: that is an error, and with salvage the row is left out", async () => {
    const text = "t,a\n1,1\nx,2\n,3\n9e99,4\n5,5\n";
    await expect(importText(text)).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
      message: expect.stringContaining('row 2: its time, column "t", is "x"'),
    });
    const { report, data } = await importText(text, { salvage: true, timeUnit: "s" });
    expect(data.map(({ a }) => a)).toEqual([1, 5]);
    expect(report.flaws.map(({ kind, lost }) => [kind, lost])).toEqual(Array(3).fill(["time", "1 row"]));
  });
});

describe("rows that do not fit", () => {
  it("are ragged: what is missing is null, what is more is kept as text", async () => {
    const { report, data } = await importText('t,a\n1\n2,3,"4,5",6\n3,4,,\n');
    expect(data).toEqual([
      { t: 1, a: null, _row: null },
      { t: 2, a: 3, _row: '2,3,"4,5",6' },
      { t: 3, a: 4, _row: null },
    ]);
    expect(report.flaws.map(({ kind, message }) => [kind, message])).toEqual([
      ["ragged", "row 1 has 1 cells, and there are 2 columns"],
      ["ragged", "row 2 has 4 cells, and there are 2 columns"],
    ]);
    expect(report.topics[0].misfitCount).toBe(1);
  });

  it("come in a pipe after types were told by the first rows", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${i === 15_000 ? "x" : i}`);
    const { report, data, types } = await importAll(pipeOf(`t,a\n${rows.join("\n")}\n`));
    expect(types).toEqual([{ t: "int64", a: "int64", _row: "utf8" }]);
    expect(data.length).toBe(20_000);
    expect(data[15_000]).toEqual({ t: 15_000, a: null, _row: "15000,x" });
    expect(data.filter(({ _row }) => _row !== null).length).toBe(1);
    expect(report.topics[0].misfitCount).toBe(1);
  });

  it("come in a pipe in parts of any size", async () => {
    const text = `t,a\n${Array.from({ length: 1200 }, (_, i) => `${i},${i < 1100 ? i : "x"}`).join("\n")}\n`;
    const read = async (size: number) => {
      const { types, data } = await importAll({ ...fileOf(text, "log.csv", size), isRepeatable: false });
      return { types, data };
    };
    const small = await read(100);
    expect(small.types[0].a).toBe("int64");
    expect(await read(1 << 20)).toEqual(small);
  });

  it("have a quote that does not end", async () => {
    const text = 't,a\n1,x\n2,"y\n3,z\n';
    await expect(importText(text)).rejects.toMatchObject({
      code: "CORRUPT",
      message: expect.stringContaining("begins a quote that does not end"),
    });
    const { report, data } = await importText(text, { salvage: true });
    expect(data).toEqual([{ t: 1, a: "x" }]);
    expect(report.flawCounts).toEqual({ quotes: 1 });
  });

  it("are too long", async () => {
    const text = `t,a\n1,"${"x".repeat(200_000)}"\n`;
    const file = fileOf(text, "log.csv", 10_000);
    await expect(importAll(file, { maxRecordBytes: 100_000 })).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("are no text", async () => {
    const bytes = Uint8Array.from([...utf8.encode("t,a\n1,"), 0xff, ...utf8.encode("\n2,b\n")]);
    await expect(importAll(fileOf(bytes))).rejects.toMatchObject({ code: "CORRUPT" });
    const { report, data } = await importAll(fileOf(bytes), { salvage: true });
    expect(data.map(({ t }) => t)).toEqual([1, 2]);
    expect(report.flawCounts).toEqual({ text: 1 });
  });
});

it("text that is damaged is the same wherever the file is cut into parts", async () => {
  const bytes = Uint8Array.from([
    ...utf8.encode("t,a\n1,x"),
    0xf0,
    0x9f,
    0x98,
    ...utf8.encode("y\n2,\u00e9\n"),
  ]);
  for (let size = 1; size < 12; size++) {
    const { data, report } = await importAll(fileOf(bytes, "log.csv", size), { salvage: true });
    expect(data).toEqual([{ t: 1, a: "x\ufffdy" }, { t: 2, a: "\u00e9" }]);
    expect(report.flawCounts).toEqual({ text: 1 });
  }
});

// The square of these lengths would take hours.
it("cells and names of any length and number are looked at once", async () => {
  const digits = "9".repeat(1_000_000);
  const whole = (text: string) => fileOf(text, "log.csv", 1 << 20);
  const { types, data } = await importAll(whole(`t,a\n1,${digits}x\n`));
  expect([types[0].a, data[0].a === `${digits}x`]).toEqual(["utf8", true]);
  const date = `1/20/2021${" ".repeat(1_000_000)}\n`;
  const { report } = await importAll(whole(`t,a\n"${date}x",1\n1/20/2021,2\n`), { salvage: true });
  expect(report.flawCounts).toEqual({ time: 1 });
  const names = uniqueNames(["a", ...new Array<string>(200_000).fill("a"), "a_2"]);
  expect([names.at(-2), names.at(-1)]).toEqual(["a_200001", "a_2_2"]);
});

it("a cell is the same wherever the file is cut into parts", async () => {
  const text = 'time,a,"b ""c"""\r\n1.5,"é\r\n;",\r\n2.5, ü ,"x,y"\r\n';
  const whole = (await importAll(fileOf(text, "log.csv", 1000))).rows;
  expect(whole.map(({ data }) => data)).toEqual([
    { time: 1.5, a: "é\r\n;", 'b "c"': null },
    { time: 2.5, a: "ü", 'b "c"': "x,y" },
  ]);
  for (let size = 1; size < 20; size++) {
    expect((await importAll(fileOf(text, "log.csv", size))).rows).toEqual(whole);
  }
});

it("many rows come in batches, in order, numbered", async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${i % 7 === 0 ? "" : i * 0.5},"row ${i}"`);
  const { data } = await importAll(fileOf(`t,a,b\n${rows.join("\n")}`, "log.csv", 50_000), {
    envelope: true,
  });
  expect(data.length).toBe(20_000);
  data.forEach((row, i) => {
    if (row.t !== i || row._index !== i || row.b !== `row ${i}` || row.a !== (i % 7 === 0 ? null : i * 0.5)) {
      expect([i, row]).toEqual([i, "the row of the file"]);
    }
  });
});

it("files of one name and columns are one topic; the option topic names it", async () => {
  const files = ["x/gps.1.csv", "x/gps.2.csv", "y/imu.csv"].map((name, i) =>
    fileOf(`t,a\n${i},${i}\n`, name)
  );
  const { rows } = await importAll(files, { timeUnit: "s" });
  expect(rows.map(({ topic, data }) => [topic, data.a])).toEqual([["gps", 0], ["gps", 1], ["imu", 2]]);
  const named = await importAll(files, { timeUnit: "s", topic: "all" });
  expect(named.rows.map(({ topic }) => topic)).toEqual(["all", "all", "all"]);
});

it("a header alone is a topic without rows, and nothing is no CSV", async () => {
  const { report, types } = await importText("t,a\n");
  expect(report.messageCount).toBe(0);
  expect(types).toEqual([{ t: "utf8", a: "utf8" }]);
  await expect(importText("")).rejects.toMatchObject({ code: "CORRUPT" });
});

it.each([
  ["a,b\n1,2\n", "CSV file"],
  ["\uFEFFtime;x\n", "CSV file"],
  ['"a\tb"\tc\n', "CSV file"],
  ['{"a":1,"b":2}\n', "JSON lines"],
])("knows %j by its beginning", async (text, name) => {
  expect((await formatOf([fileOf(text)], context)).format.name).toBe(name);
});

it.each(["[1,2]", "one column\n1,2\n", "a,\u0000b\n"])("takes %j for no CSV", async (text) => {
  await expect(formatOf([fileOf(text)], context)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});
