/**
 * `deno task build:viewer`: the viewer's page and component into dist/viewer/, as files that any web server gives out from
 * any folder.
 *
 * @module
 */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { install, listFiles, mustRun, root } from "./tooling.ts";

/** Where the page is. */
export const viewerDirectory: string = `${root}/dist/viewer`;

/** Written last: a build that was cut off lacks it. */
export const LAST_OF_VIEWER: string = `${viewerDirectory}/done`;

/** Builds the page unless it is newer than all sources. */
export async function buildViewer(): Promise<void> {
  const sources = ["package.json", "tools/build_viewer.ts", ...listFiles("src", "")];
  const modified = (path: string) => statSync(path).mtimeMs;
  const newest = Math.max(...sources.map((path) => modified(`${root}/${path}`)));
  if (existsSync(LAST_OF_VIEWER) && modified(LAST_OF_VIEWER) > newest) return;

  await install(".");
  await install("src/viewer");
  const vite = `${root}/src/viewer/node_modules/vite/bin/vite.js`;
  const command = [Deno.execPath(), "run", "-A", "--node-modules-dir=manual", vite, "build"];
  const output = await mustRun(command, {
    cwd: `${root}/src/viewer`,
    quiet: true,
    env: { NO_COLOR: "1", NODE_ENV: "production" },
  });
  const complaint = /externalized for browser|could not be resolved|unresolved|apache-arrow/i.exec(output);
  if (complaint) {
    console.error(`build_viewer: ${output}`);
    Deno.exit(1);
  }
  writeFileSync(LAST_OF_VIEWER, "");
}

if (import.meta.main) await buildViewer();
