/**
 * Bundlers that users of the package have: esbuild for workers and pages, Vite for pages.
 *
 * @module
 */
import { createRequire } from "node:module";
import type * as Esbuild from "../../tests/packaging/node_modules/esbuild/lib/main.d.ts";
import { gzipSync } from "node:zlib";
import { executable, mustRun, root } from "../tooling.ts";
import { fail, type Project } from "./project.ts";
import type { Site } from "./site.ts";

/** Where the bundlers are installed. */
export const packaging: string = `${root}/tests/packaging`;

/** How a worker is bundled, and a page. */
const WORKER = {
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "browser"],
  loader: { ".wasm": "copy" },
  assetNames: "[name]",
} satisfies Esbuild.BuildOptions;
const PAGE = {
  platform: "browser",
  splitting: true,
  loader: { ".wasm": "file" },
} satisfies Esbuild.BuildOptions;

/** Bundles a script of the project; fails on warnings, and where it brings apache-arrow. */
async function bundle(options: Esbuild.BuildOptions): Promise<Esbuild.OutputFile[]> {
  const esbuild = createRequire(`${packaging}/package.json`)("esbuild") as typeof Esbuild;
  const common = {
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "silent",
    metafile: true,
  } as const;
  try {
    const { warnings, metafile, outputFiles } = await esbuild.build({ ...common, ...options });
    if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
    const arrow = Object.keys(metafile!.inputs).find((path) => path.includes("/apache-arrow/"));
    if (arrow !== undefined) throw new Error(`the bundle holds ${arrow}: wanted no apache-arrow`);
    return outputFiles ?? [];
  } catch (reason) {
    fail(`esbuild: ${(reason as Error).message}`);
  } finally {
    // Its service would keep this process alive.
    await esbuild.stop();
  }
}

/** The worker in one file, with smalti.wasm beside it. No module of Node's is left to be resolved. */
export async function bundleWorker({ path }: Project, outdir: string): Promise<void> {
  await bundle({ entryPoints: [`${path}/worker.mjs`], outdir, ...WORKER });
}

/** Prints what a worker and a page weigh that replay and do nothing else, minified; smalti.wasm, or its text, aside. */
export async function weighBundles({ path }: Project): Promise<void> {
  for (const [what, options] of Object.entries({ worker: WORKER, page: PAGE })) {
    const script = { entryPoints: [`${path}/replay.mjs`], outdir: path, minify: true, write: false };
    const files = await bundle({ ...script, ...options });
    const scripts = files.filter(({ path }) => !/\.wasm$|wasm_text/.test(path)).map(({ contents }) =>
      contents
    );
    const [kb, gzipped] = [scripts, scripts.map((bytes) => gzipSync(bytes))]
      .map((parts) => Math.round(parts.reduce((sum, { length }) => sum + length, 0) / 1000));
    console.log(`a ${what} that replays: ${kb} KB minified, ${gzipped} KB gzipped`);
  }
}

/** Pages of the site, by both bundlers: paths of the documents. */
export async function bundlePages({ path }: Project, { directory }: Site): Promise<string[]> {
  await bundleWithEsbuild(path, `${directory}/esbuild`);
  const names = ["page", "page_slim"];
  for (const name of [...names, "page_import", "page_image"]) {
    await Deno.writeTextFile(`${directory}/esbuild/${name}.html`, page(`${name}.js`));
  }
  await buildWithVite(path, `${directory}/vite`, "/vite/");
  return [...names.map((name) => `esbuild/${name}.html`), "vite/page.html", "vite/page_slim_vite.html"];
}

/** The pages with their chunks; the one for the slim entry with smalti.wasm as a file. */
async function bundleWithEsbuild(project: string, outdir: string): Promise<void> {
  await bundle({
    entryPoints: ["page", "page_slim", "page_import", "page_image", "import_worker"].map((name) =>
      `${project}/${name}.mjs`
    ),
    outdir,
    ...PAGE,
  });
}

/** The same by Vite, whose warnings about modules that are not for browsers count as failures. */
async function buildWithVite(project: string, outDir: string, base: string): Promise<void> {
  const entries = { page: "page.html", slim: "page_slim_vite.html", image: "page_image.html" };
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
  if (/apache-arrow|Arrow\.dom/.test(output)) fail(`vite: a page has a chunk of apache-arrow: ${output}`);
}

/** A document that runs a script. */
function page(script: string): string {
  return `<!doctype html>\n<meta charset="utf-8">\n<link rel="icon" href="data:,">\n` +
    `<script type="module" src="${script}"></script>\n`;
}
