/**
 * Cold start: a process that imports smalti, loads an engine and reads the first message of the example flight, and one
 * that does nothing. The difference between the engines is what loading WASM costs.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { connect } from "../mod.ts";
import { importMcap, openFile } from "../src/import/mod.ts";
import { check, compare } from "./compare.ts";

const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const client = await connect(directory);
await importMcap(client, await openFile("examples/px4-vtol-flight/flight.mcap"), { name: "flight" });
await client.close();

const script = join(directory, "start.mjs");
const empty = join(directory, "empty.mjs");
await writeFile(empty, `console.log("1790");\n`);
await writeFile(
  script,
  `import { connect } from ${JSON.stringify(pathToFileURL("mod.ts").href)};
const client = await connect(${JSON.stringify(directory)}, { engine: process.argv[2] });
const handler = await client.sequenceHandler("flight");
const { value } = await handler.getDataStreamer().next();
console.log(client.engine.name, String(value[1].timestampNs));
process.exit();
`.replace("import", 'import process from "node:process";\nimport'),
);
const isDeno = "Deno" in globalThis;
const start = (file: string, engine: string): string => {
  const flags = isDeno ? ["run", "-A", "--config", "deno.json", "--node-modules-dir=manual"] : [];
  return execFileSync(process.execPath, [...flags, file, engine], { encoding: "utf8" }).trim();
};
const wanted = start(script, "js").split(" ")[1];

try {
  await compare([
    { name: "start/empty process", count: 1, run: () => start(empty, "") },
    ...["js", "wasm"].map((engine) => ({
      name: `start/smalti ${engine}`,
      count: 1,
      rival: "start/empty process",
      run: () => check("first message", start(script, engine), `${engine} ${wanted}`),
    })),
  ], 15);
} finally {
  await rm(directory, { recursive: true });
}
