import { type CaseOptions, runCase } from "./model.ts";

/** Lines of what happened that are shown. */
const LINES = 120;

/** What is wrong in the case of a seed, and how it came to that, in as few steps and with as few actors as do. */
export async function describeFailure(seed: number): Promise<string> {
  const { failures } = await runCase(seed);
  if (failures.length === 0) return `Case with seed ${seed}: nothing is wrong`;
  const kind = kindOf(failures[0]);
  const fails = async (options: CaseOptions) =>
    (await runCase(seed, options)).failures.some((failure) => kindOf(failure) === kind);
  let best: CaseOptions = {};
  for (let number = 1; number <= 10; number++) {
    const without = new Set([...best.without ?? [], number]);
    if (await fails({ ...best, without })) best = { ...best, without };
  }
  for (let steps = 10; steps < 1200; steps = Math.ceil(steps * 1.15)) {
    if (!await fails({ ...best, steps })) continue;
    best = { ...best, steps };
    break;
  }
  const trace: string[] = [];
  const smaller = await runCase(seed, { ...best, trace });
  return [
    `Case with seed ${seed} failed: ${failures.join("\n")}`,
    `Run it alone: deno task test:model 1 ${seed}`,
    `Smaller, without actors ${
      [...best.without ?? []].join(", ") || "none"
    }, ${smaller.steps} steps, it ended so:`,
    ...linesUpTo(trace, trace.findIndex((line) => line.includes("FAILURE"))),
  ].join("\n");
}

/** What led to a line, and a little of what followed. */
function linesUpTo(trace: readonly string[], at: number): readonly string[] {
  return trace.slice(Math.max(0, at - LINES), at + 4);
}

/** What is wrong, without the names and numbers of the one case. */
export function kindOf(failure: string): string {
  return failure.split("\n")[0]
    .replace(/[0-9a-f]{8}-[0-9a-f-]+/g, "ID")
    .replace(/(drive|run)\S*/g, "S")
    .replace(/-?\d+(,-?\d+)*/g, "N")
    .slice(0, 70);
}
