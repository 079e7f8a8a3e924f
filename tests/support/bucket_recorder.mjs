/**
 * A process that records to a bucket: `node bucket_recorder.mjs MODULE URL OPTIONS ACTION [SECONDS]`, OPTIONS being those of
 * `s3` as JSON.
 * Says what came of it by lines of JSON: how many rows are durable, each time when more are; whether all is committed; the
 * code of an error.
 */
import process from "node:process";

const [module, url, options, action, seconds] = process.argv.slice(2);
const { binary, connect, defineOntology, float64 } = await import(module);
const Value = defineOntology("Value", { value: float64() });
const Blob = defineOntology("Blob", { bytes: binary() });

const ROWS = 150;

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** Rows 0, 1, 2, ... on topics "a" and "b" in turns, which are flushed every few. */
async function rows(client) {
  const sequence = await client.sequenceCreate("s", { autoFlush: false });
  const topics = [];
  for (const name of ["a", "b"]) topics.push(await sequence.topicCreate(name, { ontology: Value }));
  for (let row = 0; row < ROWS; row++) {
    await topics[row % 2].push({ timestampNs: BigInt(row), data: { value: row } });
    if (row % 5 !== 4) continue;
    await sequence.flush();
    say({ flushed: row + 1 });
  }
  await sequence.finalize();
  say({ finalized: ROWS });
}

/** A topic whose file is put in place by parts: 18 MiB that cannot be compressed. */
async function large(client) {
  const sequence = await client.sequenceCreate("s", { autoFlush: false });
  const topic = await sequence.topicCreate("a", { ontology: Blob });
  let state = 1;
  for (let row = 0; row < 3; row++) {
    const words = new Uint32Array(3 * 2 ** 19).map(() => state = Math.imul(state, 1664525) + 1013904223);
    await topic.push({ timestampNs: BigInt(row), data: { bytes: new Uint8Array(words.buffer) } });
  }
  await sequence.flush();
  say({ flushed: 3 });
  await sequence.finalize();
  say({ finalized: 3 });
}

/** Holds the sequence until stdin ends. */
async function hold(client) {
  const sequence = await client.sequenceCreate("s", { autoFlush: false });
  const topic = await sequence.topicCreate("a", { ontology: Value });
  await topic.push({ timestampNs: 0n, data: { value: 0 } });
  await sequence.flush();
  say({ flushed: 1 });
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.on("end", resolve));
}

/**
 * So many seconds of a vehicle with 70 sensors, 900 messages each second, one second after the other as soon as the one before
 * last is durable. Says how often `push` had to be waited for, and what it took.
 */
async function drive(client) {
  const fields = Object.fromEntries(["x", "y", "z", "u", "v", "w"].map((name) => [name, float64()]));
  const State = defineOntology("State", fields);
  const sequence = await client.sequenceCreate("s", { autoFlush: false });
  const topics = await Promise.all(
    Array.from({ length: 70 }, (_, i) => sequence.topicCreate(`sensor${i}`, { ontology: State })),
  );
  let [rows, waits, mostRssBytes, longestFlushMs] = [0, 0, 0, 0];
  let flushed = Promise.resolve();
  const begunMs = performance.now();
  for (let second = 0; second < Number(seconds); second++) {
    for (const [i, topic] of topics.entries()) {
      // Ten topics of 50 Hz, twenty of 15, forty of 2.5: each with a phase of its own.
      const rate = i < 10 ? 50 : i < 30 ? 15 : second % 2 === 0 ? 2 : 3;
      for (let n = 0; n < rate; n++) {
        const [x, y, z] = [Math.sin(rows), Math.cos(rows), rows];
        const timestampNs = BigInt(second * 1e9 + Math.floor((n + i / 70) * 1e9 / rate));
        const full = topic.push({ timestampNs, data: { x, y, z, u: -x, v: -y, w: second } });
        rows++;
        if (!full) continue;
        waits++;
        await full;
      }
    }
    await flushed;
    const startMs = performance.now();
    flushed = sequence.flush().then(() => {
      longestFlushMs = Math.max(longestFlushMs, performance.now() - startMs);
    });
    mostRssBytes = Math.max(mostRssBytes, process.memoryUsage().rss);
  }
  await flushed;
  const recordedMs = performance.now() - begunMs;
  await sequence.finalize();
  const finalizeMs = performance.now() - begunMs - recordedMs;
  const finalRssBytes = process.memoryUsage().rss;
  say({ finalized: rows, waits, mostRssBytes, finalRssBytes, longestFlushMs, recordedMs, finalizeMs });
}

/** What each call fails with that somebody else's sequence is not for. */
async function intrude(client) {
  for (const call of ["sequenceUpdate", "sequenceDelete", "recover"]) {
    const code = await client[call]("s").then(() => "none", (error) => error.code);
    say({ [call]: code });
  }
}

const actions = {
  rows,
  large,
  hold,
  drive,
  intrude,
};

const client = await connect(url, { s3: JSON.parse(options) });
try {
  await actions[action](client);
} catch (error) {
  say({ code: error.code ?? String(error) });
}
await client.close();
