/**
 * Another process at the same recordings: `node child.mjs MODULE DIRECTORY ACTION`. Prints one line of JSON for what came
 * of it: `"done"`, or code and text of the error. `record` then holds the sequence until its stdin ends or it is killed,
 * `recordLive` goes on for a while.
 */
import process from "node:process";

const [module, directory, action] = process.argv.slice(2);
const { connect, defineOntology, float64 } = await import(module);
const Value = defineOntology("Value", { value: float64() });

/** Creates sequence "s" with a row that is flushed, and leaves it open. */
async function record(client) {
  const sequence = await client.sequenceCreate("s");
  const topic = await sequence.topicCreate("a", { ontology: Value });
  await topic.push({ timestampNs: 1n, data: { value: 1 } });
  await topic.flush();
  return sequence;
}

/** Records on three topics for a while, with checkpoints in between, and finalizes. */
async function recordLive(client) {
  const sequence = await client.sequenceCreate("s", { latenessNs: 50n, autoFlush: { intervalMs: 20 } });
  const topics = [];
  for (const name of ["b", "c", "a"]) topics.push(await sequence.topicCreate(name, { ontology: Value }));
  const push = async () => {
    for (let row = 0; row < 3000; row++) {
      // Ties between topics, and rows out of order by less than what was declared.
      const late = BigInt(row * 7919 % 50);
      const topic = topics[row * 31 % 3];
      await topic.push({ timestampNs: BigInt(row - row % 4) * 10n - late, data: { value: row } });
      if (row % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await sequence.finalize();
  };
  return { ended: push() };
}

/** Records, waits for a word on stdin, goes on, and prints the code of what each call then fails with. */
async function goOnWhenTold(client) {
  const sequence = await record(client);
  const topic = sequence.topics.get("a");
  const goOn = async () => {
    await new Promise((resolve) => process.stdin.once("data", resolve));
    const codes = [];
    for (
      const call of [
        () => topic.push({ timestampNs: 2n, data: { value: 2 } }),
        () => topic.flush(),
        () => sequence.flush(),
        () => sequence.topicCreate("b", { ontology: Value }),
        () => sequence.attach({ name: "x" }, new Uint8Array(3)),
        () => sequence.finalize(),
      ]
    ) {
      try {
        await call();
        codes.push("none");
      } catch (error) {
        codes.push(error.code);
      }
    }
    await client.close();
    console.log(JSON.stringify(codes));
    process.stdin.destroy();
  };
  return { ended: goOn() };
}

const actions = {
  record,
  goOnWhenTold,
  recordLive,
  create: (client) => client.sequenceCreate("s"),
  update: (client) => client.sequenceUpdate("s"),
  open: (client) => client.sequenceHandler("s"),
  remove: (client) => client.sequenceDelete("s"),
  recover: (client) => client.recover("s"),
  /** Reads all that is finalized, some times: topics "a" and "b" with a row each at 0, 1, 2, ... */
  async replay(client) {
    for (let round = 0; round < 4; round++) {
      const read = [];
      for (const name of await client.listSequences()) {
        const handler = await client.sequenceHandler(name).catch((error) => {
          if (error.code !== "LOCKED" && error.code !== "NOT_FOUND") throw error;
        });
        if (!handler) continue;
        let count = 0;
        for await (const [topic, { timestampNs, data }] of handler.getDataStreamer()) {
          const [time, isB] = [count >> 1, count % 2];
          if (topic !== "ab"[isB] || timestampNs !== BigInt(time) || data.value !== time + isB / 2) {
            throw new Error(`Row ${count} of ${name} is ${data.value} at ${timestampNs} of ${topic}`);
          }
          count++;
        }
        if (count === 0 || count !== handler.rowCount) throw new Error(`${name} has ${count} rows`);
        read.push(name);
      }
      for (const name of ["past0", "past1", "past2"]) {
        if (!read.includes(name)) throw new Error(`Has read ${read}, and not ${name}`);
      }
    }
  },
  /** As a user who may do nothing here. */
  async unprivilegedRecord(client) {
    process.setgid(65534);
    process.setuid(65534);
    await record(client);
  },
  async unprivilegedRead(client) {
    process.setgid(65534);
    process.setuid(65534);
    const handler = await client.sequenceHandler("s");
    for await (const _ of handler.getDataStreamer());
  },
};

const client = await connect(directory);
let begun;
try {
  begun = await actions[action](client);
  console.log(JSON.stringify("done"));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
if (action === "record") {
  process.stdin.resume();
  process.stdin.on("end", () => client.close());
} else {
  await begun?.ended;
  await client.close();
}
