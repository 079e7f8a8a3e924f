/// <reference lib="dom" />
/**
 * Whether what the viewer draws is right, and when it has drawn all.
 *
 * @module
 */
import { check } from "../compare.ts";
import type { Page } from "./browser.ts";
import type { Told } from "./probe.ts";
import type { Extremes } from "./recordings.ts";

/** Waits until so many plots have all that they asked for, and nothing is asked any more. */
export async function settled(page: Page, plots: number): Promise<void> {
  await page.waitForFunction(
    (plots) => {
      const last = probe.frames.at(-1);
      if (
        !last || !probe.frames.some((frame) => frame.plots >= plots)
      ) return false;
      const ended = new Set(
        probe.told.flatMap(({ kind, id }) => kind === "end" ? [id] : []),
      );
      const isOpen = probe.asked.filter(({ kind }) =>
        kind === "series" || kind === "activity" || kind === "at"
      );
      return isOpen.every(({ id }) => ended.has(id)) &&
        performance.now() - probe.told.at(-1)!.t > 500;
    },
    plots,
    { polling: 100 },
  );
}

/** The last answers of plots, cut to a window: the extremes of what lies in it, and of what touches it. */
async function shown(
  page: Page,
  window: readonly [number, number] = [-Infinity, Infinity],
) {
  return await page.evaluate(
    (window) => {
      const last = new Map<string, Told["message"]>();
      for (const { id, message } of probe.told) {
        if (message.part?.x) {
          last.set(`${id} ${message.part.line}`, message.part);
        }
      }
      return [...last.values()].map((part) => {
        const { x, min = part.y, max = part.y, step = 0, level } = part;
        const found = {
          level,
          inner: [Infinity, -Infinity],
          outer: [Infinity, -Infinity],
        };
        for (let i = 0; i < x.length; i++) {
          const [from, to] = [x[i] - step / 2, x[i] + step / 2];
          if (to < window[0] || from > window[1]) continue;
          found.outer = [
            Math.min(found.outer[0], min[i]),
            Math.max(found.outer[1], max[i]),
          ];
          if (from < window[0] || to > window[1]) continue;
          found.inner = [
            Math.min(found.inner[0], min[i]),
            Math.max(found.inner[1], max[i]),
          ];
        }
        return found;
      });
    },
    window.map((x) => Number.isFinite(x) ? x : Math.sign(x) * 1e12) as [
      number,
      number,
    ],
  );
}

/** Detail is float32, rounded outwards. */
const ROUNDED = 1e-6;

function holds(
  { inner, outer }: { inner: number[]; outer: number[] },
  { min, max }: Extremes,
): boolean {
  return outer[0] <= min && outer[1] >= max && inner[0] >= min - ROUNDED &&
    inner[1] <= max + ROUNDED;
}

/** A plot has these extremes. */
export async function checkSeries(
  page: Page,
  at: number,
  wanted: Extremes,
): Promise<void> {
  check(
    "extremes of what is drawn",
    holds((await shown(page))[at], wanted),
    true,
  );
}

/** Some plot has these extremes, of a window where one is given: seconds. */
export async function checkAnyPlot(
  page: Page,
  wanted: Extremes,
  window?: readonly [number, number],
): Promise<void> {
  const found = await shown(page, window);
  if (found.some((one) => holds(one, wanted))) return;
  throw new Error(
    `no plot has the extremes ${JSON.stringify(wanted)}, but ${JSON.stringify(found)}`,
  );
}

/** The one spike stands where it is, and nothing else is as high. */
export async function checkSpike(page: Page): Promise<void> {
  const columns = await coloured(page, ".plot canvas");
  check("columns with a line", columns.filter((count) => count > 0).length > columns.length * 0.8, true);
  const tallest = columns.indexOf(Math.max(...columns));
  check("place of the spike", Math.abs(tallest / columns.length - 0.7) < 0.05, true);
}

/** A track is drawn. */
export async function checkTrack(page: Page): Promise<void> {
  const columns = await coloured(
    page,
    'section:has([aria-label^="Track"]) canvas, section[aria-label*="gps"] canvas',
  );
  check("columns with a track", columns.filter((count) => count > 0).length > 20, true);
}

/** How many pixels of each column of a canvas have a colour, which axes and grids have not. */
async function coloured(page: Page, selector: string): Promise<number[]> {
  return await page.locator(selector).first().evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { data, width, height } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const columns = new Array<number>(width).fill(0);
    for (let at = 0; at < width * height; at++) {
      const [r, g, b, a] = data.subarray(at * 4, at * 4 + 4);
      if (a > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 60) columns[at % width]++;
    }
    return columns;
  });
}
