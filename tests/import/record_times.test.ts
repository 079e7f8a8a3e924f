/** Times of decoded messages by a field of theirs. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { importMcap, type ImportMcapOptions } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { outcomeOf, sourceOf } from "./damage_search.ts";
import { concat, encode } from "./mcap_file.ts";
import { file, record, sized, u16, u32, u64 } from "./mcap_parts.ts";

interface Parts {
  sec?: number;
  nsec?: number;
  nanosec?: number;
  seconds?: number | bigint;
  nanos?: number;
}

const toNs = ({ sec, nsec, nanosec, seconds, nanos }: Parts) =>
  BigInt(sec ?? seconds!) * 1_000_000_000n + BigInt(nsec ?? nanosec ?? nanos!);

/** Imports a fixture; the rows of all topics, by the engine. */
async function rowsOf(
  engine: "wasm" | "js",
  name: string,
  options: Omit<ImportMcapOptions, "name">,
) {
  await using client = await connect("memory:", { engine });
  const path = fileURLToPath(
    new URL(`../fixtures/formats/${name}`, import.meta.url),
  );
  const report = await importMcap(client, await openFile(path), {
    name: "s",
    ...options,
  });
  const rows: {
    topic: string;
    timestampNs: bigint;
    data: Record<string, never>;
  }[] = [];
  for await (
    const [topic, { timestampNs, data }] of (await client.sequenceHandler("s"))
      .getDataStreamer()
  ) {
    rows.push({ topic, timestampNs, data: data as Record<string, never> });
  }
  return { report, rows };
}

const schema = (name: string, text: string) => record(3, u16(1), sized(name), sized("ros2msg"), sized(text));
const channel = record(4, u16(1), u16(1), sized("/a"), sized("cdr"), sized(""));
const message = (data: Uint8Array) =>
  record(
    5,
    u16(1),
    u32(0),
    u64(5),
    u64(4),
    concat([Uint8Array.of(0, 1, 0, 0), data]),
  );
const imported = (
  text: string,
  records: readonly Uint8Array[],
  options: Partial<ImportMcapOptions>,
) =>
  outcomeOf(
    importMcap,
    sourceOf(file(schema("test/T", text), channel, ...records.map(message))),
    options,
  );
const timesOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).timestamp_ns);

describe.each(["wasm", "js"] as const)(
  "importMcap by a field, engine %s",
  (engine) => {
    it.each(["flatbuffer.mcap", "ros2idl.mcap", "protobuf.mcap"])(
      "finds the times in %s",
      async (name) => {
        const { rows: logged } = await rowsOf(engine, name, {});
        const { rows, report } = await rowsOf(engine, name, {
          time: "stamp",
          salvage: true,
        });
        const stamped = logged.filter(({ data }) => data.stamp);
        expect(stamped.length).toBeGreaterThan(0);
        expect(rows.map(({ timestampNs }) => timestampNs))
          .toEqual(
            stamped.map(({ data }) => toNs(data.stamp)).sort((a, b) => a < b ? -1 : a > b ? 1 : 0),
          );
        for (const { timestampNs, data } of rows) {
          expect(timestampNs).toBe(
            toNs(data.stamp),
          );
        }
        const logTimes = rows.map(({ data }) => BigInt(data._log_time_ns))
          .sort();
        expect(logTimes).toEqual(
          stamped.map(({ timestampNs }) => timestampNs).sort(),
        );
        expect(report.flawCounts.time ?? 0).toBe(
          logged.length - stamped.length,
        );
      },
    );

    it("finds them in messages of ROS, of Mosaico's classes too", async () => {
      const { rows: logged } = await rowsOf(engine, "every_type.mcap", {});
      const stamped = logged.filter(({ data }) => (data.header as { stamp?: Parts } | undefined)?.stamp);
      const wanted = stamped.map(({ topic, data }) =>
        `${topic} ${toNs((data.header as { stamp: Parts }).stamp)}`
      ).sort();
      for (const ontology of [[], ["*"]]) {
        const options = { time: "header.stamp", salvage: true, ontology };
        const { rows, report } = await rowsOf(
          engine,
          "every_type.mcap",
          options,
        );
        expect(
          rows.map(({ topic, timestampNs }) => `${topic} ${timestampNs}`)
            .sort(),
        ).toEqual(wanted);
        expect(report.flawCounts).toEqual({
          time: logged.length - stamped.length,
        });
      }
    });
  },
);

describe("importMcap by a field of decoded messages", () => {
  it.each<[string, Uint8Array, Partial<ImportMcapOptions>, string]>([
    ["float64 t", new Uint8Array(Float64Array.of(1.5).buffer), {
      timeUnit: "s",
    }, "1500000000"],
    ["uint32 t", u32(7), { timeUnit: "ms" }, "7000000"],
    ["int64 t", u64(2n ** 64n - 5n), {}, "-5"],
    [
      "string t",
      concat([u32(21), encode("2023-11-14T22:13:20Z\0")]),
      {},
      "1700000000000000000",
    ],
    [
      "uint8 x\nbuiltin_interfaces/Time t",
      concat([u32(1), u32(3), u32(4)]),
      {},
      "3000000004",
    ],
  ])("reads %s", async (text, data, options, ns) => {
    const definition = text.includes("builtin")
      ? `${text}\n${"=".repeat(80)}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec`
      : text;
    const { lines } = await imported(definition, [data], {
      time: "t",
      ...options,
    });
    expect(timesOf(lines)).toEqual([ns]);
  });

  it.each<[string, Uint8Array, string, string, string]>([
    [
      "bool t",
      Uint8Array.of(1),
      "t",
      "INVALID_MESSAGE",
      `is "a bool": wanted a number of ns`,
    ],
    ["float64[] t", u32(0), "t", "INVALID_MESSAGE", `is "a list"`],
    [
      "float64 t",
      new Uint8Array(Float64Array.of(NaN).buffer),
      "t",
      "INVALID_MESSAGE",
      "is null",
    ],
    [
      "string t",
      concat([u32(2), encode("x\0")]),
      "t",
      "INVALID_MESSAGE",
      `is "x"`,
    ],
    [
      "uint64 t",
      u64(2n ** 63n),
      "t",
      "UNSUPPORTED",
      "is 9223372036854775808: times from -2^63",
    ],
    ["uint64 t", u32(1), "t", "INVALID_MESSAGE", "is null"],
    ["uint64 t", u64(1), "x.y", "INVALID_MESSAGE", "field x.y, is missing"],
    ["uint64 t", u64(1), "t.sec", "INVALID_MESSAGE", "field t.sec, is missing"],
    [
      "wstring t",
      u64(1),
      "t",
      "UNSUPPORTED",
      "messages in cdr, which stay bytes (it has a wstring",
    ],
  ])("refuses %s (%#)", async (text, data, time, code, words) => {
    const { error } = await imported(text, [data], { time });
    expect([error?.code, error?.rawMessage]).toEqual([
      code,
      expect.stringContaining(words),
    ]);
    expect(error?.rawMessage).toContain(`topic "a"`);
    const { error: nothing } = await imported(text, [data], {
      time,
      salvage: true,
    });
    expect(nothing?.rawMessage).toContain("nothing in it is whole");
  });

  it("leaves out the messages without, and keeps those before where it does not salvage", async () => {
    const records = Array.from(
      { length: 300 },
      (_, i) => i % 10 === 9 ? u32(1) : u64(1000 - i),
    );
    const { report, lines } = await imported("uint64 t", records, {
      time: "t",
      salvage: true,
      envelope: true,
    });
    expect(lines.length).toBe(270);
    expect(report!.flawCounts).toEqual({ time: 30 });
    expect(lines.every((line) => {
      const { timestamp_ns, data } = JSON.parse(line);
      return timestamp_ns === String(1000 - data._index) &&
        data.t === Number(timestamp_ns);
    })).toBe(true);
    const { error } = await imported("uint64 t", records, { time: "t" });
    expect(error?.rawMessage).toContain(
      "in state failed: messages 9, topics 1",
    );
  });
});
