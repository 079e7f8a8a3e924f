/**
 * A program that records: `node recorder_child.mjs MODULE DIRECTORY ACTION`. Says `ready` when 100 rows have been pushed.
 */
import process from "node:process";

const [module, directory, action] = process.argv.slice(2);
const { connect, defineOntology, float64 } = await import(module);
const Value = defineOntology("Value", { value: float64() });

/** Pushes a row every millisecond, for ever. */
async function pushOn(topic, isAwaited) {
  for (let row = 0;; row++) {
    const pushed = topic.push({ timestampNs: BigInt(row), data: { value: row } });
    if (isAwaited) await pushed;
    if (row === 99) console.log("ready");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const actions = {
  /** As the documentation has it: the loop ends with the signal's reason, and leaving closes all. */
  async loop(client) {
    const sequence = await client.sequenceCreate("s");
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort());
    sequence.finalizeOn(stop.signal);
    await pushOn(await sequence.topicCreate("a", { ontology: Value }), true);
  },
  async callback(client) {
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort());
    const result = await client.sequenceCreate("s", {}, async (sequence) => {
      sequence.finalizeOn(stop.signal);
      await pushOn(await sequence.topicCreate("a", { ontology: Value }), true);
    });
    console.log(`result ${result}`);
  },
  /** Sensors push by events: nobody awaits anything. */
  async events(client) {
    const sequence = await client.sequenceCreate("s");
    const topic = await sequence.topicCreate("a", { ontology: Value });
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort());
    sequence.finalizeOn(stop.signal);
    let row = 0;
    const timer = setInterval(() => {
      topic.push({ timestampNs: BigInt(row), data: { value: row } });
      if (++row === 100) console.log("ready");
    }, 1);
    while (sequence.status !== "finalized") await new Promise((resolve) => setTimeout(resolve, 1));
    clearInterval(timer);
  },
  /** Comes to its end without a word to anybody. */
  async forgets(client) {
    const sequence = await client.sequenceCreate("s");
    const topic = await sequence.topicCreate("a", { ontology: Value });
    for (let row = 0; row < 100; row++) {
      await topic.push({ timestampNs: BigInt(row), data: { value: row } });
    }
    console.log("ready");
  },
};

const client = await connect(directory);
try {
  await actions[action](client);
} catch (reason) {
  console.log(`ended by ${reason?.name}`);
}
if (action !== "forgets") await client.close();
