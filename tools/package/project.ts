/**
 * Empty projects with the packed npm packages installed, and the scenarios of tests/packaging/.
 *
 * @module
 */
import { packages } from "../packages.ts";
import { listFiles, mustRun, packageDirectory, root } from "../tooling.ts";

/** A project with a package installed. */
export interface Project {
  /** Its directory. */
  readonly path: string;
  /** What its programs import. */
  readonly name: "smalti" | "smalti-core";
}

/** Packs both packages; paths of the tarballs, in a directory that goes when the process ends. */
export async function packAll(): Promise<Record<Project["name"], string>> {
  const directory = await temporary();
  const tarballs = { smalti: "", "smalti-core": "" };
  for (const { name } of packages) {
    await mustRun(["npm", "pack", packageDirectory(name), "--pack-destination", directory], { quiet: true });
    tarballs[name] = [...Deno.readDirSync(directory)].map((file) => `${directory}/${file.name}`)
      .find((path) => new RegExp(`/${name}-\\d[^/]*\\.tgz$`).test(path))!;
  }
  return tarballs;
}

/** Makes a project, in a directory that goes when the process ends. `smalti` comes with the core that was packed with it. */
export async function makeProject(
  name: Project["name"],
  tarballs: Record<Project["name"], string>,
): Promise<Project> {
  const path = await temporary();
  await Deno.writeTextFile(`${path}/package.json`, `{ "private": true, "type": "module" }\n`);
  const quickly = ["--no-audit", "--no-fund", "--prefer-offline"];
  const wanted = name === "smalti" ? Object.values(tarballs) : [tarballs[name]];
  await mustRun(["npm", "install", ...quickly, ...wanted], { cwd: path, quiet: true });

  const scenarios = `${root}/tests/packaging`;
  for (
    const file of listFiles("tests/packaging", "").filter((file) =>
      /\.(mjs|cjs|ts|cts)$|tsconfig\.json$/.test(file)
    )
  ) {
    const to = `${path}/${file.slice("tests/packaging/".length)}`;
    const text = await Deno.readTextFile(`${scenarios}/${file.slice("tests/packaging/".length)}`);
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    // The same programs for either package.
    await Deno.writeTextFile(to, text.replaceAll(/"smalti(?=["/])/g, `"${name}`));
  }
  if (name === "smalti") await copyExamples(path);
  return { path, name };
}

async function copyExamples(project: string): Promise<void> {
  for (const file of listFiles("examples", "")) {
    const to = `${project}/${file}`;
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(`${root}/${file}`, to);
  }
}

/** What an installation holds: packages, and their bytes. */
export function measure({ path }: Project): { packages: string[]; bytes: number } {
  const found: string[] = [];
  let bytes = 0;
  const visit = (directory: string): void => {
    for (const entry of Deno.readDirSync(directory)) {
      const inner = `${directory}/${entry.name}`;
      if (entry.isDirectory) visit(inner);
      else if (entry.isFile) bytes += Deno.statSync(inner).size;
      const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/.exec(inner) ?? [];
      if (name !== undefined) found.push(name);
    }
  };
  visit(`${path}/node_modules`);
  return { packages: found.sort(), bytes };
}

async function temporary(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "smalti-package-" });
  addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  return directory;
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
