import { runCase } from "./model.ts";
const [seed, from, to] = Deno.args.map(Number);
const trace: string[] = [];
const r = await runCase(seed, { trace });
console.log(r.failures);
const at = trace.findIndex((l) => l.includes("FAILURE"));
console.log(
  trace.filter((l) => true).slice(
    Math.max(0, at - (from || 120)),
    at + (to || 3),
  ).map((l) => l.slice(0, 190)).join("\n"),
);
