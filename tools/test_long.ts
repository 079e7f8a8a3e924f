/**
 * `deno task test:long [CASES] [SEED]`: what takes too long for every change. The tests that try some positions of many
 * (`tests/support/positions.ts`) try all of them, more recorders are killed, to buckets too, and one records there for an hour; some damaged files of each format are imported
 * (`test_fuzz.ts`); a Ray cluster loses a node (`test_cluster.ts`), where there is one; then come the random cases that hold the engines to one outcome, a million unless told. The last line is
 * `N cases, seed S, 0 differences`; at a difference it is what to run to see that case again.
 *
 * @module
 */
import { createJsEngine } from "../src/engine/js.ts";
import { createWasmEngine } from "../src/engine/wasm.ts";
import { checkIdentity } from "../tests/contract/identity.ts";
import { checkRecordIdentity } from "../tests/contract/records/record_identity.ts";
import { FUZZ_TARGETS } from "../tests/import/fuzz/targets.ts";
import { deno, root, run } from "./tooling.ts";

/** Damaged files of each format. */
const FUZZ_CASES = 300;

const cases = Number(Deno.args[0] ?? 1_000_000);
const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(cases) || !Number.isSafeInteger(seed) || cases < 1 || seed < 0) {
  console.error("usage: deno task test:long [CASES] [SEED]");
  Deno.exit(2);
}

const stopped = ["search", "processes", "far"].map((name) => `tests/store/s3/s3_${name}.test.ts`);
const files = [...await filesWithPositions("tests"), "tests/embedded/kill.test.ts", ...stopped];
const { code } = await run(
  [...deno("run", "-A", "tools/test.ts"), "--only", "deno", "--testTimeout=3600000", ...files],
  { env: { SMALTI_LONG: "1", SMALTI_KILLS: "300" } },
);
if (code !== 0) Deno.exit(code);

for (const target of Object.keys(FUZZ_TARGETS)) {
  const fuzz = deno(
    "run",
    "-A",
    "--node-modules-dir=manual",
    "tools/test_fuzz.ts",
    target,
    `=${FUZZ_CASES}`,
    `${seed}`,
  );
  const { code } = await run(fuzz);
  if (code !== 0) Deno.exit(code);
}

const cluster = await run(deno("run", "-A", "tools/test_cluster.ts"));
if (cluster.code !== 0) Deno.exit(cluster.code);

const module = await WebAssembly.compile(await Deno.readFile(`${root}/src/engine/generated/smalti.wasm`));
const engines = [createJsEngine(), await createWasmEngine(module)];
const start = performance.now();
const step = Math.ceil(cases / 100);
const report = (done: number) => {
  if (done % step !== 0) return;
  const seconds = (performance.now() - start) / 1000;
  console.log(`${done} of ${cases} cases, ${seconds.toFixed(0)} s`);
};
try {
  await checkIdentity(engines, { cases, seed }, report);
  // Schemas and records take fifty times as long.
  checkRecordIdentity(engines, { cases: Math.ceil(cases / 50), seed });
} catch (reason) {
  console.error((reason as Error).message);
  Deno.exit(1);
}
console.log(`${cases} cases, seed ${seed}, 0 differences`);

/** The test files below a directory that try some positions only. */
async function filesWithPositions(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${directory}`)) {
    const path = `${directory}/${name}`;
    if (isDirectory && name !== "node_modules") files.push(...await filesWithPositions(path));
    if (!name.endsWith(".test.ts")) continue;
    if ((await Deno.readTextFile(`${root}/${path}`)).includes("/support/positions.ts")) files.push(path);
  }
  return files;
}
