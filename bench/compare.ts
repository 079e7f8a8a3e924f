/**
 * Runs cases in turns and prints what each costs and how it compares with a rival of the same run.
 *
 * @module
 */
import { measure } from "mitata";
import process from "node:process";

/** One thing to be timed. */
export interface Case {
  /** `<what>/<which engine or library>`. */
  name: string;
  /** Does the work; throws where the result is wrong. Or what one of what it handles cost elsewhere in this run, in ns. */
  run: (() => unknown) | number;
  /** Whether the work takes its own time: `run` gives ns for one of what it handles. */
  isTimed?: boolean;
  /** What it handles, for the cost of one. */
  count: number;
  /** The case it is compared with. */
  rival?: string;
  /** Bytes that it makes, once it has run: for MB/s. */
  bytes?: () => number;
}

const ROUNDS = 5;

/**
 * Times every case once a round, so that a noisy moment hits all alike, and prints the least of each: ns for one of
 * what it handles, and how many times faster than its rival that is. The first round only warms up.
 */
export async function compare(
  cases: readonly Case[],
  rounds: number = ROUNDS,
): Promise<void> {
  const least = new Map<string, number>();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run, count, isTimed } of cases) {
      if (typeof run === "number") {
        least.set(name, run);
        continue;
      }
      if (isTimed) {
        const ns = Number(await run());
        if (round > 0) least.set(name, Math.min(least.get(name) ?? Infinity, ns));
        continue;
      }
      const once = {
        // A forced collection makes V8 drop optimized code, so that every case would be timed cold.
        gc: false,
        min_samples: 1,
        max_samples: 1,
        warmup_samples: 0,
        min_cpu_time: 0,
        warmup_threshold: 0,
      };
      const { min } = await measure(async () => await run(), once);
      if (round > 0) {
        least.set(name, Math.min(least.get(name) ?? Infinity, min / count));
      }
    }
  }
  const { versions } = process as { versions: Record<string, string> };
  const runtime = versions.deno
    ? `Deno ${versions.deno}`
    : versions.bun
    ? `Bun ${versions.bun}`
    : `Node ${versions.node}`;
  const width = Math.max(...cases.map(({ name }) => name.length));
  console.log(runtime);
  for (const { name, rival, count, bytes } of cases) {
    const cost = least.get(name)!;
    if (Number.isNaN(cost)) continue; // what it would run is not there
    const speed = bytes ? `${(1e3 * bytes() / (cost * count)).toFixed(0)} MB/s`.padStart(10) : "";
    const times = rival === undefined ? NaN : least.get(rival)! / cost;
    const ratio = Number.isNaN(times) ? "" : `${times.toFixed(times < 10 ? 2 : 1)} times ${rival}`;
    console.log(
      `  ${name.padEnd(width)} ${cost.toFixed(cost < 1000 ? 1 : 0).padStart(9)} ns${speed}  ${ratio}`
        .trimEnd(),
    );
  }
}

/** Throws unless a result is the expected one: a fast wrong answer must not enter a table. */
export function check(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what} is ${seen}: wanted ${wanted}`);
}
