/**
 * Programs in Python that look at the same files.
 *
 * @module
 */
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A Python with what opens exports; undefined where none is named, and tests with it are skipped. */
export const python: string | undefined = process.env.SMALTI_PYTHON;

/** A Python with Mosaico's SDK. */
export const sdkPython: string | undefined = process.env.SMALTI_SDK_PYTHON;

/** Runs a script; what it prints. Rejects with what it says where it fails. */
export function runPython(script: URL, ...args: string[]): Promise<string> {
  return run(python!, script, args);
}

/** The same with Mosaico's SDK. */
export function runSdkPython(script: URL, ...args: string[]): Promise<string> {
  return run(sdkPython!, script, args);
}

function run(program: string, script: URL, args: readonly string[]): Promise<string> {
  const path = fileURLToPath(script);
  const options = { maxBuffer: 2 ** 28, env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } };
  return new Promise((resolve, reject) => {
    execFile(program, [path, ...args], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${path}: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
}
