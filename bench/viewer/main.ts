/**
 * What the viewer takes, in a real Chromium, of the built page over HTTP: `deno run -A bench/viewer/main.ts [NAME ...]` prints
 * each goal, what came of it, and what the rivals take. Recordings are made once, in SMALTI_BENCH_CACHE or a directory of the
 * system's temporary files. The median of some rounds is printed, and how much else the machine had to do.
 *
 * @module
 */
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { buildViewer } from "../../tools/build_viewer.ts";
import { findChromium } from "../../tools/package/chromium.ts";
import { install } from "../../tools/tooling.ts";
import { launch, view } from "./browser.ts";
import { type Figures, goals, quantile } from "./goals.ts";
import { recordingsIn } from "./recordings.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 3);

await buildViewer();
await install("tests/packaging");
const chromium = await findChromium();
if ("missing" in chromium) throw new Error(`no Chromium: ${chromium.missing}`);
const recordings = await recordingsIn(process.env.SMALTI_BENCH_CACHE ?? join(tmpdir(), "smalti-bench-viewer"));
const names = process.argv.slice(2);
const viewed = await view(recordings.store);
try {
  console.log(`load ${loadavg().map((load) => load.toFixed(1)).join(", ")}`);
  for (const [name, measure] of Object.entries(goals)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const rounds: Figures[] = [];
    const browser = await launch(chromium.path);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push(await measure({ browser, viewed, facts: recordings.facts }));
      }
    } finally {
      await browser.close();
    }
    for (const what of Object.keys(rounds[0])) {
      const all = rounds.map((round) => round[what]);
      console.log(`| ${name}: ${what} | ${quantile(all, 0.5).toFixed(1)} | ${all.map((x) => x.toFixed(1)).join(" ")} |`);
    }
  }
  console.log(`load ${loadavg().map((load) => load.toFixed(1)).join(", ")}`);
} finally {
  viewed.stop();
}
