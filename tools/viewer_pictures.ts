/**
 * `deno run -A tools/viewer_pictures.ts STORE [NAME ...]`: the pictures of docs/ that show the viewer, made anew by a real Chromium:
 * of the recordings of that directory, which are named below. Look at each before it is committed.
 *
 * @module
 */
import { type Layout, LAYOUT_VERSION } from "../src/viewer/app/layout.ts";
import { packLayout } from "../src/viewer/app/url_state.ts";
import { buildViewer, viewerDirectory } from "./build_viewer.ts";
import { findChromium } from "./package/chromium.ts";
import { install, root } from "./tooling.ts";
import { drawn, launch, type Page } from "./viewer/page.ts";
import { serve } from "./viewer/site.ts";

interface Picture {
  /** A sequence of the store. */
  readonly recording: string;
  readonly scheme: "dark" | "light";
  /** @default the one that it gets by itself */
  readonly layout?: Layout;
  /** What is done before the picture is taken. */
  readonly prepare?: (page: Page) => Promise<void>;
}

const flight = async (page: Page): Promise<void> => {
  // Into the air, where something is to be seen.
  for (let i = 0; i < 4; i++) await page.keyboard.press("Shift+ArrowRight");
};

/** By the names of their files, without docs/viewer_ and .png. */
const pictures: Readonly<Record<string, Picture>> = {
  flight: { recording: "px4-vtol-flight", scheme: "dark", prepare: flight },
  flight_light: { recording: "px4-vtol-flight", scheme: "light", prepare: flight },
  laser: { recording: "tilt_laser", scheme: "dark", prepare: flight },
  ten_million_rows: {
    recording: "ten_million_rows",
    scheme: "dark",
    layout: spikeLayout(),
    prepare: async (page) => {
      for (let i = 0; i < 5; i++) await page.keyboard.press("Shift+ArrowRight");
    },
  },
};

/** Of 20 topics of the class IMU: a spike that is one row of ten million is to be seen. */
function spikeLayout(): Layout {
  const plot = (...texts: string[]) => ({
    type: "plot",
    options: { lines: texts.map((text) => ({ text })) },
  });
  const tabs = (id: string) => ({ kind: "tabs" as const, panels: [id], active: id });
  return {
    version: LAYOUT_VERSION,
    panels: {
      spike: plot("imu_00.acceleration.x", "imu_00.acceleration.y", "imu_00.acceleration.z"),
      others: plot("imu_03.acceleration.x", "imu_04.acceleration.x", "imu_05.acceleration.x"),
      turning: plot("imu_00.angular_velocity.x"),
      values: { type: "values", options: { topics: [] } },
    },
    root: {
      kind: "row",
      sizes: [3, 1],
      children: [
        { kind: "column", sizes: [2, 1, 1], children: [tabs("spike"), tabs("others"), tabs("turning")] },
        tabs("values"),
      ],
    },
  };
}

const [store, ...names] = Deno.args;
const unknown = names.find((name) => !Object.hasOwn(pictures, name));
if (store === undefined || unknown !== undefined) {
  console.error(`wanted a directory, and names of ${Object.keys(pictures).join(", ")}`);
  Deno.exit(2);
}
await buildViewer();
await install("tests/packaging");
const chromium = await findChromium();
if ("missing" in chromium) {
  console.error(`viewer_pictures: Chromium is ${chromium.missing}`);
  Deno.exit(1);
}
const browser = await launch(chromium.path);
const site = serve({ viewer: viewerDirectory, recordings: store });
try {
  for (const name of names.length > 0 ? names : Object.keys(pictures)) {
    const { recording, scheme, layout, prepare } = pictures[name];
    const packed = layout ? `#p=${await packLayout(layout)}` : "";
    const page = await browser.open(`${site.url}viewer/?url=/recordings/${recording}${packed}`, { scheme });
    await drawn(page, 2);
    await page.locator(".dockview-theme-smalti .panel").first().waitFor();
    await prepare?.(page);
    await page.waitForTimeout(1500);
    await page.mouse.move(1, 1);
    await page.screenshot({ path: `${root}/docs/viewer_${name}.png` });
    const { size } = await Deno.stat(`${root}/docs/viewer_${name}.png`);
    console.log(`${name}: ${Math.round(size / 1000)} KB`);
  }
  browser.checkSilent();
} finally {
  await browser.close();
  await site.stop();
}
