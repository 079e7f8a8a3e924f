import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { typeName } from "../../src/schema.ts";
import { chunked, COMPRESSIONS, encode, readTopic, writeMcap, zstdCompress, zstdStore } from "./mcap_file.ts";

/** Columns of a topic in words. */
async function columns(
  client: Client,
  sequence: string,
  topic: string,
): Promise<Record<string, string>> {
  const { fields } = await client.topicHandler(sequence, topic);
  return Object.fromEntries(
    fields.map((
      field,
    ) => [field.name, typeName(field) + (field.nullable ? "?" : "")]),
  );
}

const pose = {
  type: "object",
  properties: {
    stamp: { type: "integer" },
    x: { type: "number" },
    frame: { type: "string" },
    valid: { type: "boolean" },
    nothing: { type: "null" },
    position: {
      type: "object",
      properties: { lat: { type: "number" }, lon: { type: "number" } },
    },
    ranges: { type: "array", items: { type: "number" } },
  },
};

describe("importMcap", () => {
  it.each(["none", "lz4", "zstd"] as const)(
    "reads chunks compressed by %s",
    async (compression) => {
      const file = await writeMcap(async (mcap) => {
        const channel = await mcap.json("/pose", pose, "test/Pose", {
          caller: "x",
        });
        for (let i = 0; i < 5000; i++) {
          const stamp = 1_700_000_000_000_000_001n + BigInt(i);
          await mcap.message(
            channel,
            BigInt(i),
            `{"stamp":${stamp},"x":${i / 8},"frame":"map","ranges":[1,2,${i}]}`,
          );
        }
      }, { chunkSize: 30_000, compressChunk: COMPRESSIONS[compression] });
      await using client = await connect("memory:");
      const report = await importMcap(client, chunked(file, 777), {
        name: "drive",
      });
      expect(report.messageCount).toBe(5000);
      expect(report.topics).toEqual([{
        name: "pose",
        sourceName: "/pose",
        messageCount: 5000,
        misfitCount: 0,
      }]);
      expect(report.sequence.state).toBe("finalized");
      const messages = await readTopic(client, "drive", "pose");
      expect(messages.length).toBe(5000);
      messages.forEach(({ timestampNs, data }, i) => {
        if (
          timestampNs !== BigInt(i) ||
          data.stamp !== 1_700_000_000_000_000_001n + BigInt(i)
        ) expect(data).toBe(i);
      });
      expect(messages[4999].data).toEqual({
        stamp: 1_700_000_000_000_005_000n,
        x: 624.875,
        frame: "map",
        ranges: Float64Array.of(1, 2, 4999),
      });
    },
  );

  it("makes typed, nullable columns of JSON, and keeps all that describes the topic", async () => {
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.json("/pose", pose, "test/Pose", {
        caller: "x",
      });
      await mcap.message(
        channel,
        7n,
        `{"position":{"lat":1,"lon":null},"nothing":null}`,
      );
      await mcap.message(channel, 8n, `{"position":{"lat":1,"alt":2}}`);
    });
    await using client = await connect("memory:");
    await importMcap(client, chunked(file), {
      name: "drive",
      metadata: { driver: "me" },
    });
    expect(await columns(client, "drive", "pose")).toEqual({
      timestamp_ns: "int64",
      stamp: "int64?",
      x: "float64?",
      frame: "utf8?",
      valid: "bool?",
      nothing: "null?",
      position: "struct<lat: float64, lon: float64>?",
      ranges: "list<float64>?",
      _json: "utf8?",
    });
    const topic = await client.topicHandler("drive", "pose");
    expect(topic.ontologyTag).toBe("test/Pose");
    expect(topic.metadata).toEqual({
      "mcap.topic": "/pose",
      "mcap.message_encoding": "json",
      "mcap.schema_name": "test/Pose",
      "mcap.schema_encoding": "jsonschema",
      "mcap.schema_data": JSON.stringify(pose),
      "mcap.channel_metadata": { caller: "x" },
    });
    expect((await client.sequenceHandler("drive")).metadata).toEqual({
      driver: "me",
      "mcap.profile": "test profile",
      "mcap.library": "test library",
      "mcap.metadata": [],
    });
    expect((await readTopic(client, "drive", "pose")).map(({ data }) => data))
      .toEqual([
        { position: { lat: 1 } },
        { position: { lat: 1 }, _json: `{"position":{"lat":1,"alt":2}}` },
      ]);
  });

  it("keeps other encodings as bytes in one column", async () => {
    const bytes = Uint8Array.of(0, 255, 1);
    const schema = Uint8Array.of(10, 0xff, 0);
    const file = await writeMcap(async (mcap) => {
      const binary = await mcap.channel("/pb", "protobuf", {
        name: "pkg.Msg",
        encoding: "protobuf",
        data: schema,
      });
      const text = await mcap.channel("/ros", "cdr", {
        name: "std_msgs/String",
        encoding: "ros2msg",
        data: encode("string data"),
      });
      const bare = await mcap.channel("/bare", "");
      await mcap.message(binary, 1n, bytes);
      await mcap.message(text, 2n, new Uint8Array(0));
      await mcap.message(bare, 3n, bytes);
      await mcap.message(bare, 3n, `{"not":"json"}`);
    });
    await using client = await connect("memory:");
    await importMcap(client, chunked(file), { name: "drive" });
    // A definition that cannot be read, and none at all.
    for (const topic of ["pb", "bare"]) {
      expect(await columns(client, "drive", topic)).toEqual({
        timestamp_ns: "int64",
        data: "binary",
      });
    }
    expect(await readTopic(client, "drive", "pb")).toEqual([{
      timestampNs: 1n,
      data: { data: bytes },
    }]);
    // A message that does not fit its definition.
    expect(await columns(client, "drive", "ros")).toEqual({
      timestamp_ns: "int64",
      data: "utf8?",
      _raw: "binary?",
    });
    expect(await readTopic(client, "drive", "ros")).toEqual([{
      timestampNs: 2n,
      data: { data: undefined, _raw: new Uint8Array(0) },
    }]);
    expect(
      (await readTopic(client, "drive", "bare")).map(({ data }) => data.data),
    ).toEqual([bytes, encode(`{"not":"json"}`)]);
    const { topics } = (await client.sequenceHandler("drive")).info;
    expect(topics.map(({ name, ontologyTag }) => [name, ontologyTag])).toEqual([
      ["bare", "mcap"],
      ["pb", "pkg.Msg"],
      ["ros", "std_msgs/String"],
    ]);
    expect(topics[0].metadata).toEqual({
      "import.undecoded": "the file does not say how its messages are encoded",
      "mcap.topic": "/bare",
      "mcap.message_encoding": "",
      "mcap.channel_metadata": {},
    });
    expect(topics[1].metadata).toMatchObject({
      "mcap.schema_data_base64": "Cv8A",
      "mcap.message_encoding": "protobuf",
    });
    expect(topics[2].metadata).toMatchObject({
      "mcap.schema_data": "string data",
      "mcap.schema_encoding": "ros2msg",
    });
  });

  it.each([
    ["no schema", undefined],
    ["a schema that is no JSON", "{nope"],
    ["a schema that is no text", Uint8Array.of(0xff)],
    ["a schema of no object", `{"type":"string"}`],
    [
      "a schema nested beyond the stack",
      "[".repeat(100_000) + "]".repeat(100_000),
    ],
    ["a schema without columns", `{"type":"object"}`],
  ])("keeps JSON messages with %s as text", async (_, schema) => {
    const file = await writeMcap(async (mcap) => {
      const data = typeof schema === "string" ? encode(schema) : schema;
      const channel = await mcap.channel(
        "/t",
        "json",
        data && { name: "", encoding: "jsonschema", data },
      );
      await mcap.message(channel, 1n, `{"a":1}`);
      await mcap.message(channel, 2n, "nonsense");
    });
    await using client = await connect("memory:");
    const report = await importMcap(client, chunked(file), { name: "drive" });
    expect(report.topics[0].misfitCount).toBe(2);
    expect(await columns(client, "drive", "t")).toEqual({
      timestamp_ns: "int64",
      _json: "utf8?",
    });
    expect(
      (await readTopic(client, "drive", "t")).map(({ data }) => data._json),
    ).toEqual([`{"a":1}`, "nonsense"]);
    expect((await client.topicHandler("drive", "t")).ontologyTag).toBe("json");
  });

  it("keeps a second schema or encoding on a topic apart, and joins channels that are alike", async () => {
    const one = { type: "object", properties: { a: { type: "integer" } } };
    const two = { type: "object", properties: { a: { type: "string" } } };
    const file = await writeMcap(async (mcap) => {
      const channels = [
        await mcap.json("/t", one, "One", { from: "left" }),
        await mcap.json("/t", two, "One", { from: "left" }),
        await mcap.json("/t", one, "One", { from: "right" }), // the same under another schema id
        await mcap.channel("/t", "cbor"),
        await mcap.json("/t_2", one, "One"),
        await mcap.json("/t", one, "Renamed"),
        await mcap.json("t", one, "One"),
        await mcap.json("/t!", one, "One"),
      ];
      for (let i = 0; i < channels.length; i++) {
        await mcap.message(channels[i], BigInt(i), `{"a":${i}}`);
      }
    });
    await using client = await connect("memory:");
    const report = await importMcap(client, chunked(file), { name: "drive" });
    expect(
      report.topics.map((
        { name, sourceName, messageCount, misfitCount },
      ) => [name, sourceName, messageCount, misfitCount]).sort(),
    ).toEqual([
      ["t", "/t", 2, 0],
      ["t_", "/t!", 1, 0],
      ["t_2", "/t", 1, 1],
      ["t_2_2", "/t_2", 1, 0],
      ["t_3", "/t", 1, 0],
      ["t_4", "/t", 1, 0],
      ["t_5", "t", 1, 0],
    ]);
    expect((await readTopic(client, "drive", "t")).map(({ data }) => data.a))
      .toEqual([0n, 2n]);
    const handler = await client.sequenceHandler("drive");
    expect(
      handler.topics.map((
        { name, metadata },
      ) => [name, metadata["mcap.topic"]]),
    ).toContainEqual(["t_2_2", "/t_2"]);
    expect(handler.metadata["mcap.channels"]).toEqual([{
      topic: "t",
      metadata: { from: "right" },
    }]);
  });

  it("keeps attachments and metadata records", async () => {
    const calibration = encode("K = 1 0 0");
    const image = new Uint8Array(300_000).fill(7);
    const file = await writeMcap(async (mcap) => {
      const { writer } = mcap;
      await writer.addMetadata({
        name: "vehicle",
        metadata: new Map([["id", "7"], ["__proto__", "x"]]),
      });
      await writer.addAttachment({
        name: "../a.txt",
        mediaType: "text/plain",
        logTime: 5n,
        createTime: 6n,
        data: calibration,
      });
      await writer.addMetadata({ name: "vehicle", metadata: new Map() });
      await writer.addAttachment({
        name: "../a.txt",
        mediaType: "",
        logTime: 2n ** 64n - 1n,
        createTime: 0n,
        data: image,
      });
    });
    await using client = await connect("memory:");
    const report = await importMcap(client, chunked(file), { name: "drive" });
    expect([report.messageCount, report.attachmentCount, report.metadataCount])
      .toEqual([0, 2, 2]);
    const handler = await client.sequenceHandler("drive");
    expect(JSON.stringify(handler.metadata["mcap.metadata"])).toBe(
      `[{"name":"vehicle","metadata":{"id":"7","__proto__":"x"}},{"name":"vehicle","metadata":{}}]`,
    );
    expect(handler.metadata["mcap.attachment_times"]).toEqual([
      { attachment: 1, log_time: "18446744073709551615", create_time: "0" },
    ]);
    expect(handler.attachments).toMatchObject([
      {
        name: "../a.txt",
        mediaType: "text/plain",
        timestampNs: 5n,
        createdNs: 6n,
        sizeBytes: 9,
      },
      {
        name: "../a.txt",
        mediaType: "",
        createdNs: 0n,
        sizeBytes: 300_000,
      },
    ]);
    expect(await handler.readAttachment(handler.attachments[0])).toEqual(
      calibration,
    );
    expect(await handler.readAttachment(handler.attachments[1])).toEqual(image);
  });

  it("reads files without chunks, summary or index, and creates topics that have no message", async () => {
    const build = (options: object) =>
      writeMcap(async (mcap) => {
        const channel = await mcap.json("/a", pose);
        await mcap.json("/silent", pose); // in the summary only
        for (const time of [5n, 3n, 3n, 4n]) {
          await mcap.message(channel, time, `{"x":${time}}`);
        }
      }, options);
    await using client = await connect("memory:");
    const bare = {
      useStatistics: false,
      useSummaryOffsets: false,
      repeatSchemas: false,
      repeatChannels: false,
      useMessageIndex: false,
      useChunkIndex: false,
    };
    await importMcap(
      client,
      chunked(await build({ ...bare, useChunks: false })),
      { name: "plain" },
    );
    await importMcap(client, chunked(await build({ ...bare })), {
      name: "chunks",
    });
    await importMcap(client, chunked(await build({ useChunks: false })), {
      name: "summary",
    });
    for (const name of ["plain", "chunks", "summary"]) {
      expect(
        (await readTopic(client, name, "a")).map(({ timestampNs }) => timestampNs),
      ).toEqual([3n, 3n, 4n, 5n]);
    }
    const names = async (name: string) =>
      (await client.sequenceHandler(name)).topics.map((topic) => topic.name);
    expect(await names("plain")).toEqual(["a"]);
    expect(await names("summary")).toEqual(["a", "silent"]);
  });

  it("drops publish times unless told to keep them, and says so", async () => {
    const file = await writeMcap(async (mcap) => {
      const json = await mcap.json("/json", {
        type: "object",
        properties: { _sequence: { type: "string" } },
      });
      const cdr = await mcap.channel("/cdr", "cdr");
      await mcap.message(json, 10n, `{"_sequence":"x"}`, 9n);
      await mcap.message(json, 11n, `{"y":1}`, 2n ** 64n - 1n);
      await mcap.message(cdr, 12n, Uint8Array.of(1));
    });
    await using client = await connect("memory:");
    expect(
      (await importMcap(client, chunked(file), { name: "without" }))
        .droppedPublishTimes,
    ).toBe(2);
    expect(
      (await importMcap(client, chunked(file), {
        name: "with",
        envelope: true,
      })).droppedPublishTimes,
    ).toBe(0);
    expect((await readTopic(client, "without", "json"))[0].data).toEqual({
      _sequence: "x",
    });
    expect((await readTopic(client, "with", "json")).map(({ data }) => data))
      .toEqual([
        { _sequence_: "x", _publish_time_ns: 9n, _sequence: 0, _index: 0n },
        { _publish_time_ns: 2n ** 64n - 1n, _sequence: 1, _index: 1n, _json: `{"y":1}` },
      ]);
    expect((await readTopic(client, "with", "cdr"))[0].data).toEqual({
      data: Uint8Array.of(1),
      _publish_time_ns: 12n,
      _sequence: 2,
      _index: 2n,
    });
    expect(Object.keys(await columns(client, "with", "json")))
      .toEqual(["timestamp_ns", "_sequence_", "_json", "_publish_time_ns", "_sequence", "_index"]);
  });

  it("reads ZSTD chunks of several frames", async () => {
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.channel("/t", "x");
      for (let i = 0; i < 100; i++) {
        await mcap.message(channel, BigInt(i), new Uint8Array(10_000).fill(i));
      }
    }, {
      compressChunk: (chunk) => {
        const [a, b] = [
          zstdStore(chunk.subarray(0, 999)),
          zstdCompress(chunk.subarray(999)),
        ];
        return {
          compression: "zstd",
          compressedData: Uint8Array.from([...a, ...b]),
        };
      },
    });
    await using client = await connect("memory:");
    await importMcap(client, chunked(file), { name: "drive" });
    const messages = await readTopic(client, "drive", "t");
    messages.forEach(({ data }, i) => expect((data.data as Uint8Array)[9999]).toBe(i));
    expect(messages.length).toBe(100);
  });

  it("takes any source of bytes, ends it, and tells how far it is", async () => {
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.json("/a", pose);
      for (let i = 0; i < 1000; i++) {
        await mcap.message(channel, BigInt(i), `{"x":${i}}`);
      }
    });
    await using client = await connect("memory:");
    const seen: [number, number | undefined][] = [];
    const source = {
      chunks: new Blob([file.slice()]).stream(),
      sizeBytes: file.length,
      name: "a.mcap",
    };
    const report = await importMcap(client, source, {
      name: "stream",
      onProgress: (bytesRead, totalBytes) => seen.push([bytesRead, totalBytes]),
    });
    expect(report.messageCount).toBe(1000);
    expect(seen.at(-1)).toEqual([file.length, file.length]);
    let ended = false;
    async function* once(): AsyncGenerator<Uint8Array> {
      try {
        yield await Promise.resolve(file);
      } finally {
        ended = true;
      }
    }
    await importMcap(client, once(), { name: "whole" });
    expect(ended).toBe(true);
    for (const size of [1, 7, 64]) {
      expect(
        (await importMcap(client, chunked(file, size), { name: `by-${size}` }))
          .messageCount,
      ).toBe(1000);
    }
  });
});
