import * as smalti from "smalti";
import * as mcap from "smalti/import";
import { FLIGHT, replay } from "../flight.mjs";
import { check, flightFile, withDirectory } from "./support.mjs";

console.log(Object.keys(mcap).sort().join(" "));

/** Imports the flight and replays it. */
async function importAndReplay(url, options) {
  const client = await smalti.connect(url, options);
  await mcap.importMcap(client, await mcap.openFile(flightFile), { name: FLIGHT });
  const { engine, messages, sha256 } = await replay(client);
  await client.close();
  return `${engine} ${messages} ${sha256}`;
}

const inMemory = await importAndReplay("memory:");
console.log(`in memory: ${inMemory}`);
check("engine js", await importAndReplay("memory:", { engine: "js" }), inMemory.replace("wasm", "js"));
await withDirectory(async (directory) => check("in a directory", await importAndReplay(directory), inMemory));
