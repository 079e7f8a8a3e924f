/**
 * `deno run -A tools/check_package.ts [SCRIPT]`: packs both npm packages, installs each into an empty project and uses it
 * there wherever it says that it works:
 *
 * - every export on Deno, Node and Bun (tests/packaging/exports/), where all must print the same;
 * - on Deno without permissions, from the sources and from the package;
 * - its command, the page that it shows recordings with, and projects that use its types (tests/packaging/types/);
 * - the programs of examples/;
 * - in workerd and, bundled by esbuild and by Vite, in Chromium, with and without a policy that forbids WebAssembly.
 *
 * What cannot be checked on this machine is told in a line that begins with "skipped:". With a script (an .mjs file that
 * imports "smalti"), only that is run on Deno, Node and Bun.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { build } from "./build.ts";
import { bundlePages, weighBundles } from "./package/bundle.ts";
import { checkPages, findChromium } from "./package/chromium.ts";
import { checkCore, checkWeight } from "./package/core.ts";
import { checkExamples, checkWorkerExample } from "./package/examples.ts";
import { checkExports, checkPermissions, runEverywhere } from "./package/exports.ts";
import { fail, makeProject, measure, PackageError, packAll, type Project } from "./package/project.ts";
import { packages } from "./packages.ts";
import { serveSite, type Site } from "./package/site.ts";
import { checkTypes } from "./package/types.ts";
import { checkView, weighViewer } from "./package/viewer.ts";
import { checkWorkerd } from "./package/workerd.ts";
import { executable, install, listFiles, mustRun, packageDirectory } from "./tooling.ts";

await build();
await install("tests/packaging");
const tarballs = await packAll();
try {
  const [script] = Deno.args;
  if (script === undefined) await checkPackages();
  else {
    const project = await makeProject("smalti", tarballs);
    await Deno.copyFile(script, `${project.path}/script.mjs`);
    console.log((await runEverywhere(project, "script.mjs")).trim());
  }
} catch (reason) {
  if (!(reason instanceof PackageError)) throw reason;
  console.error(`check_package: ${reason.message}`);
  Deno.exit(1);
}

async function checkPackages(): Promise<void> {
  const core = await timed("smalti-core installed", () => makeProject("smalti-core", tarballs));
  const project = await timed("smalti installed", () => makeProject("smalti", tarballs));
  for (const made of [core, project]) {
    const { packages, bytes } = measure(made);
    console.log(`${made.name}: ${packages.length} packages, ${(bytes / 1e6).toFixed(1)} MB`);
  }
  checkWeight(core);
  const wasm = await Deno.readFile(
    `${project.path}/node_modules/smalti/dist/src/engine/generated/smalti.wasm`,
  );
  console.log(`smalti.wasm: ${wasm.length} bytes, ${gzipSync(wasm).length} gzipped`);
  await weighBundles(project);
  weighViewer(project);

  for (const made of [core, project]) {
    await timed(`exports of ${made.name}`, () => checkExports(made));
    await timed(`types of ${made.name}`, () => checkTypes(made));
    await runEverywhere(made, "commonjs.cjs");
  }
  await runEverywhere(project, "one_copy.mjs");
  await timed("no permissions", () => checkPermissions(project));
  await timed("command and syntax", async () => {
    const smalti = [await executable("node20"), "node_modules/.bin/smalti", "--help"];
    await mustRun(smalti, { cwd: project.path, quiet: true });
    await checkSyntax();
  });
  await timed("smalti view", () => checkView(project));
  const site = await timed("flight imported", () => serveSite(project));
  await timed("smalti-core alone", () => checkCore(core, site));
  await timed("examples", () => checkExamples(project));
  await checkBundles(project, site);
  await site.stop();
}

async function checkBundles(project: Project, site: Site): Promise<void> {
  if (Deno.build.target === "x86_64-unknown-linux-gnu") {
    await timed("workerd", () => checkWorkerd(project, site));
    await timed("examples/worker", () => checkWorkerExample(project, site));
  } else {
    console.log(`skipped: workerd, which is not installed on ${Deno.build.target}`);
  }
  const pages = await timed("esbuild and vite", () => bundlePages(project, site));
  const chromium = await timed("chromium found", findChromium);
  if ("path" in chromium) await timed("chromium", () => checkPages(chromium.path, site, pages));
  else console.log(`skipped: chromium, ${chromium.missing}`);
}

async function timed<T>(what: string, action: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await action();
  console.log(`${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

/** Newer syntax than ES2022 would stop Node 20. */
async function checkSyntax(): Promise<void> {
  for (const { name } of packages) {
    for (const file of listFiles("dist", ".js", packageDirectory(name))) {
      const text = await Deno.readTextFile(`${packageDirectory(name)}/${file}`);
      const found = /^\s*(for )?\(?(await )?using [\w$]+ (=|of) /m.test(text);
      if (found) fail(`${file} of ${name} has a using declaration`);
    }
  }
}
