/**
 * A recorder that somebody kills: `node kill_recorder.mjs MODULE DIRECTORY SEED`. Records sequences by a seeded random
 * load, for ever, and says what is durable, one line of JSON each, once it has been told so:
 *
 * - `{ ready: true }`: the library is loaded
 * - `{ sequence, flushed: { TOPIC: ROWS }, bytes: { TOPIC: BYTES } }`: so many rows of these topics, within so many bytes
 * - `{ sequence, attached: NUMBER }`: the attachment of this number
 * - `{ sequence, finalized: { TOPIC: ROWS } }`: a session, with all its topics
 *
 * @module
 */
import { statSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { attachmentOf, dataOf, kindOf, ontologies, seeded, timeOf } from "./kill_rows.mjs";

const [module, directory, seed] = process.argv.slice(2);
const library = await import(module);
const ONTOLOGIES = ontologies(library);
const random = seeded(Number(seed));
const below = (limit) => Math.floor(random() * limit);
/** Not by the console: what it was given may never come out. */
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

const client = await library.connect(directory);
say({ ready: true });

/** Pushes the next rows of a topic, in one of the ways to do that. */
async function push(topic, rows) {
  const first = topic.rowCount;
  const numbers = Array.from({ length: rows }, (_, i) => first + i);
  const kind = kindOf(topic.name);
  if (kind !== "mixed" && random() < 0.3) {
    const times = BigInt64Array.from(numbers, (row) => timeOf(topic.name, row));
    const data = numbers.map((row) => dataOf(topic.name, row));
    const columns = kind === "text" ? { text: data.map(({ text }) => text) } : {
      value: Float64Array.from(data, ({ value }) => value),
      serial: BigInt64Array.from(data, ({ serial }) => serial),
    };
    await topic.pushColumns({ timestampNs: times, ...columns });
    return;
  }
  for (const row of numbers) {
    await topic.push({ timestampNs: timeOf(topic.name, row), data: dataOf(topic.name, row) });
  }
}

function rowsOf(topics) {
  return Object.fromEntries(topics.map((topic) => [topic.name, topic.rowCount]));
}

async function flush(sequence, topics) {
  const flushed = rowsOf(topics);
  await (topics.length === 1 ? topics[0].flush() : sequence.flush());
  const sizes = topics.map((
    { name },
  ) => [name, statSync(join(directory, sequence.name, `${name}.arrow`)).size]);
  say({ sequence: sequence.name, flushed, bytes: Object.fromEntries(sizes) });
}

async function record(sequence, session) {
  const attaching = [];
  const topics = [];
  const most = random() < 0.3 ? 40 : 4;
  const addTopics = async () => {
    const kind = ["number", "text", "mixed"][below(3)];
    const name = `${kind}_${session}/${topics.length}`;
    const topic = await sequence.topicCreate(random() < 0.5 ? name : name.replace("/", "-"), {
      ontology: ONTOLOGIES[kind],
      metadata: { kind, note: "x".repeat(below(500)) },
    });
    topics.push(topic);
  };
  for (let i = 1 + below(most); i > 0; i--) await addTopics();
  for (let steps = below(random() < 0.5 ? 20 : 200); steps > 0; steps--) {
    // Low numbers are fast topics.
    const topic = topics[Math.floor(topics.length * random() ** 3)];
    const chance = random();
    if (chance < 0.5) await push(topic, random() < 0.2 ? below(3000) : below(40));
    else if (chance < 0.75) await push(topic, 1);
    else if (chance < 0.85) await flush(sequence, [topic]);
    else if (chance < 0.92) await flush(sequence, topics);
    else if (chance < 0.95) {
      // Beside the pushes that follow.
      const number = 100 * session + attaching.length;
      const attached = sequence.attach({ name: String(number) }, attachmentOf(sequence.name, number));
      attaching.push(attached.then(() => say({ sequence: sequence.name, attached: number })));
    } else if (chance < 0.96) await addTopics();
    else await new Promise((resolve) => setTimeout(resolve, below(5)));
  }
  await Promise.all(attaching);
  const finalized = rowsOf(topics);
  await sequence.finalize();
  say({ sequence: sequence.name, finalized });
}

async function recordSequences(line) {
  for (let number = 0;; number++) {
    const name = `s${line}_${number}`;
    const options = {
      ...(random() < 0.3 &&
        { autoFlush: random() < 0.5 ? { intervalMs: 1 + below(20) } : { bytes: 1 + below(20_000) } }),
      ...(random() < 0.3 && { maxBufferedBytes: 1 + below(200_000) }),
    };
    const metadata = { line };
    await record(await client.sequenceCreate(name, { ...options, metadata }), 1);
    for (let session = 2; random() < 0.5; session++) {
      await record(await client.sequenceUpdate(name, options), session);
    }
  }
}

await Promise.all(Array.from({ length: 1 + below(3) }, (_, line) => recordSequences(line)));
