/**
 * What the scenarios share: one for each export of the package, run from an empty project with the package installed.
 * They print what must be the same on every runtime.
 *
 * @module
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** The example flight, as MCAP. */
export const flightFile = process.env.SMALTI_FLIGHT;

/** Runs an action with a directory that is there for so long. */
export async function withDirectory(action) {
  const directory = await mkdtemp(join(tmpdir(), "smalti-exports-"));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Bytes of what a specifier of the package stands for. */
export function readExport(specifier) {
  return readFile(createRequire(import.meta.url).resolve(specifier));
}

/** Prints what came out; ends the process where it is not what was wanted. */
export function check(what, found, wanted) {
  console.log(`${what}: ${found}`);
  if (found === wanted) return;
  console.error(`${what}: wanted ${wanted}`);
  process.exit(1);
}
