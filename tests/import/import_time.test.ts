import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import { importBag } from "../../src/import/bag/import_bag.ts";
import { importCsv } from "../../src/import/csv/import_csv.ts";
import { importDb3 } from "../../src/import/db3/import_db3.ts";
import { importJsonLines } from "../../src/import/json_lines/import_json_lines.ts";
import { importMcap, type ImportMcapOptions } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import { importUlog } from "../../src/import/ulog/import_ulog.ts";
import { TimeField, type TimeUnit } from "../../src/import/message_time.ts";
import { chunked, encode, readTopic, writeMcap } from "./mcap_file.ts";

const time = (json: string, unit: TimeUnit = "ns", path = "t") =>
  new TimeField(path, unit, "imu").ofJson(encode(json));

/** Every row is whole: Bun hands a callback of `done` to a test with more parameters than its row has values. */
type Reading = [json: string, ns: bigint, unit: TimeUnit, path: string];

describe("TimeField", () => {
  it.each<Reading>([
    [`{"t":1700000000123456789}`, 1_700_000_000_123_456_789n, "ns", "t"],
    [`{"t":"1700000000123456789"}`, 1_700_000_000_123_456_789n, "ns", "t"],
    [`{"t":-5}`, -5n, "ns", "t"],
    [`{"t":1700000000.123456789}`, 1_700_000_000_123_456_789n, "s", "t"],
    [`{"t":"1700000000.123456789"}`, 1_700_000_000_123_456_789n, "s", "t"],
    [`{"t":-1.5}`, -1_500_000_000n, "s", "t"],
    [`{"t":1700000000123.456789}`, 1_700_000_000_123_456_789n, "ms", "t"],
    [`{"t":1700000000123456.789}`, 1_700_000_000_123_456_789n, "us", "t"],
    [`{"t":0.30000000000000004}`, 300_000_000n, "s", "t"],
    [`{"t":0.29999999999999998}`, 300_000_000n, "s", "t"],
    [`{"t":1.700000000000000001E18}`, 1_700_000_000_000_000_001n, "ns", "t"],
    [`{"t":9223372036854775807}`, 2n ** 63n - 1n, "ns", "t"],
    [`{"t":"2023-11-14T22:13:20.123456789Z"}`, 1_700_000_000_123_456_789n, "s", "t"],
    [`{"t":"2023-11-14T23:13:20+01:00"}`, 1_700_000_000_000_000_000n, "ns", "t"],
    [`{"t":{"sec":1700000000,"nanosec":123456789}}`, 1_700_000_000_123_456_789n, "ns", "t"],
    [`{"t":{"secs":5,"nsecs":6}}`, 5_000_000_006n, "ns", "t"],
    [`{"t":{"seconds":"5"}}`, 5_000_000_000n, "ns", "t"],
    [`{"a":"}{","header":{"x":[{"t":1}],"stamp":{"sec":1,"nsec":2}}}`, 1_000_000_002n, "ns", "header.stamp"],
    [`{"log":7}`, 7n, "ns", ".log"],
    [`{"t":1,"t":2}`, 2n, "ns", "t"],
    [`{"\\u0074":3}`, 3n, "ns", "t"],
    [` { "t" : 4 } `, 4n, "ns", "t"],
  ])("reads %s", (json, ns, unit, path) => {
    expect(time(json, unit, path)).toBe(ns);
  });

  it.each([
    [`{"x":1}`, "INVALID_MESSAGE", "is missing"],
    [`{"t":null}`, "INVALID_MESSAGE", "is null"],
    [
      `{"t":"yesterday"}`,
      "INVALID_MESSAGE",
      `is "yesterday": wanted a number of ns, an ISO 8601 text, or an`,
    ],
    [`{"t":"2023-02-30"}`, "INVALID_MESSAGE", `is "2023-02-30"`],
    [`{"t":{"nanosec":3}}`, "INVALID_MESSAGE", `is {"nanosec":3}`],
    [`{"t":[1]}`, "INVALID_MESSAGE", "is [1]"],
    [`[1]`, "INVALID_MESSAGE", "is missing"],
    [`{"t":`, "INVALID_MESSAGE", "is missing"],
    [`{"t":9223372036854775808}`, "UNSUPPORTED", "is 9223372036854775808: times from -2^63 to 2^63 - 1 ns"],
  ])("refuses %s", (json, code, text) => {
    expect(() => time(json)).toThrow(expect.objectContaining({ code, details: { topic: "imu" } }));
    expect(() => time(json)).toThrow(text);
    expect(() => time(json)).toThrow(`topic "imu" whose time, field t,`);
  });

  it("is none where a message is nested however deep", () => {
    const deep = encode(`{"t":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`);
    expect(() => new TimeField("t", "ns", "a").ofJson(deep)).toThrow("INVALID_MESSAGE");
  });

  it("reads messages that were decoded", () => {
    const field = new TimeField("header.stamp", "us", "imu");
    expect(field.of({ header: { stamp: 1.5 } })).toBe(1500n);
    expect(field.of({ header: { stamp: { sec: 1n, nanosec: 2 } } })).toBe(1_000_000_002n);
    expect(() => field.of({})).toThrow("is missing");
  });
});

describe("importMcap by another time", () => {
  const file = () =>
    writeMcap(async (mcap) => {
      const imu = await mcap.json("/imu", {
        type: "object",
        properties: { t: { type: "integer" }, x: { type: "number" } },
      });
      const text = await mcap.channel("/text", "json");
      await mcap.message(imu, 10n, `{"t":3,"x":1.5}`, 7n);
      await mcap.message(text, 11n, `{"t":5}`, 6n);
      await mcap.message(imu, 12n, `{"t":2,"y":1}`, 5n);
    });
  const rows = async (options: Omit<ImportMcapOptions, "name">) => {
    await using client = await connect("memory:");
    const report = await importMcap(client, chunked(await file()), { name: "s", ...options });
    expect(report.droppedPublishTimes).toBe(options.time === undefined && !options.envelope ? 3 : 0);
    return [await readTopic(client, "s", "imu"), await readTopic(client, "s", "text")].flat();
  };

  it("orders by the publish time and keeps the log time", async () => {
    expect(await rows({ time: "publish" })).toEqual([
      { timestampNs: 5n, data: { t: 2n, _json: `{"t":2,"y":1}`, _log_time_ns: 12n } },
      { timestampNs: 7n, data: { t: 3n, x: 1.5, _log_time_ns: 10n } },
      { timestampNs: 6n, data: { _json: `{"t":5}`, _log_time_ns: 11n } },
    ]);
  });

  it("orders by a field and keeps both times", async () => {
    expect(await rows({ time: "t", timeUnit: "us" })).toEqual([
      {
        timestampNs: 2000n,
        data: { t: 2n, _json: `{"t":2,"y":1}`, _log_time_ns: 12n, _publish_time_ns: 5n },
      },
      { timestampNs: 3000n, data: { t: 3n, x: 1.5, _log_time_ns: 10n, _publish_time_ns: 7n } },
      { timestampNs: 5000n, data: { _json: `{"t":5}`, _log_time_ns: 11n, _publish_time_ns: 6n } },
    ]);
  });

  it("keeps all times, sequence numbers and the file's order with the envelope", async () => {
    const around = (index: number, publish: bigint) => ({
      _publish_time_ns: publish,
      _sequence: index,
      _index: BigInt(index),
    });
    expect(await rows({ envelope: true })).toEqual([
      { timestampNs: 10n, data: { t: 3n, x: 1.5, ...around(0, 7n) } },
      { timestampNs: 12n, data: { t: 2n, _json: `{"t":2,"y":1}`, ...around(2, 5n) } },
      { timestampNs: 11n, data: { _json: `{"t":5}`, ...around(1, 6n) } },
    ]);
    expect((await rows({ envelope: true, time: "publish" }))[0])
      .toEqual({
        timestampNs: 5n,
        data: { t: 2n, _json: `{"t":2,"y":1}`, _log_time_ns: 12n, ...around(2, 5n) },
      });
    await rows({});
  });

  it("leaves out messages without that time where it salvages", async () => {
    await using client = await connect("memory:");
    const report = await importMcap(client, chunked(await file()), { name: "a", time: "z", salvage: true })
      .then(
        () => expect.fail("imported"),
        (reason) => reason,
      );
    expect(report.rawMessage).toContain("nothing in it is whole");
    const some = await importMcap(client, chunked(await file()), { name: "b", time: "y", salvage: true });
    expect([some.messageCount, some.flawCounts]).toEqual([1, { time: 2 }]);
    expect(some.flaws[0]).toMatchObject({ kind: "time", topic: "imu", lost: "1 message" });
  });

  it("says which topic has messages without that time, or of bytes", async () => {
    await using client = await connect("memory:");
    await expect(importMcap(client, chunked(await file()), { name: "a", time: "x" }))
      .rejects.toThrow(`message on topic "text" whose time, field x, is missing: wanted`);
    const bytes = await writeMcap(async (mcap) => {
      await mcap.message(await mcap.channel("/lidar", "cdr"), 1n, "x");
    });
    await expect(importMcap(client, chunked(bytes), { name: "b", time: "t" }))
      .rejects.toThrow(
        `the file's topic "lidar" has messages in cdr, which stay bytes (there is no definition of its messages, which are cdr): field t cannot be their time`,
      );
    await expect(importMcap(client, chunked(bytes), { name: "c", timeUnit: "min" as "s" }))
      .rejects.toThrow(TypeError);
  });
});

describe("publish times", () => {
  const file = (name: string) =>
    openFile(fileURLToPath(new URL(`../fixtures/formats/${name}`, import.meta.url)));

  it.each([
    ["the bag", importBag, () => file("out.bag")],
    ["the bag", importDb3, () => file("talker.db3")],
    ["the ULog file", importUlog, () => file("test_ulog.ulg")],
    ["the Parquet file", importParquet, () => file("imu.snappy.parquet")],
    ["the Arrow file", importArrow, () => file("imu.zstd.arrow")],
    ["the CSV file", importCsv, () => file("turtle.csv")],
    ["the JSON lines", importJsonLines, () => new Blob([`{"timestamp_ns":"1","topic":"t","data":{}}`])],
  ])("are refused where %s has none", async (what, importer, open) => {
    await using client = await connect("memory:");
    await expect(importer(client, await open(), { name: "s", time: "publish" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      rawMessage: expect.stringContaining(`${what} has no publish times: wanted log, `),
    });
    expect(await client.listSequences()).toEqual([]);
  });
});
