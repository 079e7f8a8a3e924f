import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  connect,
  defineOntology,
  float64,
  GPS,
  IMU,
  int64,
  list,
  optional,
  utf8,
} from "../../mod.ts";
import type { SmaltiError } from "../../src/error.ts";
import { exportJsonLines } from "../../src/export/json_lines.ts";
import {
  importJsonLines,
  type ImportJsonLinesOptions,
} from "../../src/import/json_lines/import_json_lines.ts";
import { typeName } from "../../src/schema.ts";
import { chunked, encode, readTopic } from "./mcap_file.ts";

async function exported(client: Client, name: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const sink = new WritableStream<Uint8Array>({
    write: (bytes) => void (text += decoder.decode(bytes, { stream: true })),
  });
  await exportJsonLines(await client.sequenceHandler(name), sink);
  return text;
}

async function load(client: Client, text: string, options: Partial<ImportJsonLinesOptions> = {}) {
  return await importJsonLines(client, chunked(encode(text), 77), { name: "s", ...options });
}

async function failure(text: string, options: Partial<ImportJsonLinesOptions> = {}): Promise<SmaltiError> {
  await using client = await connect("memory:");
  return await load(client, text, options).then(() => expect.fail("imported"), (reason) => reason);
}

async function columns(client: Client, topic: string): Promise<Record<string, string>> {
  const { fields } = await client.topicHandler("s", topic);
  return Object.fromEntries(fields.map((field) => [field.name, typeName(field)]));
}

const Odd = defineOntology("Odd", {
  count: int64(),
  text: utf8(),
  bytes: optional(binary()),
  values: list(float64()),
  state: float64(),
  _json: optional(utf8()),
});

describe("importJsonLines of an export", () => {
  it("gives the same lines when it is exported again, and built-in ontologies by their tags", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("given", {}, async (sequence) => {
      const imu = await sequence.topicCreate("imu/front", { ontology: IMU });
      const gps = await sequence.topicCreate("gps", { ontology: GPS });
      const odd = await sequence.topicCreate("odd", { ontology: Odd });
      for (let i = 0; i < 1500; i++) {
        const timestampNs = 1_700_000_000_000_000_001n + BigInt(i);
        await imu.push({
          timestampNs,
          data: {
            acceleration: { x: i / 3, y: NaN, z: 1e20 },
            angular_velocity: { x: 0, y: -Infinity, z: 0 },
          },
        });
        if (i % 2 === 0) await gps.push({ timestampNs, data: { position: { x: i, y: 9.19, z: 0 } } });
        await odd.push({
          timestampNs: timestampNs - BigInt(i % 3),
          data: {
            count: 2n ** 53n - 700n + BigInt(i),
            text: i === 0 ? "NaN" : `line\n"${i}" é`,
            bytes: i % 5 === 0 ? undefined : Uint8Array.of(i),
            values: [i, NaN, 0.5],
            // Moves only after the columns are settled.
            state: i < 1200 ? 0 : -4.25e-12,
            _json: i === 3 ? "{}" : undefined,
          },
        });
      }
    });
    const lines = await exported(client, "given");
    const report = await load(client, lines);
    expect([report.messageCount, report.sequence.state]).toEqual([3750, "finalized"]);
    expect(await exported(client, "s")).toBe(lines);
    const handler = await client.sequenceHandler("s");
    expect(handler.topics.map(({ name, ontologyTag }) => [name, ontologyTag]))
      .toEqual([["gps", "GPS"], ["imu/front", "IMU"], ["odd", "Odd"]]);
    for await (const message of (await client.topicHandler("s", "gps")).getDataStreamer()) {
      expect(message.getData(GPS).position.y).toBe(9.19);
      break;
    }
    expect(await columns(client, "odd")).toMatchObject({ count: "int64", text: "utf8", state: "float64" });
  });

  it("takes members in any order, no ontology, spaces, and integers beyond 2^53 without quotes", async () => {
    await using client = await connect("memory:");
    const text =
      `\uFEFF{ "data" : {"v":1.5}, "topic":"\\u0061 b", "timestamp_ns": 1700000000000000001 }\r\n\n` +
      `{"timestamp_ns":-7,"topic":"a b","data":{"v":null}}`;
    await load(client, text);
    expect(await readTopic(client, "s", "a_b")).toEqual([
      { timestampNs: -7n, data: {} },
      { timestampNs: 1_700_000_000_000_000_001n, data: { v: 1.5 } },
    ]);
    expect((await client.topicHandler("s", "a_b")).metadata).toEqual({ "ndjson.topic": "a b" });
  });

  it("reads back what has half of a character in names, as JSON may", async () => {
    await using client = await connect("memory:");
    await load(
      client,
      `{"timestamp_ns":"1","topic":"a","ontology":"\\ud800","data":{"\\udc00":1,"b":2}}\n`,
    );
    const topic = await client.topicHandler("s", "a");
    expect(topic.ontologyTag).toBe("\ufffd");
    expect(await topic.verify({ deep: true })).toEqual([]);
    expect((await readTopic(client, "s", "a")).length).toBe(1);
  });

  it("keeps later messages that the columns do not hold whole, with what fits", async () => {
    await using client = await connect("memory:");
    const line = (i: number, data: string) =>
      `{"timestamp_ns":"${i}","topic":"t","ontology":"T","data":${data}}\n`;
    const odd = `{"v":2,"at":{"x":"9007199254740993","y":"far"}, "new": [1.0]}`;
    const text = Array.from({ length: 1000 }, (_, i) => line(i, `{"v":${i}.5,"at":{"x":1,"y":2}}`)).join("") +
      line(1000, odd);
    const report = await load(client, text);
    expect(report.topics).toEqual([{ name: "t", sourceName: "t", messageCount: 1001, misfitCount: 1 }]);
    expect((await readTopic(client, "s", "t"))[1000].data)
      .toEqual({ v: 2, at: { x: 9007199254740993n }, _json: odd });
  });

  it("uses other columns where messages are not of the ontology that their tag names", async () => {
    await using client = await connect("memory:");
    await load(client, `{"timestamp_ns":1,"topic":"t","ontology":"GPS","data":{"lat":45.5,"sats":7}}\n`);
    expect(await columns(client, "t"))
      .toEqual({ timestamp_ns: "int64", lat: "float64", sats: "int64", _json: "utf8" });
  });

  it("orders by a field, keeps the time of the line, and numbers messages over all topics", async () => {
    await using client = await connect("memory:");
    const text = [
      `{"timestamp_ns":"1","topic":"a","data":{"stamp":{"sec":2,"nanosec":5}}}`,
      `{"timestamp_ns":"2","topic":"b","data":{"stamp":"1970-01-01T00:00:01Z"}}`,
    ].join("\n");
    await load(client, text, { time: "stamp", envelope: true });
    expect(await readTopic(client, "s", "a"))
      .toEqual([{
        timestampNs: 2_000_000_005n,
        data: { stamp: { sec: 2n, nanosec: 5n }, _log_time_ns: 1n, _index: 0n },
      }]);
    expect((await readTopic(client, "s", "b"))[0])
      .toMatchObject({ timestampNs: 1_000_000_000n, data: { _log_time_ns: 2n, _index: 1n } });
  });

  const good = `{"timestamp_ns":"1","topic":"t","data":{}}\n`;
  it.each([
    [`{"timestamp_ns":"1","topic":"t","data":{}`, "it is no JSON"],
    [`{"timestamp_ns":"1","topic":"t","data":{"x":01}}`, "it is no JSON"],
    [`{"timestamp_ns":"1","topic":"t","data":[]}`, "it is [], wanted a JSON object"],
    [`{"timestamp_ns":"1","topic":"t"}`, "its data is missing"],
    [`{"timestamp_ns":1.5,"topic":"t","data":{}}`, "its timestamp_ns is 1.5, wanted integer nanoseconds"],
    [`{"timestamp_ns":"1","topic":7,"data":{}}`, "its topic is 7, wanted a text"],
    [`{"timestamp_ns":"1","topic":"","data":{}}`, "its topic is empty"],
    [`{"timestamp_ns":"1","topic":"t","data":{},"seq":3}`, `it has "seq"`],
    [`7`, "it is 7, wanted a JSON object"],
  ])("names line and byte of %s", async (bad, text) => {
    const { code, rawMessage, details } = await failure(good + good + bad + "\n" + good);
    expect(code).toBe("CORRUPT");
    expect(rawMessage).toContain(
      `Cannot import the JSON lines as sequence "s": line 3, at byte ${2 * good.length}: ${text}`,
    );
    expect(rawMessage).toMatch(/what came before is kept, in state failed: messages 2, topics 1$/);
    expect(details.offset).toBe(2 * good.length);
  });

  it("names the line of a time beyond int64, and of a message that is not of its ontology", async () => {
    const late = await failure(`${good}{"timestamp_ns":"9223372036854775808","topic":"t","data":{}}\n`);
    expect([late.code, late.rawMessage]).toEqual(["UNSUPPORTED", expect.stringContaining("line 2, at byte")]);
    const gps = (data: string) => `{"timestamp_ns":"1","topic":"t","ontology":"GPS","data":${data}}\n`;
    const odd = await failure(gps(`{"position":{"x":1,"y":2,"z":3}}`).repeat(1000) + gps(`{"position":7}`));
    expect([odd.code, odd.rawMessage]).toEqual([
      "INVALID_MESSAGE",
      expect.stringContaining("line 1001, at byte"),
    ]);
  });

  it("leaves bad lines out where it salvages, and names them", async () => {
    await using client = await connect("memory:");
    const long = `{"timestamp_ns":"1","topic":"t","data":{"x":"${"x".repeat(2000)}"}}\n`;
    const late = `{"timestamp_ns":"9223372036854775808","topic":"t","data":{}}\n`;
    const text = `nothing\n${good}${long}${good.slice(0, 20)}\n${late}${good}`;
    const report = await load(client, text, { salvage: true, maxRecordBytes: 1000 });
    expect([report.sequence.state, report.messageCount]).toEqual(["finalized", 2]);
    const at = [0, 8 + good.length, 8 + good.length + long.length, 29 + good.length + long.length];
    expect(report.flaws.map(({ kind, offset, lost }) => [kind, offset, lost])).toEqual([
      ["line", at[0], "1 line"],
      ["line", at[1], "1 line"],
      ["line", at[2], "1 line"],
      ["time", at[3], "1 message"],
    ]);
    expect(report.flaws.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^line 1, at byte 0: it is no JSON/),
      expect.stringContaining("line 3, at byte 51: it is too large: it has more than 1000 bytes"),
      expect.stringContaining("line 4, at byte"),
      expect.stringContaining("line 5, at byte"),
    ]);
  });

  it("bounds lines", async () => {
    const text = `{"timestamp_ns":"1","topic":"t","data":{"x":"${"x".repeat(2000)}"}}`;
    expect((await failure(text, { maxRecordBytes: 1000 })).code).toBe("TOO_LARGE");
  });
});

describe("importJsonLines of any objects", () => {
  it("makes one topic of a file, by a field that is the time, exactly", async () => {
    await using client = await connect("memory:");
    const lines = [
      `{"at":1700000000.123456789,"rpm":2100,"mode":"eco"}`,
      `{"at":"1700000000.2","rpm":12345678901234567}`,
    ];
    const report = await importJsonLines(
      client,
      { chunks: chunked(encode(lines.join("\n"))), name: "logs/engine.ndjson" },
      { name: "s", time: "at", timeUnit: "s" },
    );
    expect(report.topics.map(({ name }) => name)).toEqual(["engine"]);
    const [first, second] = await readTopic(client, "s", "engine");
    expect([first.timestampNs, first.data.rpm, first.data.mode]).toEqual([
      1_700_000_000_123_456_789n,
      2100n,
      "eco",
    ]);
    expect([second.timestampNs, second.data.rpm]).toEqual([
      1_700_000_000_200_000_000n,
      12_345_678_901_234_567n,
    ]);
  });

  it("takes the topic's name that is given, and joins files", async () => {
    await using client = await connect("memory:");
    const sources = [chunked(encode(`{"t":2,"n":1}\n`)), chunked(encode(`{"t":1,"n":2}\n`))];
    const report = await importJsonLines(client, sources, { name: "s", topic: "motor/left", time: "t" });
    expect(report.files.map(({ messageCount }) => messageCount)).toEqual([1, 1]);
    expect((await readTopic(client, "s", "motor/left")).map(({ data }) => data.n)).toEqual([2n, 1n]);
  });

  it("wants a time, and says where it is missing", async () => {
    expect((await failure(`{"x":1}`)).rawMessage).toContain("wanted the field that is their time");
    expect((await failure(`{"x":1}`, { time: "publish" })).code).toBe("INVALID_ARGUMENT");
    const missing = await failure(`{"t":1}\n{"x":1}\n`, { time: "t" });
    expect([missing.code, missing.rawMessage]).toEqual([
      "INVALID_MESSAGE",
      expect.stringMatching(/line 2, at byte 8: .*topic "s" whose time, field t, is missing/),
    ]);
  });
});
