import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, connect, type SequenceHandler, SmaltiError } from "../../mod.ts";
import { exportArrow } from "../../src/export/arrow.ts";
import { createDirectory } from "../../src/export/create_directory.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportCsv } from "../../src/export/csv.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import type { OutputDirectory } from "../../src/export/output_directory.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import { pushSamples, Sample } from "../support/sample_rows.ts";

const TABLES = { arrow: exportArrow, parquet: exportParquet, csv: exportCsv };
const FORMATS = Object.keys(TABLES) as (keyof typeof TABLES)[];

/** Sequence "s" with topics "a" and "b/c", in several sessions. */
async function record(client: Client): Promise<SequenceHandler> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const name of ["a", "b/c"]) {
      const topic = await sequence.topicCreate(name, { ontology: Sample });
      for (let from = 0; from < 2000; from += 500) {
        await pushSamples(topic, Array.from({ length: 500 }, (_, i) => from + i), from);
        await sequence.flush();
      }
    }
  });
  return await client.sequenceHandler("s");
}

const full = () => new SmaltiError("NO_SPACE", "Cannot write: the disk is full");

/** A sink over another that fails after so many bytes, as a file on a full disk does: it is not told of an abort then. */
function failing(
  sink: WritableStream<Uint8Array>,
  afterBytes: number,
  calls: string[],
): WritableStream<Uint8Array> {
  const writer = sink.getWriter();
  let left = afterBytes;
  return new WritableStream({
    async write(bytes) {
      calls.push("write");
      left -= bytes.length;
      if (left >= 0) return await writer.write(bytes);
      const reason = full();
      await writer.abort(reason);
      throw reason;
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
}

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "smalti-sinks-"))));
afterEach(() => rm(directory, { recursive: true }));

describe.each(FORMATS)("an export to %s", (format) => {
  it("into a file that cannot be written to its end leaves nothing, and says which topic", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const file = await createFile(join(directory, "t"));
    const calls: string[] = [];
    const failed = TABLES[format](handler, failing(file, 2000, calls), { topics: ["b/c"] });
    await expect(failed).rejects.toMatchObject({
      code: "NO_SPACE",
      message: expect.stringContaining("topic b/c"),
      details: { sequence: "s", topic: "b/c" },
    });
    expect(calls.length).toBeGreaterThan(0);
    expect(await readdir(directory)).toEqual([]);
  });

  it("into a directory that cannot hold the second topic leaves neither", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const real = await createDirectory(join(directory, "tables"));
    const names: string[] = [];
    const calls: string[] = [];
    const ends: unknown[] = [];
    const output: OutputDirectory = {
      async file(name) {
        names.push(name);
        const file = await real.file(name);
        return name.startsWith("b/") ? failing(file, 2000, calls) : file;
      },
      close: () => Promise.reject(new Error("not to be closed")),
      async abort(reason) {
        ends.push(reason);
        await real.abort(reason);
      },
    };
    const reason = await TABLES[format](handler, output).catch((reason) => reason);
    expect(reason).toMatchObject({ code: "NO_SPACE", details: { sequence: "s", topic: "b/c" } });
    expect(names).toEqual([`a.${format}`, `b/c.${format}`]);
    expect(ends).toEqual([reason]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("that is given up aborts the sink with the reason, and does not close it", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const controller = new AbortController();
    const enough = new Error("enough");
    const ends: unknown[] = [];
    const sink = new WritableStream<Uint8Array>({
      close: () => void ends.push("closed"),
      abort: (reason) => void ends.push(reason),
    });
    const options = {
      topics: ["a"],
      signal: controller.signal,
      onProgress: () => controller.abort(enough),
    };
    await expect(TABLES[format](handler, sink, options)).rejects.toBe(enough);
    expect(ends).toEqual([enough]);
  });
});

it("an MCAP that cannot be written to its end leaves nothing", async () => {
  await using client = await connect("memory:");
  const handler = await record(client);
  const file = await createFile(join(directory, "t.mcap"));
  const calls: string[] = [];
  await expect(exportMcap(handler, failing(file, 2000, calls))).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(calls.length).toBeGreaterThan(1);
  expect(await readdir(directory)).toEqual([]);
});
