/**
 * Checks of src/ and mod.ts that no other tool makes: which way imports point, that there is no cycle, who may import
 * which npm package, where runtime globals may be used, and that public exports have docstrings. Prints one line per
 * finding. Takes another directory to check as its argument, for its own test.
 *
 * @module
 */
import type * as TS from "../tests/node_modules/typescript/lib/typescript.d.ts";
import { core, importPlaces, isWithin, npmPackageOf, packageOf } from "./packages.ts";
import { deno, install, listFiles, loadTypeScript, root, run } from "./tooling.ts";

/**
 * Files and folders of src/, lowest layer first. A file imports from its own entry and from lower layers; entries
 * of one layer do not know each other. The longest entry that fits a path counts.
 */
const layers: readonly (readonly string[])[] = [
  ["version.ts", "util"],
  ["error.ts"],
  ["names.ts", "schema.ts", "timestamp.ts", "missing_package.ts"],
  ["ontology"],
  ["types.ts"],
  ["record_plan.ts"],
  ["engine.ts"],
  ["engine", "store"],
  ["arrow"],
  ["backend.ts"],
  ["reopen.ts", "walk"],
  ["embedded", "flight"],
  ["write", "read", "query"],
  ["splits"],
  ["client.ts"],
  ["connect.ts"],
  ["other_schemes.ts"],
  ["schemes.ts"],
  ["flight/server"], // any client's recordings, and their order
  ["api.ts"],
  ["entry"],
  ["import", "image", "edit"],
  ["export"], // what came from a format goes out by its definitions
  ["cli"],
  ["viewer"], // a program of its own, over what the packages export
];

/** All that the viewer knows of the library: what users have. */
const viewerEntries: readonly string[] = [
  "src/entry/slim.ts", // types of what its own declarations tell of
  "src/entry/web.ts", // its worker brings the WASM module as a file
  "src/import/mod.ts",
  "src/export/mod.ts",
  "src/edit/mod.ts",
  "src/image/mod.ts",
];

/** Where runtime globals and `node:` may be used; all else runs wherever the web's standards do. */
const runtimePlaces: readonly string[] = [
  "src/util/builtin.ts",
  "src/util/rights.ts",
  "src/store/directory/",
  "src/engine/load/",
  "src/flight/",
  "src/import/open_file.ts",
  "src/import/ros2_bag.ts",
  "src/export/create_directory.ts",
  "src/export/create_file.ts",
  "src/image/bun_image.ts",
  "src/cli/",
];

const runtimeGlobals = new Set(["Deno", "Bun", "process", "Buffer", "require", "__dirname", "__filename"]);

interface Import {
  specifier: string;
  /** Path of the imported file, for relative specifiers. */
  target?: string;
  where: string;
}

const base = Deno.args[0] ?? root;
if (base === root) {
  await install(".");
  await install("src/viewer");
}
const ts = await loadTypeScript();
const files = ["mod.ts", ...listFiles("src", ".ts", base)];
const sources = new Map(files.map((path) => {
  const text = Deno.readTextFileSync(`${base}/${path}`);
  return [path, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)];
}));
const imports = new Map([...sources].map(([path, source]) => [path, readImports(path, source)]));

const findings = [
  ...checkDirection(),
  ...checkCycles(),
  ...checkPackages(),
  ...checkGlobals(),
  ...checkTypes(),
  ...await checkDocs(),
];
findings.forEach((finding) => console.error(finding));
if (findings.length > 0) {
  console.error(`check_source: ${findings.length} findings in ${files.length} files`);
  Deno.exit(1);
}

/** Imports that are against {@linkcode layers}. */
function* checkDirection(): Generator<string> {
  for (const [path, found] of imports) {
    if (path === "mod.ts") continue;
    const from = placeOf(path);
    if (from === undefined) yield `${path}: has no layer; give it one in tools/check_source.ts`;
    for (const { target, where } of found) {
      const to = target === undefined ? undefined : placeOf(target);
      if (from === undefined || to === undefined) {
        if (target !== undefined && !sources.has(target)) yield `${where}: ${target} is not there`;
        else if (target === "mod.ts") yield `${where}: imports mod.ts, which is for users`;
        continue;
      }
      if (from.entry === "viewer" && to.entry !== "viewer" && !viewerEntries.includes(target!)) {
        yield `${where}: the viewer must not import ${target}, wanted one of ${viewerEntries.join(", ")}`;
      }
      if (to.layer < from.layer || to.entry === from.entry) continue;
      yield `${where}: ${from.entry} must not import ${to.entry} (${target})`;
    }
  }
}

function placeOf(path: string): { entry: string; layer: number } | undefined {
  let best: { entry: string; layer: number } | undefined;
  layers.forEach((entries, layer) => {
    for (const entry of entries) {
      const fits = path === `src/${entry}` || path.startsWith(`src/${entry}/`);
      if (fits && entry.length > (best?.entry.length ?? 0)) best = { entry, layer };
    }
  });
  return best;
}

/** Import cycles, those of types included: each once, from where the walk enters it. */
function checkCycles(): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  function visit(path: string): void {
    if (done.has(path)) return;
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push(`import cycle: ${[...trail.slice(start), path].join(" -> ")}`);
      return;
    }
    trail.push(path);
    for (const { target } of imports.get(path) ?? []) if (target !== undefined) visit(target);
    trail.pop();
    done.add(path);
  }
  files.forEach(visit);
  return cycles;
}

/** npm packages that are imported where they may not be, and imports of the core from what is not in it. */
function* checkPackages(): Generator<string> {
  for (const [path, found] of imports) {
    for (const { specifier, target, where } of found) {
      if (target !== undefined && packageOf(path) === core && packageOf(target) !== core) {
        yield `${where}: ${core.name} must not import ${target}, which is not in it`;
      }
      const name = npmPackageOf(specifier);
      if (name === undefined) continue;
      const places = importPlaces[name] ?? [];
      if (places.some((place) => isWithin(path, place))) continue;
      yield `${where}: must not import ${name}: it is for ${places.join(", ") || "nobody"}`;
    }
  }
}

/** Names of runtime globals and `node:` imports outside {@linkcode runtimePlaces}. */
function checkGlobals(): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    if (mayUseRuntime(path)) continue;
    for (const { specifier, where } of imports.get(path)!) {
      if (/^(node|bun|cloudflare):|^bun$/.test(specifier)) found.push(`${where}: imports ${specifier}`);
    }
    const visit = (node: TS.Node): void => {
      if (ts.isIdentifier(node) && runtimeGlobals.has(node.text) && !isMemberName(node)) {
        found.push(`${place(source, node)}: runtime global ${node.text}`);
      }
      // By name in a string: globalThis["Deno"].
      if (
        ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression) &&
        runtimeGlobals.has(node.argumentExpression.text)
      ) found.push(`${place(source, node)}: runtime global ${node.argumentExpression.text}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** Whether an identifier only names a member: `x.process`, `{ process: 1 }`, but not `globalThis.process`. */
function isMemberName(node: TS.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return !(ts.isIdentifier(parent.expression) &&
      /^(globalThis|self|window|global)$/.test(parent.expression.text));
  }
  const named = ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent);
  return named && parent.name === node;
}

/**
 * Type-checks with the web's globals only, which finds what the scan cannot know, and with the strict settings
 * of the build (erasable syntax, explicit types on exports).
 */
function checkTypes(): string[] {
  const { config } = ts.readConfigFile(`${root}/tsconfig.build.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  Object.assign(options, { types: [], noEmit: true, rootDir: base } satisfies TS.CompilerOptions);
  const host = ts.createCompilerHost(options);
  // apache-arrow's declarations ask for those of Node, which would bring the globals back.
  host.resolveTypeReferenceDirectiveReferences = (references) =>
    references.map(() => ({ resolvedTypeReferenceDirective: undefined }));
  const program = ts.createProgram(files.map((path) => `${base}/${path}`), options, host);
  return ts.getPreEmitDiagnostics(program).flatMap(({ file, start, messageText }) => {
    const path = file?.fileName.slice(base.length + 1) ?? "tsconfig.build.json";
    // Where the runtime may be used, its types are missing here: deno check and the build look after these files.
    if (mayUseRuntime(path)) return [];
    const line = file ? file.getLineAndCharacterOfPosition(start!).line + 1 : 0;
    return [`${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`];
  });
}

/** Public symbols without a docstring, and public types that nobody can name. */
async function checkDocs(): Promise<string[]> {
  const entries = [
    "mod.ts",
    "src/import/mod.ts",
    "src/export/mod.ts",
    "src/edit/mod.ts",
    "src/image/mod.ts",
    "src/flight/server/mod.ts",
  ].filter((path) => sources.has(path));
  const { code, output } = await run(deno("doc", "--lint", ...entries), {
    cwd: base,
    quiet: true,
    env: { NO_COLOR: "1" },
  });
  if (code === 0) return [];
  const found = [...output.matchAll(/error\[(.+?)\]: (.+)\n\s*--> (.+):\d+\n/g)]
    .map(([, , what, where]) => `${where.slice(base.length + 1)}: ${what}`);
  return found.length > 0 ? found : [output];
}

function readImports(path: string, source: TS.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (node: TS.Expression): void => {
    if (!ts.isStringLiteralLike(node)) return;
    // What a bundler makes of a file, such as its URL, is no import of it.
    const relative = node.text.startsWith(".") && !node.text.includes("?");
    const target = relative ? new URL(node.text, `file:///${path}`).pathname.slice(1) : undefined;
    found.push({ specifier: node.text, target, where: place(source, node) });
  };
  const visit = (node: TS.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      add(node.moduleSpecifier);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0]);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal as TS.LiteralExpression);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function mayUseRuntime(path: string): boolean {
  return runtimePlaces.some((place) => isWithin(path, place));
}

function place(source: TS.SourceFile, node: TS.Node): string {
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
