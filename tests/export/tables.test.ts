import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  binary,
  bool,
  type Client,
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
import { exportArrow } from "../../src/export/arrow.ts";
import { exportCsv } from "../../src/export/csv.ts";
import { createDirectory } from "../../src/export/create_directory.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import { importCsv } from "../../src/import/csv/import_csv.ts";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";

const All = defineOntology("All", {
  count: int64(),
  size: optional(uint64()),
  ok: optional(bool()),
  small: optional(float32()),
  large: optional(float64()),
  text: optional(utf8()),
  bytes: optional(binary()),
  place: optional(struct({ x: float64(), name: optional(utf8()) })),
  numbers: optional(list(float64())),
  parts: optional(list(struct({ id: int64(), label: optional(utf8()) }))),
});

const START = 1_700_000_000_000_000_001n;

const full = {
  count: -(2n ** 63n),
  size: 2n ** 64n - 1n,
  ok: false,
  small: Math.fround(0.1),
  large: -0,
  text: 'a "b",\r\nc',
  bytes: Uint8Array.of(0, 255),
  place: { x: NaN, name: "" },
  numbers: [1.5, -Infinity],
  parts: [{ id: 1n, label: "one" }, { id: 2n }],
};

/** Sequence "s": two topics in one session, the first with rows in two sessions that overlap in time. */
async function record(client: Client): Promise<SequenceHandler> {
  await client.sequenceCreate("s", { metadata: { car: "blue" } }, async (sequence) => {
    const a = await sequence.topicCreate("gps/front", { ontology: All });
    await sequence.topicCreate("empty", { ontology: All });
    await a.push({ timestampNs: START, data: full });
    await a.push({ timestampNs: START + 1n, data: { count: 5n } });
    for (let i = 2; i < 3000; i++) {
      await a.push({ timestampNs: START + BigInt(i), data: { count: BigInt(i), large: i, text: `t${i}` } });
      if (i % 500 === 0) await sequence.flush();
    }
  });
  return await client.sequenceHandler("s");
}

async function rowsOf(handler: SequenceHandler, topic: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const [, { timestampNs, data }] of handler.getDataStreamer({ topics: [topic] })) {
    rows.push([
      timestampNs,
      JSON.stringify(data, (_, value) => typeof value === "bigint" ? `${value}n` : value),
    ]);
  }
  return rows;
}

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "smalti-tables-"))));
afterEach(() => rm(directory, { recursive: true }));

describe("exportArrow", () => {
  it("writes a file a topic, which comes in as it was", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const path = join(directory, "out");
    const report = await exportArrow(handler, await createDirectory(path));
    expect(report.topics).toEqual(["empty", "gps/front"]);
    expect(report.messageCount).toBe(3000);
    expect((await readdir(path)).sort()).toEqual(["empty.arrow", "gps"]);
    const bytes = await readFile(join(path, "gps", "front.arrow"));
    const empty = await readFile(join(path, "empty.arrow"));
    expect(report.byteCount).toBe(bytes.length + empty.length);
    await importArrow(client, new Blob([bytes]), { name: "back", topic: "gps/front" });
    const back = await client.sequenceHandler("back");
    expect(await rowsOf(back, "gps/front")).toEqual(await rowsOf(handler, "gps/front"));
    await importArrow(client, new Blob([empty]), { name: "none", topic: "empty" });
    expect((await client.sequenceHandler("none")).rowCount).toBe(0);
  });

  it("writes a window", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const path = join(directory, "front.arrow");
    const window = { startNs: START + 5n, endNs: START + 9n };
    const report = await exportArrow(handler, await createFile(path), { topics: ["gps/front"], ...window });
    await importArrow(client, new Blob([await readFile(path)]), { name: "back", topic: "gps/front" });
    const rows = await rowsOf(await client.sequenceHandler("back"), "gps/front");
    expect(rows.length).toBe(report.messageCount);
    expect(rows).toEqual((await rowsOf(handler, "gps/front")).slice(5, 5 + rows.length));
    expect(rows.length).toBeGreaterThan(3);
  });

  it("wants one topic for a stream, and leaves nothing where it fails", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    await expect(exportArrow(handler, await createFile(join(directory, "x.arrow")))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("2 topics (empty, gps/front)"),
    });
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    const { signal } = controller;
    await expect(exportArrow(handler, await createDirectory(join(directory, "y")), { signal, onProgress }))
      .rejects.toThrow("enough");
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("createDirectory", () => {
  it("is not needed: a stream takes as many bytes as are reported", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    let bytes = 0;
    const sink = new WritableStream<Uint8Array>({ write: (part) => void (bytes += part.length) });
    const { byteCount } = await exportArrow(handler, sink, { topics: ["gps/front"] });
    expect(byteCount).toBe(bytes);
  });

  it("replaces nothing, before or meanwhile", async () => {
    const path = join(directory, "d");
    const out = await createDirectory(path + "/");
    const writer = (await out.file("a/b.txt")).getWriter();
    await writer.write(Uint8Array.of(65));
    await writer.close();
    await expect(out.file("../b.txt")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await writeFile(path, "");
    await expect(createDirectory(path)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(out.close()).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await out.abort();
    expect(await readdir(directory)).toEqual(["d"]);
  });
});

describe("exportCsv", () => {
  it("writes cells of every type", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const path = join(directory, "front.csv");
    await exportCsv(handler, await createFile(path), { topics: ["gps/front"] });
    const text = await readFile(path, "utf8");
    expect(text.startsWith(
      "timestamp_ns,count,size,ok,small,large,text,bytes,place.x,place.name,numbers,parts\r\n" +
        "1700000000000000001,-9223372036854775808,18446744073709551615,false,0.10000000149011612,-0.0," +
        '"a ""b"",\r\nc",AP8=,NaN,"","[1.5,""-Infinity""]","[{""id"":1,""label"":""one""},{""id"":2,""label"":null}]"\r\n' +
        "1700000000000000002,5,,,,,,,,,,\r\n" +
        "1700000000000000003,2,,,,2.0,t2,,,,,\r\n",
    )).toBe(true);
    await importCsv(client, new Blob([text]), { name: "back", topic: "gps/front" });
    const handlerBack = await client.sequenceHandler("back");
    const back: unknown[] = [];
    for await (const [, { timestampNs, data }] of handlerBack.getDataStreamer()) {
      back.push([timestampNs, data.count, data.large, data["place.x"]]);
    }
    const wanted: unknown[] = [];
    for await (const [, { timestampNs, data }] of handler.getDataStreamer()) {
      wanted.push([timestampNs, data.count, data.large, data.place?.x]);
    }
    expect(back).toEqual(wanted);
  });
});

describe("exportParquet", () => {
  it("writes a file a topic, which comes in as it was", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const path = join(directory, "out");
    const report = await exportParquet(handler, await createDirectory(path));
    expect(report.messageCount).toBe(3000);
    const bytes = await readFile(join(path, "gps", "front.parquet"));
    await importParquet(client, new Blob([bytes]), { name: "back", topic: "gps/front" });
    const back = await client.sequenceHandler("back");
    expect(await rowsOf(back, "gps/front")).toEqual(await rowsOf(handler, "gps/front"));
    const empty = await readFile(join(path, "empty.parquet"));
    await importParquet(client, new Blob([empty]), { name: "none", topic: "empty" });
    expect((await client.sequenceHandler("none")).rowCount).toBe(0);
  });
});
