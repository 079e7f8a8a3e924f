import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { sameBytes } from "../support/bytes.ts";
import { type ExpectedTopic, hashOf, lineOf } from "../import/canonical.ts";
import { encode, writeMcap } from "../import/mcap_file.ts";
import { exported, imported, path, readerOf, textOf } from "./mcap_exports.ts";
import { messagesOfBag, messagesOfDb3, messagesOfMcap, type SourceMessages } from "./source_messages.ts";

interface ExpectedFile {
  readonly topics: Readonly<Record<string, ExpectedTopic>>;
}
const expected = JSON.parse(readFileSync(path("expected.json"), "utf8")) as Record<string, ExpectedFile>;

/** Messages of which padding, or the one byte of an empty type, is not zero: none that columns hold without an envelope. */
const PADDED: Readonly<Record<string, number>> = { "talker.db3": 2, "every_type.mcap": 3 };

describe("what came from ROS", () => {
  const names = Object.keys(expected).filter((name) => /\.(db3|bag)$|^(cdr_|every_|ros2idl)/.test(name));

  const ways = names.flatMap((name) => [{ name, envelope: true }, { name, envelope: false }]);

  it.each(ways)(
    "of $name goes out byte for byte, with an envelope ($envelope)",
    async ({ name, envelope }) => {
      await using client = await connect("memory:");
      const handler = await imported(client, name, { envelope });
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
          if (sameBytes(bytes, others[i].bytes)) return;
          padded++;
          // Zero where it differs.
          expect(bytes.every((byte, at) => byte === others[i].bytes[at] || others[i].bytes[at] === 0)).toBe(
            true,
          );
        });
      }
      expect(padded).toBe(envelope ? 0 : PADDED[name] ?? 0);
    },
  );

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

it("what came as JSON may have members that are called as columns of the envelope", async () => {
  for (const envelope of [true, false]) {
    await using client = await connect("memory:");
    const schema = {
      type: "object",
      properties: { _padding: { type: "integer" }, _index: { type: "integer" } },
    };
    const bytes = encode('{"_padding":3,"_index":4}');
    const file = await writeMcap(async (mcap) => {
      await mcap.message(await mcap.json("/t", schema), 1n, bytes);
    });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s", envelope });
    const handler = await client.sequenceHandler("s");
    const made = await exported(handler);
    expect(messagesOfMcap(made, handler.engine).get("/t")).toEqual([{ ns: 1n, bytes }]);
    const [{ data }] = (await readerOf(made, handler.engine)).schemasById.values();
    expect(JSON.parse(textOf(data))).toEqual(schema);
  }
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
      const source = names.get(topic)!;
      const wanted = isCsv ? "csv" : [source, `/${source}`, source.slice(1)].find((key) => key in topics)!;
      const time = isCsv ? String(lines[wanted]?.length ?? 0) : timestamp_ns;
      // The columns hold all of it, but for uint64 beyond int64.
      const values = name === "flatbuffer.mcap" && data._json !== undefined ? JSON.parse(data._json) : data;
      expect(values._json).toBeUndefined();
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
