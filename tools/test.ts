/**
 * `deno task test [--only RUNTIME,...] [FILTER ...]`: the one suite on every runtime, one after another. Filters
 * are parts of paths; anything else goes to the runner too (`-t NAME` works for all).
 *
 * Deno and Node run vitest, Bun runs the same files by `bun test`. Tests that start programs find them in the
 * environment: SMALTI_MOD and SMALTI_CLI are the paths of the library's and the command line's entry, TypeScript
 * on Deno and Bun, compiled on Node.
 *
 * Exits with 1 when a test failed or a runtime ran none. The last line is `N passed, N failed, N skipped`.
 *
 * @module
 */
import { build } from "./build.ts";
import {
  deno,
  executable,
  install,
  packageDirectory,
  root,
  run,
  type RuntimeName,
  takeRuntimes,
} from "./tooling.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Left to Deno and Bun: what asks nothing of the runtime. */
const SAME = ["image", "interop", "ontology", "tools", "types", "util", "viewer"];

/**
 * What one version of Node leaves to the other where the whole suite is run, which is minutes of it: code that asks nothing of
 * the runtime or the same of both, and programs that are started. Bun leaves files to Deno and Node.
 */
const LEFT_OUT: Partial<Record<RuntimeName, readonly string[]>> = {
  node20: [
    ...SAME,
    "arrow",
    "cli",
    "engine",
    "export",
    "import",
    "model",
    "query",
    "read",
    "store/s3",
    "write",
  ],
  node24: [...SAME, "embedded", "flight", "splits"],
  bun: ["store/s3/s3_side_by_side.test.ts", "store/s3/s3_large_files.test.ts"],
};

const { runtimes, rest } = takeRuntimes(Deno.args);
await install(".");
await install("tests");
await install("src/viewer");
if (runtimes.some((name) => name.startsWith("node"))) await build();

const results = new Map<string, Counts>();
for (const name of runtimes) {
  console.log(`\n== ${name}`);
  results.set(name, await test(name));
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
console.log();
for (const [name, counts] of results) {
  console.log(`${name}: ${format(counts)}`);
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
}
console.log(format(total));
Deno.exit(total.failed > 0 ? 1 : 0);

async function test(name: RuntimeName): Promise<Counts> {
  // Vitest has workers of its own; Bun runs one file after another, so the whole suite is given to two of it.
  const isWhole = !rest.some((arg) => !arg.startsWith("-"));
  const parts = name === "bun" && isWhole
    ? halves(await testFiles(LEFT_OUT.bun)).map((files) => [...rest, ...files])
    : isWhole
    ? [[...rest, ...(LEFT_OUT[name] ?? []).map((folder) => `--exclude=tests/${folder}/**`)]]
    : [rest];
  const runs = await Promise.all(parts.map((files) => testPart(name, files)));
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const key of ["passed", "failed", "skipped"] as const) {
    for (const run of runs) counts[key] += run.counts[key];
  }

  // Chosen files may skip a whole runtime (and say why); the whole suite may not.
  if (counts.passed + counts.failed === 0 && (counts.skipped === 0 || rest.length === 0)) {
    console.error(`${name} ran no test`);
    counts.failed = 1;
  }
  // What is no test's fault (a file that does not load, an error between tests) may show in the exit code alone.
  if (runs.some(({ code }) => code !== 0) && counts.failed === 0) counts.failed = 1;
  return counts;
}

async function testPart(
  name: RuntimeName,
  files: readonly string[],
): Promise<{ counts: Counts; code: number }> {
  const report = await Deno.makeTempFile({ prefix: "smalti-test-", suffix: ".xml" });
  const compiled = name.startsWith("node");
  const { code } = await run(await command(name, report, files), {
    env: {
      SMALTI_MOD: compiled ? `${packageDirectory("smalti")}/dist/mod.js` : `${root}/mod.ts`,
      SMALTI_CLI: compiled ? `${packageDirectory("smalti")}/dist/src/cli/main.js` : `${root}/src/cli/main.ts`,
    },
  });
  const counts = parse(await Deno.readTextFile(report));
  await Deno.remove(report);
  return { counts, code };
}

/** Paths of all test files, in order. */
async function testFiles(leftOut: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  const visit = async (directory: string) => {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/${directory}`)) {
      if (isDirectory && name !== "node_modules") await visit(`${directory}/${name}`);
      else if (name.endsWith(".test.ts")) found.push(`./${directory}/${name}`);
    }
  };
  await visit("tests");
  return found.filter((file) => !leftOut.some((left) => file === `./tests/${left}`)).sort();
}

/** Every other one, and the rest: neighbours take about as long. */
function halves(files: readonly string[]): string[][] {
  return [0, 1].map((half) => files.filter((_, i) => i % 2 === half));
}

async function command(name: RuntimeName, report: string, files: readonly string[]): Promise<string[]> {
  if (name === "bun") {
    const reporter = [
      "--timeout=60000",
      "--only-failures",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ];
    return [await executable("bun"), "test", ...reporter, ...files];
  }
  const vitest = `${root}/tests/node_modules/vitest/vitest.mjs`;
  const runtime = name === "deno" ? deno("run", "-A") : [await executable(name)];
  const reporter = ["--reporter=default", "--reporter=junit", `--outputFile.junit=${report}`];
  const config = ["--config=tests/vitest.config.ts", "--silent=passed-only"];
  return [...runtime, vitest, "run", ...config, ...reporter, ...files];
}

/** Counts of a JUnit report, which both runners write. */
function parse(xml: string): Counts {
  const head = /<testsuites[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (key: string) => Number(new RegExp(` ${key}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = xml.match(/<skipped\b/g)?.length ?? 0;
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

function format({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
