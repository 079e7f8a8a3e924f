/**
 * Against native code: the Rust crate `mcap`, of which a replay maps its file into memory and sums one float, and a recording
 * writes ready-made bytes into memory. smalti reads from and writes to a directory, each way of it in a process of its own. Both
 * compress by LZ4.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../mod.ts";
import { type Case, compare } from "./compare.ts";
import { engineNames } from "./engines.ts";
import { startWay, wayNames, type WayProcess } from "./native_ways.ts";
import {
  columnsByTopic,
  makeRecording,
  MESSAGES,
  pushColumns,
  type Recording,
  writeMcap,
} from "./recording.ts";
import { rustMcap } from "./rust_mcap.ts";

for (const kind of ["steady", "noise"]) {
  const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
  const processes: WayProcess[] = [];
  try {
    console.log(`\n${kind}`);
    await compare(await casesOf(directory, kind === "steady", processes));
  } finally {
    for (const process of processes) process.end();
    await rm(directory, { recursive: true });
  }
}

/** Adds to the processes those that it starts. */
async function casesOf(directory: string, isSteady: boolean, processes: WayProcess[]): Promise<Case[]> {
  const recording = makeRecording(MESSAGES, isSteady);
  const { topics, whole, busiest } = recording;
  const file = join(directory, "plain.mcap");
  await writeFile(file, (await writeMcap(recording, "")).bytes);
  const compressed = join(directory, "lz4.mcap");
  rustMcap("copy", file, compressed, "lz4");
  const cases: Case[] = [];
  for (const engine of engineNames) {
    const sequence = `drive_${engine}`;
    await using client = await connect(directory, { engine });
    await pushColumns(client, sequence, topics, columnsByTopic(recording));
    for (const way of wayNames) {
      const process = startWay({ directory, engine, way, sequence, whole, busiest, isSteady });
      processes.push(process);
      const [what, how] = way.split("/");
      cases.push({
        name: `${what}/smalti ${engine}, ${how}`,
        count: 1,
        isTimed: true,
        rival: `${what}/crate, LZ4`,
        run: () => process.time(),
      });
    }
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
