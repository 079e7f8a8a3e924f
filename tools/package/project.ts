/**
 * An empty project with the packed npm package installed, and the scenarios of tests/packaging/.
 *
 * @module
 */
import { listFiles, mustRun, root } from "../tooling.ts";

/** Makes the project, in a directory that goes when the process ends; returns its path. */
export async function makeProject(): Promise<string> {
  const project = await Deno.makeTempDir({ prefix: "smalti-package-" });
  addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
  await mustRun(["npm", "pack", "--pack-destination", project], { quiet: true });
  const tarball = [...Deno.readDirSync(project)].find(({ name }) => name.endsWith(".tgz"))!.name;
  await Deno.writeTextFile(`${project}/package.json`, `{ "private": true, "type": "module" }\n`);
  const quickly = ["--no-audit", "--no-fund", "--prefer-offline"];
  await mustRun(["npm", "install", ...quickly, `./${tarball}`], { cwd: project, quiet: true });

  const scenarios = "tests/packaging";
  await Deno.mkdir(`${project}/exports`);
  for (const file of listFiles(scenarios, ".mjs")) {
    await Deno.copyFile(`${root}/${file}`, `${project}/${file.slice(scenarios.length + 1)}`);
  }
  return project;
}

/** The package is not as it should be. */
export class PackageError extends Error {}

/** Throws a {@linkcode PackageError}, so that what was started is ended on the way out. */
export function fail(message: string): never {
  throw new PackageError(message);
}

/** Fails unless `found` is `wanted`, both as JSON. */
export function expectSame(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(value, undefined, 1));
  if (left !== right) fail(`${what}: found ${left}\nwanted ${right}`);
}
