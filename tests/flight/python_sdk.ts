/**
 * Mosaico's Python SDK, where there is one.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const python = process.env.SMALTI_SDK_PYTHON;

/** Whether its scripts can be run. */
export const hasSdk: boolean = python !== undefined && python !== "";
/** Why not; empty where they can. */
export const needsSdk: string = hasSdk ? "" : " (SMALTI_SDK_PYTHON does not name a Python with it)";

/** Runs a script of this folder; what it prints as JSON. */
export function runPython(script: string, ...args: string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(python!, [path, ...args], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    child.once("error", reject);
    child.once("close", (code) => code === 0 ? resolve(JSON.parse(stdout)) : reject(new Error(stderr)));
  });
}
