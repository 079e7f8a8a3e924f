/**
 * Recordings in a store in memory to each format, into a sink that drops them: ns a message and MB of the file a second.
 * MCAP of ready-made messages against `@mcap/core` and the Rust crate `mcap`, where there is cargo; tables against pyarrow,
 * where `SMALTI_PYTHON` names a Python that has it.
 */
import { McapStreamReader, McapWriter as CoreWriter } from "@mcap/core";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Client, type SequenceHandler } from "../mod.ts";
import { EmbeddedBackend } from "../src/embedded/embedded_backend.ts";
import { chunkCompressor } from "../src/export/mcap/chunk_compression.ts";
import { McapWriter } from "../src/export/mcap/mcap_writer.ts";
import {
  exportArrow,
  exportCsv,
  exportJsonLines,
  exportMcap,
  exportParquet,
  type ExportReport,
} from "../src/export/mod.ts";
import { importArrow, importCsv, importJsonLines, importMcap, importParquet } from "../src/import/mod.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { type Case, check, compare } from "./compare.ts";
import { loadEngines } from "./engines.ts";
import {
  type ReadyMessage,
  readyMessages,
  recordDrive,
  recordReady,
  recordRos,
} from "./export_recordings.ts";
import { concat } from "./make_recording.ts";
import { rosTopics } from "./ros_messages.ts";
import { answer, rustMcap } from "./rust_mcap.ts";

const ROUNDS = 5;
const DRIVE_ROWS = 100_000;
const ROS_BYTES = 16e6;
const READY_COUNT = 50_000;
const COMPRESSIONS = ["none", "lz4", "zstd"] as const;
type Compression = typeof COMPRESSIONS[number];
type Sink = WritableStream<Uint8Array>;

/** Those of pictures are left out: a table has them too, but they would be most of it. */
const ROS_TABLES = ["imu", "tf", "scan"];

const [, engine] = await loadEngines();
const client = new Client(new EmbeddedBackend(new MemoryStore(), engine));
const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
try {
  await driveCases();
  await rosCases();
  await readyCases();
} finally {
  await rm(directory, { recursive: true });
  await client.close();
}

/** One table of flat columns, in each format. */
async function driveCases(): Promise<void> {
  const handler = await recordDrive(client, DRIVE_ROWS);
  const wanted = await speedOf(handler, "speed");
  const formats = [
    ...COMPRESSIONS.map((compression) => ({
      name: `mcap, ${compression}`,
      write: (sink: Sink) => exportMcap(handler, sink, { compression }),
      read: importMcap,
    })),
    { name: "ndjson", write: (sink: Sink) => exportJsonLines(handler, sink), read: importJsonLines },
    { name: "csv", write: (sink: Sink) => exportCsv(handler, sink), read: importCsv },
    { name: "arrow", write: (sink: Sink) => exportArrow(handler, sink), read: importArrow },
    { name: "parquet", write: (sink: Sink) => exportParquet(handler, sink), read: importParquet },
  ];
  for (const { name, write, read } of formats) {
    const back = new Client(new EmbeddedBackend(new MemoryStore(), engine));
    await read(back, new Blob([await collected(write) as BlobPart], {}), { name: "back" });
    check(`${name}: sum of speeds`, await speedOf(await back.sequenceHandler("back"), "speed"), wanted);
    await back.close();
  }
  const costs = await pyarrowCosts(await collected((sink) => exportArrow(handler, sink)));
  await compare([
    ...pyarrowCases("table", costs, DRIVE_ROWS),
    ...formats.map(({ name, write }) =>
      exporting(
        `table/${name}`,
        DRIVE_ROWS,
        write,
        costs[name] === undefined ? undefined : `table/pyarrow ${name}`,
      )
    ),
  ], ROUNDS);
}

/** Messages of ROS from their columns; tables of lists. */
async function rosCases(): Promise<void> {
  const handler = await recordRos(client, ROS_BYTES);
  const { rowCount } = handler;
  const rowsOf = new Map(handler.topics.map(({ name, rowCount }) => [name, rowCount]));
  const cases: Case[] = [
    ...COMPRESSIONS.map((compression) =>
      exporting(`ros/mcap, ${compression}`, rowCount, (sink) => exportMcap(handler, sink, { compression }))
    ),
    exporting("ros/ndjson", rowCount, (sink) => exportJsonLines(handler, sink)),
  ];
  const tables = { arrow: exportArrow, parquet: exportParquet, csv: exportCsv };
  for (const topic of ROS_TABLES) {
    const rows = rowsOf.get(topic)!;
    const costs = await pyarrowCosts(
      await collected((sink) => exportArrow(handler, sink, { topics: [topic] })),
    );
    cases.push(...pyarrowCases(`ros, ${topic}`, costs, rows));
    for (const [format, write] of Object.entries(tables)) {
      const rival = costs[format] === undefined ? undefined : `ros, ${topic}/pyarrow ${format}`;
      const run = (sink: Sink) => write(handler, sink, { topics: [topic] });
      cases.push(exporting(`ros, ${topic}/${format}`, rows, run, rival));
    }
  }
  await compare(cases, ROUNDS);
}

/** Messages that are bytes already. */
async function readyCases(): Promise<void> {
  const ready = readyMessages(READY_COUNT);
  const handler = await recordReady(client, ready);
  const writers = COMPRESSIONS.flatMap((compression) => [
    {
      name: `ready, ${compression}/@mcap/core`,
      write: (sink: Sink) => writeByCore(ready, compression, sink),
    },
    { name: `ready, ${compression}/smalti`, write: (sink: Sink) => writeByOurs(ready, compression, sink) },
    {
      name: `ready, ${compression}/smalti, from a store`,
      write: async (sink: Sink) => void await exportMcap(handler, sink, { compression }),
    },
  ]);
  for (const { name, write } of writers) {
    checkMessages(name, await collected(write), ready);
  }
  const file = join(directory, "ready.mcap");
  await writeFile(file, await collected((sink) => writeByOurs(ready, "none", sink)));
  const rust = rustMcap("write", file, String(ROUNDS), ...COMPRESSIONS);
  await compare([
    ...COMPRESSIONS.filter((compression) => rust[compression] !== undefined).map((compression) => ({
      name: `ready, ${compression}/Rust mcap`,
      count: READY_COUNT,
      rival: `ready, ${compression}/@mcap/core`,
      run: rust[compression],
    })),
    ...writers.map(({ name, write }): Case => {
      let bytes = 0;
      const run = async () => {
        bytes = 0;
        await write(new WritableStream({ write: (part) => void (bytes += part.length) }));
      };
      const rival = `${name.slice(0, name.indexOf("/"))}/@mcap/core`;
      return { name, count: READY_COUNT, run, bytes: () => bytes, ...(rival !== name && { rival }) };
    }),
  ], ROUNDS);
}

function exporting(
  name: string,
  count: number,
  write: (sink: Sink) => Promise<ExportReport>,
  rival?: string,
): Case {
  let bytes = 0;
  const run = async () => {
    let seen = 0;
    const { messageCount, byteCount } = await write(
      new WritableStream({ write: (part) => void (seen += part.length) }),
    );
    check("messages", messageCount, count);
    check("bytes", byteCount, seen);
    bytes = seen;
  };
  return { name, count, run, bytes: () => bytes, ...(rival !== undefined && { rival }) };
}

function pyarrowCases(what: string, costs: Readonly<Record<string, number>>, count: number): Case[] {
  return Object.entries(costs).map(([format, run]) => ({ name: `${what}/pyarrow ${format}`, count, run }));
}

async function collected(write: (sink: Sink) => Promise<unknown>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await write(new WritableStream({ write: (part) => void parts.push(part) }));
  return concat(parts);
}

/** The speeds of all messages, added in their order. */
async function speedOf(handler: SequenceHandler, field: string): Promise<number> {
  let sum = 0;
  for await (const [, { data }] of handler.getDataStreamer()) sum += data[field];
  return sum;
}

async function writeByCore(
  ready: readonly ReadyMessage[],
  compression: Compression,
  sink: Sink,
): Promise<void> {
  const out = sink.getWriter();
  let position = 0;
  const compress = chunkCompressor(engine, compression);
  const writer = new CoreWriter({
    writable: {
      position: () => BigInt(position),
      // It writes into the same memory again.
      write: async (part) => {
        position += part.length;
        await out.write(part.slice());
      },
    },
    chunkSize: 1 << 20,
    compressChunk: (raw) => {
      const packed = compress(raw);
      return { compression: packed ? compression : "", compressedData: packed ?? raw };
    },
  });
  await writer.start({ profile: "ros2", library: "" });
  const ids: number[] = [];
  for (const { name, type, definition } of rosTopics()) {
    const data = new TextEncoder().encode(definition);
    const schemaId = await writer.registerSchema({ name: type, encoding: "ros2msg", data });
    ids.push(
      await writer.registerChannel({ topic: name, messageEncoding: "cdr", schemaId, metadata: new Map() }),
    );
  }
  for (const { topic, timeNs, bytes } of ready) {
    await writer.addMessage({
      channelId: ids[topic],
      sequence: 0,
      logTime: timeNs,
      publishTime: timeNs,
      data: bytes,
    });
  }
  await writer.end();
  await out.close();
}

async function writeByOurs(
  ready: readonly ReadyMessage[],
  compression: Compression,
  sink: Sink,
): Promise<void> {
  const out = sink.getWriter();
  const writer = new McapWriter(engine, compression, (bytes) => out.write(bytes));
  await writer.start("ros2", "");
  const ids = rosTopics().map(({ name, type, definition }) => {
    const schema = { name: type, encoding: "ros2msg", data: new TextEncoder().encode(definition) };
    return writer.addChannel({ topic: name, format: { encoding: "cdr", schema }, metadata: new Map() });
  });
  for (const { topic, timeNs, bytes } of ready) {
    writer.begin(ids[topic], timeNs, timeNs, 0).raw(bytes);
    const full = writer.end();
    if (full) await full;
  }
  await writer.finish();
  await out.close();
}

/** Throws unless a file has these messages. */
function checkMessages(name: string, file: Uint8Array, ready: readonly ReadyMessage[]): void {
  const reader = new McapStreamReader({
    decompressHandlers: {
      lz4: (bytes, size) => engine.decompress("lz4", bytes, Number(size)),
      zstd: (bytes, size) => engine.decompress("zstd", bytes, Number(size)),
    },
  });
  reader.append(file);
  let count = 0;
  for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
    if (record.type !== "Message") continue;
    const { timeNs, bytes } = ready[count++];
    check(`${name}: time of message ${count}`, record.logTime, timeNs);
    check(`${name}: message ${count}`, engine.crc32(record.data), engine.crc32(bytes));
  }
  check(`${name}: messages`, count, ready.length);
}

/** What pyarrow takes for an Arrow file's table, by format; nothing without it. */
async function pyarrowCosts(table: Uint8Array): Promise<Readonly<Record<string, number>>> {
  const python = process.env.SMALTI_PYTHON;
  if (python === undefined) {
    console.log("SMALTI_PYTHON does not name a Python with pyarrow: no rival");
    return {};
  }
  const file = join(directory, "table.arrow");
  await writeFile(file, table);
  const script = new URL("export_tables.py", import.meta.url).pathname;
  return answer(python, [script, file, String(ROUNDS)], "no pyarrow");
}
