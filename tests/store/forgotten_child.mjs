/**
 * A program that forgets its clients: `node forgotten_child.mjs MODULE DIRECTORY`. They record, read and follow, none is
 * closed, and all are collected. Prints how many files of the directory are open once that is so, on Linux.
 */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import process from "node:process";

const [module, directory] = process.argv.slice(2);
const { connect, defineOntology, float64 } = await import(module);
const Value = defineOntology("Value", { value: float64() });
const gc = globalThis.gc ?? (() => globalThis.Bun.gc(true));

async function record(name) {
  const client = await connect(directory);
  const sequence = await client.sequenceCreate(name);
  for (const name of ["a", "b"]) {
    const topic = await sequence.topicCreate(name, { ontology: Value });
    for (let i = 0n; i < 10n; i++) await topic.push({ timestampNs: i, data: { value: 1 } });
    await topic.flush();
  }
  await sequence.finalize();
}

async function read(name, options) {
  const client = await connect(directory);
  const handler = await client.sequenceHandler(name, options);
  let rows = 0;
  for await (const _ of handler.getDataStreamer(options)) rows++;
  if (rows !== 20) throw new Error(`${rows} rows: wanted 20`);
}

async function readHalf(name) {
  const client = await connect(directory);
  const streamer = (await client.sequenceHandler(name)).getDataStreamer();
  await streamer.next();
}

const FILES = "/proc/self/fd";

function openFiles() {
  if (!existsSync(FILES)) return 0;
  return readdirSync(FILES).filter((file) => {
    try {
      return readlinkSync(`${FILES}/${file}`).startsWith(directory);
    } catch {
      return false; // the descriptor that reads the directory
    }
  }).length;
}

for (const name of ["s0", "s1", "s2"]) {
  await record(name);
  await read(name);
  await read(name, { follow: true });
  await readHalf(name);
}
const opened = openFiles();
if (existsSync(FILES) && opened === 0) throw new Error("No file is open: nothing is forgotten");
for (let round = 0; round < 500 && (round < 10 || openFiles() > 0); round++) {
  gc();
  await new Promise((resolve) => setTimeout(resolve, 10));
}
console.log(openFiles());
