/**
 * What a plot of a long recording costs: `deno run -A bench/series.ts [MESSAGES]` (10 M unless told) records 20 topics in a
 * directory and prints how long statistics of the busiest one take from opening the sequence on, in how many reads, beside
 * reading its field as columns; ms, the least of seven rounds, all in one process. And what the detail takes of the files.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Client } from "../mod.ts";
import { EmbeddedBackend } from "../src/embedded/embedded_backend.ts";
import { DETAIL } from "../src/embedded/detail_part.ts";
import { readFooter } from "../src/embedded/topic_footer.ts";
import { DirectoryStore } from "../src/store/directory/directory_store.ts";
import { check } from "./compare.ts";
import { loadEngines } from "./engines.ts";
import { columnsByTopic, makeRecording, pushColumns, type TopicColumns } from "./recording.ts";

const ROUNDS = 7;
const FIELD = "acceleration.x";
const BUCKETS = 1200;
const WINDOW_NS = 60_000_000_000n;

const directory = await mkdtemp(join(tmpdir(), "smalti-series-"));
try {
  const recording = makeRecording(Number(process.argv[2] ?? 10e6));
  const columns = columnsByTopic(recording);
  const { topics } = recording;
  const busiest = columns.reduce(
    (best, { timestampNs }, i) => timestampNs.length > columns[best].timestampNs.length ? i : best,
    0,
  );
  const store = new DirectoryStore(directory);
  let [reads, bytes] = [0, 0];
  const read = store.read.bind(store);
  store.read = async (...args) => {
    const found = await read(...args);
    reads++;
    bytes += found.length;
    return found;
  };
  await using client = new Client(new EmbeddedBackend(store, (await loadEngines())[1]));
  await pushColumns(client, "s", topics, columns);
  await tellSize(client);

  const ways = waysOf(topics[busiest], columns[busiest]);
  const least: Record<string, { ms: number; reads: number; bytes: number }> = {};
  // In turns, so that a noisy moment hits all alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, way] of Object.entries(ways)) {
      [reads, bytes] = [0, 0];
      const start = performance.now();
      await way(client);
      const ms = performance.now() - start;
      if (!(ms >= (least[what]?.ms ?? Infinity))) least[what] = { ms, reads, bytes };
    }
  }
  const { length } = columns[busiest].timestampNs;
  console.log(
    `| a topic of ${
      (length / 1e6).toFixed(1)
    } M messages | ms | reads | kB read |\n| --- | --- | --- | --- |`,
  );
  for (const [what, { ms, reads, bytes }] of Object.entries(least)) {
    console.log(`| ${what} | ${ms.toFixed(1)} | ${reads} | ${(bytes / 1e3).toFixed(0)} |`);
  }
} finally {
  await rm(directory, { recursive: true });
}

/** What is measured; each checks what it found. */
function waysOf(topic: string, { timestampNs, acceleration: { x } }: TopicColumns) {
  const max = x.reduce((most, value) => Math.max(most, value));
  const middle = timestampNs[timestampNs.length >> 1];
  const window = { startNs: middle, endNs: middle + WINDOW_NS };
  const from = timestampNs.indexOf(middle);
  const inWindow = x.subarray(from, from + timestampNs.subarray(from).findIndex((ns) => ns >= window.endNs));
  const maxInWindow = inWindow.reduce((most, value) => Math.max(most, value));
  const series =
    (level: "batches" | "detail" | "rows", wanted: number, range = {}) => async (client: Client) => {
      const handler = await client.sequenceHandler("s");
      const { fields } = await (await handler.topicHandler(topic))
        .series({ fields: [FIELD], buckets: BUCKETS, level, ...range });
      const found = fields.get(FIELD)!.max.reduce((most, value) => value > most ? value : most, -Infinity);
      check("largest", found, wanted);
    };
  return {
    "`series`, level `batches`": series("batches", max),
    "`series`, level `detail`": series("detail", max),
    "`series`, level `rows`": series("rows", max),
    "`series` of 60 s, level `rows`": series("rows", maxInWindow, window),
    "`stats`": async (client: Client) => {
      const stats = await (await client.sequenceHandler("s")).stats({ topics: [topic], fields: [FIELD] });
      check("largest", stats.get(topic)!.fields.get(FIELD)!.max, max);
    },
    "`activity`, 400 buckets, 20 topics": async (client: Client) => {
      const handler = await client.sequenceHandler("s");
      const { topics } = await handler.activity({ buckets: 400 });
      let rows = 0;
      for (const counts of topics.values()) rows += counts.reduce((sum, count) => sum + count);
      check("rows", Math.round(rows), handler.rowCount);
    },
    "the field as columns": async (client: Client) => {
      const handler = await (await client.sequenceHandler("s")).topicHandler(topic);
      let most = -Infinity;
      for await (const block of handler.getColumnStreamer({ fields: { x: FIELD } })) {
        for (const value of block.numbers("x").values) if (value > most) most = value;
      }
      check("largest", most, max);
    },
  };
}

async function tellSize(client: Client): Promise<void> {
  const { topics } = await client.sequenceHandler("s");
  let [all, detail] = [0, 0];
  for (const { name, sizeBytes } of topics) {
    const file = new DirectoryStore(directory);
    const path = `s/${name}.arrow`;
    const { footer } = await readFooter((offset, length) => file.read(path, offset, length), sizeBytes);
    const parts = JSON.parse(footer.metadata.get(DETAIL) ?? "[]") as [length: number, crc: string][];
    detail += parts.reduce((sum, [length]) => sum + length, 0);
    all += sizeBytes;
    await file.close();
  }
  console.log(
    `${(all / 1e6).toFixed(1)} MB on ${topics.length} topics, of which detail ${
      (100 * detail / all).toFixed(2)
    }%\n`,
  );
}
