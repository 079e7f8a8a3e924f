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
import { type Browser, launch, view } from "./browser.ts";
import { type Figures, goals, quantile } from "./goals.ts";
import { recordingsIn } from "./recordings.ts";
import { rivals } from "./rivals.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 3);

await buildViewer();
await install("tests/packaging");
const chromium = await findChromium();
if ("missing" in chromium) throw new Error(`no Chromium: ${chromium.missing}`);
const { path } = chromium;
const recordings = await recordingsIn(
  process.env.SMALTI_BENCH_CACHE ?? join(tmpdir(), "smalti-bench-viewer"),
);
const names = process.argv.slice(2);
const isWanted = (name: string) => names.length === 0 || names.includes(name);
const viewed = await view(recordings.store);
try {
  for (const [name, measure] of Object.entries(goals)) {
    if (!isWanted(name)) continue;
    await rounds(
      name,
      ROUNDS,
      (browser) => measure({ browser, viewed, facts: recordings.facts }),
    );
  }
  for (const [name, measure] of Object.entries(rivals)) {
    if (isWanted(name)) {
      await rounds(name, 1, (browser) => measure(browser, recordings));
    }
  }
} finally {
  viewed.stop();
}

/** Measures some rounds in a browser of their own, and prints the median of each figure and how much the machine had to do. */
async function rounds(
  name: string,
  count: number,
  measure: (browser: Browser) => Promise<Figures>,
): Promise<void> {
  const [load] = loadavg();
  const all: Figures[] = [];
  const browser = await launch(path);
  try {
    for (let round = 0; round < count; round++) {
      all.push(await measure(browser));
    }
  } finally {
    await browser.close();
  }
  console.log(`${name} (load ${load.toFixed(1)})`);
  for (const what of Object.keys(all[0])) {
    const values = all.map((figures) => figures[what]);
    const each = values.map((value) => value.toFixed(1)).join(", ");
    console.log(
      `  ${what.padEnd(28)} ${quantile(values, 0.5).toFixed(1).padStart(10)}   of ${each}`,
    );
  }
}
