import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const library = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/**
 * The rules of dockview without its themes. Its package has them as a text in a script alone, which puts it into the
 * document's head, where it does not reach into a shadow root.
 */
function dockviewStyles() {
  const id = "virtual:dockview-styles";
  return {
    name: "dockview-styles",
    resolveId: (source) => source === id ? `\0${id}` : undefined,
    load(source) {
      if (source !== `\0${id}`) return;
      const script = readFileSync(require.resolve("dockview-core/dist/dockview-core.js"), "utf8");
      const [, text] = /\bs\.textContent = ("(?:[^"\\]|\\.)*");/.exec(script) ?? [];
      if (text === undefined) {
        throw new Error("dockview-core.js has no style sheet where it had one: look again");
      }
      // Rules of its themes; what is within @media or @keyframes stays.
      const css = JSON.parse(text).replace(/^\.dockview-theme-[^{}]*\{[^{}]*\}\n?/gm, "");
      return `export default ${JSON.stringify(css.replace(/\s+/g, " "))};`;
    },
  };
}

/** Directories of the packages of which something is bundled, by the worker's build and the page's. */
const packages = new Set();

/**
 * The texts of their licences, which whoever passes the page on must have. Vite's own `build.license` knows nothing of what is
 * in workers.
 */
function licenses(isPage) {
  return {
    name: "licenses",
    generateBundle(_, bundle) {
      for (const { modules = {} } of Object.values(bundle)) {
        for (const id of Object.keys(modules)) {
          const [directory] =
            /^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(id.replaceAll("\\", "/").replace(/^\0/, "")) ??
              [];
          if (directory !== undefined) packages.add(directory);
        }
      }
      // The workers were built before: the page's scripts name their files.
      if (isPage) this.emitFile({ type: "asset", fileName: "licenses.txt", source: licenseTexts() });
    },
  };
}

function licenseTexts() {
  const texts = [...packages].map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8"));
    const file = readdirSync(directory).find((file) => /^(licen[sc]e|copying)/i.test(file));
    const text = file === undefined ? "" : `\n\n${readFileSync(`${directory}/${file}`, "utf8").trim()}`;
    return `${name} ${version} (${license})${text}\n`;
  });
  return `What is bundled in these files, and its licences.\n\n${
    texts.sort().join(`\n${"-".repeat(80)}\n\n`)
  }`;
}

/** What the page's first script is made of. */
const FIRST =
  /[\\/]viewer[\\/](app[\\/](page|early|worker_client)|data[\\/](client|worker))\.ts|vite[\\/]preload-helper/;

/**
 * What the page imports once its worker has begun, as the page's first script does, comes along with that script: else it
 * would be asked for when that has run.
 */
function preloadPage() {
  return {
    name: "preload-page",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle = {}, chunk }) {
        const files = new Set();
        const add = (file) => {
          if (files.has(file) || chunk.imports.includes(file)) return;
          files.add(file);
          bundle[file].imports.forEach(add);
        };
        chunk.dynamicImports.forEach(add);
        return [...files].map((file) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` },
          injectTo: "head",
        }));
      },
    },
  };
}

/** As the library's package says: its modules do nothing when they are loaded, so that what nobody uses is left out. */
const treeshake = { moduleSideEffects: (id) => !id.startsWith(library) || id.startsWith(root) };

export default {
  root,
  // Works from any folder of any web server.
  base: "./",
  logLevel: "warn",
  plugins: [dockviewStyles(), licenses(true), preloadPage()],
  worker: {
    format: "es",
    plugins: () => [licenses(false)],
    // What it begins with in one file: by what it shares with that which is loaded on demand it would be nine.
    rolldownOptions: {
      treeshake,
      output: {
        codeSplitting: {
          groups: [{ name: "session", tags: ["$initial"] }],
        },
      },
    },
  },
  build: {
    outDir: fileURLToPath(new URL("../../dist/viewer", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      treeshake,
      input: { index: `${root}index.html`, "smalti-viewer": `${root}mod.ts` },
      preserveEntrySignatures: "exports-only",
      output: {
        // Two files: what begins, and the rest of what the first plot needs.
        codeSplitting: {
          groups: [
            { name: "begin", tags: ["$initial"], test: FIRST, priority: 2 },
            { name: "viewer", tags: ["$initial"], priority: 1 },
          ],
        },
        entryFileNames: (chunk) => chunk.name === "smalti-viewer" ? "[name].js" : "assets/[name]-[hash].js",
      },
    },
  },
};
