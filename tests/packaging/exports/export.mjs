import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as smalti from "smalti";
import * as exporters from "smalti/export";
import { check, withDirectory } from "./support.mjs";

console.log(Object.keys(exporters).sort().join(" "));

const client = await smalti.connect("memory:");
await client.sequenceCreate("oven", {}, async (sequence) => {
  const topic = await sequence.topicCreate("chamber", { ontology: smalti.Temperature });
  for (let i = 0; i < 3; i++) await topic.push({ timestampNs: BigInt(i), data: { value: 300 + i } });
});
const handler = await client.sequenceHandler("oven");
await withDirectory(async (directory) => {
  const file = join(directory, "oven.ndjson");
  const report = await exporters.exportJsonLines(handler, await exporters.createFile(file));
  const text = await readFile(file, "utf8");
  check("messages", report.messageCount, 3);
  check("bytes", report.byteCount, text.length);
  check("values", text.trim().split("\n").map((line) => JSON.parse(line).data.value).join(), "300,301,302");
  const mcap = join(directory, "oven.mcap");
  const { messageCount } = await exporters.exportMcap(handler, await exporters.createFile(mcap));
  check("messages in MCAP", messageCount, 3);
  const { importMcap, openFile } = await import("smalti/import");
  const { topics } = await importMcap(client, await openFile(mcap), { name: "again" });
  check("topics of the MCAP", topics.map(({ sourceName }) => sourceName).join(), "/chamber");
  const again = await exporters.createFile(file).then(() => "created", ({ code }) => code);
  check("a file that is there", again, "ALREADY_EXISTS");
});
await client.close();
