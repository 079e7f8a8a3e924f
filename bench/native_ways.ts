/**
 * Each way of replaying and recording that `native.bench.ts` times, in a process of its own, as programs have one: engines
 * optimize code that has seen several ways less well. Run as a program, with what {@linkcode startWay} gives it, it does its
 * work once for each line that comes in, and answers with what a message took, in ns.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect, type SequenceHandler } from "../mod.ts";
import { check } from "./compare.ts";
import { columnsByTopic, type Facts, makeRecording, MESSAGES, push, pushColumns } from "./recording.ts";
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

/** What a process is to do. */
export interface WayOptions {
  /** Of the recordings. */
  directory: string;
  engine: "js" | "wasm";
  /** One of {@linkcode wayNames}. */
  way: string;
  /** The recording that is replayed. */
  sequence: string;
  /** What replays must find. */
  whole: Facts;
  busiest: Facts & { topic: string };
  /** Whether what is recorded has a `y` and a `z` that stay what they are. */
  isSteady: boolean;
}

const MERGED = {
  columns: replayColumns,
  "columns, reuse": (handler: SequenceHandler, wanted: Facts) => replayColumns(handler, wanted, true),
  "batches(), cursor()": replayCursors,
  "batches(), at(i)": replayBlocks,
  "batches(), tuples": replayBatches,
  "for await": replayMessages,
};
const ONE_TOPIC = {
  columns: replayTopicColumns,
  "columns, reuse": (handler: SequenceHandler, wanted: WayOptions["busiest"]) =>
    replayTopicColumns(handler, wanted, true),
  "batches(), cursor()": replayTopicCursors,
  "batches()": replayTopic,
};
/** Replays each time. */
const PASSES = 5;

const RECORD = { push: true, pushColumns: true };

/** `merged/columns` and so on: what is done, and how. */
export const wayNames: readonly string[] = Object.entries({
  merged: MERGED,
  "one topic": ONE_TOPIC,
  record: RECORD,
}).flatMap(([what, ways]) => Object.keys(ways).map((how) => `${what}/${how}`));

/** A process that runs one way again and again. */
export interface WayProcess {
  /** Runs it once and gives what a message took, in ns. Rejects where the process failed. */
  time(): Promise<number>;
  /** Ends the process. */
  end(): void;
}

/** Starts one. */
export function startWay(options: WayOptions): WayProcess {
  const script = fileURLToPath(import.meta.url);
  const flags = "deno" in process.versions ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const facts = JSON.stringify(options, (_, value) => typeof value === "bigint" ? String(value) : value);
  const child = spawn(process.execPath, [...flags, script, facts], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async time() {
      child.stdin.write("\n");
      const { value, done } = await answers.next();
      if (done) throw new Error(`${options.way} ended without an answer`);
      return Number(value);
    },
    end: () => child.stdin.end(),
  };
}

/** What is timed each time; it checks what came of it. */
async function prepare(options: WayOptions): Promise<() => Promise<number>> {
  const { directory, engine, way, sequence, isSteady } = options;
  const [what, how] = way.split("/");
  const whole = withLast(options.whole);
  const busiest = withLast(options.busiest);
  const client = await connect(directory, { engine });
  if (what === "merged") {
    const handler = await client.sequenceHandler(sequence);
    return () => leastOf(whole.count, () => MERGED[how as keyof typeof MERGED](handler, whole));
  }
  if (what === "one topic") {
    const handler = await client.sequenceHandler(sequence);
    return () => leastOf(busiest.count, () => ONE_TOPIC[how as keyof typeof ONE_TOPIC](handler, busiest));
  }
  const recording = makeRecording(MESSAGES, isSteady);
  const { topics } = recording;
  const columns = how === "pushColumns" ? columnsByTopic(recording) : undefined;
  let rounds = 0;
  return async () => {
    const name = `round_${how}_${engine}_${rounds++}`;
    const ns = await time(
      whole.count,
      () => columns ? pushColumns(client, name, topics, columns) : push(client, name, recording),
    );
    check("rows", (await client.sequenceHandler(name)).rowCount, whole.count);
    return ns;
  };
}

/** The least of several passes, as a long recording is one: caches hold what others left there, and code warms up. */
async function leastOf(count: number, run: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let pass = 0; pass < PASSES; pass++) least = Math.min(least, await time(count, run));
  return least;
}

async function time(count: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return 1e6 * (performance.now() - start) / count;
}

/** Facts that came as JSON. */
function withLast<F extends Facts>(facts: F): F {
  return { ...facts, last: BigInt(facts.last) };
}

if (import.meta.main) {
  const run = await prepare(JSON.parse(process.argv[2]));
  for await (const _ of createInterface({ input: process.stdin })) console.log(await run());
}
