/**
 * Whether cost stays flat as recordings grow: `deno run -A bench/scale.ts [ROWS ...]` (2 M, 20 M, 200 M unless told: up to
 * 7 GB on the disk) records 50 topics and measures, each in a process of its own: writing, verifying, replaying all, a
 * window of 0.1 s in the middle, and `latestAt` there. Prints a table: ns a message or ms, peak memory, bytes read.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Client, defineOntology, float64, struct } from "../mod.ts";
import { EmbeddedBackend } from "../src/embedded/embedded_backend.ts";
import { DirectoryStore } from "../src/store/directory/directory_store.ts";
import { check } from "./compare.ts";
import { loadEngines } from "./engines.ts";

const TOPICS = 50;
/** Of every topic, in ns. */
const PERIOD = 1_000_000n;
/** Messages of a topic that are pushed at once. */
const CHUNK = 20_000;
const WINDOW_NS = 100_000_000n;
const Sample = defineOntology("Sample", {
  acceleration: struct({ x: float64(), y: float64(), z: float64() }),
});

interface Result {
  seconds: number;
  peakBytes: number;
  bytesRead: number;
}

const STEPS = ["write", "verify", "replay", "window", "latestAt"] as const;
type Step = (typeof STEPS)[number];

const [step, directory, rowsOf] = process.argv.slice(2);
if (STEPS.includes(step as Step)) {
  console.log(JSON.stringify(await run(step as Step, directory, Number(rowsOf))));
} else {
  await table(process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2e6, 20e6, 200e6]);
}

async function table(sizes: readonly number[]): Promise<void> {
  console.log(`| rows | ${STEPS.join(" | ")} |\n| --- |${STEPS.map(() => " --- |").join("")}`);
  for (const rows of sizes) {
    const directory = await mkdtemp(join(tmpdir(), "smalti-scale-"));
    try {
      const cells = STEPS.map((step) => {
        const self = ["run", "-A", "--node-modules-dir=manual", new URL(import.meta.url).pathname];
        const output = execFileSync(process.execPath, [...self, step, directory, String(rows)], {
          encoding: "utf8",
        });
        const { seconds, peakBytes, bytesRead } = JSON.parse(output) as Result;
        const cost = step === "window" || step === "latestAt"
          ? `${(seconds * 1e3).toFixed(1)} ms`
          : `${(seconds * 1e9 / rows).toFixed(0)} ns/row`;
        return `${cost}, ${(peakBytes / 1e6).toFixed(0)} MB, ${(bytesRead / 1e6).toFixed(1)} MB read`;
      });
      console.log(`| ${rows / 1e6} M | ${cells.join(" | ")} |`);
    } finally {
      await rm(directory, { recursive: true });
    }
  }
}

async function run(step: Step, directory: string, rows: number): Promise<Result> {
  const store = new DirectoryStore(directory);
  let bytesRead = 0;
  const read = store.read.bind(store);
  store.read = async (...args) => {
    const bytes = await read(...args);
    bytesRead += bytes.length;
    return bytes;
  };
  const engine = (await loadEngines())[1];
  await using client = new Client(new EmbeddedBackend(store, engine));
  const perTopic = Math.floor(rows / TOPICS);
  const middle = BigInt(perTopic >> 1) * PERIOD;
  const start = performance.now();
  if (step === "write") await write(client, perTopic);
  else {
    const handler = await client.sequenceHandler("scale");
    if (step === "verify") {
      for (const { name } of handler.topics) {
        check("damage", (await (await handler.topicHandler(name)).verify()).length, 0);
      }
    } else if (step === "latestAt") {
      const found = await handler.latestAt(middle);
      check("topics", found.size, TOPICS);
      for (const { timestampNs } of found.values()) check("time", middle - timestampNs < PERIOD, true);
    } else {
      const window = step === "window" ? { startNs: middle, endNs: middle + WINDOW_NS } : {};
      let [count, last, inOrder] = [0, -1n, true];
      for await (const block of handler.getDataStreamer(window).batches()) {
        for (const [, message] of block) {
          const ns = message.timestampNs;
          inOrder &&= ns >= last;
          last = ns;
          count++;
        }
      }
      check("order", inOrder, true);
      check("count", count, step === "window" ? Number(WINDOW_NS / PERIOD) * TOPICS : perTopic * TOPICS);
    }
  }
  const seconds = (performance.now() - start) / 1e3;
  return { seconds, peakBytes: process.resourceUsage().maxRSS * 1024, bytesRead };
}

/** Each topic a millisecond apart, 20 us after the topic before. */
async function write(client: Client, perTopic: number): Promise<void> {
  await client.sequenceCreate("scale", {}, async (sequence) => {
    const topics = await Promise.all(Array.from({ length: TOPICS }, (_, topic) => {
      return sequence.topicCreate(`imu/${topic}`, { ontology: Sample });
    }));
    const x = Float64Array.from({ length: CHUNK }, (_, i) => Math.sin(i / 1000) + 1e-9 * Math.random());
    const times = new BigInt64Array(CHUNK);
    for (let from = 0; from < perTopic; from += CHUNK) {
      const length = Math.min(CHUNK, perTopic - from);
      const part = x.subarray(0, length);
      for (const [topic, writer] of topics.entries()) {
        const first = BigInt(from) * PERIOD + BigInt(20_000 * topic);
        fillTimes(times, Number(first));
        const timestampNs = times.subarray(0, length);
        await writer.pushColumns({ timestampNs, acceleration: { x: part, y: part, z: part } });
      }
    }
  });
}

/** Word by word, without bigints: these would be most of the garbage that is measured. */
function fillTimes(times: BigInt64Array, first: number): void {
  const words = new Uint32Array(times.buffer);
  for (let i = 0, ns = first; i < times.length; i++, ns += Number(PERIOD)) {
    words[2 * i] = ns;
    words[2 * i + 1] = ns / 2 ** 32;
  }
}
