import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { importJsonLines } from "../../src/import/json_lines/import_json_lines.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { concat, encode, readTopic, writeMcap } from "./mcap_file.ts";

const schema = {
  type: "object",
  properties: { x: { type: "number" }, at: { type: "integer" } },
};

/** Ten messages a topic, at 0 to 9 ns, whose field `at` counts down; and topics that stay bytes or misfit. */
async function file(): Promise<Uint8Array> {
  return await writeMcap(async (mcap) => {
    const topics = [];
    for (const topic of ["/imu/front", "/imu/back", "/gps"]) {
      topics.push(await mcap.json(topic, schema));
    }
    for (let i = 0; i < 10; i++) {
      for (const topic of topics) {
        await mcap.message(topic, BigInt(i), `{"x":${i}.5,"at":${9 - i}}`);
      }
    }
  });
}

const sourceOf = async () => new Blob([await file() as BlobPart]);

describe("an import of some topics", () => {
  it.each([
    [["imu*"], ["imu/back", "imu/front"]],
    [["/imu/*", "!*back"], ["imu/front"]],
    [["!/gps"], ["imu/back", "imu/front"]],
    [["nothing"], []],
    [[], []],
  ])("takes %j", async (topics, wanted) => {
    await using client = await connect("memory:");
    const report = await importMcap(client, await sourceOf(), {
      name: "s",
      topics,
      envelope: true,
    });
    expect(report.topics.map(({ name }) => name).sort()).toEqual(wanted);
    expect(report.messageCount).toBe(10 * wanted.length);
    expect(report.files).toEqual([{ name: undefined, messageCount: 30 }]);
    expect((await client.sequenceHandler("s")).topics.map(({ name }) => name))
      .toEqual(wanted);
  });

  it("numbers messages as they are in the file", async () => {
    await using client = await connect("memory:");
    await importMcap(client, await sourceOf(), {
      name: "s",
      topics: ["gps"],
      envelope: true,
    });
    const rows = await readTopic(client, "s", "gps");
    expect(rows.map(({ data }) => data._index).slice(0, 3)).toEqual([
      2n,
      5n,
      8n,
    ]);
  });
});

describe("an import of some time", () => {
  const times = async (options: object) => {
    await using client = await connect("memory:");
    const report = await importMcap(client, await sourceOf(), {
      name: "s",
      ...options,
    });
    const rows = await readTopic(client, "s", "gps");
    expect(report.topics.find(({ name }) => name === "gps")!.messageCount).toBe(
      rows.length,
    );
    return rows.map(({ timestampNs, data }) => [timestampNs, data.x]);
  };

  it("has its first time, and not its last", async () => {
    expect(await times({ startNs: 7n, endNs: 9n })).toEqual([[7n, 7.5], [
      8n,
      8.5,
    ]]);
    expect(await times({ startNs: 8n })).toEqual([[8n, 8.5], [9n, 9.5]]);
    expect(await times({ endNs: 1n })).toEqual([[0n, 0.5]]);
    expect(await times({ startNs: 3n, endNs: 3n })).toEqual([]);
  });

  it("goes by the times that order", async () => {
    expect(await times({ time: "at", startNs: 0n, endNs: 2n })).toEqual([[
      0n,
      9.5,
    ], [1n, 8.5]]);
  });

  it("has messages in columns too", async () => {
    const lines = Array.from(
      { length: 3000 },
      (_, i) => `{"at":${i},"v":"${i}"}\n`,
    ).join("");
    await using client = await connect("memory:");
    const options = {
      name: "s",
      topic: "t",
      time: "at",
      startNs: 1400n,
      endNs: 1402n,
    };
    await importJsonLines(client, new Blob([lines]), options);
    expect((await readTopic(client, "s", "t")).map(({ data }) => data.v))
      .toEqual(["1400", "1401"]);
  });

  it("refuses bounds that make no sense", async () => {
    await using client = await connect("memory:");
    const bad = (options: object) => importMcap(client, new Blob([]), { name: "s", ...options });
    await expect(bad({ startNs: 2n, endNs: 1n })).rejects.toThrow(
      new RangeError(
        "Cannot import from startNs 2 to endNs 1: wanted startNs at or before endNs",
      ),
    );
    await expect(bad({ startNs: 2 })).rejects.toThrow(
      "wanted a bigint of nanoseconds (2n or BigInt(2))",
    );
  });
});

describe("an import that is a dry run", () => {
  it("reports what an import does, and writes nothing", async () => {
    await using client = await connect("memory:");
    const options = { name: "s", topics: ["imu/*"], startNs: 2n, endNs: 5n };
    const dry = await importMcap(client, await sourceOf(), {
      ...options,
      dryRun: true,
    });
    expect(await client.listSequences()).toEqual([]);
    const wet = await importMcap(client, await sourceOf(), options);
    expect({ ...dry, sequence: undefined }).toEqual({
      ...wet,
      sequence: undefined,
    });
    const facts = (
      { name, ontologyTag, metadata, rowCount, firstNs, lastNs }: typeof dry.sequence.topics[0],
    ) => ({
      ...{ name, ontologyTag, metadata, rowCount, firstNs, lastNs },
    });
    expect(dry.sequence.topics.map(facts)).toEqual(
      wet.sequence.topics.map(facts),
    );
    expect(dry.sequence.metadata).toEqual(wet.sequence.metadata);
  });

  it("counts what does not fit its columns", async () => {
    const bytes = await writeMcap(async (mcap) => {
      const topic = await mcap.json("/t", schema);
      for (const text of [`{"x":1}`, `{"x":"one"}`, `{"y":1}`]) {
        await mcap.message(topic, 1n, text);
      }
    });
    await using client = await connect("memory:");
    const { topics: [topic] } = await importMcap(
      client,
      new Blob([bytes as BlobPart]),
      { name: "s", dryRun: true },
    );
    expect(topic).toMatchObject({ messageCount: 3, misfitCount: 2 });
  });

  it("fails as an import does", async () => {
    await using client = await connect("memory:");
    const cut = new Blob([(await file()).subarray(0, 900) as BlobPart]);
    await expect(importMcap(client, cut, { name: "s", dryRun: true })).rejects
      .toMatchObject({ code: "CORRUPT" });
    expect(await client.listSequences()).toEqual([]);
  });
});

describe("what is not decoded", () => {
  const text = (text: string) =>
    concat([
      Uint8Array.of(0, 1, 0, 0, text.length + 1, 0, 0, 0),
      encode(text + "\0"),
    ]);

  it("is told by topic and reason, also in the topic's metadata", async () => {
    const bytes = await writeMcap(async (mcap) => {
      const ros = (data: string) => ({
        name: "pkg/msg/T",
        encoding: "ros2msg",
        data: encode(data),
      });
      const add = async (
        topic: string,
        encoding: string,
        schema?: ReturnType<typeof ros>,
      ) =>
        await mcap.message(
          await mcap.channel(topic, encoding, schema),
          1n,
          text("hi"),
        );
      await add("/none", "");
      await add("/cbor", "cbor");
      await add("/lone", "cdr");
      await add("/other", "cdr", {
        name: "T",
        encoding: "omgidl",
        data: encode("struct T {};"),
      });
      await add("/broken", "cdr", ros("string data\nother/Thing thing"));
      await add("/good", "cdr", ros("string data"));
    });
    await using client = await connect("memory:");
    const { topics } = await importMcap(client, new Blob([bytes as BlobPart]), {
      name: "s",
    });
    const reasons = Object.fromEntries(
      topics.map(({ name, reason }) => [name, reason]),
    );
    expect(reasons).toEqual({
      none: "the file does not say how its messages are encoded",
      cbor: 'there is no decoder for the encoding "cbor"',
      lone: "there is no definition of its messages, which are cdr",
      other: 'there is no decoder for cdr by definitions in "omgidl"',
      broken: expect.stringContaining("other/Thing"),
      good: undefined,
    });
    const handler = await client.sequenceHandler("s");
    expect(
      Object.fromEntries(
        handler.topics.map((
          { name, metadata },
        ) => [name, metadata["import.undecoded"]]),
      ),
    )
      .toEqual(reasons);
  });

  it("counts misfits by what is wrong with them", async () => {
    const bytes = await writeMcap(async (mcap) => {
      const schema = {
        name: "pkg/msg/T",
        encoding: "ros2msg",
        data: encode("string data"),
      };
      const topic = await mcap.channel("/t", "cdr", schema);
      const messages = [
        text("hi"),
        text("hi").subarray(0, 9),
        concat([text("hi"), new Uint8Array(16)]),
        text("h"),
      ];
      messages.push(Uint8Array.of(9, 9, 0, 0), text("hi").subarray(0, 8));
      for (const message of messages) await mcap.message(topic, 1n, message);
    });
    await using client = await connect("memory:");
    const { topics: [topic] } = await importMcap(
      client,
      new Blob([bytes as BlobPart]),
      { name: "s" },
    );
    expect(topic.misfitCount).toBe(4);
    expect(topic.misfits).toEqual({
      "it ends before its last field": 2,
      "it goes on after its last field": 1,
      "it is encoded in a way that is not read": 1,
    });
  });
});
