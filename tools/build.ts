/**
 * `deno task build`: the npm packages of tools/packages.ts as plain ESM and .d.ts, each file in the package that it
 * belongs to. They lie in dist/node_modules/, where one finds the other as it does where they are installed. The target is
 * ES2022, so that Node 20 runs it: newer syntax, `using` for one, is rewritten. The viewer comes as tools/build_viewer.ts
 * bundles it, with its declarations.
 *
 * @module
 */
import type * as TS from "../tests/node_modules/typescript/lib/typescript.d.ts";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { buildViewer, LAST_OF_VIEWER, viewerDirectory } from "./build_viewer.ts";
import { bundled, core, full, npmPackageOf, packageOf, packages, type PublishedPackage } from "./packages.ts";
import { install, listFiles, loadTypeScript, packageDirectory, root } from "./tooling.ts";

/** Written last: a build that was cut off lacks it. */
const LAST = "dist/done";

/** Builds dist/ unless it is newer than all sources. */
export async function build(): Promise<void> {
  const sources = [
    "mod.ts",
    "package.json",
    "tsconfig.build.json",
    "README.md",
    "CHANGELOG.md",
    "docs/core.md",
    "tools/build.ts",
    "tools/build_viewer.ts",
    "tools/packages.ts",
    ...listFiles("src", ""),
  ];
  const modified = (path: string) => statSync(`${root}/${path}`).mtimeMs;
  if (existsSync(`${root}/${LAST}`) && modified(LAST) > Math.max(...sources.map(modified))) return;

  await install(".");
  const ts = await loadTypeScript();
  const { config } = ts.readConfigFile(`${root}/tsconfig.build.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const entries = packages.flatMap(sourcesOf).filter((path) => path.endsWith(".ts") && !bundled(path));
  rmSync(`${root}/dist/node_modules`, { recursive: true, force: true });
  rmSync(`${root}/${LAST}`, { force: true });
  const program = ts.createProgram([...new Set(entries)].map((path) => `${root}/${path}`), options);
  const diagnostics = ts.getPreEmitDiagnostics(program);
  if (diagnostics.length > 0) {
    console.error(ts.formatDiagnostics(diagnostics, formatHost));
    console.error(`build: ${diagnostics.length} errors`);
    Deno.exit(1);
  }
  program.emit(undefined, (path, text) => {
    const output = path.slice(`${root}/dist/`.length);
    const source = sourceOf(output);
    write(
      packageOf(source),
      output,
      rewrite(ts, source, output, byTabs(ts, withoutComments(ts, output, text))),
    );
  });
  for (const published of packages) await complete(published);
  await addViewer(ts, options);
  writeFileSync(`${root}/${LAST}`, "");
}

/** How TypeScript prints its diagnostics. */
export const formatHost: TS.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => "\n",
};

/** A script without its comments, which are in its declarations; bundlers want those of what protobuf's compiler made. */
function withoutComments(ts: typeof TS, output: string, text: string): string {
  if (!output.endsWith(".js") || text.includes("@__PURE__")) return text;
  const { ESNext: target } = ts.ScriptTarget;
  const compilerOptions = {
    target,
    module: ts.ModuleKind.ESNext,
    removeComments: true,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(text, { fileName: output, compilerOptions }).outputText;
}

/** Indented by tabs in place of four spaces each, which are a tenth of all scripts; lines within a template stay. */
function byTabs(ts: typeof TS, text: string): string {
  const kept = new Set<number>();
  const file = ts.createSourceFile("script.ts", text, ts.ScriptTarget.ESNext);
  const look = (node: TS.Node): void => {
    if (ts.isTemplateLiteral(node)) {
      const [first, last] = [node.getStart(file), node.end].map((at) =>
        file.getLineAndCharacterOfPosition(at).line
      );
      for (let line = first + 1; line <= last; line++) kept.add(line);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  const indented = (line: string) => line.replace(/^(?: {4})+/, (spaces) => "\t".repeat(spaces.length / 4));
  return text.split("\n").map((line, i) => kept.has(i) ? line : indented(line)).join("\n");
}

/**
 * A file with its imports as they are in its package: files of the core by the core's name, everything by `.js`. Where a
 * declaration takes types from a package that may be missing, TypeScript is not to mind: they are `any` then.
 */
function rewrite(ts: typeof TS, source: string, output: string, text: string): string {
  const from = packageOf(source);
  const { importedFiles } = ts.preProcessFile(text);
  // From the end, so that the places of those before stay.
  for (const { fileName, pos } of importedFiles.toReversed()) {
    if (fileName.startsWith(".")) {
      const end = pos + 1 + fileName.length;
      text = text.slice(0, pos + 1) + specifierIn(from, source, fileName) + text.slice(end);
    } else if (output.endsWith(".d.ts") && from.optionalPeers.includes(npmPackageOf(fileName)!)) {
      const line = text.lastIndexOf("\n", pos) + 1;
      text = `${text.slice(0, line)}// @ts-ignore: an optional package\n${text.slice(line)}`;
    }
  }
  return text;
}

function specifierIn(from: PublishedPackage, source: string, specifier: string): string {
  const target = join(dirname(source), specifier).replaceAll("\\", "/");
  const to = packageOf(sourceOf(target));
  if (to === from) return specifier.replace(/(?<!\.d)\.ts$/, ".js");
  if (to !== core) throw new Error(`${source} imports ${target}: the core must not import what is not in it`);
  return internal(target);
}

/** How other packages import a file of the core. */
function internal(path: string): string {
  return `${core.name}/internal/${compiled(path).slice("src/".length)}`;
}

/** What a package has beside its compiled files. */
async function complete(published: PublishedPackage): Promise<void> {
  const manifest = JSON.parse(await Deno.readTextFile(`${root}/package.json`));
  for (const source of new Set(sourcesOf(published).filter((source) => !bundled(source)))) {
    if (source.endsWith(".wasm")) {
      mkdirSync(dirname(fileIn(published, source)), { recursive: true });
      copyFileSync(`${root}/${source}`, fileIn(published, source));
    } else if (packageOf(source) !== published) {
      const text = `export * from "${internal(source)}";\n`;
      write(published, compiled(source), text);
      write(published, declared(source), text);
    }
  }
  const directory = packageDirectory(published.name);
  const readme = published === full ? "README.md" : "docs/core.md";
  copyFileSync(`${root}/${readme}`, `${directory}/README.md`);
  for (const file of ["LICENSE", "CHANGELOG.md"]) copyFileSync(`${root}/${file}`, `${directory}/${file}`);
  writeFileSync(
    `${directory}/package.json`,
    JSON.stringify(manifestOf(published, manifest), undefined, 2) + "\n",
  );
}

/** The page and the component with all that they need, and declarations of what the component exports. */
async function addViewer(ts: typeof TS, options: TS.CompilerOptions): Promise<void> {
  await buildViewer();
  cpSync(viewerDirectory, `${packageDirectory(full.name)}/dist/viewer`, {
    recursive: true,
    filter: (path) => path !== LAST_OF_VIEWER,
  });
  const [entry] = Object.values(full.exports).filter((source) =>
    typeof source === "string" && bundled(source)
  );
  const sources = new Set([entry as string]);
  // Grows while it is walked: what a declaration imports is declared too.
  for (const source of sources) {
    const { outputText, diagnostics = [] } = ts.transpileDeclaration(
      readFileSync(`${root}/${source}`, "utf8"),
      { fileName: `${root}/${source}`, compilerOptions: options, reportDiagnostics: true },
    );
    if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, formatHost));
    // What a module is imported for without a name declares nothing.
    const text = outputText.replace(/^import "[^"]+";\n/gm, "");
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith(".")) throw new Error(`${source} declares something by ${fileName}`);
      const imported = join(dirname(source), fileName).replaceAll("\\", "/");
      if (packageOf(imported) === full) sources.add(imported);
    }
    write(full, declared(source), rewrite(ts, source, declared(source), text));
  }
}

/** A package's package.json; versions are those of the root's. */
function manifestOf(published: PublishedPackage, root: Record<string, unknown>): Record<string, unknown> {
  const versions = root.dependencies as Record<string, string>;
  const dependencies = Object.fromEntries(published.dependencies.map((name) => [name, versions[name]]));
  if (published !== core) dependencies[core.name] = root.version as string;
  const peers = published.optionalPeers;
  return {
    name: published.name,
    version: root.version,
    description: published.description,
    keywords: root.keywords,
    license: root.license,
    type: root.type,
    engines: root.engines,
    exports: exportsOf(published),
    ...(published.bin && {
      bin: Object.fromEntries(
        Object.entries(published.bin).map(([name, path]) => [name, `dist/${compiled(path)}`]),
      ),
    }),
    files: ["dist", "CHANGELOG.md"],
    // Importing the component defines it.
    sideEffects: published === full ? ["./dist/viewer/**"] : false,
    dependencies,
    ...(peers.length > 0 && {
      peerDependencies: Object.fromEntries(peers.map((name) => [name, `^${versions[name]}`])),
      peerDependenciesMeta: Object.fromEntries(peers.map((name) => [name, { optional: true }])),
    }),
  };
}

function exportsOf(published: PublishedPackage): Record<string, unknown> {
  const dist = (path: string) => `./dist/${path}`;
  const found = Object.fromEntries(
    Object.entries(published.exports).map(([subpath, sources]) => {
      if (typeof sources !== "string") {
        const conditions = Object.entries(sources).map(([name, path]) => [name, dist(compiled(path))]);
        return [subpath, { types: dist(declared(sources.default)), ...Object.fromEntries(conditions) }];
      }
      if (sources.endsWith(".wasm")) return [subpath, dist(sources)];
      return [subpath, {
        types: dist(declared(sources)),
        default: dist(bundled(sources) ?? compiled(sources)),
      }];
    }),
  );
  // For the other package alone: no promise is made about what is there.
  return published === core ? { ...found, "./internal/*": dist("src/*") } : found;
}

function write(published: PublishedPackage, path: string, text: string): void {
  const file = fileIn(published, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function fileIn({ name }: PublishedPackage, path: string): string {
  return `${packageDirectory(name)}/dist/${path}`;
}

/** What its exports and commands name. */
function sourcesOf({ exports, bin = {} }: PublishedPackage): string[] {
  const exported = Object.values(exports)
    .flatMap((sources) => typeof sources === "string" ? [sources] : Object.values(sources));
  return [...exported, ...Object.values(bin)];
}

function sourceOf(output: string): string {
  return output.replace(/(\.d\.ts|\.js)$/, ".ts");
}

function compiled(source: string): string {
  return source.replace(/\.ts$/, ".js");
}

function declared(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
}

if (import.meta.main) await build();
