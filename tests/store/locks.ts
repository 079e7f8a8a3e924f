/**
 * What the tests of locks share: lock files made by hand, and other processes that want one.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onLinux } from "../support/open_files.ts";

export const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);

/** What a process of this runtime can load: Node runs no TypeScript, so there the compiled store. */
const storeModule = isDeno || isBun
  ? new URL("../../src/store/directory/directory_store.ts", import.meta.url).href
  : process.env.SMALTI_MOD &&
    pathToFileURL(
      createRequire(process.env.SMALTI_MOD).resolve(
        "smalti-core/internal/store/directory/directory_store.js",
      ),
    ).href;

/** Whether other processes can be started. */
export const canSpawn: boolean = storeModule !== undefined;
/** Why not; empty where they can. */
export const needsBuild: string = canSpawn ? "" : " (SMALTI_MOD does not name a compiled library)";

/** Starts a script of this directory on the store's module; resolves with the first that it says. */
export async function startScript(
  script: string,
  args: readonly string[],
  { within = [], flags = ["-A"] }: {
    within?: readonly string[];
    flags?: readonly string[];
  } = {},
): Promise<{ child: ChildProcess; said: string }> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const runtime = isDeno ? ["run", ...flags, "--node-modules-dir=manual"] : [];
  const [command, ...rest] = [...within, process.execPath, ...runtime, path, storeModule!, ...args];
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout!.once("data", (data) => resolve(String(data).trim()));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${script} ended with ${code} and said nothing`)));
  });
  return { child, said };
}

/** A process that takes a lock; resolves when it has said what came of it. */
export function holderProcess(
  directory: string,
  path: string,
  options: { within?: readonly string[]; flags?: readonly string[] } = {},
): Promise<{ child: ChildProcess; said: string }> {
  return startScript("lock_holder.mjs", [directory, path], options);
}

/** Ends a process: by force, or by its input. */
export async function end(child: ChildProcess, signal?: "SIGKILL"): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (signal) child.kill(signal);
  else child.stdin!.end();
  await ended;
}

/** Writes a lock file by hand, last heard of some seconds ago. */
export async function plant(path: string, holder: unknown, silentSeconds: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof holder === "string" ? holder : JSON.stringify(holder));
  await silence(path, silentSeconds);
}

/** Makes a lock's last heartbeat some seconds old. */
export async function silence(path: string, seconds = 3600): Promise<void> {
  const then = new Date(Date.now() - seconds * 1000);
  await utimes(path, then, then);
}

/** The id of a process that has just ended. */
export async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  return child.pid!;
}

/** What a lock says of a process of this host; on Linux, unless it says nothing of the process. */
export function lockText(
  pid: number,
  id: string = crypto.randomUUID(),
  ticks = "1",
): Record<string, unknown> {
  const facts = { host: hostname(), pid, id };
  if (!onLinux) return facts;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return { ...facts, started: `${boot}/${ticks}`, pidNamespace: readlinkSync("/proc/self/ns/pid") };
}

/** The kernel's ticks from the boot to the start of a process; on Linux. */
export function ticksOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}
