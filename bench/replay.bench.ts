/**
 * Replaying: reading the time and one float of every message in time order. smalti reads and decompresses from a disk,
 * the others have their bytes in memory. `@mcap/core` gives raw bytes, of which one float is read.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McapIndexedReader } from "@mcap/core";
import { tableFromIPC } from "apache-arrow";
import { Heap } from "heap-js";
import { lz4Decompress } from "../src/engine/lz4.ts";
import { type Client, connect } from "../mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { engineNames } from "./engines.ts";
import { columnsByTopic, makeRecording, type McapFile, pushColumns, writeMcap } from "./recording.ts";
import {
  replayBatches,
  replayColumns,
  replayCursors,
  replayMessages,
  replayTopic,
  replayTopicColumns,
  replayTopicCursors,
  Tally,
} from "./replays.ts";

const recording = makeRecording();
const { busiest, topics, whole } = recording;
const { count } = whole;
const plain = await writeMcap(recording, "");
const compressed = await writeMcap(recording, "lz4");
const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const clients = await Promise.all(engineNames.map((engine) => connect(directory, { engine })));
await pushColumns(clients[0], "drive", topics, columnsByTopic(recording));
const handlers = await Promise.all(clients.map((client) => client.sequenceHandler("drive")));
/** Each topic's rows as plain Arrow IPC bytes, as another tool would have them. */
const tables = await Promise.all(topics.map(async (name) => {
  const { tableToIPC } = await import("apache-arrow");
  return tableToIPC(
    await (await handlers[0].topicHandler(name)).getDataStreamer().toTable(),
  );
}));

try {
  await compare([
    { name: "merged/mcap plain", count, run: () => readMcap(plain) },
    {
      name: "merged/mcap lz4",
      count,
      run: () => readMcap(compressed),
      rival: "merged/mcap plain",
    },
    {
      name: "merged/apache-arrow + heap-js",
      count,
      run: mergeByHeap,
      rival: "merged/mcap plain",
    },
    {
      name: "merged/apache-arrow + scan",
      count,
      run: mergeByScan,
      rival: "merged/mcap plain",
    },
    ...eachEngine("merged", ", for await", count, (i) => replayMessages(handlers[i], whole)),
    ...eachEngine("merged", ", batches()", count, (i) => replayBatches(handlers[i], whole)),
    ...eachEngine("merged", ", cursor()", count, (i) => replayCursors(handlers[i], whole)),
    ...eachEngine("merged", ", columns", count, (i) => replayColumns(handlers[i], whole)),
    {
      name: "one topic/mcap plain",
      count: busiest.count,
      run: () => readMcap(plain, busiest.topic),
    },
    ...eachEngine("one topic", ", batches()", busiest.count, (i) => replayTopic(handlers[i], busiest)),
    ...eachEngine("one topic", ", cursor()", busiest.count, (i) => replayTopicCursors(handlers[i], busiest)),
    ...eachEngine("one topic", ", columns", busiest.count, (i) => replayTopicColumns(handlers[i], busiest)),
    {
      name: "open and first/mcap plain",
      count: 1,
      run: () => firstMcap(plain),
    },
    ...eachEngine("open and first", "", 1, (i) => first(clients[i])),
  ]);
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await rm(directory, { recursive: true });
}

function eachEngine(what: string, how: string, count: number, run: (i: number) => unknown): Case[] {
  return clients.map(({ engine }, i) => ({
    name: `${what}/smalti ${engine.name}${how}`,
    count,
    rival: `${what}/mcap plain`,
    run: () => run(i),
  }));
}

async function first(client: Client): Promise<void> {
  const opened = await client.sequenceHandler("drive");
  await using stream = opened.getDataStreamer();
  const { value } = await stream.next();
  check("first time", value?.[1].timestampNs, recording.times[0]);
}

async function readMcap(file: McapFile, name?: string): Promise<void> {
  const reader = await openMcap(file);
  const seen = new Tally();
  for await (
    const { logTime, data } of reader.readMessages(
      name === undefined ? {} : { topics: [name] },
    )
  ) {
    seen.add(
      logTime,
      new DataView(data.buffer, data.byteOffset, 24).getFloat64(0, true),
    );
  }
  if (name === undefined) seen.check(whole);
  else seen.check(busiest);
}

async function firstMcap(file: McapFile): Promise<void> {
  const reader = await openMcap(file);
  for await (const { logTime } of reader.readMessages()) {
    check("first time", logTime, recording.times[0]);
    break;
  }
}

async function openMcap(file: McapFile): Promise<McapIndexedReader> {
  return await McapIndexedReader.Initialize({
    readable: file,
    decompressHandlers: {
      lz4: (bytes, size) => lz4Decompress(bytes, Number(size)),
    },
  });
}

interface Cursor {
  topic: number;
  row: number;
  rows: number;
  time: bigint;
  times: { get(row: number): bigint | null };
  x: { get(row: number): number | null };
}

function openTables(): Cursor[] {
  return tables.map((bytes, position) => {
    const table = tableFromIPC(bytes);
    const times = table.getChildAt(0)!;
    const x = table.getChildAt(1)!.getChildAt(0)!;
    return {
      topic: position,
      row: 0,
      rows: table.numRows,
      time: times.get(0)!,
      times,
      x,
    };
  }).filter(({ rows }) => rows > 0);
}

function mergeByHeap(): void {
  const heap = new Heap<Cursor>((
    a,
    b,
  ) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.topic - b.topic));
  heap.init(openTables());
  const seen = new Tally();
  for (let top = heap.peek(); top; top = heap.peek()) {
    seen.add(top.time, top.x.get(top.row)!);
    if (++top.row === top.rows) heap.pop();
    else {
      top.time = top.times.get(top.row)!;
      heap.replace(top);
    }
  }
  seen.check(whole);
}

function mergeByScan(): void {
  const cursors = openTables();
  const seen = new Tally();
  while (cursors.length > 0) {
    let least = 0;
    for (let i = 1; i < cursors.length; i++) {
      if (cursors[i].time < cursors[least].time) least = i;
    }
    const top = cursors[least];
    seen.add(top.time, top.x.get(top.row)!);
    if (++top.row === top.rows) cursors.splice(least, 1);
    else top.time = top.times.get(top.row)!;
  }
  seen.check(whole);
}
