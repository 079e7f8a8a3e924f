import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, type SequenceWriter } from "../../mod.ts";
import { createCodecs } from "../../src/engine/codecs.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { formatOf } from "../../src/import/formats.ts";
import { importJsonLines } from "../../src/import/json_lines/import_json_lines.ts";
import { makeTemporary, until } from "../support/cli_process.ts";
import { chunked, encode, writeMcap } from "./mcap_file.ts";
import { importToy } from "./toy/import_toy.ts";

const line = (i: number) =>
  encode(`{"timestamp_ns":"${i}","topic":"t","ontology":"T","data":{"v":${i}.5}}\n`);

/** Bytes that come when they are sent. */
function pipe(): { source: ReadableStream<Uint8Array>; send(bytes: Uint8Array): void; end(): void } {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const source = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  return { source, send: (bytes) => controller.enqueue(bytes), end: () => controller.close() };
}

describe("an import of a live source", () => {
  it("lets those who follow see what came while it is silent", async () => {
    const { directory, remove } = await makeTemporary();
    const client = await connect(directory);
    const { source, send, end } = pipe();
    const imported = importJsonLines(client, { chunks: source, isLive: true }, { name: "s" });
    send(line(1));
    send(line(2));
    await until(() => existsSync(join(directory, "s", "sequence.json")));
    const seen: bigint[] = [];
    const handler = await client.sequenceHandler("s", { follow: true });
    for await (const [, { timestampNs }] of handler.getDataStreamer({ follow: true })) {
      if (seen.push(timestampNs) < 2) continue;
      // The first two came before there were more.
      send(line(3));
      end();
      break;
    }
    expect(seen).toEqual([1n, 2n]);
    expect((await imported).messageCount).toBe(3);
    await client.close();
    await remove();
  });

  it("writes what a decoder holds back while it is silent", async () => {
    await using client = await connect("memory:");
    const { source, send, end } = pipe();
    let topic: { rowCount: number } | undefined;
    const create = client.sequenceCreate.bind(client);
    client.sequenceCreate = (async (...given: Parameters<typeof create>) => {
      const sequence = await create(...given) as SequenceWriter;
      const topicCreate = sequence.topicCreate.bind(sequence);
      sequence.topicCreate = async (...of) => {
        const made = await topicCreate(...of);
        topic = made;
        return made;
      };
      return sequence;
    }) as typeof client.sequenceCreate;
    const imported = importToy(client, { chunks: source, isLive: true }, { name: "s" });
    send(encode("toy\ntopic pose numbers names x\n1 pose 2\n"));
    await until(() => topic?.rowCount === 1);
    end();
    expect((await imported).messageCount).toBe(1);
  });

  it("commits what came when the signal ends it", async () => {
    await using client = await connect("memory:");
    const { source, send } = pipe();
    const stop = new AbortController();
    const imported = importJsonLines(client, { chunks: source, isLive: true, name: "-" }, {
      name: "s",
      signal: stop.signal,
      onProgress: (bytes) => bytes > line(1).length && stop.abort(),
    });
    send(line(1));
    send(line(2));
    await expect(imported).rejects.toThrow(
      `Import of "-" as sequence "s" was aborted; what came before is committed: messages 2, topics 1`,
    );
    await expect(imported).rejects.toMatchObject({ code: "ABORTED" });
    const handler = await client.sequenceHandler("s");
    expect([handler.state, handler.rowCount]).toEqual(["finalized", 2]);
  });
});

const context = { engine: createCodecs(loadNativeCodecs()) };

describe("formatOf", () => {
  it("tells formats by how files begin, and reads a live one from its beginning", async () => {
    const mcap = await writeMcap(async (file) => {
      await file.message(await file.channel("/t", "cdr"), 1n, "x");
    });
    await using client = await connect("memory:");
    const cases: [string, Uint8Array, string][] = [
      ["m", mcap, "MCAP file"],
      ["j", encode(` \n${new TextDecoder().decode(line(1))}`), "JSON lines"],
    ];
    for (const [name, bytes, wanted] of cases) {
      const { format, sources } = await formatOf([{ chunks: chunked(bytes, 3), isLive: true }], context);
      expect(format.name).toBe(wanted);
      const report = await (await format.load())(client, sources, { name });
      expect(report.messageCount).toBe(1);
    }
  });

  it("names the file of another format, or of none", async () => {
    const source = (name: string, text: string) => ({ name, chunks: chunked(encode(text)) });
    await expect(formatOf([source("a.txt", "hello")], context))
      .rejects.toThrow("Cannot import a.txt: it is no MCAP file");
    await expect(formatOf([source("a.txt", "")], context)).rejects.toThrow("it is empty: no MCAP file");
    await expect(formatOf([source("a", "{}"), source("b", "\x89MCAP0\r\n")], context)).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
    const mixed = [{ name: "a", chunks: chunked(encode("{}")) }, {
      name: "b",
      chunks: chunked(Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a)),
    }];
    await expect(formatOf(mixed, context)).rejects.toThrow(
      "it is of another format, MCAP file, than the files before",
    );
  });
});
