import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Client, connect, type SequenceHandler } from "../../mod.ts";
import { convertRecording, type ConvertReport } from "../../src/export/convert/convert.ts";
import { exportMcap, type ExportMcapOptions } from "../../src/export/mcap/export_mcap.ts";
import type { ExportReport } from "../../src/export/recording_export.ts";
import type { ImportOptions } from "../../src/import/import_options.ts";
import type { ImportReport } from "../../src/import/import_report.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { IMPORTERS } from "../import/importers.ts";
import { encode, writeMcap } from "../import/mcap_file.ts";
import { exported, path, readerOf } from "./mcap_exports.ts";
import { messagesOfMcap } from "./source_messages.ts";

const NAMES = Object.keys(JSON.parse(readFileSync(path("expected.json"), "utf8")));

const importerOf = (name: string) =>
  IMPORTERS[name.slice(name.lastIndexOf(".") + 1) as keyof typeof IMPORTERS];

/** What is written to it, as one file. */
function fileSink(): { sink: WritableStream<Uint8Array>; bytes: () => Promise<Uint8Array<ArrayBuffer>> } {
  const parts: Uint8Array[] = [];
  return {
    sink: new WritableStream({ write: (part) => void parts.push(part) }),
    bytes: async () => new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()),
  };
}

type Read = (client: Client, signal: AbortSignal) => Promise<ImportReport>;

/** An MCAP file of what is read. */
async function toMcap(
  client: Client,
  read: Read,
  options: ExportMcapOptions = {},
): Promise<{ file: Uint8Array<ArrayBuffer>; report: ConvertReport<ImportReport, ExportReport> }> {
  const { sink, bytes } = fileSink();
  const report = await convertRecording(
    client,
    read,
    (handler, signal) => exportMcap(handler, sink, { ...options, signal }),
  );
  return { file: await bytes(), report };
}

/** Reads a file of tests/fixtures/formats. */
async function readFixture(name: string, options: Partial<ImportOptions> = {}): Promise<Read> {
  const source = await openFile(path(name));
  return (client, signal) => importerOf(name)(client, source, { name: "s", ...options, signal });
}

/** All that a reader finds in a file but messages. */
async function factsOf(file: Uint8Array, { engine }: SequenceHandler) {
  const reader = await readerOf(file, engine);
  const channels = [...reader.channelsById.values()].map(({ topic, messageEncoding, metadata, schemaId }) => {
    const { name, encoding, data } = reader.schemasById.get(schemaId)!;
    return { topic, messageEncoding, metadata, name, encoding, data };
  });
  const attachments = [];
  for await (const { name, mediaType, logTime, createTime, data } of reader.readAttachments()) {
    attachments.push({ name, mediaType, logTime, createTime, data });
  }
  const metadata = [];
  for await (const { name, metadata: texts } of reader.readMetadata()) metadata.push({ name, texts });
  return {
    profile: reader.header.profile,
    channels: channels.sort((a, b) => a.topic < b.topic ? -1 : 1),
    attachments,
    metadata,
  };
}

describe("every format into MCAP", () => {
  it.each(NAMES)("of %s is what comes by way of a store", async (name) => {
    await using client = await connect("memory:");
    const { file, report } = await toMcap(client, await readFixture(name));
    await importerOf(name)(client, await openFile(path(name)), { name: "s" });
    const handler = await client.sequenceHandler("s");
    const stored = await exported(handler);
    const messages = messagesOfMcap(file, handler.engine);
    expect([...messages.keys()].sort()).toEqual([...messagesOfMcap(stored, handler.engine).keys()].sort());
    for (const [topic, wanted] of messagesOfMcap(stored, handler.engine)) {
      expect(messages.get(topic), topic).toEqual(wanted);
    }
    expect(await factsOf(file, handler)).toEqual(await factsOf(stored, handler));
    expect(report).toMatchObject({ lateCount: 0, exported: { messageCount: handler.rowCount } });
    expect(report.imported.messageCount).toBe(handler.rowCount);
    expect(await client.listSequences()).toEqual(["s"]);
  });
});

/** A file of MCAP with all that there can be beside messages. */
const withFacts = () =>
  writeMcap(async (mcap) => {
    const schema = { name: "std_msgs/msg/String", encoding: "ros2msg", data: encode("string data") };
    const channel = await mcap.channel("/a", "cdr", schema, { offered_qos_profiles: "- depth: 1" });
    await mcap.channel("/silent", "cdr", schema, { of: "nobody" });
    const bytes = Uint8Array.of(0, 1, 0, 0, 2, 0, 0, 0, 65, 0);
    for (const time of [5n, 3n, 5n]) await mcap.message(channel, time, bytes, time + 100n);
    const times = { logTime: 7n, createTime: 6n };
    await mcap.writer.addAttachment({
      ...times,
      name: "a.txt",
      mediaType: "text/plain",
      data: encode("one"),
    });
    await mcap.writer.addAttachment({ ...times, name: "a.txt", mediaType: "", data: encode("another") });
    await mcap.writer.addMetadata({ name: "car", metadata: new Map([["wheels", "4"]]) });
  });

it("keeps publish times, sequence numbers, attachments, metadata, silent topics and the profile", async () => {
  await using client = await connect("memory:");
  const blob = new Blob([await withFacts() as BlobPart]);
  const read: Read = (into, signal) => importMcap(into, blob, { name: "s", envelope: true, signal });
  const { file } = await toMcap(client, read);
  const source = { engine: (await made(client, read)).engine } as SequenceHandler;
  const facts = await factsOf(file, source);
  expect(facts).toEqual(await factsOf(new Uint8Array(await blob.arrayBuffer()), source));
  expect([facts.profile, facts.channels.length, facts.attachments.length, facts.metadata.length])
    .toEqual(["test profile", 2, 2, 1]);
  const found = [];
  for await (
    const { logTime, publishTime, sequence } of (await readerOf(file, source.engine)).readMessages()
  ) {
    found.push([logTime, publishTime, sequence]);
  }
  expect(found).toEqual([[3n, 103n, 1], [5n, 105n, 0], [5n, 105n, 2]]);
});

/** What is read, as a sequence of a store. */
async function made(client: Client, read: Read): Promise<SequenceHandler> {
  const { sequence } = await read(client, new AbortController().signal);
  return await client.sequenceHandler(sequence.name);
}
