/**
 * `deno task test:model [CASES] [SEED] [--all]`: random life cycles of sequences, a million of them, on all cores. At a
 * failure it prints the seed, what is wrong, and what led to it in the smallest such case; `deno task test:model 1 SEED` runs
 * that case again. With `--all` it goes on, and sums up what is wrong by kind.
 *
 * @module
 */
import { describeFailure, kindOf } from "../tests/model/failure.ts";
import { runCase } from "../tests/model/model.ts";

/** Cases that are worth a process of their own. */
const PART = 2000;

const numbers = Deno.args.filter((arg) => !arg.startsWith("--"));
const goesOn = Deno.args.includes("--all");
const cases = Number(numbers[0] ?? 1_000_000);
const seed = Number(numbers[1] ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(cases) || !Number.isSafeInteger(seed) || cases < 1 || seed < 0) {
  console.error("usage: deno task test:model [CASES] [SEED] [--all]");
  Deno.exit(2);
}
const isPart = Deno.args.includes("--part");
const parts = isPart ? 1 : Math.min(navigator.hardwareConcurrency, Math.ceil(cases / PART));
if (parts > 1) await runParts(parts);
else await run();

/** Runs the cases side by side, each part by a program of its own: a case has the clock of its program for itself. */
async function runParts(parts: number): Promise<void> {
  const size = Math.ceil(cases / parts);
  const children = Array.from({ length: parts }, (_, part) => {
    const [from, count] = [seed + part * size, Math.min(size, cases - part * size)];
    const args = ["run", "-A", import.meta.filename!, String(count), String(from), "--part"];
    if (goesOn) args.push("--all");
    return new Deno.Command(Deno.execPath(), { args }).spawn();
  });
  const results = await Promise.all(children.map(async (child) => {
    const { code } = await child.status;
    if (code !== 0 && !goesOn) { for (const other of children) if (other !== child) stop(other); }
    return code;
  }));
  if (results.some((code) => code !== 0)) Deno.exit(1);
  console.log(`${cases} cases, seed ${seed}, 0 failures`);
}

function stop(child: Deno.ChildProcess): void {
  try {
    child.kill();
  } catch {
    // It has ended.
  }
}

async function run(): Promise<void> {
  const start = performance.now();
  const kinds = new Map<string, number[]>();
  for (let i = 0; i < cases; i++) {
    const { failures } = await runCase(seed + i);
    if (failures.length > 0 && !goesOn) {
      console.error(await describeFailure(seed + i));
      Deno.exit(1);
    }
    if (failures.length > 0) {
      const kind = kindOf(failures[0]);
      kinds.set(kind, [...kinds.get(kind) ?? [], seed + i]);
    }
    if ((i + 1) % Math.ceil(cases / 100) !== 0) continue;
    console.log(
      `${i + 1} of ${cases} cases from ${seed}, ${((performance.now() - start) / 1000).toFixed(0)} s`,
    );
  }
  for (const [kind, seeds] of [...kinds].sort(([, a], [, b]) => b.length - a.length)) {
    console.log(`${seeds.length} times: ${kind}\n  seeds ${seeds.slice(0, 6).join(", ")}`);
  }
  if (kinds.size > 0) Deno.exit(1);
  if (!isPart) console.log(`${cases} cases, seed ${seed}, 0 failures`);
}
