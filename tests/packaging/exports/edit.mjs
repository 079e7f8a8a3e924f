import * as smalti from "smalti";
import * as edits from "smalti/edit";
import { check } from "./support.mjs";

console.log(Object.keys(edits).sort().join(" "));

const client = await smalti.connect("memory:");
await client.sequenceCreate("oven", {}, async (sequence) => {
  const topic = await sequence.topicCreate("chamber", { ontology: smalti.Temperature });
  for (let i = 0; i < 4; i++) await topic.push({ timestampNs: BigInt(i), data: { value: 300 + i } });
});
const oven = await client.sequenceHandler("oven");
const { topics: [chamber] } = await edits.filterSequence(oven, client, "late", { startNs: 1n });
check("messages of a window", chamber.rowCount, 3);
const parts = await edits.cutSequence(oven, client, { everyNs: 2n });
check("parts", parts.map(({ name }) => name).join(), "oven_000,oven_001");
const handlers = await Promise.all(parts.map(({ name }) => client.sequenceHandler(name)));
await edits.mergeSequences(handlers, client, "again");
const values = [];
for await (const { data } of (await client.topicHandler("again", "chamber")).getDataStreamer()) {
  values.push(data.value);
}
check("values of the whole", values.join(), "300,301,302,303");
const again = await edits.filterSequence(oven, client, "late").then(() => "made", ({ code }) => code);
check("a sequence that is there", again, "ALREADY_EXISTS");
await client.close();
