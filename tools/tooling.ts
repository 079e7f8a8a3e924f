/**
 * What the tools share: where things are, what is installed on demand, how a command is run.
 *
 * The root package.json holds only what users need. Everything else is in a package.json of its own, which is
 * no workspace member and is installed when a task asks for it: `tests/` (vitest, TypeScript), `tests/runtimes/`
 * (Node 20, Node 24, Bun), `tests/packaging/` (bundlers, workerd, the driver of Chromium) and `bench/` (mitata and the
 * rivals).
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as TypeScript from "../tests/node_modules/typescript/lib/typescript.d.ts";

/** The repository's directory, without a slash at the end. */
export const root: string = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

/** Where the build puts a published package. */
export function packageDirectory(name: string): string {
  return `${root}/dist/node_modules/${name}`;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Where to run. @default the repository's directory */
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** Print nothing of the command, return what it wrote to stdout and stderr. @default false */
  quiet?: boolean;
}

/** Runs a command to its end. It gets no stdin. */
export async function run(
  command: string[],
  { cwd = root, env, quiet = false }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  const stdio = quiet ? "piped" : "inherit";
  const process = new Deno.Command(command[0], {
    args: command.slice(1),
    cwd,
    env,
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  });
  if (!quiet) return { code: (await process.spawn().status).code, output: "" };
  const { code, stdout, stderr } = await process.output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** As {@linkcode run}, but prints what a quiet command wrote and ends the process when it fails. */
export async function mustRun(command: string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(command, options);
  if (code !== 0) {
    console.error(`${output}\nfailed with exit code ${code}: ${command.join(" ")}`);
    Deno.exit(code);
  }
  return output;
}

/** Installs the package.json of a directory of the repository; quick when nothing has changed. */
export async function install(
  directory: "." | "src/viewer" | "tests" | "tests/runtimes" | "tests/packaging" | "bench",
): Promise<void> {
  await mustRun([Deno.execPath(), "install", "--quiet"], { cwd: `${root}/${directory}`, quiet: true });
}

/** TypeScript's compiler API, from the tests' packages. */
export async function loadTypeScript(): Promise<typeof TypeScript> {
  await install("tests");
  return createRequire(`${root}/tests/package.json`)("typescript") as typeof TypeScript;
}

/** `deno` with node_modules as they are, so that those of tests/ and bench/ are found too. */
export function deno(subcommand: string, ...args: string[]): string[] {
  return [Deno.execPath(), subcommand, "--node-modules-dir=manual", ...args];
}

/** A JavaScript runtime to test on. */
export type RuntimeName = "deno" | "node20" | "node24" | "bun";

/** The runtimes, in the order in which they are tested. */
export const runtimeNames: readonly RuntimeName[] = ["deno", "node20", "node24", "bun"];

/**
 * Path of a runtime's executable. Node and Bun come from npm, at fixed versions, where there are packages for
 * the platform; elsewhere they are looked for on the PATH.
 */
export async function executable(name: RuntimeName): Promise<string> {
  if (name === "deno") return Deno.execPath();
  if (Deno.build.target === "x86_64-unknown-linux-gnu") {
    await install("tests/runtimes");
    const modules = `${root}/tests/runtimes/node_modules`;
    return name === "bun" ? `${modules}/@oven/bun-linux-x64/bin/bun` : `${modules}/${name}/bin/node`;
  }
  const command = name.replace(/\d+$/, "");
  const { output: version } = await run([command, "--version"], { quiet: true })
    .catch(() => ({ output: "not found" }));
  console.warn(`${name}: taking ${command} from the PATH, ${version.trim()}`);
  return command;
}

/** Takes `--only NAME,...` out of the arguments. Without it, all of `names`. */
export function takeRuntimes(
  args: string[],
  names: readonly RuntimeName[] = runtimeNames,
): { runtimes: readonly RuntimeName[]; rest: string[] } {
  const at = args.indexOf("--only");
  if (at < 0) return { runtimes: names, rest: args };
  const chosen = (args[at + 1] ?? "").split(",");
  const unknown = chosen.find((name) => !(names as readonly string[]).includes(name));
  if (unknown !== undefined) {
    console.error(`--only takes names out of ${names.join(",")}, not "${unknown}"`);
    Deno.exit(2);
  }
  return { runtimes: names.filter((name) => chosen.includes(name)), rest: args.toSpliced(at, 2) };
}

/** All files under a directory that end so, as sorted paths relative to `base`. */
export function listFiles(directory: string, suffix: string, base: string = root): string[] {
  if (!existsSync(`${base}/${directory}`)) return [];
  return [...Deno.readDirSync(`${base}/${directory}`)]
    .flatMap(({ name, isDirectory }) => {
      if (name === "node_modules") return [];
      const path = `${directory}/${name}`;
      return isDirectory ? listFiles(path, suffix, base) : path.endsWith(suffix) ? [path] : [];
    })
    .sort();
}
