/**
 * `deno task bench [--only RUNTIME,...] [FILTER ...]`: runs bench/*.bench.ts, or those whose path contains a
 * filter, on Deno, Node 24 and Bun, each file in a process of its own, one at a time.
 *
 * @module
 */
import { deno, executable, install, listFiles, run, type RuntimeName, takeRuntimes } from "./tooling.ts";

const { runtimes, rest } = takeRuntimes(Deno.args, ["deno", "node24", "bun"]);
await install(".");
await install("bench");

const files = listFiles("bench", ".bench.ts")
  .filter((path) => rest.length === 0 || rest.some((filter) => path.includes(filter)));
if (files.length === 0) console.error(`no benchmark matches ${rest.join(" ")}`);
let failed = files.length === 0;
for (const name of runtimes) {
  const command = await runner(name);
  for (const file of files) {
    // Whole replays and recordings run one engine a process, as programs do.
    for (const engine of /(native|replay|write)\.bench/.test(file) ? ["js", "wasm"] : [undefined]) {
      console.log(`\n== ${[name, file, engine].filter(Boolean).join(" ")}`);
      const { code } = await run([...command, file], { env: engine ? { SMALTI_ENGINE: engine } : {} });
      if (code !== 0) console.error(`${name} ${file}: exit code ${code}`);
      failed ||= code !== 0;
    }
  }
}
Deno.exit(failed ? 1 : 0);

async function runner(name: RuntimeName): Promise<string[]> {
  if (name === "deno") return deno("run", "-A");
  return name === "bun" ? [await executable(name), "run"] : [await executable(name)];
}
