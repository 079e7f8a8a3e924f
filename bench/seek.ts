/**
 * What looking around in a recording costs: `deno run -A bench/seek.ts [ROWS]` (10 M unless told) records 20 topics in a
 * directory and prints a table, ms, the least of seven rounds, with batches kept at hand and without, in turns.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Client, connect, defineOntology, float64, type SequenceHandler, struct } from "../mod.ts";
import { check } from "./compare.ts";

const ROUNDS = 7;
const TOPICS = 20;
const PERIOD = 1_000_000n;
const CHUNK = 10_007;
const Sample = defineOntology("Sample", {
  acceleration: struct({ x: float64(), y: float64(), z: float64() }),
});

/** Something that is done with a handler around a time; gives a number that must be the same each time. */
type Way = (handler: SequenceHandler, ns: bigint) => Promise<number>;

const ways: Record<string, Way> = {
  "`latestAt`": latestAt(),
  "`latestAt`, one field": latestAt(["acceleration.x"]),
  "a stream's first 1,000 messages": stream(1000),
  "the last 10 messages": async (handler) => {
    let rows = 0;
    for await (const _ of handler.getDataStreamer({ reverse: true, limit: 10 })) rows++;
    return rows;
  },
  "a window of 100 ms, all messages": async (handler, startNs) => {
    let rows = 0;
    for await (
      const block of handler.getDataStreamer({ startNs, endNs: startNs + 100n * PERIOD }).batches()
    ) {
      rows += block.length;
    }
    return rows;
  },
};

/** Replays of all, whose speed must not suffer. */
const replays: Record<string, Way> = {
  "all, `batches()`, one field": async (handler) => {
    let [rows, sum] = [0, 0];
    for await (const block of handler.getDataStreamer().batches()) {
      rows += block.length;
      for (let i = 0; i < block.length; i++) sum += block.at(i)[1].data.acceleration.x;
    }
    check("sum", Number.isFinite(sum) ? 1 : 0, 1);
    return rows;
  },
  "all in order, nothing touched": async (handler) => {
    let rows = 0;
    for await (const block of handler.getDataStreamer().batches()) rows += block.length;
    return rows;
  },
  "all backwards, nothing touched": async (handler) => {
    let rows = 0;
    for await (const block of handler.getDataStreamer({ reverse: true }).batches()) rows += block.length;
    return rows;
  },
};

function latestAt(fields?: readonly string[]): Way {
  return async (handler, ns) => {
    let sum = 0;
    for (const { data } of (await handler.latestAt(ns, fields && { fields })).values()) {
      sum += data.acceleration.x;
    }
    return sum;
  };
}

function stream(count: number): Way {
  return async (handler, startNs) => {
    let rows = 0;
    for await (const _ of handler.getDataStreamer({ startNs })) if (++rows === count) break;
    return rows;
  };
}

const rows = Number(process.argv[2] ?? 10e6);
const directory = await mkdtemp(join(tmpdir(), "smalti-seek-"));
try {
  await using kept = await connect(directory);
  await using plain = await connect(directory, { maxCachedBytes: 0 });
  await write(kept, rows);
  const middle = BigInt(Math.floor(rows / TOPICS / 2)) * PERIOD;
  console.log(
    `| ${rows / 1e6} M messages on ${TOPICS} topics, ms | opened anew | near the last | nothing kept |`,
  );
  console.log("| --- | --- | --- | --- |");
  for (const [what, way] of Object.entries(ways)) {
    const least = [Infinity, Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++) {
      const ns = middle + BigInt(round * 20_000) * PERIOD;
      let handler!: SequenceHandler;
      const anew = async () => await way(handler = await kept.sequenceHandler("s"), ns);
      const other = await plain.sequenceHandler("s");
      for (const { name } of other.topics) await other.topicHandler(name);
      const results = [
        await time(anew, (ms) => least[0] = Math.min(least[0], ms)),
        await time(() => way(handler, ns), (ms) => least[1] = Math.min(least[1], ms)),
        await time(() => way(other, ns), (ms) => least[2] = Math.min(least[2], ms)),
      ];
      for (const result of results) check(what, result, results[2]);
    }
    console.log(`| ${what} | ${least.map((ms) => ms.toFixed(1)).join(" | ")} |`);
  }
  for (const [what, way] of Object.entries(replays)) {
    const least = [Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, client] of [kept, plain].entries()) {
        const handler = await client.sequenceHandler("s");
        const count = await time(() => way(handler, 0n), (ms) => least[i] = Math.min(least[i], ms));
        check("rows", count, handler.rowCount);
      }
    }
    console.log(`| ${what} | ${least[0].toFixed(0)} | | ${least[1].toFixed(0)} |`);
  }
} finally {
  await rm(directory, { recursive: true });
}

async function time<T>(action: () => Promise<T>, tell: (ms: number) => void): Promise<T> {
  const start = performance.now();
  const result = await action();
  tell(performance.now() - start);
  return result;
}

/** A message each millisecond on every topic, a little apart from each other. */
async function write(client: Client, rows: number): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const perTopic = Math.floor(rows / TOPICS);
    for (let t = 0; t < TOPICS; t++) {
      const topic = await sequence.topicCreate(`topic${String(t).padStart(2, "0")}`, { ontology: Sample });
      for (let from = 0; from < perTopic; from += CHUNK) {
        const length = Math.min(CHUNK, perTopic - from);
        const timestampNs = BigInt64Array.from(
          { length },
          (_, i) => BigInt(from + i) * PERIOD + BigInt(t * 1000),
        );
        const x = Float64Array.from({ length }, (_, i) => Math.sin((from + i) / 1000) + 1e-9 * Math.random());
        const y = Float64Array.from({ length }, (_, i) => (from + i) % 1000);
        await topic.pushColumns({ timestampNs, acceleration: { x, y, z: y } });
      }
    }
  });
}
