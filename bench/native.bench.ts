/**
 * Against native code: the Rust crate `mcap`, of which a replay maps its file into memory and sums one float, and a recording
 * writes ready-made bytes into memory. smalti reads from and writes to a directory. Both compress by LZ4.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { engineNames } from "./engines.ts";
import {
  columnsByTopic,
  makeRecording,
  MESSAGES,
  push,
  pushColumns,
  type Recording,
  writeMcap,
} from "./recording.ts";
import {
  replayBatches,
  replayBlocks,
  replayColumns,
  replayCursors,
  replayMessages,
  replayTopic,
  replayTopicColumns,
  replayTopicCursors,
} from "./replays.ts";
import { rustMcap } from "./rust_mcap.ts";

const WAYS = {
  columns: replayColumns,
  "batches(), cursor()": replayCursors,
  "batches(), at(i)": replayBlocks,
  "batches(), tuples": replayBatches,
  "for await": replayMessages,
};
const TOPIC_WAYS = {
  columns: replayTopicColumns,
  "batches(), cursor()": replayTopicCursors,
  "batches()": replayTopic,
};

for (const kind of ["steady", "noise"]) {
  const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
  try {
    console.log(`\n${kind}`);
    await compare(await casesOf(directory, kind === "steady"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function casesOf(directory: string, isSteady: boolean): Promise<Case[]> {
  const recording = makeRecording(MESSAGES, isSteady);
  const { topics, whole, busiest } = recording;
  const file = join(directory, "plain.mcap");
  await writeFile(file, (await writeMcap(recording, "")).bytes);
  const compressed = join(directory, "lz4.mcap");
  rustMcap("copy", file, compressed, "lz4");
  const columns = columnsByTopic(recording);
  const cases: Case[] = [];
  for (const engine of engineNames) {
    const client = await connect(directory, { engine });
    const name = `drive_${engine}`;
    await pushColumns(client, name, topics, columns);
    const handler = await client.sequenceHandler(name);
    let rounds = 0;
    const recordingBy = (record: (name: string) => Promise<void>) => async () => {
      const name = `round_${engine}_${rounds++}`;
      await record(name);
      check("rows", (await client.sequenceHandler(name)).rowCount, whole.count);
    };
    cases.push(
      ...Object.entries(WAYS).map(([how, replay]): Case => ({
        name: `merged/smalti ${engine}, ${how}`,
        count: whole.count,
        rival: "merged/crate, LZ4",
        run: () => replay(handler, whole),
      })),
      ...Object.entries(TOPIC_WAYS).map(([how, replay]): Case => ({
        name: `one topic/smalti ${engine}, ${how}`,
        count: busiest.count,
        rival: "one topic/crate, LZ4",
        run: () => replay(handler, busiest),
      })),
      {
        name: `record/smalti ${engine}, push`,
        count: whole.count,
        rival: "record/crate, LZ4",
        run: recordingBy((name) => push(client, name, recording)),
      },
      {
        name: `record/smalti ${engine}, pushColumns`,
        count: whole.count,
        rival: "record/crate, LZ4",
        run: recordingBy((name) => pushColumns(client, name, topics, columns)),
      },
    );
  }
  return [...cratesOf(file, compressed, recording), ...cases];
}

/** The crate, which tells what several things take at a time. */
function cratesOf(plain: string, compressed: string, { whole, busiest }: Recording): Case[] {
  const facts = ["2", busiest.topic, String(whole.count), String(whole.sum)];
  let told: Readonly<Record<string, number>> = {};
  const first = (args: string[], key: string) => () => (told = rustMcap(...args))[key];
  const then = (key: string) => () => told[key];
  const one = { count: 1, isTimed: true };
  return [
    { ...one, name: "merged/crate, LZ4", run: first(["replay", compressed, ...facts], "merged") },
    { ...one, name: "one topic/crate, LZ4", run: then("topic") },
    { ...one, name: "merged/crate, plain", run: first(["replay", plain, ...facts], "merged") },
    { ...one, name: "one topic/crate, plain", run: then("topic") },
    { ...one, name: "record/crate, LZ4", run: first(["write", plain, "1", "lz4", "none"], "lz4") },
    { ...one, name: "record/crate, plain", run: then("none") },
  ];
}
