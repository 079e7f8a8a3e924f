/**
 * The longest stall of the event loop during each long operation: how late the latest timer was that others had set. Where
 * all is in memory, nothing but the pauses that the work makes lets timers run.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Client, connect, defineOntology, float64, type SequenceHandler, struct } from "../mod.ts";
import { check } from "./compare.ts";
import { columnsByTopic, makeRecording, pushColumns, Sample } from "./recording.ts";
import { replayBatches, replayMessages } from "./replays.ts";

const ROUNDS = 3;
/** What the topics hold, to ask for. */
const Accelerations = defineOntology("Sample", { acceleration: struct({ x: float64() }) });
const recording = makeRecording();
const { topics, busiest, whole } = recording;
const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const memory = await connect("memory:");
const disk = await connect(directory);
const { versions } = process as { versions: Record<string, string> };
console.log(
  versions.deno ? `Deno ${versions.deno}` : versions.bun ? `Bun ${versions.bun}` : `Node ${versions.node}`,
);

try {
  for (const client of [memory, disk]) await pushColumns(client, "drive", topics, columnsByTopic(recording));
  const handler = await memory.sequenceHandler("drive");
  const onDisk = await disk.sequenceHandler("drive");
  await stall("replay from memory, for await", () => replayMessages(handler, whole));
  await stall("replay from memory, batches()", () => replayBatches(handler, whole));
  await stall("replay from a directory, batches()", () => replayBatches(onDisk, whole));
  await stall("grid of 2 M ticks, rows", () => grid(handler));
  await stall("grid of 2 M ticks, toTable", () => gridTable(handler));
  await stall("ticks between two messages, rows", () => ticks());
  await stall("toTable", () => table(handler));
  await stall("query without bounds, from memory", () => query(memory));
  await stall("query without bounds, from a directory", () => query(disk));
  await stall("verify, from memory", () => verify(handler));
  await stall("verify, from a directory", () => verify(onDisk));
  await stall("countRows", () => countRows(handler));
  await stall("latestAt", () => latestAt(handler));
} finally {
  await memory.close();
  await disk.close();
  await rm(directory, { recursive: true });
}

/**
 * Prints the longest stall and the longest use of the processor without a turn for others, each the least of some rounds, and
 * how long the work takes. The first round only warms up. On a busy machine stalls are longer than what was used.
 */
async function stall(name: string, work: () => Promise<void>): Promise<void> {
  let [least, leastUsed, leastTotal] = [Infinity, Infinity, Infinity];
  for (let round = 0; round <= ROUNDS; round++) {
    let [longest, most] = [0, 0];
    let [last, lastUsed] = [performance.now(), usedMs()];
    const start = last;
    const look = () => {
      const [now, used] = [performance.now(), usedMs()];
      longest = Math.max(longest, now - last);
      most = Math.max(most, used - lastUsed);
      [last, lastUsed] = [now, used];
    };
    const timer = setInterval(look, 1);
    await work();
    look();
    clearInterval(timer);
    if (round === 0) continue;
    least = Math.min(least, longest);
    leastUsed = Math.min(leastUsed, most);
    leastTotal = Math.min(leastTotal, last - start);
  }
  const [stalled, used, total] = [least, leastUsed, leastTotal].map((ms) => ms.toFixed(0).padStart(5));
  console.log(`  ${name.padEnd(40)} stall ${stalled} ms, ${used} ms used, of ${total} ms`);
}

/** Processor time of this process so far, collecting garbage included. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The busiest topic on a clock of 2 million ticks. */
function gridOptions(handler: SequenceHandler) {
  const { name, firstNs, lastNs } = handler.topics.find(({ name }) => name === busiest.topic)!;
  const periodNs = (lastNs! - firstNs!) / 2_000_000n;
  const fields = { x: { topic: name, field: "acceleration.x" } };
  return { rows: Number((lastNs! - firstNs!) / periodNs) + 1, options: { periodNs, fields } };
}

async function grid(handler: SequenceHandler): Promise<void> {
  const { rows, options } = gridOptions(handler);
  let seen = 0;
  for await (const _ of handler.getSyncStreamer(options)) seen++;
  check("rows", seen, rows);
}

async function gridTable(handler: SequenceHandler): Promise<void> {
  const { rows, options } = gridOptions(handler);
  check("rows", (await handler.getSyncStreamer(options).toTable()).numRows, rows);
}

async function ticks(): Promise<void> {
  const client = await connect("memory:");
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("a", { ontology: Sample });
    for (const timestampNs of [0n, 2_000_000n]) {
      await topic.push({ timestampNs, data: { acceleration: { x: 1, y: 2, z: 3 } } });
    }
  });
  const fields = { x: { topic: "a", field: "acceleration.x" } };
  let seen = 0;
  for await (const _ of (await client.sequenceHandler("s")).getSyncStreamer({ periodNs: 1n, fields })) seen++;
  check("rows", seen, 2_000_001);
  await client.close();
}

async function table(handler: SequenceHandler): Promise<void> {
  check("rows", (await handler.getDataStreamer().toTable()).row.length, whole.count);
}

async function query(client: Client): Promise<void> {
  // Each of the two is within the bounds of most batches.
  const { x } = Accelerations.q.acceleration;
  const hits = await client.query({ ontology: x.gt(1e-4).and(x.lt(1e-4)) });
  check("hits", hits.length, 0);
}

async function verify(handler: SequenceHandler): Promise<void> {
  for (const name of topics) {
    const errors = await (await handler.topicHandler(name)).verify();
    check("errors", errors.length, 0);
  }
}

async function countRows(handler: SequenceHandler): Promise<void> {
  const topic = await handler.topicHandler(busiest.topic);
  const [first, last] = [topic.firstNs!, topic.lastNs!];
  const edges = Array.from({ length: 100_001 }, (_, i) => first + (last + 1n - first) * BigInt(i) / 100_000n);
  const counts = await topic.countRows(edges);
  check("rows", counts.reduce((sum, count) => sum + count), busiest.count);
}

async function latestAt(handler: SequenceHandler): Promise<void> {
  check("topics", (await handler.latestAt(handler.lastNs!)).size, topics.length);
}
