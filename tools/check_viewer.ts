/**
 * `deno run -A tools/check_viewer.ts [NAME ...]`: the built viewer in a real Chromium, from a server with ranges: what it draws,
 * that it works by keys alone, for those who do not see it, under a policy without WebAssembly, in a page of others, and how
 * much it loads. Pictures are put into dist/viewer-pictures/.
 *
 * What cannot be checked on this machine is told in a line that begins with "skipped:".
 *
 * @module
 */
import { mkdirSync, rmSync } from "node:fs";
import { buildViewer, viewerDirectory } from "./build_viewer.ts";
import { findChromium } from "./package/chromium.ts";
import { install, root } from "./tooling.ts";
import { checks } from "./viewer/checks.ts";
import { CheckError, launch } from "./viewer/page.ts";
import { makeRecordings } from "./viewer/recordings.ts";
import { serve } from "./viewer/site.ts";

await buildViewer();
await install("tests/packaging");
const chromium = await findChromium();
if ("missing" in chromium) console.log(`skipped: viewer, ${chromium.missing}`);
else await runChecks(chromium.path);

async function runChecks(path: string): Promise<void> {
  const unknown = Deno.args.find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) {
    console.error(`no check "${unknown}"; there are ${Object.keys(checks).join(", ")}`);
    Deno.exit(2);
  }
  const names = Deno.args.length > 0 ? Deno.args : Object.keys(checks);
  const pictures = `${root}/dist/viewer-pictures`;
  mkdirSync(pictures, { recursive: true });
  const directory = await Deno.makeTempDir({ prefix: "smalti-viewer-" });
  const browser = await launch(path);
  const failed: string[] = [];
  try {
    await makeRecordings(directory);
    for (const name of names) {
      const site = serve({ viewer: viewerDirectory, recordings: directory });
      const start = performance.now();
      try {
        await checks[name]({ site, browser, recordings: directory, pictures });
        browser.checkSilent();
        console.log(`${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
      } catch (reason) {
        failed.push(name);
        console.error(
          `FAILED ${name}: ${reason instanceof CheckError ? reason.message : (reason as Error).stack}`,
        );
        browser.forget();
      } finally {
        await browser.closePages();
        await site.stop();
      }
    }
  } finally {
    await browser.close();
    rmSync(directory, { recursive: true });
  }
  if (failed.length === 0) return;
  console.error(`check_viewer: failed: ${failed.join(", ")}`);
  Deno.exit(1);
}
