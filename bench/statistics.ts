/**
 * What statistics cost beside reading all messages: `deno run -A bench/statistics.ts [ROWS ...]` (2 M, 20 M unless told)
 * records one topic in a directory and prints a table, ms, the least of seven rounds, all in one process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Client, connect, defineOntology, float64, type SequenceHandler, struct } from "../mod.ts";
import { check } from "./compare.ts";

const ROUNDS = 7;
const PERIOD = 1_000_000n;
/** Messages of a batch: as many as no bucket is long, so that batches lie across edges. */
const CHUNK = 10_007;
const FIELD = "acceleration.x";
const Sample = defineOntology("Sample", {
  acceleration: struct({ x: float64(), y: float64(), z: float64() }),
});

/** Largest value of the field, in what way it may be found. */
type Way = (handler: SequenceHandler) => Promise<number>;

const ways: Record<string, Way> = {
  "every message, `batches()`": async (handler) => {
    let max = -Infinity;
    for await (const block of (await handler.topicHandler("imu")).getDataStreamer().batches()) {
      for (const { data } of block) {
        const { x } = (data as { acceleration: { x: number } }).acceleration;
        if (x > max) max = x;
      }
    }
    return max;
  },
  "`series`, 10,000 buckets": series(10_000),
  "`series`, 1,000 buckets": series(1000),
  "`series`, 100 buckets": series(100),
  "`stats`": async (handler) => (await handler.stats()).get("imu")!.fields.get(FIELD)!.max,
  "`activity`, 400 buckets": async (handler) => {
    const { topics } = await handler.activity({ buckets: 400 });
    check("rows", Math.round(topics.get("imu")!.reduce((sum, count) => sum + count)), handler.rowCount);
    return 1;
  },
};

for (const rows of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2e6, 20e6]) {
  const directory = await mkdtemp(join(tmpdir(), "smalti-statistics-"));
  try {
    await using client = await connect(directory);
    await write(client, rows);
    console.log(`| ${rows / 1e6} M messages | ms |\n| --- | --- |`);
    const least: Record<string, number> = {};
    // In turns, so that a noisy moment hits all alike.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [what, way] of Object.entries(ways)) {
        const start = performance.now();
        // Opened anew, so that the index is read each time.
        check("largest", await way(await client.sequenceHandler("s")), 1);
        least[what] = Math.min(least[what] ?? Infinity, performance.now() - start);
      }
    }
    for (const [what, ms] of Object.entries(least)) console.log(`| ${what} | ${ms.toFixed(1)} |`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function series(buckets: number): Way {
  return async (handler) => {
    const { count, fields } = await (await handler.topicHandler("imu")).series({ fields: [FIELD], buckets });
    check("rows", count.reduce((sum, count) => sum + count), handler.rowCount);
    return fields.get(FIELD)!.max.reduce((most, value) => Math.max(most, value));
  };
}

/** A message each millisecond; the largest x is 1. */
async function write(client: Client, rows: number): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("imu", { ontology: Sample });
    for (let from = 0; from < rows; from += CHUNK) {
      const length = Math.min(CHUNK, rows - from);
      const timestampNs = BigInt64Array.from({ length }, (_, i) => BigInt(from + i) * PERIOD);
      const x = Float64Array.from(
        { length },
        (_, i) => i === 0 ? 1 : 0.9 * Math.sin((from + i) / 1000) + 1e-9 * Math.random(),
      );
      await topic.pushColumns({ timestampNs, acceleration: { x, y: x, z: x } });
    }
  });
}
