/**
 * Bundlers that users of the package have: esbuild for workers and pages, Vite for pages.
 *
 * @module
 */
import { createRequire } from "node:module";
import type * as Esbuild from "../../tests/packaging/node_modules/esbuild/lib/main.d.ts";
import { executable, mustRun, root } from "../tooling.ts";
import { fail } from "./project.ts";
import type { Site } from "./site.ts";

/** Where the bundlers are installed. */
export const packaging: string = `${root}/tests/packaging`;

/** Bundles a script of the project; fails on warnings too. */
async function bundle(options: Esbuild.BuildOptions): Promise<void> {
  const esbuild = createRequire(`${packaging}/package.json`)("esbuild") as typeof Esbuild;
  const common = { bundle: true, format: "esm", target: "es2022", logLevel: "silent" } as const;
  try {
    const { warnings } = await esbuild.build({ ...common, ...options });
    if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
  } catch (reason) {
    fail(`esbuild: ${(reason as Error).message}`);
  } finally {
    // Its service would keep this process alive.
    await esbuild.stop();
  }
}

/** The worker in one file, with smalti.wasm beside it. No module of Node's is left to be resolved. */
export async function bundleWorker(project: string, outdir: string): Promise<void> {
  await bundle({
    entryPoints: [`${project}/worker.mjs`],
    outdir,
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
  });
}

/** Pages of the site, by both bundlers: paths of the documents. */
export async function bundlePages(project: string, { directory }: Site): Promise<string[]> {
  await bundleWithEsbuild(project, `${directory}/esbuild`);
  const names = ["page", "page_slim"];
  for (const name of names) await Deno.writeTextFile(`${directory}/esbuild/${name}.html`, page(`${name}.js`));
  await buildWithVite(project, `${directory}/vite`, "/vite/");
  return [...names.map((name) => `esbuild/${name}.html`), "vite/page.html", "vite/page_slim_vite.html"];
}

/** The pages with their chunks; the one for the slim entry with smalti.wasm as a file. */
async function bundleWithEsbuild(project: string, outdir: string): Promise<void> {
  await bundle({
    entryPoints: [`${project}/page.mjs`, `${project}/page_slim.mjs`],
    outdir,
    platform: "browser",
    splitting: true,
    loader: { ".wasm": "file" },
  });
}

/** The same by Vite, whose warnings about modules that are not for browsers count as failures. */
async function buildWithVite(project: string, outDir: string, base: string): Promise<void> {
  const entries = { page: "page.html", slim: "page_slim_vite.html" };
  for (const html of Object.values(entries)) {
    await Deno.writeTextFile(`${project}/${html}`, page(`/${html.replace(".html", ".mjs")}`));
  }
  const options = {
    base,
    build: { outDir, emptyOutDir: true, rollupOptions: { input: Object.values(entries) } },
  };
  await Deno.writeTextFile(
    `${project}/vite.config.mjs`,
    `export default ${JSON.stringify(options, undefined, 2)};\n`,
  );
  const vite = [await executable("node24"), `${packaging}/node_modules/vite/bin/vite.js`, "build"];
  const output = await mustRun(vite, { cwd: project, quiet: true, env: { NO_COLOR: "1" } });
  const complaint = /externalized for browser|could not be resolved|unresolved/i.exec(output);
  if (complaint) fail(`vite: ${output}`);
}

/** A document that runs a script. */
function page(script: string): string {
  return `<!doctype html>\n<meta charset="utf-8">\n<link rel="icon" href="data:,">\n` +
    `<script type="module" src="${script}"></script>\n`;
}
