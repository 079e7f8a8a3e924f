/**
 * Starts `child.mjs`, another process at the same recordings, on the runtime of the tests.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);

/** What such a process can load: Node runs no TypeScript, so there the compiled library. */
export const library: string | undefined = isDeno || isBun
  ? new URL("../../mod.ts", import.meta.url).href
  : process.env.SMALTI_MOD && pathToFileURL(process.env.SMALTI_MOD).href;

/** Whether it can be started. */
export const canSpawn: boolean = library !== undefined;
/** Why not; empty where it can. */
export const needsBuild: string = canSpawn ? "" : " (SMALTI_MOD does not name a compiled library)";

/** What came of the action. */
export type Said = "done" | { code: string; message: string };

/** Starts an action and waits until it has said what came of it; on Deno with the permissions given. */
export async function startChild(
  directory: string,
  action: string,
  permissions: readonly string[] = ["-A"],
): Promise<{ child: ChildProcess; said: Said }> {
  const script = fileURLToPath(new URL("child.mjs", import.meta.url));
  const runtime = isDeno ? ["run", ...permissions, "--node-modules-dir=manual"] : [];
  const child = spawn(process.execPath, [...runtime, script, library!, directory, action], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = await new Promise<Said>((resolve, reject) => {
    child.stdout!.once("data", (data) => resolve(JSON.parse(String(data))));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The child ended with ${code} and said nothing`)));
  });
  return { child, said };
}

/** Runs an action to its end. */
export async function runChild(
  directory: string,
  action: string,
  permissions?: readonly string[],
): Promise<Said> {
  const { child, said } = await startChild(directory, action, permissions);
  if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
  return said;
}

/** Ends a process that holds a sequence: by closing its client, or by force. */
export async function endChild(child: ChildProcess, how: "close" | "kill"): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (how === "kill") child.kill("SIGKILL");
  else child.stdin!.end();
  await ended;
}
