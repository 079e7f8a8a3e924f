import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);

/** The command line's entry; Node runs no TypeScript, so there it must be given, compiled. */
const entry = process.env.SMALTI_CLI ??
  (isDeno || isBun ? fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)) : undefined);

/** Why the tests cannot run; empty where they can. */
export const needsBuild: string = entry ? "" : " (SMALTI_CLI does not name a compiled command line)";

/** A command to run the command line on the runtime of the tests. */
export const cliCommand: readonly string[] = [
  process.execPath,
  ...(isDeno ? ["run", "-A", "--node-modules-dir=manual"] : []),
  entry ?? "",
];

/** The example flight. */
export const FLIGHT: string = fileURLToPath(
  new URL("../../examples/px4-vtol-flight/flight.mcap", import.meta.url),
);

/** How a process ended, and what it wrote. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A process that runs. */
export interface Running {
  child: ChildProcess;
  /** What it has written so far. */
  stdout: () => string;
  stderr: () => string;
  ended: Promise<Ended>;
}

/** Starts a command, with variables beside those of the tests. */
export function start(command: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on(
      "data",
      (text: string) => texts[name] += text,
    );
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...texts }));
  });
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, ended };
}

/** Runs the command line to its end. */
export function smalti(...args: string[]): Promise<Ended> {
  return start([...cliCommand, ...args]).ended;
}

/** Runs `body` while `smalti serve` serves a directory, as a process of its own at a free port. */
export async function serve<R>(
  store: string,
  body: (served: { port: number; url: string }) => Promise<R>,
): Promise<R> {
  const { child, stdout, ended } = start([...cliCommand, "serve", store, "--port", "0"]);
  try {
    await Promise.race([until(() => stdout().endsWith("\n")), ended]);
    const [, url, port] = /(grpc:.*:(\d+))\n$/.exec(stdout()) ?? [];
    if (url === undefined) throw new Error(`smalti serve ended: ${(await ended).stderr}`);
    return await body({ port: Number(port), url });
  } finally {
    if (child.exitCode === null) process.kill(child.pid!, "SIGINT");
    await ended;
  }
}

/** Resolves when a condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  while (!await condition()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A new directory; `remove` takes it away. */
export async function makeTemporary(): Promise<
  { directory: string; remove: () => Promise<void> }
> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-cli-"));
  return { directory, remove: () => rm(directory, { recursive: true }) };
}
