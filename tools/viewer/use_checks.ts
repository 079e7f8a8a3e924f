/// <reference lib="dom" />
/**
 * Checks of what makes the viewer a pleasure to use, or not.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { type Checked, docked, titles, viewerUrl } from "./checked.ts";
import { check, drawn, type Page, urlState } from "./page.ts";
import { withServer } from "./view_server.ts";

/** What cannot be opened leaves what is open. */
export async function opening({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"), { expected: /404/ });
  await drawn(page, 3);
  await docked(page);
  const before = await titles(page);
  const wrong = {
    "/recordings/nothing": /nothing/,
    "/recordings/nowhere/": /nowhere/,
    "http://[": /wanted a URL/,
  };
  for (const [url, told] of Object.entries(wrong)) {
    await page.keyboard.press("o");
    await page.keyboard.type(url);
    await page.keyboard.press("Enter");
    await page.locator(".toast.bad", { hasText: told }).first().waitFor();
    const after = await titles(page);
    check(after.join() === before.join(), `after ${url} panels are ${after}, wanted ${before}`);
    check(await page.locator("header h1").textContent() === "flight", `${url} took the recording away`);
  }
  const { searchParams } = new URL(page.url());
  check(searchParams.get("url") === "/recordings/flight", `the address is of ${searchParams.get("url")}`);
  await page.screenshot({ path: `${pictures}/opening.png` });
  // What can be opened takes the place of it.
  await page.keyboard.press("o");
  await page.keyboard.type("/recordings/spike");
  await page.keyboard.press("Enter");
  await page.locator("header h1", { hasText: "spike" }).waitFor();
}

/** Windows that were shown before are gone back to, by keys and by buttons; the busy part too. */
export async function windows({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page, 3);
  const busy = await urlState(page);
  await page.keyboard.press("0");
  const all = await urlState(page);
  check(all.to - all.from > busy.to - busy.from, "0 did not show everything");
  await page.keyboard.press("9");
  await checkWindow(page, busy, "9");
  await page.keyboard.press("Alt+ArrowLeft");
  await checkWindow(page, all, "Alt+Left");
  await page.keyboard.press("Alt+ArrowRight");
  await checkWindow(page, busy, "Alt+Right");
  await page.getByRole("button", { name: "Back to the window before" }).click();
  await checkWindow(page, all, "the button back");
  await page.getByRole("button", { name: "busy part" }).click();
  await checkWindow(page, busy, "the button of the busy part");
}

async function checkWindow(
  page: Page,
  wanted: { from: bigint; to: bigint },
  how: string,
): Promise<void> {
  const { from, to } = await urlState(page);
  check(
    from === wanted.from && to === wanted.to,
    `${how}: the window is ${from}, ${to}, wanted ${wanted.from}, ${wanted.to}`,
  );
}

/** A server that is gone is told of, and what is drawn stays; once it is back the page goes on. */
export async function gone({ browser, recordings, pictures }: Checked): Promise<void> {
  await withServer({ browser, recordings }, async ({ url, stop, start }) => {
    const page = await browser.open(url("flight"), { expected: /ERR_|Failed to load|EventSource/ });
    await drawn(page, 3);
    await docked(page);
    await stop();
    const notice = page.locator(".notices", { hasText: "is gone; trying again" });
    await notice.waitFor();
    await page.screenshot({ path: `${pictures}/gone.png` });
    // Rows of another window cannot be had now.
    for (let i = 0; i < 4; i++) await page.keyboard.press("+");
    await page.keyboard.press("Shift+ArrowRight");
    check(await page.locator(".legend .error").count() === 0, "lines that were drawn are not here any more");
    await start();
    await page.waitForFunction(() =>
      !/is gone/.test(
        document.querySelector("smalti-viewer")!.shadowRoot!.querySelector(".notices")!.textContent!,
      )
    );
    await page.keyboard.press("+");
    await drawn(page, 3, /rows|max$/);
  });
}

/** A field goes where it is seen beside the others: the other axis for another size or unit, a plot of its own where both are taken. */
export async function axes({ site, browser, recordings }: Checked): Promise<void> {
  const layout = {
    version: 1,
    panels: { a: { type: "plot", options: { lines: [{ text: "`battery_status/0`.voltage_v" }] } } },
    root: { kind: "tabs", panels: ["a"], active: "a" },
  };
  writeFileSync(`${recordings}/axes.layout.json`, JSON.stringify(layout));
  const page = await browser.open(viewerUrl(site, "flight", "&layout=/recordings/axes.layout.json"));
  await drawn(page, 1);
  await docked(page);
  // 23 V beside 50 V, in millimetres 66,814, and in ten millionths of a degree 634,170,622.
  const wanted = [
    ["battery_status/1 voltage_v", "voltage_v◧ voltage_v◧"],
    ["vehicle_gps_position alt", "voltage_v◧ voltage_v◧ alt◨"],
    ["vehicle_gps_position lat", "lat◧ | voltage_v◧ voltage_v◧ alt◨"],
    ["vehicle_gps_position lon", "lat◧ lon◧ | voltage_v◧ voltage_v◧ alt◨"],
  ];
  for (const [field, plots] of wanted) {
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type(field);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const seen = await page.waitForFunction(
      (plots) => {
        const root = document.querySelector("smalti-viewer")!.shadowRoot!;
        const found = [...root.querySelectorAll(".legend")].map((legend) =>
          [...legend.querySelectorAll(".line")].map((line) =>
            line.querySelector(".name")!.textContent!.trim().split(/\s/).at(-1)! +
            line.querySelector(".tools")!.textContent!.trim()[0]
          ).join(" ")
        ).join(" | ");
        return found === plots;
      },
      plots,
      { timeout: 5000 },
    ).then(() => undefined, () => legends(page));
    check(seen === undefined, `after ${field} the plots have ${seen}, wanted ${plots}`);
  }
  // One of the two has an axis at its right: their times lie below each other all the same.
  const margins = await page.waitForFunction(
    () => {
      const root = document.querySelector("smalti-viewer")!.shadowRoot!;
      const all = [...root.querySelectorAll(".plot")].map((plot) => {
        const [outer, inner] = [plot, plot.querySelector(".u-over")!].map((each) =>
          each.getBoundingClientRect()
        );
        return [inner.left - outer.left, outer.right - inner.right];
      });
      return all.length === 2 && all.flat().every((pixels, i) => pixels === all[0][i % 2]) && all[0];
    },
    undefined,
    { timeout: 5000 },
  ).then((handle) => handle.jsonValue() as Promise<number[]>, () => undefined);
  check(margins, "the plots differ in their margins");
  check(margins[1] > 30, `at the right of both plots ${margins[1]} pixels are free, wanted those of an axis`);
}

/** A finger moves the window, two make it longer or shorter, and a tap seeks. */
export async function touch({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"), { touch: true });
  await drawn(page, 3);
  await docked(page);
  await page.keyboard.press("+");
  const session = await page.context().newCDPSession(page);
  const [area] = await places(page, ".plot .u-over");
  const y = (area.top + area.bottom) / 2;
  const width = area.right - area.left;
  const fingers = async (type: "touchStart" | "touchMove" | "touchEnd", ...parts: readonly number[]) => {
    const touchPoints = parts.map((part, id) => ({ x: area.left + part * width, y, id }));
    await session.send("Input.dispatchTouchEvent", { type, touchPoints });
  };
  const before = await urlState(page);
  const length = Number(before.to - before.from);
  await fingers("touchStart", 0.6);
  for (const part of [0.55, 0.5, 0.45, 0.4]) await fingers("touchMove", part);
  await fingers("touchEnd");
  const panned = await urlState(page);
  const by = Number(panned.from - before.from) / length;
  check(Math.abs(by - 0.2) < 0.02, `a finger's way over a fifth of the plot moved it by ${by} of the window`);
  check(panned.to - panned.from === before.to - before.from, "a finger made the window another length");
  check(panned.t === before.t, "a finger that moved has sought");
  await fingers("touchStart", 0.4, 0.6);
  for (const part of [0.35, 0.3]) await fingers("touchMove", part, 1 - part);
  await fingers("touchEnd");
  const pinched = await urlState(page);
  const ratio = Number(pinched.to - pinched.from) / length;
  check(
    Math.abs(ratio - 0.5) < 0.05,
    `two fingers that went twice as far apart made the window ${ratio} of it`,
  );
  const middle = (at: typeof before) => Number(at.from + at.to) / 2;
  const drift = Math.abs(middle(pinched) - middle(panned)) / length;
  check(drift < 0.05, `what was between two fingers moved by ${drift} of the window`);
  await fingers("touchStart", 0.25);
  await fingers("touchEnd");
  const tapped = await urlState(page);
  const at = Number(tapped.t - tapped.from) / Number(tapped.to - tapped.from);
  check(Math.abs(at - 0.25) < 0.02, `a tap at a quarter of the plot sought to ${at}`);
}

async function legends(page: Page): Promise<string> {
  return (await page.locator(".legend").allTextContents()).map((text) => text.replace(/\s+/g, " ")).join(
    " | ",
  );
}

/** What an IMU does not tell has no plot, and a link of `smalti view` says where it opens. */
export async function first({ browser, recordings }: Checked): Promise<void> {
  await withServer({ browser, recordings }, async ({ url }) => {
    const page = await browser.open(url("spike"));
    await drawn(page, 1);
    await docked(page);
    const seen = await titles(page);
    check(!seen.some((title) => /roll/.test(title)), `without an orientation the panels are ${seen}`);
    await page.keyboard.press("l");
    await page.getByText("opens in this browser alone; to share it").waitFor();
  });
}

/** On a phone panels lie one below another, and as they were once there is room. */
export async function narrow({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"), { width: 390, height: 844 });
  await drawn(page, 1);
  const stacked = await places(page, ".stack section.panel");
  check(stacked.length > 3, `${stacked.length} panels are stacked`);
  for (const [i, place] of stacked.entries()) {
    check(
      place.left === 0 && place.right === 390,
      `panel ${i} is from ${place.left} to ${place.right}, wanted all of 390`,
    );
    const above = stacked[i - 1];
    check(!above || place.top >= above.bottom, `panel ${i} begins at ${place.top}, beside the one before`);
  }
  await page.screenshot({ path: `${pictures}/phone.png` });
  const before = await titles(page);
  await page.locator(".stack").getByRole("button", { name: "Info" }).click();
  await page.getByText("Decoded by").waitFor();
  await page.locator(".stack").getByRole("button", { name: "Close the panel" }).first().click();
  check((await titles(page)).length === before.length - 1, "the first panel was not closed");
  await page.setViewportSize({ width: 1200, height: 800 });
  await docked(page);
  await drawn(page, 2);
  const wide = await places(page, "section.panel");
  check(new Set(wide.map(({ left }) => left)).size > 1, "in a wide window panels are still below each other");
}

/** Panels go to other places by keys; plots and states have their times below each other. */
export async function moving({ site, browser, pictures }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight"));
  await drawn(page, 3);
  await docked(page);
  const areas = await places(page, ".plot .u-over");
  await page.mouse.click((areas[0].left + areas[0].right) / 2, (areas[0].top + areas[0].bottom) / 2);
  await page.waitForTimeout(100);
  const cursors = await places(page, ".panel .over .cursor");
  const column = cursors.filter(({ left }) => left < areas[0].right);
  check(column.length >= 4, `${column.length} panels have a cursor`);
  check(
    column.every(({ left }) => Math.abs(left - column[0].left) < 1),
    `the cursor is at ${column.map(({ left }) => left)} in plots and states`,
  );
  const leftOf = async () => {
    await page.waitForTimeout(300);
    const panel = page.locator("section.panel[aria-label='Plot: vehicle_attitude']");
    return (await panel.boundingBox())!.x;
  };
  const before = await leftOf();
  await page.keyboard.press("Alt+Shift+ArrowRight");
  const moved = await leftOf();
  check(moved > before + 100, `the panel is at ${moved}, moved to the right from ${before}`);
  await page.keyboard.press("Control+z");
  check(await leftOf() === before, "Ctrl+Z did not take the panel back");
  // Marks by the mouse, and their figures in a low plot.
  await page.getByRole("button", { name: "Mark A at the cursor" }).click();
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByRole("button", { name: "Mark B at the cursor" }).click();
  const yaw = page.locator(".stats td", { hasText: "yaw" });
  await yaw.waitFor();
  const [row, table] = [await yaw.boundingBox(), await page.locator(".stats").first().boundingBox()];
  check(
    row!.y + row!.height <= table!.y + table!.height + 1,
    "the last line's figures have to be scrolled to",
  );
  await page.screenshot({ path: `${pictures}/marks.png` });
  await page.getByRole("button", { name: "Clear marks" }).click();
  await yaw.waitFor({ state: "hidden" });
}

/** The recording that is laid over is shifted by a drag with Alt. */
export async function shifting({ site, browser }: Checked): Promise<void> {
  const page = await browser.open(viewerUrl(site, "flight", "&with=/recordings/flight&shift=-0.5"));
  await drawn(page, 3);
  await page.getByText("with flight, dashed").waitFor();
  const before = await urlState(page);
  const values = () => page.locator(".legend b").nth(2).textContent();
  const seen = await values();
  const [area] = await places(page, ".plot .u-over");
  const y = (area.top + area.bottom) / 2;
  const width = area.right - area.left;
  await page.keyboard.down("Alt");
  await page.mouse.move(area.left + width * 0.4, y);
  await page.mouse.down();
  await page.mouse.move(area.left + width * 0.35, y);
  await page.mouse.move(area.left + width * 0.3, y);
  await page.mouse.up();
  await page.keyboard.up("Alt");
  const wanted = -0.5 - Number(before.to - before.from) / 1e9 / 10;
  const shiftIn = (url: URL) => Number(url.searchParams.get("shift"));
  // What is not so after a while is told of below.
  await page.waitForURL((url) => Math.abs(shiftIn(url) - wanted) < 0.02, { timeout: 5000 }).catch(() => {});
  const after = await urlState(page);
  const shift = shiftIn(new URL(page.url()));
  check(
    Math.abs(shift - wanted) < 0.02,
    `a drag over a tenth of the window made the shift ${shift}, wanted ${wanted}`,
  );
  await page.mouse.move(area.left + width * 0.3, 5);
  check(await values() !== seen, `the values at the cursor are ${seen} as before the shift`);
  check(before.t === after.t && before.from === after.from, "the drag moved cursor or window too");
}

async function places(page: Page, selector: string) {
  return await page.locator(selector).evaluateAll((elements) =>
    elements.map((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return { left, right, top, bottom };
    }).sort((a, b) => a.top - b.top)
  );
}
