import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { McapTypes } from "@mcap/core";
import { describe, expect, it } from "vitest";
import {
  binary,
  connect,
  defineOntology,
  float32,
  float64,
  int64,
  list,
  optional,
  struct,
  uint64,
  utf8,
} from "../../mod.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { COMPRESSIONS, encode, writeMcap } from "../import/mcap_file.ts";
import { all, exported, imported, readerOf, textOf } from "./mcap_exports.ts";
import { messagesOfMcap } from "./source_messages.ts";

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
