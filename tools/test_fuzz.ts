/**
 * `deno task test:fuzz TARGET SECONDS [SEED]`: imports damaged files for so long, one after another, and tells of each that does
 * what none may: an error that is no SmaltiError, counts that are wrong, engines that differ, a process that dies, MAX_MS of a
 * processor or MAX_GROWTH of memory. `=N` in place of SECONDS is so many cases. With SMALTI_FUZZ_KEEP the files that did are kept
 * in the folder that it names; with SMALTI_FUZZ_FILES those of a folder are damaged too.
 *
 * The cases run in a process of their own, since one that hangs can only be killed.
 *
 * @module
 */
import process from "node:process";
import { FUZZ_TARGETS } from "../tests/import/fuzz/targets.ts";
import { Random } from "../tests/support/random_cases.ts";
import { deno } from "./tooling.ts";

const MAX_MS = 5000;
const MAX_GROWTH = 400 * 2 ** 20;
/** Without a sign of life for so long it is killed: others use the machine too. */
const MAX_SILENCE_MS = 60_000;
const SHOWN_MS = 60_000;

const [target, length, first, role] = Deno.args;
if (!Object.hasOwn(FUZZ_TARGETS, target ?? "") || length === undefined) {
  console.error(`usage: deno task test:fuzz ${Object.keys(FUZZ_TARGETS).join("|")} SECONDS|=CASES [SEED]`);
  Deno.exit(2);
}
const seed = Number(first ?? Math.floor(Math.random() * 2 ** 31));
const amount = Number(length.replace("=", ""));
const isCount = length.startsWith("=");
if (role === "child") await runCases();
else Deno.exit(await supervise() === 0 ? 0 : 1);

/** The most memory so far, since it was last asked to begin anew, which Linux can. */
function peakBytes(): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
  } catch {
    return Deno.memoryUsage().rss;
  }
}

function forgetPeak(): void {
  try {
    Deno.writeTextFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not there; the peak is then what memory is left after a case.
  }
}

async function runCases(): Promise<void> {
  const run = await FUZZ_TARGETS[target]();
  const end = isCount ? Infinity : performance.now() + 1000 * amount;
  const last = isCount ? seed + amount : Infinity;
  const counts: Record<string, number> = {};
  let [slowest, most] = [0, 0];
  let shown = performance.now();
  let at = seed;
  const summary = () =>
    `${at - seed} cases of ${target} from seed ${seed}: ${JSON.stringify(counts)}, ` +
    `slowest ${slowest.toFixed(0)} ms, most ${mib(most)}`;
  for (; at < last && performance.now() < end; at++) {
    console.log(`@${at}`);
    let bytes = new Uint8Array(0);
    const faults: string[] = [];
    forgetPeak();
    const before = peakBytes();
    const cpu = process.cpuUsage();
    try {
      const what = await run(new Random(at), (given) => bytes = given.slice());
      counts[what] = (counts[what] ?? 0) + 1;
    } catch (reason) {
      faults.push(reason instanceof Error ? `${reason.stack}\n${reason.cause ?? ""}` : String(reason));
    }
    const { user, system } = process.cpuUsage(cpu);
    const ms = (user + system) / 1000;
    const growth = peakBytes() - before;
    [slowest, most] = [Math.max(slowest, ms), Math.max(most, growth)];
    if (ms > MAX_MS) faults.push(`${ms.toFixed(0)} ms for ${bytes.length} bytes`);
    if (growth > MAX_GROWTH) faults.push(`${mib(growth)} for ${bytes.length} bytes`);
    if (faults.length > 0) {
      console.log(`FAULT of ${target}, seed ${at}: ${faults.join("\n").trim()}`);
      const folder = Deno.env.get("SMALTI_FUZZ_KEEP");
      if (folder) Deno.writeFileSync(`${folder}/${target}-${at}`, bytes);
    }
    if (performance.now() - shown > SHOWN_MS) {
      shown = performance.now();
      console.log(summary());
    }
  }
  console.log(summary());
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Runs children until all is done; one that dies is followed by another from the next seed on. Returns how many faults there were. */
async function supervise(): Promise<number> {
  console.log(`${target}, seed ${seed}`);
  const start = performance.now();
  let faults = 0;
  for (let next = seed;;) {
    const left = isCount ? amount - (next - seed) : amount - (performance.now() - start) / 1000;
    if (left <= 0) return faults;
    const [command, ...args] = deno("run", "-A", "--node-modules-dir=manual", import.meta.filename!);
    const child = new Deno.Command(command, {
      args: [...args, target, `${isCount ? "=" : ""}${left}`, String(next), "child"],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let at = next;
    let heard = performance.now();
    let isKilled = false;
    const timer = setInterval(() => {
      if (performance.now() - heard < MAX_SILENCE_MS) return;
      isKilled = true;
      child.kill("SIGKILL");
    }, 1000);
    const errors = new Response(child.stderr).text();
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      heard = performance.now();
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("@")) at = Number(line.slice(1));
        else console.log(line);
        if (line.startsWith("FAULT")) faults++;
      }
    }
    const { code } = await child.status;
    clearInterval(timer);
    if (code === 0) return faults;
    faults++;
    const how = isKilled ? "no end of it" : `the process died, code ${code}`;
    console.log(`FAULT of ${target}, seed ${at}: ${how}\n${(await errors).slice(-2000)}`);
    next = at + 1;
  }
}
