import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { MessageReader } from "@foxglove/rosmsg2-serialization";
import { McapIndexedReader, type McapTypes } from "@mcap/core";
import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  connect,
  defineOntology,
  float32,
  float64,
  IMU,
  int64,
  list,
  optional,
  Pose,
  struct,
  uint64,
  utf8,
} from "../../mod.ts";
import type { Engine } from "../../src/engine.ts";
import { createFile } from "../../src/export/create_file.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import { ROS_MESSAGES } from "../../src/export/messages/ros_messages.ts";
import type { ExportOptions } from "../../src/export/recording_export.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { parseRos } from "../../src/import/ros/ros_decoders.ts";
import { Image } from "../../src/ontology/builtin/vision.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { type ExpectedTopic, hashOf, lineOf } from "../import/canonical.ts";
import { IMPORTERS } from "../import/importers.ts";
import { COMPRESSIONS, encode, writeMcap } from "../import/mcap_file.ts";
import {
  decompressHandlers,
  messagesOfBag,
  messagesOfDb3,
  messagesOfMcap,
  type SourceMessages,
} from "./source_messages.ts";

const FILES = new URL("../fixtures/formats/", import.meta.url);
const path = (name: string) => decodeURIComponent(new URL(name, FILES).pathname);

interface ExpectedFile {
  readonly topics: Readonly<Record<string, ExpectedTopic>>;
}
const expected = JSON.parse(readFileSync(path("expected.json"), "utf8")) as Record<string, ExpectedFile>;

async function exported(handler: SequenceHandler, options?: ExportOptions): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
  const report = await exportMcap(handler, sink, options);
  const file = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  expect(report.byteCount).toBe(file.length);
  return file;
}

/** A file of tests/fixtures/formats as sequence "s". */
async function imported(client: Client, name: string): Promise<SequenceHandler> {
  const extension = name.slice(name.lastIndexOf(".") + 1) as keyof typeof IMPORTERS;
  await IMPORTERS[extension](client, await openFile(path(name)), { name: "s" });
  return await client.sequenceHandler("s");
}

function readerOf(file: Uint8Array, engine: Engine): Promise<McapIndexedReader> {
  const readable = {
    size: () => Promise.resolve(BigInt(file.length)),
    read: (offset: bigint, size: bigint) =>
      Promise.resolve(file.slice(Number(offset), Number(offset) + Number(size))),
  };
  return McapIndexedReader.Initialize({ readable, decompressHandlers: decompressHandlers(engine) });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Messages of which padding, or the one byte of an empty type, is not zero: nothing that columns hold. */
const PADDED: Readonly<Record<string, number>> = { "talker.db3": 2, "every_type.mcap": 3 };

describe("what came from ROS", () => {
  const names = Object.keys(expected).filter((name) => /\.(db3|bag)$|^(cdr_|every_|ros2idl)/.test(name));

  it.each(names)("of %s goes out byte for byte", async (name) => {
    await using client = await connect("memory:");
    const handler = await imported(client, name);
    const made = messagesOfMcap(await exported(handler), handler.engine);
    const source: SourceMessages = name.endsWith(".mcap")
      ? messagesOfMcap(new Uint8Array(readFileSync(path(name))), handler.engine)
      : name.endsWith(".bag")
      ? messagesOfBag(path(name), handler.engine)
      : await messagesOfDb3(path(name));
    expect([...made.keys()].sort()).toEqual([...source.keys()].sort());
    let padded = 0;
    for (const [topic, messages] of source) {
      const others = made.get(topic)!;
      expect([topic, others.map(({ ns }) => ns)]).toEqual([topic, messages.map(({ ns }) => ns)]);
      messages.forEach(({ bytes }, i) => {
        expect([topic, i, others[i].bytes.length]).toEqual([topic, i, bytes.length]);
        const isSame = bytes.every((byte, at) => byte === others[i].bytes[at]);
        if (isSame) return;
        padded++;
        // Zero where it differs.
        expect(bytes.every((byte, at) => byte === others[i].bytes[at] || others[i].bytes[at] === 0)).toBe(
          true,
        );
      });
    }
    expect(padded).toBe(PADDED[name] ?? 0);
  });

  it("keeps its definitions, its topics' metadata and its profile", async () => {
    await using client = await connect("memory:");
    const handler = await imported(client, "talker.db3");
    const reader = await readerOf(await exported(handler), handler.engine);
    expect(reader.header).toMatchObject({ profile: "ros2" });
    const channels = [...reader.channelsById.values()];
    const topic = channels.find(({ topic }) => topic === "/topic")!;
    expect(topic.messageEncoding).toBe("cdr");
    expect(topic.metadata.get("offered_qos_profiles")).toContain("history");
    const schema = reader.schemasById.get(topic.schemaId)!;
    expect([schema.name, schema.encoding, textOf(schema.data)]).toEqual([
      "std_msgs/msg/String",
      "ros2msg",
      expect.stringContaining("string data"),
    ]);
  });

  it("keeps what the connections of a bag say", async () => {
    await using client = await connect("memory:");
    const handler = await imported(client, "out.bag");
    const reader = await readerOf(await exported(handler), handler.engine);
    expect(reader.header.profile).toBe("ros1");
    const [channel] = reader.channelsById.values();
    expect(channel.metadata.get("md5sum")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("goes out as it was where the columns do not hold it", async () => {
    await using client = await connect("memory:");
    const short = Uint8Array.of(0, 1, 0, 0, 9, 0, 0, 0, 65);
    const whole = Uint8Array.of(0, 1, 0, 0, 2, 0, 0, 0, 65, 0);
    const file = await writeMcap(async (mcap) => {
      const schema = { name: "std_msgs/msg/String", encoding: "ros2msg", data: encode("string data") };
      const channel = await mcap.channel("/t", "cdr", schema);
      await mcap.message(channel, 1n, short);
      await mcap.message(channel, 2n, whole);
      await mcap.message(await mcap.channel("/cbor", "cbor"), 3n, Uint8Array.of(0xa0));
    });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s" });
    const handler = await client.sequenceHandler("s");
    const made = messagesOfMcap(await exported(handler), handler.engine);
    expect(made.get("/t")).toEqual([{ ns: 1n, bytes: short }, { ns: 2n, bytes: whole }]);
    expect(made.get("/cbor")).toEqual([{ ns: 3n, bytes: Uint8Array.of(0xa0) }]);
  });
});

it("what came as Protocol Buffers goes out as such, by its own descriptors", async () => {
  await using client = await connect("memory:");
  const handler = await imported(client, "protobuf.mcap");
  const file = await exported(handler);
  const reader = await readerOf(file, handler.engine);
  const source = messagesOfMcap(new Uint8Array(readFileSync(path("protobuf.mcap"))), handler.engine);
  const made = messagesOfMcap(file, handler.engine);
  let compared = 0;
  for (const { topic, schemaId, messageEncoding } of reader.channelsById.values()) {
    const schema = reader.schemasById.get(schemaId)!;
    expect([topic, messageEncoding, schema.encoding]).toEqual([topic, "protobuf", "protobuf"]);
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, schema.data));
    const type = registry.getMessage(schema.name)!;
    for (const [i, { bytes }] of source.get(topic)!.entries()) {
      // Another's reader finds no difference, nor any field that it does not know.
      expect(fromBinary(type, made.get(topic)![i].bytes)).toEqual(fromBinary(type, bytes));
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(50);
});

describe("every format", () => {
  it.each(Object.keys(expected))("of %s comes in again with the same values", async (name) => {
    await using client = await connect("memory:");
    const file = await exported(await imported(client, name));
    const report = await importMcap(client, new Blob([file]), { name: "again" });
    const names = new Map(report.topics.map((topic) => [topic.name, topic.sourceName]));
    const { topics } = expected[name];
    const isCsv = name.endsWith(".csv");
    const lines: Record<string, string[]> = {};
    for await (const [, message] of (await client.sequenceHandler("again")).getDataStreamer()) {
      const { timestamp_ns, topic, data } = JSON.parse(jsonLine(message));
      const { _json, ...columns } = data;
      const source = names.get(topic)!;
      const wanted = isCsv ? "csv" : [source, `/${source}`, source.slice(1)].find((key) => key in topics)!;
      const time = isCsv ? String(lines[wanted]?.length ?? 0) : timestamp_ns;
      const values = _json === undefined ? columns : JSON.parse(_json);
      (lines[wanted] ??= []).push(lineOf(time, wanted, values, topics[wanted], name.endsWith(".ulg")));
    }
    for (const [topic, { rows, sha256, sha256_nan_as_null }] of Object.entries(topics)) {
      expect([topic, lines[topic]?.length]).toEqual([topic, rows]);
      expect([topic, [sha256, sha256_nan_as_null]]).toEqual([
        topic,
        expect.arrayContaining([hashOf(lines[topic])]),
      ]);
    }
  });
});

describe("the built-in classes", () => {
  it("become the types of ROS that they came from, and come in again equal", async () => {
    await using client = await connect("memory:");
    const ontology = ["*"];
    await importMcap(client, await openFile(path("every_type.mcap")), { name: "s", ontology });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    const typeOf = (topics: ReadonlyMap<number, McapTypes.TypedMcapRecords["Channel"]>) =>
      new Map([...topics.values()].map(({ topic, schemaId, messageEncoding }) => {
        return [topic, [messageEncoding, reader.schemasById.get(schemaId)?.name]];
      }));
    const types = typeOf(reader.channelsById);
    await importMcap(client, new Blob([await exported(handler)]), { name: "again", ontology });
    let compared = 0;
    for (const { name, ontologyTag, metadata } of handler.topics) {
      const source = metadata["mcap.schema_name"];
      if (!ROS_MESSAGES.has(String(source).replace("/msg/", "/"))) continue;
      expect([name, types.get(String(metadata["mcap.topic"]))]).toEqual([name, ["cdr", source]]);
      const messagesOf = async (sequence: string) =>
        (await all((await client.topicHandler(sequence, name)).getDataStreamer())).map((message) => {
          const { timestamp_ns, data } = message.toJSON();
          const made: Record<string, unknown> = { timestamp_ns, ...withoutCounters(data) as object };
          return made;
        });
      const [before, after] = [await messagesOf("s"), await messagesOf("again")];
      expect(after.length).toBe(before.length);
      if (ontologyTag !== "Temperature") expect(after).toEqual(before);
      // Degrees Celsius there, kelvin here.
      else after.forEach((message, i) => expect(message.value).toBeCloseTo(before[i].value as number, 10));
      compared += before.length;
    }
    expect(compared).toBeGreaterThan(180);
  });

  it("are of a type with a header, with a covariance where there is one", async () => {
    await using client = await connect("memory:");
    const position = { x: 1, y: 2, z: 3 };
    const orientation = { x: 0, y: 0, z: 0, w: 1 };
    const covariance = Float64Array.from({ length: 36 }, (_, i) => i);
    const header = { timestamp: { seconds: 7, nanoseconds: 8 }, frame_id: "map" };
    await client.sequenceCreate("s", {}, async (sequence) => {
      const bare = await sequence.topicCreate("bare", { ontology: Pose });
      await bare.push({ timestampNs: 1n, data: { position, orientation } });
      const whole = await sequence.topicCreate("whole", { ontology: Pose });
      await whole.push({ timestampNs: 1n, data: { header, position, orientation, covariance } });
      const imu = await sequence.topicCreate("imu", { ontology: IMU });
      await imu.push({ timestampNs: 1n, data: { acceleration: position, angular_velocity: position } });
      const image = await sequence.topicCreate("image", { ontology: Image });
      const picture = {
        data: Uint8Array.of(1, 2),
        format: "png",
        width: 1,
        height: 1,
        stride: 2,
        encoding: "mono8",
      };
      await image.push({ timestampNs: 1n, data: picture });
    });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    const read = new Map<string, [type: string, value: unknown]>();
    for await (const { channelId, data } of reader.readMessages()) {
      const { topic, schemaId } = reader.channelsById.get(channelId)!;
      const schema = reader.schemasById.get(schemaId)!;
      const definition = await parseRos("ros2msg", textOf(schema.data));
      // Another's reader, by the definition that goes with the messages.
      read.set(topic, [
        schema.name,
        new MessageReader(definition as ConstructorParameters<typeof MessageReader>[0]).readMessage(data),
      ]);
    }
    const zero = { stamp: { sec: 0, nanosec: 0 }, frame_id: "" };
    expect(Object.fromEntries(read)).toEqual({
      "/bare": ["geometry_msgs/msg/PoseStamped", { header: zero, pose: { position, orientation } }],
      "/whole": ["geometry_msgs/msg/PoseWithCovarianceStamped", {
        header: { stamp: { sec: 7, nanosec: 8 }, frame_id: "map" },
        pose: { pose: { position, orientation }, covariance },
      }],
      "/imu": ["sensor_msgs/msg/Imu", {
        header: zero,
        orientation: { x: 0, y: 0, z: 0, w: 0 },
        orientation_covariance: Float64Array.of(-1, 0, 0, 0, 0, 0, 0, 0, 0),
        angular_velocity: position,
        angular_velocity_covariance: new Float64Array(9),
        linear_acceleration: position,
        linear_acceleration_covariance: new Float64Array(9),
      }],
      "/image": ["sensor_msgs/msg/CompressedImage", {
        header: zero,
        format: "png",
        data: Uint8Array.of(1, 2),
      }],
    });
  });
});

it("refuses pictures that are raw among those that are not", async () => {
  await using client = await connect("memory:");
  await client.sequenceCreate("s", {}, async (sequence) => {
    const image = await sequence.topicCreate("image", { ontology: Image });
    const picture = { data: Uint8Array.of(1), width: 1, height: 1, stride: 1, encoding: "mono8" };
    await image.push({ timestampNs: 1n, data: { ...picture, format: "raw" } });
    await image.push({ timestampNs: 2n, data: { ...picture, format: "png" } });
  });
  const failed = exported(await client.sequenceHandler("s"));
  await expect(failed).rejects.toMatchObject({ code: "UNSUPPORTED", details: { topic: "image" } });
  await expect(failed).rejects.toThrow('an image in format "png"');
});

/** ROS 2 counts no samples. */
function withoutCounters(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCounters);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "sample_counter");
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutCounters(inner)]));
}

const Odd = defineOntology("Odd", {
  count: optional(int64()),
  large: optional(uint64()),
  number: optional(float64()),
  half: optional(float32()),
  bytes: optional(binary()),
  text: optional(utf8()),
  within: optional(struct({ values: list(int64()) })),
});

describe("exportMcap", () => {
  it("writes what has no encoding of its own as JSON with a schema", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", { metadata: { place: "here", n: 2 } }, async (sequence) => {
      const topic = await sequence.topicCreate("a/b", { ontology: Odd });
      await topic.push({
        timestampNs: 1n,
        data: {
          count: 2n ** 53n,
          large: 5n,
          number: NaN,
          half: 0.5,
          bytes: Uint8Array.of(255),
          text: '"ü\n',
          within: { values: [1n, 2n] },
        },
      });
      await topic.push({ timestampNs: 2n, data: { count: -3n, number: -Infinity } });
    });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    const messages = await all(reader.readMessages());
    expect(messages.map(({ data }) => textOf(data))).toEqual([
      '{"count":"9007199254740992","large":5,"number":"NaN","half":0.5,"bytes":"/w==","text":"\\"ü\\n",' +
      '"within":{"values":[1,2]}}',
      '{"count":-3,"number":"-Infinity"}',
    ]);
    const [channel] = reader.channelsById.values();
    expect(channel).toMatchObject({ topic: "/a/b", messageEncoding: "json" });
    const schema = reader.schemasById.get(channel.schemaId)!;
    expect([schema.name, schema.encoding]).toEqual(["Odd", "jsonschema"]);
    expect(JSON.parse(textOf(schema.data))).toMatchObject({
      type: "object",
      properties: {
        count: { type: "integer" },
        number: { type: "number" },
        bytes: { type: "string", contentEncoding: "base64" },
        within: { type: "object", properties: { values: { type: "array", items: { type: "integer" } } } },
      },
    });
    const [metadata] = await all(reader.readMetadata());
    expect([metadata.name, [...metadata.metadata]]).toEqual(["smalti", [["place", "here"], ["n", "2"]]]);
  });

  it("writes JSON that came as JSON by its own schema, with all digits", async () => {
    await using client = await connect("memory:");
    const schema = {
      type: "object",
      properties: { timestamp_ns: { type: "integer" }, b: { type: "number" } },
    };
    const texts = ['{"timestamp_ns":9007199254740993,"b":0.5}', '{"timestamp_ns":1}', '{"b":"no","c":1.50}'];
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.json("j", schema, "Name", { key: "value" });
      for (const [i, text] of texts.entries()) await mcap.message(channel, BigInt(i), text);
    });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s" });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    expect((await all(reader.readMessages())).map(({ data }) => textOf(data))).toEqual(texts);
    const [channel] = reader.channelsById.values();
    expect([channel.topic, [...channel.metadata]]).toEqual(["j", [["key", "value"]]]);
    expect(JSON.parse(textOf(reader.schemasById.get(channel.schemaId)!.data))).toEqual(schema);
  });

  it("keeps publish times and sequence numbers, attachments and metadata", async () => {
    await using client = await connect("memory:");
    const attachment = {
      name: "a.txt",
      mediaType: "text/plain",
      logTime: 2n ** 63n,
      createTime: 8n,
      data: encode("attached"),
    };
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.channel("t", "bytes");
      await mcap.message(channel, 5n, Uint8Array.of(1), 4n);
      await mcap.message(channel, 6n, Uint8Array.of(2), 2n ** 63n);
      await mcap.writer.addAttachment(attachment);
      await mcap.writer.addMetadata({ name: "facts", metadata: new Map([["k", "v"], ["l", "w"]]) });
    }, { compressChunk: COMPRESSIONS.lz4 });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s", envelope: true });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    expect(await all(reader.readMessages())).toMatchObject([
      { logTime: 5n, publishTime: 4n, sequence: 0, data: Uint8Array.of(1) },
      { logTime: 6n, publishTime: 2n ** 63n, sequence: 1, data: Uint8Array.of(2) },
    ]);
    expect(reader.header.profile).toBe("test profile");
    const attached = await all(reader.readAttachments());
    expect(attached).toMatchObject([attachment]);
    expect((await all(reader.readMetadata())).map(({ name, metadata }) => [name, [...metadata]])).toEqual([
      ["facts", [["k", "v"], ["l", "w"]]],
    ]);
  });

  it("is read by its index: windows, topics, statistics, with topics that have no message", async () => {
    await using client = await connect("memory:");
    const count = 40_000;
    await client.sequenceCreate("s", {}, async (sequence) => {
      const [b, a] = [
        await sequence.topicCreate("b", { ontology: Odd }),
        await sequence.topicCreate("a", { ontology: Odd }),
      ];
      await sequence.topicCreate("empty", { ontology: Odd });
      for (let i = 0; i < count; i++) {
        const text = "x".repeat(i % 97);
        await (i % 2 === 0 ? b : a).push({ timestampNs: BigInt(i - i % 2), data: { count: i, text } });
      }
    });
    const handler = await client.sequenceHandler("s");
    const seen: unknown[] = [];
    const file = await exported(handler, { onProgress: (...progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual([count, count]);
    const reader = await readerOf(file, handler.engine);
    expect(reader.chunkIndexes.length).toBeGreaterThan(2);
    expect(reader.chunkIndexes.every(({ compression }) => compression === "lz4")).toBe(true);
    const topics = new Map([...reader.channelsById.values()].map(({ id, topic }) => [id, topic]));
    expect([...topics.values()].sort()).toEqual(["/a", "/b", "/empty"]);
    expect(reader.statistics).toMatchObject({
      messageCount: BigInt(count),
      schemaCount: 1,
      channelCount: 3,
      messageStartTime: 0n,
      messageEndTime: BigInt(count - 2),
      chunkCount: reader.chunkIndexes.length,
    });
    // In strict order: of one time "a" comes before "b".
    const orderOf = (messages: readonly McapTypes.TypedMcapRecords["Message"][]) =>
      messages.map(({ channelId, logTime }) => `${logTime}${topics.get(channelId)}`);
    const window = { startTime: 30_000n, endTime: 30_002n };
    expect(orderOf(await all(reader.readMessages(window)))).toEqual([
      "30000/a",
      "30000/b",
      "30002/a",
      "30002/b",
    ]);
    const counts = (await all(reader.readMessages({ topics: ["/a"] }))).map(({ data }) =>
      JSON.parse(textOf(data)).count
    );
    expect(counts).toEqual(Array.from({ length: count / 2 }, (_, i) => 2 * i + 1));
    // CRCs are checked there.
    expect(messagesOfMcap(file, handler.engine).get("/b")?.length).toBe(count / 2);
  });

  it("takes topics and a window", async () => {
    await using client = await connect("memory:");
    const handler = await imported(client, "cdr_test.mcap");
    const [{ name, firstNs }] = handler.topics;
    const file = await exported(handler, { topics: [name], startNs: firstNs, endNs: firstNs! + 1n });
    const made = [...messagesOfMcap(file, handler.engine).values()];
    expect(made.map((messages) => messages.map(({ ns }) => ns))).toEqual([[firstNs]]);
  });

  it("writes a sequence without topics", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async () => {});
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    expect(reader.statistics).toMatchObject({ messageCount: 0n, channelCount: 0, chunkCount: 0 });
  });

  it("passes on what is still being recorded", async () => {
    await using client = await connect("memory:");
    const sequence = await client.sequenceCreate("live");
    const topic = await sequence.topicCreate("t", { ontology: Odd });
    await topic.push({ timestampNs: 1n, data: { count: 1 } });
    await sequence.flush();
    const handler = await client.sequenceHandler("live", { follow: true });
    const done = exported(handler, { follow: true });
    await topic.push({ timestampNs: 2n, data: { count: 2 } });
    await sequence.finalize();
    const made = messagesOfMcap(await done, handler.engine);
    expect(made.get("/t")?.map(({ bytes }) => textOf(bytes))).toEqual(['{"count":1}', '{"count":2}']);
  });

  it("refuses times before 1970, which MCAP does not have, and leaves no file", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("early", { ontology: Odd });
      await topic.push({ timestampNs: -5n, data: {} });
    });
    const handler = await client.sequenceHandler("s");
    const directory = await mkdtemp(join(tmpdir(), "smalti-mcap-"));
    try {
      const failed = exportMcap(handler, await createFile(join(directory, "a.mcap")));
      await expect(failed).rejects.toMatchObject({ code: "UNSUPPORTED", details: { topic: "early" } });
      await expect(failed).rejects.toThrow("it has a message at -5 ns; wanted times from 0 ns on");
      expect(await readdir(directory)).toEqual([]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("is given up by a signal, and fails with its sink", async () => {
    await using client = await connect("memory:");
    const handler = await imported(client, "every_type.mcap");
    const directory = await mkdtemp(join(tmpdir(), "smalti-mcap-"));
    try {
      const stop = new AbortController();
      const reason = new Error("enough");
      const onProgress = () => stop.abort(reason);
      const sink = await createFile(join(directory, "a.mcap"));
      await expect(exportMcap(handler, sink, { signal: stop.signal, onProgress })).rejects.toBe(reason);
      expect(await readdir(directory)).toEqual([]);
      await exportMcap(handler, await createFile(join(directory, "b.mcap")));
      const file = new Uint8Array(await readFile(join(directory, "b.mcap")));
      expect(messagesOfMcap(file, handler.engine).size).toBe(handler.topics.length);
    } finally {
      await rm(directory, { recursive: true });
    }
    const full = new Error("full");
    const failing = new WritableStream({ write: () => Promise.reject(full) });
    await expect(exportMcap(handler, failing)).rejects.toBe(full);
  });
});
