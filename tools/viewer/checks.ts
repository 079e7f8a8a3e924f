/// <reference lib="dom" />
/**
 * What the viewer is checked for, each in pages of its own.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { packaging } from "../package/bundle.ts";
import { viewerDirectory } from "../build_viewer.ts";
import { check, columnsOf, drawn, type Page, urlState } from "./page.ts";
import { frames } from "./frames_check.ts";
import { MARKUP, SPIKE_AT } from "./recordings.ts";
import { type Checked, docked, titles, viewerUrl } from "./checked.ts";
import { damaged, defaults, leaks, live, passed } from "./store_checks.ts";
import { axes, first, gone, moving, narrow, opening, shifting, touch, windows } from "./use_checks.ts";

/** KB gzipped before the first plot, and in all that showing the flight loads. */
const BUDGET_FIRST = 300_000;
const BUDGET_ALL = 600_000;

/** Checks by name. */
export const checks: Readonly<Record<string, (checked: Checked) => Promise<void>>> = {
  overview,
  cursor,
  keys,
  accessibility,
  weight,
  link,
  hostile,
  strict,
  component,
  playing,
  robot,
  defaults,
  passed,
  live,
  damaged,
  leaks,
  frames,
  opening,
  axes,
  first,
  narrow,
  moving,
  shifting,
  touch,
  windows,
  gone,
};

/** The spike is on the screen before any of its rows were read. */
async function overview({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "spike", "&layout=/recordings/spike.layout.json"));
  await drawn(page, 1, /./);
  const data = site.asked.filter(({ path }) => /\.arrow$|\/imu/.test(path));
  const bytes = data.reduce((sum, { range }) => sum + rangeBytes(range), 0);
  check(data.length > 0, "no file of the recording was asked for");
  check(bytes < 1_000_000, `${bytes} bytes of the topic were read for the overview, wanted its bounds alone`);
  check((await upperHalf(page)).some((count) => count > 10), "the spike is not in the overview");
  await drawn(page);
  await page.screenshot({ path: `${pictures}/spike.png` });
  // The spike stands out of a sine of 1: its line is alone in the upper half.
  const columns = await columnsOf(page, ".plot canvas", isBlue);
  const half = await upperHalf(page);
  const found = half.flatMap((count, x) => count > 10 ? [x] : []);
  check(found.length > 0, "the spike is not drawn");
  const area = await plotArea(page);
  const wanted = area.left + SPIKE_AT * area.width;
  const off = Math.max(...found.map((x) => Math.abs(x - wanted)));
  check(off <= 4, `the spike is drawn at column ${found.join(", ")}, wanted ${wanted.toFixed(1)}`);
  check(columns.filter((count) => count > 0).length > area.width * 0.9, "the line has gaps");
}

/** The cursor is where the clock says, in plots and the timeline. */
async function cursor({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "spike", "&layout=/recordings/spike.layout.json"));
  await drawn(page);
  const plot = await box(page, ".plot");
  await page.mouse.click(plot.x + plot.width * 0.6, plot.y + plot.height / 2);
  await page.mouse.move(plot.x + plot.width / 2, 5);
  const { t, from, to } = await urlState(page);
  const area = await plotArea(page);
  const wanted = area.left + Number(t - from) / Number(to - from) * area.width;
  const red = await columnsOf(page, ".plot", (r, g, b) => r > 200 && g < 130 && b < 130);
  const most = red.indexOf(Math.max(...red));
  check(Math.abs(most - wanted) <= 2, `the cursor is at column ${most}, the clock says ${wanted.toFixed(1)}`);
}

/** Everything by keys: find a field, plot it, zoom, seek, copy the link. */
async function keys({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page);
  await page.keyboard.press("/");
  await page.keyboard.type("airspeed indicated");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => {
    const root = document.querySelector("smalti-viewer")!.shadowRoot!;
    return [...root.querySelectorAll(".legend")].some((legend) => /indicated/.test(legend.textContent ?? ""));
  });
  const before = await urlState(page);
  await page.keyboard.press("+");
  const zoomed = await urlState(page);
  check(zoomed.to - zoomed.from < before.to - before.from, "+ did not zoom in");
  await page.keyboard.press("Shift+ArrowRight");
  const seeked = await urlState(page);
  check(seeked.t > zoomed.t, "Shift+Right did not seek");
  await page.keyboard.press("a");
  await page.keyboard.press("l");
  await page.waitForFunction(() =>
    /link is copied/.test(document.querySelector("smalti-viewer")!.shadowRoot!.textContent!)
  );
  const link = await page.evaluate(() => navigator.clipboard.readText());
  check(link.includes(`t=${seeked.t}`), `the copied link ${link} has not the moment ${seeked.t}`);
  await page.keyboard.press("f");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Keys");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText("Play or pause").waitFor();
  await page.screenshot({ path: `${pictures}/keys.png` });
  await page.keyboard.press("Escape");
  await page.keyboard.press("0");
  const all = await urlState(page);
  check(all.to - all.from > before.to - before.from, "0 did not show everything");
}

/** axe-core finds nothing serious, dark and light, with panels and with a dialog. */
async function accessibility({ site, browser }: Checked): Promise<void> {
  const axe = readFileSync(`${packaging}/node_modules/axe-core/axe.min.js`, "utf8");
  for (const scheme of ["dark", "light"] as const) {
    const page = await browser.open(viewerUrl(site, "flight"), { scheme });
    await drawn(page, 3);
    await docked(page);
    await page.evaluate(axe);
    await checkAxe(page, scheme);
    await page.keyboard.press("?");
    await checkAxe(page, `${scheme}, keys`);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await checkAxe(page, `${scheme}, palette`);
  }
}

async function checkAxe(page: Page, what: string): Promise<void> {
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: {
            id: string;
            impact: string;
            help: string;
            nodes: { html: string; failureSummary: string }[];
          }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) =>
        `${id} (${nodes.length}): ${nodes[0].html.slice(0, 200)}\n${nodes[0].failureSummary}`
      );
  });
  check(found.length === 0, `axe (${what}):\n${found.join("\n")}`);
}

/** What is loaded, gzipped: before the first plot, and in all. */
async function weight({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page, 1, /./);
  const before = site.asked.length;
  await drawn(page, 3);
  await docked(page);
  const sizes = site.asked.map(({ path }, i) => ({ path, isFirst: i < before })).filter(({ path }) =>
    path.startsWith("viewer/")
  ).map(({ path, isFirst }) => {
    const name = path === "viewer/" ? "index.html" : path.slice("viewer/".length);
    return { name, isFirst, bytes: gzipSync(readFileSync(`${viewerDirectory}/${name}`)).length };
  });
  const sum = (parts: readonly { bytes: number }[]) => parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const first = sum(sizes.filter(({ isFirst, name }) => isFirst && !name.includes("dock_area")));
  const all = sum(sizes);
  const list = sizes.map(({ name, bytes }) => `${name} ${Math.round(bytes / 1000)}`).join(", ");
  console.log(
    `viewer: ${Math.round(first / 1000)} KB gzipped before the first plot, ${Math.round(all / 1000)} in all`,
  );
  check(first <= BUDGET_FIRST, `${first} bytes before the first plot, wanted ${BUDGET_FIRST}: ${list}`);
  check(all <= BUDGET_ALL, `${all} bytes in all, wanted ${BUDGET_ALL}: ${list}`);
}

/** A link opened anew gives the same state. */
async function link({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page, 3);
  await page.keyboard.press("+");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("b");
  await page.keyboard.press("3");
  await docked(page);
  await page.keyboard.press("Shift+X");
  const before = await urlState(page);
  const panels = await titles(page);
  const other = await browser.open(page.url());
  await drawn(other);
  await docked(other);
  const after = await urlState(other);
  check(
    before.t === after.t && before.from === after.from && before.to === after.to,
    `opened anew, cursor and window are ${after.t}, ${after.from}, ${after.to}, wanted ${before.t}, ${before.from}, ${before.to}`,
  );
  check(new URL(other.url()).hash.includes(`b=${before.t}`), `the mark B is not in ${other.url()}`);
  const again = await titles(other);
  check(again.join() === panels.join(), `opened anew, panels are ${again}, wanted ${panels}`);
}

/** Names and texts with markup, layouts of nonsense, recordings that are not there. */
async function hostile({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "markup"));
  await drawn(page);
  await docked(page);
  await page.getByRole("treeitem").first().press("ArrowRight");
  await page.getByText(MARKUP).first().waitFor();
  check(
    (await page.title()).startsWith("markup"),
    `a script of the recording ran: the title is ${await page.title()}`,
  );
  await page.screenshot({ path: `${pictures}/markup.png` });

  for (const packed of ["nonsense", "AAAA", "eJyrVkrLz1eyUkpKLFKqBQAgNwQT"]) {
    const other = await browser.open(viewerUrl(site, "flight", `#p=${packed}`));
    await drawn(other, 1);
    check((await titles(other)).length > 2, `with the layout ${packed} no panels are shown`);
  }
  const unknown = await browser.open(viewerUrl(site, "flight", "&layout=/recordings/nonsense.layout.json"));
  await unknown.getByText("not here").first().waitFor();

  const missing = await browser.open(viewerUrl(site, "nothing"), { expected: /404/ });
  await missing.getByRole("alert").waitFor();
}

/** Under a policy without WebAssembly the engine in TypeScript steps in. */
async function strict({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(`${site.url}strict/viewer/?url=/recordings/flight`, {
    expected: /WebAssembly|wasm-unsafe-eval|Content Security Policy/,
  });
  await drawn(page, 3);
  await docked(page);
  await page.getByRole("tab", { name: /Info/ }).click();
  await page.getByText("TypeScript").first().waitFor();
}

/** The component in a page of others, at another server: attributes, events, keys only where it has the focus. */
async function component({ site, browser, pictures }: Checked): Promise<void> {
  const { serve } = await import("./site.ts");
  const foreign = serve({}, {
    "page.html": `<!doctype html><html lang="en"><title>Foreign</title><link rel="icon" href="data:,">
      <script type="module" src="${site.url}viewer/smalti-viewer.js"></script>
      <input id="field"><smalti-viewer id="v" src="${site.url}recordings/flight" theme="light"
        style="width:900px;height:560px"></smalti-viewer>
      <script>
        globalThis.told = [];
        for (const type of ["smalti-open", "smalti-seek", "smalti-error"]) {
          document.getElementById("v").addEventListener(type, ({ detail }) => told.push([type, detail.name ?? String(detail.ns ?? detail.code)]));
        }
      </script>`,
  });
  try {
    const page = await browser.open(`${foreign.url}page.html`, { expected: /404/ });
    await drawn(page);
    await docked(page);
    await page.screenshot({ path: `${pictures}/component.png` });
    const told = () => page.evaluate(() => (globalThis as unknown as { told: [string, string][] }).told);
    check(
      (await told()).some(([type, name]) => type === "smalti-open" && name === "flight"),
      "no event smalti-open",
    );
    const url = page.url();
    await page.locator("#field").focus();
    await page.keyboard.type("+a f");
    check(
      await page.locator("#field").inputValue() === "+a f",
      "keys of the page were taken by the component",
    );
    await page.evaluate(() => {
      const viewer = document.getElementById("v") as HTMLElement & { currentNs: bigint };
      viewer.currentNs = viewer.currentNs + 1_000_000n;
    });
    check((await told()).some(([type]) => type === "smalti-seek"), "no event smalti-seek");
    check(page.url() === url, `the component wrote the URL of the page: ${page.url()}`);
    await page.evaluate(
      (src) => document.getElementById("v")!.setAttribute("src", src),
      `${site.url}recordings/none`,
    );
    await page.waitForFunction(() =>
      (globalThis as unknown as { told: string[][] }).told.some(([type]) => type === "smalti-error")
    );
    const name = await page.evaluate(() =>
      (document.getElementById("v") as HTMLElement & { recording?: { name: string } }).recording?.name
    );
    check(name === "flight", `after a recording that is not there ${name} is open, wanted flight as before`);
  } finally {
    await foreign.stop();
  }
}

/** Playing moves the cursor, tells values, and stops when it is told to. */
async function playing({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page, 3);
  await docked(page);
  const before = await urlState(page);
  await page.keyboard.press(" ");
  await page.waitForTimeout(1500);
  await page.keyboard.press(" ");
  const after = await urlState(page);
  check(after.t > before.t, "Space did not play");
  await page.waitForTimeout(300);
  const later = await urlState(page);
  check(later.t === after.t, "Space did not pause");
  await page.screenshot({ path: `${pictures}/flight.png` });
}

/** Pictures, track, points and log lines of a recording that has them, and the other recording over it. */
async function robot({ site, browser, pictures }: Checked): Promise<void> {
  // Chromium says what it thinks of a software GPU.
  const page = await browser.open(viewerUrl(site, "robot", "&layout=/recordings/robot.layout.json"), {
    expected: /GPU|WebGL/,
  });
  await docked(page);
  const seen = (isWanted: (r: number, g: number, b: number) => boolean) =>
    columnsOf(page, '[aria-label^="Picture of camera"]', isWanted).then((columns) => Math.max(...columns));
  await page.locator('[aria-label^="Picture of camera"]').waitFor();
  check(await seen((r, g, b) => g > 180 && r < 60 && b < 60) > 40, "the first picture is not green");
  await page.keyboard.press("End");
  await page.waitForTimeout(500);
  check(await seen((r, g, b) => b > 180 && r < 60 && g < 60) > 40, "the last picture is not blue");
  await page.getByRole("cell", { name: "line 39" }).waitFor();
  await page.locator('canvas[aria-label^="Points of lidar"]').waitFor();
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${pictures}/robot.png` });

  const both = await browser.open(viewerUrl(site, "flight", "&with=/recordings/flight&shift=0.5"));
  await drawn(both, 3);
  await both.getByText("with flight, dashed").waitFor();
  await both.screenshot({ path: `${pictures}/two.png` });
}

async function box(
  page: Page,
  selector: string,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const found = await page.locator(selector).first().boundingBox();
  check(found, `${selector} is not there`);
  return found;
}

/** Where the first plot's times are, from its left. */
async function plotArea(page: Page): Promise<{ left: number; width: number }> {
  const plot = await box(page, ".plot");
  const over = await box(page, ".plot .u-over");
  return { left: over.x - plot.x, width: over.width };
}

/** Coloured pixels of each column in the upper half of the first plot. */
async function upperHalf(page: Page): Promise<number[]> {
  const plot = await box(page, ".plot");
  const over = await box(page, ".plot .u-over");
  const clip = { x: plot.x, y: over.y, width: plot.width, height: over.height * 0.45 };
  const picture = await page.screenshot({ clip });
  return await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
    const columns = new Array<number>(width).fill(0);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [r, , b] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3);
        if (b - r > 60) columns[x]++;
      }
    }
    return columns;
  }, picture.toString("base64"));
}

function isBlue(r: number, _g: number, b: number): boolean {
  return b - r > 40;
}

function rangeBytes(range: string): number {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (to === undefined) return Infinity;
  return from === "" ? Number(to) : to === "" ? Infinity : Number(to) - Number(from) + 1;
}
