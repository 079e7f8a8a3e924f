/**
 * Every export of the packages on every runtime for servers.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { executable, mustRun, root, runtimeNames } from "../tooling.ts";
import { fail, type Project } from "./project.ts";

/** Runs the scenario of every export in package.json; an export without one fails. */
export async function checkExports(project: Project): Promise<void> {
  const manifest = `${project.path}/node_modules/${project.name}/package.json`;
  const { exports } = JSON.parse(await Deno.readTextFile(manifest));
  for (const name of Object.keys(exports)) {
    if (name === "./internal/*") continue; // for `smalti`, all of whose programs go through it
    const script = `exports/${name === "." ? "main" : name.replace("./", "")}.mjs`;
    if (!existsSync(`${project.path}/${script}`)) fail(`export "${name}" has no tests/packaging/${script}`);
    await runEverywhere(project, script);
  }
}

/** Runs a script on every runtime, where it must print the same; returns that. */
export async function runEverywhere(
  { path }: Project,
  script: string,
  env: Record<string, string> = {},
): Promise<string> {
  const outputs = new Map<string, string>();
  for (const name of runtimeNames) {
    const runtime = [await executable(name), ...(name === "deno" ? ["run", "-A"] : [])];
    const output = await mustRun([...runtime, script], {
      cwd: path,
      env: { SMALTI_FLIGHT: `${root}/examples/px4-vtol-flight/flight.mcap`, ...env },
      quiet: true,
    });
    outputs.set(name, output);
  }
  if (new Set(outputs.values()).size > 1) {
    for (const [name, output] of outputs) console.error(`== ${name}\n${output}`);
    fail(`the runtimes print different things in ${script}`);
  }
  return outputs.get("node20")!;
}

/** The WASM module needs no permission to be read: not from the sources, not from the package. */
export async function checkPermissions({ path }: Project): Promise<void> {
  const bare = [Deno.execPath(), "run", "--no-prompt"];
  const script = `import { connect } from "smalti";\nconsole.log((await connect("memory:")).engine.name);\n`;
  await Deno.writeTextFile(`${path}/no_permissions.mjs`, script);
  for (
    const [command, cwd] of [
      [[...bare, "--node-modules-dir=manual", `${root}/tests/packaging/no_permissions.ts`], root],
      [[...bare, "no_permissions.mjs"], path],
    ] as const
  ) {
    const output = await mustRun([...command], { cwd, quiet: true });
    if (output.trim() !== "wasm") fail(`without permissions, in ${cwd}: ${output}`);
  }
}
