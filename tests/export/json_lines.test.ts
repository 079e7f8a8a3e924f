import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { binary, type Client, connect, defineOntology, float64, int64, optional, utf8 } from "../../mod.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportJsonLines } from "../../src/export/json_lines.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";

const Odd = defineOntology("Odd", {
  count: int64(),
  bytes: optional(binary()),
  number: optional(float64()),
  _json: optional(utf8()),
});

/** Sequence "s": messages 0 to 19,999 on topics a and b in turns. */
async function record(client: Client): Promise<SequenceHandler> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topics = [
      await sequence.topicCreate("b", { ontology: Odd }),
      await sequence.topicCreate("a", { ontology: Odd }),
    ];
    for (let i = 0; i < 20_000; i++) {
      await topics[i % 2].push({ timestampNs: BigInt(i), data: { count: i } });
    }
  });
  return await client.sequenceHandler("s");
}

/** A sink that keeps its chunks as they come, and what it ended with. */
function collector(): {
  sink: WritableStream<Uint8Array>;
  chunks: Uint8Array[];
  ended: unknown[];
  text: () => string;
} {
  const chunks: Uint8Array[] = [];
  const ended: unknown[] = [];
  const sink = new WritableStream<Uint8Array>({
    write: (chunk) => void chunks.push(chunk),
    close: () => void ended.push("closed"),
    abort: (reason) => void ended.push(reason),
  });
  const text = () => chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  return { sink, chunks, ended, text };
}

describe("exportJsonLines", () => {
  it("writes a line a message, in strict order, as toJSON has it", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const { sink, chunks, ended, text } = collector();
    const seen: [number, number | undefined][] = [];
    const report = await exportJsonLines(handler, sink, {
      onProgress: (messageCount, totalCount) => seen.push([messageCount, totalCount]),
    });
    const lines: string[] = [];
    for await (const [, message] of handler.getDataStreamer()) {
      const { _json, ...data } = message.toJSON().data;
      lines.push(JSON.stringify({ ...message.toJSON(), data }) + "\n");
    }
    expect(lines.length).toBe(20_000);
    expect(text()).toBe(lines.join(""));
    expect(report).toEqual({
      messageCount: 20_000,
      byteCount: text().length,
      topics: ["a", "b"],
      flaws: [],
      flawCounts: {},
    });
    expect(ended).toEqual(["closed"]);
    expect(seen.at(-1)).toEqual([20_000, 20_000]);
    // Chunks are the sink's to keep, and none holds much.
    expect(chunks.every(({ length }) => length < 70_000)).toBe(true);
  });

  it("writes what JSON does not have as text, and what does not fit with its text", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Odd });
      await topic.push({ timestampNs: 1n, data: { count: 2n ** 53n, bytes: Uint8Array.of(0), number: NaN } });
      await topic.push({ timestampNs: 2n, data: { count: 1, _json: "{}" } });
    });
    const { sink, text } = collector();
    await exportJsonLines(await client.sequenceHandler("s"), sink);
    expect(text()).toBe(
      `{"timestamp_ns":"1","topic":"t","ontology":"Odd","data":{"count":"9007199254740992","bytes":"AA==","number":"NaN"}}\n` +
        `{"timestamp_ns":"2","topic":"t","ontology":"Odd","data":{"count":1,"bytes":null,"number":null,"_json":"{}"}}\n`,
    );
  });

  it("takes topics and a window", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const { sink, text } = collector();
    const totals: unknown[] = [];
    const report = await exportJsonLines(handler, sink, {
      topics: ["/a"],
      startNs: 10n,
      endNs: 20n,
      onProgress: (_, totalCount) => totals.push(totalCount),
    });
    expect(text().trim().split("\n").map((line) => JSON.parse(line).timestamp_ns))
      .toEqual(["11", "13", "15", "17", "19"]);
    expect([report.messageCount, report.topics, totals]).toEqual([5, ["a"], [undefined]]);
    const half: unknown[] = [];
    await exportJsonLines(handler, collector().sink, {
      topics: ["/a"],
      onProgress: (...args) => half.push(args),
    });
    expect(half.at(-1)).toEqual([10_000, 10_000]);
  });

  it("passes messages of a recording that goes on without waiting for more", async () => {
    await using client = await connect("memory:");
    const sequence = await client.sequenceCreate("live");
    const topic = await sequence.topicCreate("t", { ontology: Odd });
    const push = (ns: bigint) => topic.push({ timestampNs: ns, data: { count: ns } });
    for (const ns of [1n, 2n]) await push(ns);
    await sequence.flush();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const handler = await client.sequenceHandler("live", { follow: true });
    const done = exportJsonLines(handler, writable, { follow: true });
    const reader = readable.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(JSON.parse(first.split("\n")[0]).timestamp_ns).toBe("1");
    await push(3n);
    await sequence.finalize();
    let rest = "";
    for (let part; !(part = await reader.read()).done;) rest += new TextDecoder().decode(part.value);
    expect((first + rest).trim().split("\n").length).toBe(3);
    expect(await done).toMatchObject({ messageCount: 3, byteCount: (first + rest).length });
  });

  it("aborts the sink where reading fails, where it is given up, and where the sink itself fails", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const wrong = collector();
    await expect(exportJsonLines(handler, wrong.sink, { topics: ["nope"] })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(wrong.ended).toMatchObject([{ code: "NOT_FOUND" }]);

    const stop = new AbortController();
    const given = collector();
    const reason = new Error("enough");
    const onProgress = () => stop.abort(reason);
    await expect(exportJsonLines(handler, given.sink, { signal: stop.signal, onProgress })).rejects.toBe(
      reason,
    );
    expect(given.ended).toEqual([reason]);

    const full = new Error("full");
    const failing = new WritableStream({ write: () => Promise.reject(full) });
    await expect(exportJsonLines(handler, failing)).rejects.toBe(full);
  });
});

describe("createFile", () => {
  let directory: string;
  beforeEach(async () => directory = await mkdtemp(join(tmpdir(), "smalti-export-")));
  afterEach(() => rm(directory, { recursive: true }));

  it("gives the file its name when all of it is there", async () => {
    const path = join(directory, "a.bin");
    const writer = (await createFile(path)).getWriter();
    await writer.write(new Uint8Array(100_000).fill(1));
    await writer.write(Uint8Array.of(2, 3));
    const [during] = await readdir(directory);
    expect(during).toMatch(/^a\.bin\..+\.part$/);
    await writer.close();
    expect(await readdir(directory)).toEqual(["a.bin"]);
    const bytes = new Uint8Array(await readFile(path));
    expect([bytes.length, ...bytes.subarray(99_999)]).toEqual([100_002, 1, 2, 3]);
  });

  it("leaves nothing where it is aborted", async () => {
    const writer = (await createFile(join(directory, "a"))).getWriter();
    await writer.write(Uint8Array.of(1));
    await writer.abort(new Error("enough"));
    expect(await readdir(directory)).toEqual([]);
  });

  it("replaces nothing: neither what is there nor what came meanwhile", async () => {
    const path = join(directory, "a");
    const writer = (await createFile(path)).getWriter();
    await writer.write(Uint8Array.of(1));
    await writeFile(path, "theirs");
    await expect(writer.close()).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(createFile(path)).rejects.toMatchObject({ code: "ALREADY_EXISTS", details: { file: path } });
    await expect(createFile(directory)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await symlink(join(directory, "nowhere"), join(directory, "link"));
    await expect(createFile(join(directory, "link"))).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(await readFile(path, "utf8")).toBe("theirs");
    expect((await readdir(directory)).sort()).toEqual(["a", "link"]);
  });

  it("says where there is no such directory", async () => {
    const path = join(directory, "none", "a");
    await expect(createFile(path)).rejects.toMatchObject({ code: "NOT_FOUND", details: { file: path } });
    await expect(createFile(path)).rejects.toThrow(`Cannot create ${path}: `);
  });

  it.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "says where it is not allowed",
    async () => {
      await chmod(directory, 0o500);
      await expect(createFile(join(directory, "a"))).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      await chmod(directory, 0o700);
    },
  );
});
