/**
 * `deno run -A tests/model/run.ts [CASES] [SEED]`: random life cycles of sequences. At a failure it prints the seed, what
 * is wrong, and the last of what happened; `deno run -A tests/model/run.ts 1 SEED` runs that case again.
 *
 * @module
 */
import { describeFailure } from "./failure.ts";
import { runCase } from "./model.ts";

const cases = Number(Deno.args[0] ?? 1_000_000);
const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 2 ** 31));
const goesOn = Deno.args.includes("--all");
if (
  !Number.isSafeInteger(cases) || !Number.isSafeInteger(seed) || cases < 1 ||
  seed < 0
) {
  console.error("usage: deno run -A tests/model/run.ts [CASES] [SEED] [--all]");
  Deno.exit(2);
}
const start = performance.now();
const step = Math.max(1, Math.ceil(cases / 100));
const kinds = new Map<string, number[]>();
for (let done = 0; done < cases; done++) {
  const { failures } = await runCase(seed + done);
  if (failures.length > 0) {
    if (!goesOn) {
      console.error(await describeFailure(seed + done));
      Deno.exit(1);
    }
    const kind = failures[0].replace(/[0-9a-f]{8}-[0-9a-f-]+/g, "ID").replace(
      /(drive|run)[a-h./]*/g,
      "S",
    )
      .replace(/ [a-h](\/[a-h])? /g, " T ").replace(/-?\d+(,\d+)*/g, "N").slice(
        0,
        110,
      );
    kinds.set(kind, [...kinds.get(kind) ?? [], seed + done]);
  }
  if ((done + 1) % step === 0 && !goesOn) {
    console.log(
      `${done + 1} of ${cases} cases, ${((performance.now() - start) / 1000).toFixed(0)} s`,
    );
  }
}
for (
  const [kind, seeds] of [...kinds].sort(([, a], [, b]) => b.length - a.length)
) {
  console.log(`${seeds.length} times: ${kind}\n  seeds ${seeds.slice(0, 6)}`);
}
const ms = (performance.now() - start) / cases;
console.log(
  `${cases} cases, seed ${seed}, ${ms.toFixed(2)} ms each, ${kinds.size} kinds of failures`,
);
