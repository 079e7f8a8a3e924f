/**
 * `deno task build`: mod.ts and the command line with all they import, as plain ESM and .d.ts in dist/. The
 * target is ES2022, so that Node 20 runs it: newer syntax, `using` for one, is rewritten.
 *
 * @module
 */
import type { FormatDiagnosticsHost } from "../tests/node_modules/typescript/lib/typescript.d.ts";
import { copyFileSync, existsSync, rmSync, statSync } from "node:fs";
import { install, listFiles, loadTypeScript, root } from "./tooling.ts";

/** Builds dist/ unless it is newer than all sources. */
export async function build(): Promise<void> {
  const sources = [
    "mod.ts",
    "package.json",
    "tsconfig.build.json",
    "tools/build.ts",
    ...listFiles("src", ""),
  ];
  const modified = (path: string) => statSync(`${root}/${path}`).mtimeMs;
  const last = "dist/src/cli/main.d.ts"; // what the compiler writes last: a build that was cut off lacks it
  if (existsSync(`${root}/${last}`) && modified(last) > Math.max(...sources.map(modified))) return;

  await install(".");
  const ts = await loadTypeScript();
  const { config } = ts.readConfigFile(`${root}/tsconfig.build.json`, ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  rmSync(`${root}/dist`, { recursive: true, force: true });
  const program = ts.createProgram(fileNames, options);
  const diagnostics = ts.getPreEmitDiagnostics(program);
  if (diagnostics.length > 0) {
    console.error(ts.formatDiagnostics(diagnostics, formatHost));
    console.error(`build: ${diagnostics.length} errors`);
    Deno.exit(1);
  }
  program.emit();
  const wasm = "src/engine/generated/smalti.wasm";
  copyFileSync(`${root}/${wasm}`, `${root}/dist/${wasm}`);
}

/** How TypeScript prints its diagnostics. */
export const formatHost: FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => "\n",
};

if (import.meta.main) await build();
