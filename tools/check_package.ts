/**
 * `deno run -A tools/check_package.ts [SCRIPT]`: packs the npm package, installs it into an empty project and uses it
 * there wherever it says that it works:
 *
 * - every export on Deno, Node and Bun (tests/packaging/exports/), where all must print the same;
 * - on Deno without permissions, from the sources and from the package;
 * - its command, and a program that uses its types;
 * - in workerd and, bundled by esbuild and by Vite, in Chromium, with and without a policy that forbids WebAssembly.
 *
 * What cannot be checked on this machine is told in a line that begins with "skipped:". With a script (an .mjs file that
 * imports "smalti"), only that is run on Deno, Node and Bun.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { formatHost } from "./build.ts";
import { bundlePages } from "./package/bundle.ts";
import { checkPages, findChromium } from "./package/chromium.ts";
import { checkExports, checkPermissions, runEverywhere } from "./package/exports.ts";
import { fail, makeProject, PackageError } from "./package/project.ts";
import { serveSite } from "./package/site.ts";
import { checkWorkerd } from "./package/workerd.ts";
import { executable, install, listFiles, loadTypeScript, mustRun, root } from "./tooling.ts";

await install("tests/packaging");
const project = await timed("packed and installed", makeProject);
try {
  const [script] = Deno.args;
  if (script === undefined) await checkPackage();
  else {
    await Deno.copyFile(script, `${project}/script.mjs`);
    console.log((await runEverywhere(project, "script.mjs")).trim());
  }
} catch (reason) {
  if (!(reason instanceof PackageError)) throw reason;
  console.error(`check_package: ${reason.message}`);
  Deno.exit(1);
}

async function checkPackage(): Promise<void> {
  const wasm = await Deno.readFile(`${project}/node_modules/smalti/dist/src/engine/generated/smalti.wasm`);
  console.log(`smalti.wasm: ${wasm.length} bytes, ${gzipSync(wasm).length} gzipped`);
  await timed("exports", () => checkExports(project));
  await timed("no permissions", () => checkPermissions(project));
  await timed("command, syntax and types", async () => {
    const smalti = [await executable("node20"), "node_modules/.bin/smalti", "--help"];
    await mustRun(smalti, { cwd: project, quiet: true });
    await checkSyntax();
    await checkTypes();
  });
  const site = await timed("flight imported", () => serveSite(project));
  if (Deno.build.target === "x86_64-unknown-linux-gnu") {
    await timed("workerd", () => checkWorkerd(project, site));
  } else {
    console.log(`skipped: workerd, which is not installed on ${Deno.build.target}`);
  }
  const pages = await timed("esbuild and vite", () => bundlePages(project, site));
  const chromium = await timed("chromium found", findChromium);
  if ("path" in chromium) await timed("chromium", () => checkPages(chromium.path, site, pages));
  else console.log(`skipped: chromium, ${chromium.missing}`);
  await site.stop();
}

async function timed<T>(what: string, action: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await action();
  console.log(`${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

/** Newer syntax than ES2022 would stop Node 20. */
async function checkSyntax(): Promise<void> {
  for (const file of listFiles("dist", ".js")) {
    const text = await Deno.readTextFile(`${root}/${file}`);
    if (/^\s*(for )?\(?(await )?using [\w$]+ (=|of) /m.test(text)) fail(`${file} has a using declaration`);
  }
}

/** Errors in the user's program and in our declarations; those of dependencies are not ours. */
async function checkTypes(): Promise<void> {
  await Deno.writeTextFile(
    `${project}/program.ts`,
    `import * as smalti from "smalti";\nimport * as slim from "smalti/slim";\n` +
      `import * as importers from "smalti/import";\nimport * as exporters from "smalti/export";\n` +
      `export default { smalti, slim, importers, exporters };\n`,
  );
  const ts = await loadTypeScript();
  const program = ts.createProgram([`${project}/program.ts`], {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    strict: true,
    noEmit: true,
    types: [],
  });
  const errors = ts.getPreEmitDiagnostics(program)
    .filter(({ file }) =>
      !file || file.fileName.includes("/smalti/dist/") || file.fileName.endsWith("/program.ts")
    );
  if (errors.length > 0) fail(ts.formatDiagnostics(errors, formatHost));
}
