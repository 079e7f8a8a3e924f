/// <reference lib="dom" />
/**
 * Checks of what goes on between the page and a store, and of pages that are open for long.
 *
 * @module
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, IMU } from "../../mod.ts";
import { type Checked, docked, titles, viewerUrl } from "./checked.ts";
import { check, columnsOf, drawn, type Page, urlState } from "./page.ts";
import { START_NS } from "./recordings.ts";
import { withServer } from "./view_server.ts";

/** How long the page of a store plays before it is measured, and measured again, in milliseconds. */
const [WARM_MS, LONG_MS, HOUR_MS] = [10_000, 60_000, 3_600_000];

/** A layout that is saved as default is that of all who open such a recording; a server that takes none is told of. */
export async function defaults({ site, browser, recordings }: Checked): Promise<void> {
  const file = `${recordings}/viewer.json`;
  const before = readFileSync(file, "utf8");
  try {
    // Where nobody has saved any the page has nothing to complain of.
    rmSync(file);
    await withServer({ browser, recordings }, async ({ url }) => {
      const page = await browser.open(url("flight"));
      await drawn(page, 3);
      await docked(page);
      const all = await titles(page);
      await page.locator(".dv-tab").first().click();
      await page.keyboard.press("Shift+X");
      await page.waitForFunction(
        (before) => {
          const panels = document.querySelector("smalti-viewer")!.shadowRoot!.querySelectorAll(
            "section.panel",
          );
          return [...panels].map((panel) => panel.getAttribute("aria-label")).sort().join() !== before;
        },
        all.join(),
      );
      const own = await titles(page);
      await saveDefault(page);
      await page.getByText("open with this layout now").waitFor();
      // With a storage of its own, as somebody else.
      const other = await browser.open(url("flight"));
      await drawn(other, 1);
      await docked(other);
      const seen = await titles(other);
      check(seen.join() === own.join(), `with the layout that was saved, panels are ${seen}, wanted ${own}`);
      check(!other.url().includes("p="), `the link has a layout that everybody sees: ${other.url()}`);
      await checkSavers(page, other);
    });
  } finally {
    writeFileSync(file, before);
  }
  const page = await browser.open(viewerUrl(site, "flight"), { expected: /405/ });
  await drawn(page, 3);
  await docked(page);
  await saveDefault(page);
  await page.getByText("takes none (status 405)").waitFor();
}

/** What lies on another server comes by way of `smalti view`: the page asks that one alone, which says why it saves nothing there. */
export async function passed({ site, browser, pictures }: Checked): Promise<void> {
  const recordings = `${site.url}recordings/`;
  await withServer({ browser, recordings }, async ({ url }) => {
    const page = await browser.open(url("flight"), { expected: /403/ });
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (/^http/.test(request.url()) && new URL(request.url()).origin !== new URL(page.url()).origin) {
        foreign.push(request.url());
      }
    });
    await drawn(page, 3);
    await docked(page);
    for (let i = 0; i < 4; i++) await page.keyboard.press("+");
    await drawn(page, 3, /rows|max$/);
    check(
      site.asked.some(({ path }) => /flight\/.*\.arrow$/.test(path)),
      "nothing was asked of the other server",
    );
    check(foreign.length === 0, `the page itself asked ${foreign}`);
    await saveDefault(page);
    await page.getByText("it is read only over HTTP").waitFor();
    await page.screenshot({ path: `${pictures}/passed.png` });
  });
}

/** Of two who save, the second is told of what the first one saved, and asked to say so once more. */
async function checkSavers(first: Page, second: Page): Promise<void> {
  for (const page of [first, second]) {
    await page.locator(".dv-tab").first().click();
    await page.keyboard.press("Shift+X");
  }
  const one = await second.locator(".dv-tab").count();
  await saveDefault(first);
  await first.getByText("open with this layout now").last().waitFor();
  await second.locator(".dv-tab").first().click();
  await second.keyboard.press("Shift+X");
  await second.waitForFunction(
    (count) =>
      document.querySelector("smalti-viewer")!.shadowRoot!.querySelectorAll(".dv-tab").length < count,
    one,
  );
  await saveDefault(second);
  await second.getByText("Somebody else has saved").waitFor();
  await saveDefault(second);
  await second.getByText("open with this layout now").waitFor();
}

async function saveDefault(page: Page): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Save layout as default");
  await page.keyboard.press("Enter");
}

/** What is recorded while the page is open is drawn, at once where the server tells; the window sticks to the end until it is moved. */
export async function live({ browser, recordings, pictures }: Checked): Promise<void> {
  const client = await connect(recordings);
  try {
    const sequence = await client.sequenceCreate("live", { ifExists: "replace" });
    const topic = await sequence.topicCreate("imu", { ontology: IMU });
    let rows = 0;
    const record = async (count: number) => {
      for (const end = rows + count; rows < end; rows++) {
        const acceleration = { x: Math.sin(rows / 20), y: 0, z: 9.81 };
        await topic.push({
          timestampNs: START_NS + BigInt(rows) * 10_000_000n,
          data: { acceleration, angular_velocity: { x: 0, y: 0, z: 0 } },
        });
      }
      await sequence.flush();
    };
    await record(500);
    await withServer({ browser, recordings }, async ({ url }) => {
      const page = await browser.open(url("live"));
      const listens = page.waitForRequest(/\/events$/);
      await drawn(page, 1);
      await listens;
      const first = await urlState(page);
      for (let i = 0; i < 4; i++) {
        await record(250);
        // Who follows gets the newest a while after it was written.
        await page.waitForFunction(
          (wanted) => {
            const viewer = document.querySelector("smalti-viewer") as HTMLElement & {
              recording?: { rows: number };
            };
            return (viewer.recording?.rows ?? 0) >= wanted;
          },
          rows,
          { timeout: 10_000 },
        );
      }
      await drawn(page, 1);
      const second = await urlState(page);
      check(second.to > first.to, `the window ends at ${second.to} as before, wanted the recording's end`);
      check(second.t > first.t, "the cursor does not stick to the end");
      const columns = await columnsOf(page, ".plot canvas", (r, _, b) => b - r > 40);
      const last = columns.findLastIndex((count) => count > 0);
      check(last > columns.length * 0.9, `rows are drawn up to column ${last} of ${columns.length}`);
      await page.screenshot({ path: `${pictures}/live.png` });

      await page.keyboard.press("+");
      const moved = await urlState(page);
      await record(250);
      await page.waitForTimeout(2000);
      const third = await urlState(page);
      check(
        third.from === moved.from && third.to === moved.to,
        `the window was moved, and went on to ${third.from}, ${third.to}, wanted ${moved.from}, ${moved.to}`,
      );
      await sequence.finalize();
      await page.waitForFunction(() =>
        !document.querySelector("smalti-viewer")!.shadowRoot!.querySelector("header .live")
      );
    });
  } finally {
    await client.close();
  }
}

/** Of a damaged batch there is a gap that says why; what is whole around it is drawn. */
export async function damaged({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "damaged", "&layout=/recordings/spike.layout.json"));
  await drawn(page, 1);
  await page.screenshot({ path: `${pictures}/damaged.png` });
  const text = await page.locator(".panel .gaps").first().textContent();
  check(/imu/.test(text ?? ""), `the gap says ${JSON.stringify(text)}, wanted what is damaged, of topic imu`);
  const blue = await columnsOf(page, ".plot canvas", (r, _, b) => b - r > 40);
  const drawnAt = blue.flatMap((count, x) => count > 0 ? [x] : []);
  const gap = Math.max(...drawnAt.slice(1).map((x, i) => x - drawnAt[i]));
  check(gap > 5, `the widest gap is of ${gap} columns: what is damaged is drawn`);
  check(drawnAt.length > blue.length / 3, `${drawnAt.length} of ${blue.length} columns are drawn`);
}

/** A page that has played an hour of recording holds no more than one that has just begun. */
export async function leaks({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(`${viewerUrl(site, "flight")}#speed=${HOUR_MS / LONG_MS}`);
  await drawn(page, 3);
  await docked(page);
  // At the end it begins anew.
  await page.evaluate(() => {
    const viewer = document.querySelector("smalti-viewer") as HTMLElement & { play(): void };
    setInterval(() => viewer.play(), 100);
  });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const measure = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
    const { metrics } = await session.send("Performance.getMetrics");
    const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")!.value;
    const canvases = await page.evaluate(() =>
      document.querySelector("smalti-viewer")!.shadowRoot!.querySelectorAll("canvas").length
    );
    return { nodes, jsEventListeners, heap, canvases };
  };
  await page.waitForTimeout(WARM_MS);
  const early = await measure();
  await page.waitForTimeout(LONG_MS - WARM_MS);
  const late = await measure();
  console.log(
    `viewer: after ${WARM_MS / 1000} s ${JSON.stringify(early)}, after ${LONG_MS / 1000} s ${
      JSON.stringify(late)
    }`,
  );
  // Values and ticks on the screen are some more or fewer from moment to moment.
  const most = {
    nodes: early.nodes * 1.1 + 200,
    jsEventListeners: early.jsEventListeners * 1.1 + 20,
    heap: early.heap * 1.25 + 2e6,
    canvases: early.canvases,
  };
  for (const key of ["nodes", "jsEventListeners", "heap", "canvases"] as const) {
    check(late[key] <= most[key], `${key}: ${late[key]} after a minute, ${early[key]} at first`);
  }
}
