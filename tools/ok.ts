/**
 * `deno task ok [STEP ...]`: everything a change must pass, or the named steps. A step is silent until it fails,
 * except for what it skipped; the tests come last and end with their counts.
 *
 * @module
 */
import { deno, install, root, run } from "./tooling.ts";

const tool = (name: string): string[] => [Deno.execPath(), "run", "-A", `${root}/tools/${name}.ts`];

const steps: Record<string, string[]> = {
  fmt: [Deno.execPath(), "fmt", "--check"],
  lint: [Deno.execPath(), "lint"],
  source: tool("check_source"),
  types: deno("check", "--quiet", "mod.ts", ...withoutViewer(), "tests", "bench", "tools"),
  examples: deno("check", "--quiet", "--doc-only", "mod.ts", ...withoutViewer(), "README.md", "docs"),
  docs: tool("check_docs"),
  jsr: deno("publish", "--dry-run", "--allow-dirty"),
  build: tool("build"),
  package: tool("check_package"),
  viewer: tool("check_viewer"),
  crates: tool("check_crates"),
  python: tool("check_python"),
  test: tool("test"),
};

/** What `deno check` looks at: the page is checked by the step `source`, with the globals of browsers. */
function withoutViewer(): string[] {
  const names = [...Deno.readDirSync(`${root}/src`)].map(({ name }) => name);
  return names.filter((name) => name !== "viewer").sort().map((name) => `src/${name}`);
}

const chosen = Deno.args.length > 0 ? Deno.args : Object.keys(steps);
const unknown = chosen.find((name) => !(name in steps));
if (unknown !== undefined) {
  console.error(`no step "${unknown}"; there are ${Object.keys(steps).join(", ")}`);
  Deno.exit(2);
}

for (const directory of [".", "src/viewer", "tests", "tests/packaging", "bench"] as const) {
  await install(directory);
}
const failed: string[] = [];
for (const name of chosen) {
  const start = performance.now();
  const { code, output } = await run(steps[name], { quiet: name !== "test" });
  if (code !== 0) failed.push(name);
  if (name === "test") continue;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (code !== 0) console.log(output);
  // What a step could not check here must not look like a success.
  else for (const [line] of output.matchAll(/^skipped: .*$/gm)) console.log(`       ${line}`);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`);
  Deno.exit(1);
}
