/**
 * Frequent flushes: what they cost while recording, and what is left of that after the end. The rivals are the same rows
 * flushed once, and the time of the whole recording. `SMALTI_FLUSHES` says how many flushes the long recording has; an hour at
 * 10 a second has 36,000.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Client, connect, IMU } from "../mod.ts";
import { backendOf } from "../src/client.ts";
import { EmbeddedBackend } from "../src/embedded/embedded_backend.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { type Case, check, compare } from "./compare.ts";

const ROWS = 2000;
const TOPICS = 20;
/** 100 Hz, flushed 10 times a second. */
const ROWS_A_FLUSH = 10;
const FLUSHES = Number(process.env.SMALTI_FLUSHES ?? 600);
const { engine } = backendOf(await connect("memory:"));

/** Takes everything and keeps nothing but the small files that are replaced. */
class NullStore extends MemoryStore {
  override async append(): Promise<void> {}
  override async sync(): Promise<void> {}
}

function imu(i: number) {
  const [sin, cos] = [Math.sin(i / 50), Math.cos(i / 50)];
  return {
    acceleration: { x: sin, y: cos, z: 9.81 + sin / 100 },
    angular_velocity: { x: cos / 10, y: sin / 10, z: 0 },
  };
}

/** The same rows, flushed after each of them or once. */
async function recordRows(client: Client, name: string, flushesEach: boolean): Promise<void> {
  await client.sequenceCreate(name, { autoFlush: false }, async (sequence) => {
    const topic = await sequence.topicCreate("imu", { ontology: IMU });
    for (let i = 0; i < ROWS; i++) {
      await topic.push({ timestampNs: BigInt(i) * 10_000_000n, data: imu(i) });
      if (flushesEach) await sequence.flush();
    }
  });
}

async function replay(client: Client, name: string): Promise<void> {
  let sum = 0;
  for await (const message of (await client.topicHandler(name, "imu")).getDataStreamer()) {
    sum += message.getData(IMU).acceleration.x!;
  }
  let wanted = 0;
  for (let i = 0; i < ROWS; i++) wanted += imu(i).acceleration.x;
  check(`sum of ${name}`, sum, wanted);
}

/** Many topics, flushed together again and again: gives what the end took, and how much memory the writer came to hold. */
async function recordLong(client: Client, where: string): Promise<void> {
  const sequence = await client.sequenceCreate("long", { autoFlush: false });
  const topics = [];
  for (let t = 0; t < TOPICS; t++) topics.push(await sequence.topicCreate(`imu_${t}`, { ontology: IMU }));
  const start = performance.now();
  let before = 0;
  for (let flush = 0; flush < FLUSHES; flush++) {
    for (let row = 0; row < ROWS_A_FLUSH; row++) {
      const i = flush * ROWS_A_FLUSH + row;
      const timestampNs = BigInt(i) * 10_000_000n;
      for (const topic of topics) await topic.push({ timestampNs, data: imu(i) });
    }
    await sequence.flush();
    if (flush === 99) before = heldBytes();
  }
  const held = heldBytes() - before;
  const written = performance.now();
  const { topics: infos } = await sequence.finalize();
  const ended = performance.now();
  check("rows", infos.reduce((sum, { rowCount }) => sum + rowCount, 0), TOPICS * FLUSHES * ROWS_A_FLUSH);
  const perBatch = (ms: number) => `${(1000 * ms / FLUSHES / TOPICS).toFixed(0)} us a batch`;
  const share = (100 * (ended - written) / (ended - start)).toFixed(1);
  const memory = `${(held / 1e6).toFixed(1)} MB held, ${
    (held / (FLUSHES - 100) / TOPICS).toFixed(0)
  } bytes a batch`;
  console.log(
    `  ${where}: ${FLUSHES} flushes of ${TOPICS} topics: ${((ended - start) / 1000).toFixed(1)} s, ` +
      `${perBatch(written - start)}; finalize ${
        perBatch(ended - written)
      }, ${share} % of the whole; ${memory}`,
  );
}

/** Bytes of live objects and buffers; what is garbage counts where the runtime does not collect on demand. */
function heldBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const client = await connect(directory);
try {
  await recordRows(client, "once", false);
  await recordRows(client, "each", true);
  const [once, each] = await Promise.all(["once", "each"].map(async (name) => {
    return (await client.topicHandler(name, "imu")).sizeBytes;
  }));
  await compare(
    ["once", "each"].map((name): Case => ({
      name: `replay/flushed ${name}`,
      count: ROWS,
      run: () => replay(client, name),
      rival: "replay/flushed once",
    })),
    20,
  );
  console.log(
    `  ${ROWS} rows: ${once} bytes flushed once, ${each} flushed each (${(each / once).toFixed(2)})`,
  );
  await recordLong(new Client(new EmbeddedBackend(new NullStore(), engine)), "nothing kept");
  await recordLong(client, "directory");
} finally {
  await client.close();
  await rm(directory, { recursive: true });
}
