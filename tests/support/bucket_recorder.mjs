/**
 * A process that records to a bucket: `node bucket_recorder.mjs MODULE URL OPTIONS ACTION`, OPTIONS being those of `s3` as JSON.
 * Says what came of it by lines of JSON: how many rows are durable, each time when more are; whether all is committed; the
 * code of an error.
 */
import process from "node:process";

const [module, url, options, action] = process.argv.slice(2);
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
  intrude,
};

const client = await connect(url, { s3: JSON.parse(options) });
try {
  await actions[action](client);
} catch (error) {
  say({ code: error.code ?? String(error) });
}
await client.close();
