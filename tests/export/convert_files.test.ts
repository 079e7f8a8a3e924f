import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  float64,
  GPS,
  ontology,
  type SequenceHandler,
} from "../../mod.ts";
import { exportArrow } from "../../src/export/arrow.ts";
import { convertRecording } from "../../src/export/convert/convert.ts";
import { exportCsv } from "../../src/export/csv.ts";
import { exportImages } from "../../src/export/images.ts";
import { exportJsonLines } from "../../src/export/json_lines.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import type { OutputDirectory } from "../../src/export/output_directory.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import type { ExportOptions, ExportReport } from "../../src/export/recording_export.ts";
import type { ImportReport } from "../../src/import/import_report.ts";
import { openFile } from "../../src/import/open_file.ts";
import { imageFromPixels } from "../../src/image/mod.ts";
import { IMPORTERS } from "../import/importers.ts";
import { path } from "./mcap_exports.ts";

const TABLES = { arrow: exportArrow, csv: exportCsv, parquet: exportParquet };
const FORMATS = Object.keys(TABLES) as (keyof typeof TABLES)[];
const SOURCES = ["every_type.mcap", "test_ulog.ulg", "talker.db3"];

/** A directory in memory. */
function memoryDirectory() {
  const parts = new Map<string, Uint8Array[]>();
  const ends: string[] = [];
  const directory: OutputDirectory = {
    file(name) {
      expect(parts.has(name)).toBe(false);
      const own: Uint8Array[] = [];
      parts.set(name, own);
      return Promise.resolve(new WritableStream({ write: (part) => void own.push(part) }));
    },
    close: () => Promise.resolve(void ends.push("closed")),
    abort: () => Promise.resolve(void ends.push("aborted")),
  };
  const files = async () => {
    const names = [...parts.keys()].sort();
    return await Promise.all(names.map(async (name) => [name, await joined(parts.get(name)!)] as const));
  };
  return { directory, files, ends };
}

const joined = async (parts: Uint8Array[]) =>
  new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());

type Read = (client: Client, signal?: AbortSignal) => Promise<ImportReport>;
type Write<R> = (handler: SequenceHandler, options: ExportOptions) => Promise<R>;

async function reader(name: string): Promise<Read> {
  const source = await openFile(path(name));
  const importer = IMPORTERS[name.slice(name.lastIndexOf(".") + 1) as keyof typeof IMPORTERS];
  return (client, signal) => importer(client, source, { name: "s", ...(signal && { signal }) });
}

/** What is written of a file by a conversion, and by way of a store. */
async function both<R>(name: string, write: () => [Write<ExportReport>, () => Promise<R>]): Promise<[R, R]> {
  await using client = await connect("memory:");
  const read = await reader(name);
  const [passed, ofPassed] = write();
  const { exported } = await convertRecording(client, read, (handler, signal) => passed(handler, { signal }));
  await read(client);
  const [stored, ofStored] = write();
  expect(exported.messageCount).toBe((await stored(await client.sequenceHandler("s"), {})).messageCount);
  return [await ofPassed(), await ofStored()];
}

describe.each(SOURCES)("%s", (name) => {
  it("becomes the same lines as by way of a store", async () => {
    const [passed, stored] = await both(name, () => {
      const parts: Uint8Array[] = [];
      const sink = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
      return [(handler, options) => exportJsonLines(handler, sink, options), () => joined(parts)];
    });
    expect(passed.length).toBeGreaterThan(100);
    expect(new TextDecoder().decode(passed)).toBe(new TextDecoder().decode(stored));
  });

  it("becomes the same tables in CSV", async () => {
    const [passed, stored] = await both(name, () => {
      const { directory, files } = memoryDirectory();
      return [(handler, options) => exportCsv(handler, directory, options), files];
    });
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.map(([file]) => file)).toEqual(stored.map(([file]) => file));
    passed.forEach(([file, bytes], i) => expect([file, bytes]).toEqual([file, stored[i][1]]));
  });

  it.each(["arrow", "parquet"] as const)("becomes tables with the same rows in %s", async (format) => {
    const [passed, stored] = await both(name, () => {
      const { directory, files } = memoryDirectory();
      return [(handler, options) => TABLES[format](handler, directory, options), files];
    });
    expect(passed.map(([file]) => file)).toEqual(stored.map(([file]) => file));
    for (const [i, [file, bytes]] of passed.entries()) {
      expect([file, await linesOf(bytes, format)]).toEqual([file, await linesOf(stored[i][1], format)]);
    }
  });
});

/** The rows of a table as lines of JSON. */
async function linesOf(bytes: Uint8Array<ArrayBuffer>, format: "arrow" | "parquet"): Promise<string> {
  await using client = await connect("memory:");
  await IMPORTERS[format](client, new Blob([bytes]), { name: "s", topic: "t" });
  const parts: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
  await exportJsonLines(await client.sequenceHandler("s"), sink);
  return new TextDecoder().decode(await joined(parts));
}

const Value = defineOntology("Value", { value: float64() });

/** Topics that come one after another; the last has no message. */
const readTopics = (...names: string[]) => (client: Client) =>
  client.sequenceCreate("s", {}, async (sequence) => {
    for (const [i, name] of names.entries()) {
      const topic = await sequence.topicCreate(name, { ontology: Value });
      if (i === names.length - 1) break;
      for (let k = 0; k < 3; k++) await topic.push({ timestampNs: BigInt(10 * i + k), data: { value: k } });
    }
  });

describe.each(FORMATS)("one file of %s", (format) => {
  /** Runs it, and tells how the sink ended. */
  async function run(names: string[], options: ExportOptions = {}) {
    await using client = await connect("memory:");
    const ends: unknown[] = [];
    const parts: Uint8Array[] = [];
    const sink = new WritableStream<Uint8Array>({
      write: (part) => void parts.push(part),
      close: () => void ends.push("closed"),
      abort: () => void ends.push("aborted"),
    });
    const write = (handler: SequenceHandler) => TABLES[format](handler, sink, options);
    const report = await convertRecording(client, readTopics(...names), write).then(
      ({ exported }) => exported,
      (reason) => reason,
    );
    return { report, ends };
  }

  it("takes one topic, with messages or without", async () => {
    expect(await run(["a"])).toMatchObject({ report: { messageCount: 0, topics: ["a"] }, ends: ["closed"] });
    expect(await run(["a", "b"], { topics: ["a"] }))
      .toMatchObject({ report: { messageCount: 3, topics: ["a"] }, ends: ["closed"] });
    expect(await run(["a", "b"], { topics: ["b"] }))
      .toMatchObject({ report: { messageCount: 0, topics: ["b"] }, ends: ["closed"] });
  });

  it("does not take two, nor none", async () => {
    for (const names of [["a", "b", "c"], ["a", "b"], []]) {
      const { report, ends } = await run(names);
      expect(report).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("a directory"),
      });
      expect(ends).toEqual(["aborted"]);
    }
  });

  it("does not take a topic that never came", async () => {
    const { report, ends } = await run(["a", "b"], { topics: ["nope"] });
    expect(report).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining(`no topic "nope"`) });
    expect(ends).toEqual(["aborted"]);
  });
});

describe("a part, as MCAP and lines", () => {
  async function run<R>(write: Write<R>, ...names: string[]): Promise<R> {
    await using client = await connect("memory:");
    return (await convertRecording(
      client,
      readTopics(...names),
      (handler, signal) => write(handler, { signal }),
    ))
      .exported;
  }
  const nowhere = () => new WritableStream<Uint8Array>();

  it.each([["mcap", exportMcap], ["ndjson", exportJsonLines]] as const)(
    "of %s is what topics and times say",
    async (_, exporter) => {
      const of = (options: ExportOptions) =>
        run((handler, given) => exporter(handler, nowhere(), { ...given, ...options }), "a", "b", "c");
      expect(await of({ topics: ["b"] })).toMatchObject({ messageCount: 3, topics: ["b"] });
      // Of the others none has a message then.
      expect(await of({ startNs: 11n, endNs: 13n })).toMatchObject({
        messageCount: 2,
        topics: ["a", "b", "c"],
      });
      await expect(of({ topics: ["nope"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    },
  );

  it("has late messages too, though its end has passed", async () => {
    await using client = await connect("memory:");
    const Large = ontology.Image;
    const picture = imageFromPixels({
      width: 1000,
      height: 1000,
      encoding: "mono8",
      data: new Uint8Array(1e6),
    });
    const read = (into: Client) =>
      into.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Large });
        for (let i = 10; i < 50; i++) await topic.push({ timestampNs: BigInt(i), data: picture });
        await topic.push({ timestampNs: 5n, data: picture });
        await topic.push({ timestampNs: 6n, data: picture });
        await topic.push({ timestampNs: 99n, data: picture });
      });
    const times: bigint[] = [];
    const { lateCount } = await convertRecording(client, read, async (handler) => {
      const stream = handler.getDataStreamer({ startNs: 6n, endNs: 13n });
      for await (const [, { timestampNs }] of stream) times.push(timestampNs);
    });
    expect([lateCount, times]).toEqual([2, [10n, 11n, 12n, 6n]]);
  });
});

describe("pictures", () => {
  const pixels = { width: 2, height: 1, encoding: "rgb8", data: Uint8Array.of(1, 2, 3, 250, 251, 252) };
  async function run(options: ExportOptions, ...cameras: string[]) {
    await using client = await connect("memory:");
    const { directory, files, ends } = memoryDirectory();
    const read = (into: Client) =>
      into.sequenceCreate("s", {}, async (sequence) => {
        const gps = await sequence.topicCreate("gps", { ontology: GPS });
        await gps.push({ timestampNs: 1n, data: { position: { x: 1, y: 2, z: 3 } } });
        for (const name of cameras) {
          const camera = await sequence.topicCreate(name, { ontology: ontology.Image });
          if (name === "silent") continue;
          for (const timestampNs of [2n, 2n]) {
            await camera.push({ timestampNs, data: imageFromPixels(pixels) });
          }
        }
      });
    const report = await convertRecording(
      client,
      read,
      (handler) => exportImages(handler, directory, options),
    )
      .then(({ exported }) => exported, (reason) => reason);
    return { report, names: (await files()).map(([name]) => name), ends };
  }

  it("go out while they come, and what is none is passed over", async () => {
    expect(await run({}, "a/b", "silent")).toMatchObject({
      report: { messageCount: 2, topics: ["a/b", "silent"] },
      names: ["a/b/2.png", "a/b/2_1.png"],
      ends: ["closed"],
    });
  });

  it("are wanted where they are asked for", async () => {
    expect(await run({ topics: ["silent"] }, "a", "silent"))
      .toMatchObject({ report: { messageCount: 0, topics: ["silent"] }, ends: ["closed"] });
    expect(await run({ topics: ["gps"] }, "a"))
      .toMatchObject({ report: { code: "INVALID_ARGUMENT", details: { topic: "gps" } }, ends: ["aborted"] });
    expect(await run({})).toMatchObject({ report: { code: "INVALID_ARGUMENT" }, ends: ["aborted"] });
    expect(await run({ topics: ["nope"] }, "a")).toMatchObject({
      report: { code: "NOT_FOUND" },
      ends: ["aborted"],
    });
  });
});
