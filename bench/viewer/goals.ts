/// <reference lib="dom" />
/**
 * What is measured of the viewer. Each looks whether what was drawn is right, and gives figures in milliseconds unless its name
 * says otherwise.
 *
 * @module
 */
import { check } from "../compare.ts";
import { checkAnyPlot, checkSeries, checkSpike, checkTrack, settled } from "./checks.ts";
import { type Browser, gzippedSize, layoutOf, loadedBy, type Page, plotOf, type Viewed } from "./browser.ts";
import { type Facts, greyAt } from "./recordings.ts";

/** What a measurement has. */
export interface Measured {
  readonly browser: Browser;
  readonly viewed: Viewed;
  readonly facts: Facts;
}

/** Figures by their names. */
export type Figures = Readonly<Record<string, number>>;

/** How long it plays, in seconds. */
const PLAYED = 10;
/** Frames of a zoom, and of a pan. */
const MOVES = 60;

/** Measurements by name, in the order in which they run. */
export const goals: Readonly<
  Record<string, (measured: Measured) => Promise<Figures>>
> = {
  big: async (measured) => await opening(measured, false),
  bigByLink: async (measured) => await opening(measured, true),
  whole,
  moving,
  minute,
  seekOne: async (measured) => await seeking(measured, 1),
  seekAll: async (measured) => await seeking(measured, 20),
  playing,
  memory,
};

/** The busiest topics. */
function busiest({ long }: Facts, count: number): string[] {
  return long.topics.slice(-count).reverse();
}

/** A topic of 4 M rows, from the navigation on; `byLink`: with its layout in the address. */
async function opening(
  { browser, viewed, facts }: Measured,
  byLink: boolean,
): Promise<Figures> {
  const page = await browser.open(
    await viewed.url("big", byLink ? layoutOf([plotOf("imu")]) : undefined),
  );
  await settled(page, 1);
  const { first, known, opened, detail } = await page.evaluate(() => {
    const ends = (t: number) => probe.frames.find(({ start }) => start >= t)?.end ?? NaN;
    const parts = probe.told.filter(({ kind, message }) => kind === "part" && message.part.line === 0);
    return {
      first: probe.frames.find(({ plots }) => plots > 0)!,
      known: parts[0].t,
      opened: probe.asked.find(({ kind }) => kind === "open")!.t,
      detail: ends(
        parts.find(({ message }) => message.part.level === "detail")!.t,
      ),
    };
  });
  const loaded = await loadedBy(page);
  const before = loaded.filter(({ t }) => t <= first.start);
  // What had come when the worker told the first of it.
  const data = loaded.filter(({ url, t }) => t <= known && /\/store\/big\//.test(url));
  await checkSeries(page, 0, facts.big.extremes);
  await checkSpike(page);
  return {
    "first plot": first.end,
    "open": first.end - opened,
    // The worker has begun when it asks for the first byte.
    "open, worker at hand": first.end - Math.min(...data.map(({ start }) => start)),
    "at pixel resolution": detail - Math.min(...data.map(({ start }) => start)),
    "KB of data": data.reduce((sum, { bytes }) => sum + bytes, 0) / 1000,
    "requests of data": data.length,
    "KB gz": gzippedSize(before) / 1000,
  };
}

/** The whole of the long recording, three plots. */
async function whole({ browser, viewed, facts }: Measured): Promise<Figures> {
  const page = await browser.open(
    await viewed.url("long", layoutOf(busiest(facts, 3).map(plotOf))),
  );
  await settled(page, 3);
  const times = await page.evaluate(() => {
    const ends = (t: number) => probe.frames.find(({ start }) => start >= t)?.end ?? NaN;
    const last = (level: string) =>
      ends(
        Math.max(
          ...probe.told.filter(({ message }) => message.part?.level === level)
            .map(({ t }) => t),
        ),
      );
    return { batches: last("batches"), detail: last("detail") };
  });
  const begin = Math.min(
    ...(await loadedBy(page)).flatMap(({ url, start }) => /\/store\/long\//.test(url) ? [start] : []),
  );
  for (const extremes of facts.long.extremes) {
    await checkAnyPlot(page, extremes);
  }
  return {
    "overview": times.batches - begin,
    "at pixel resolution": times.detail - begin,
  };
}

/** Zooms and pans: of most of the recording, where the detail is at hand, and of 60 seconds, where rows are. */
async function moving({ browser, viewed, facts }: Measured): Promise<Figures> {
  const page = await browser.open(
    await viewed.url("long", layoutOf(busiest(facts, 3).map(plotOf))),
  );
  await settled(page, 3);
  const figures: Record<string, number> = {};
  const wholeNs = BigInt(facts.long.endNs) - BigInt(facts.long.startNs);
  for (
    const [what, lengthNs] of Object.entries({
      "detail": wholeNs * 2n / 3n,
      "rows": 60_000_000_000n,
    })
  ) {
    for (const kind of ["pan", "zoom"] as const) {
      const fromNs = kind === "zoom" || what === "rows" ? facts.long.minute.fromNs : facts.long.startNs;
      const costs = await move(page, kind, BigInt(fromNs), lengthNs);
      figures[`${kind}, ${what}, median`] = quantile(costs, 0.5);
      figures[`${kind}, ${what}, 95%`] = quantile(costs, 0.95);
    }
  }
  return figures;
}

/** Moves the window once a frame; what each frame took of the page's thread. */
async function move(
  page: Page,
  kind: "pan" | "zoom",
  fromNs: bigint,
  lengthNs: bigint,
): Promise<number[]> {
  return await page.evaluate(async ({ kind, fromNs, lengthNs, moves }) => {
    const viewer = document.querySelector("smalti-viewer") as HTMLElement & {
      setWindow(fromNs: bigint, toNs: bigint): void;
    };
    const [from, length] = [BigInt(fromNs), BigInt(lengthNs)];
    viewer.setWindow(from, from + length);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    probe.frames.length = 0;
    const costs: number[] = [];
    for (let i = 1; i <= moves; i++) {
      const start = performance.now();
      if (kind === "pan") {
        const by = length * BigInt(i) / 300n;
        viewer.setWindow(from + by, from + by + length);
      } else {viewer.setWindow(
          from,
          from + BigInt(Math.round(Number(length) * 0.99 ** i)),
        );}
      const asked = performance.now() - start;
      const end = await probe.painted();
      const frame = probe.frames.findLast((frame) => frame.end <= end)!;
      costs.push(asked + frame.end - frame.start);
    }
    return costs;
  }, { kind, fromNs: `${fromNs}`, lengthNs: `${lengthNs}`, moves: MOVES });
}

/** From the whole to 60 seconds of three plots, whose rows are read. */
async function minute({ browser, viewed, facts }: Measured): Promise<Figures> {
  const page = await browser.open(
    await viewed.url("long", layoutOf(busiest(facts, 3).map(plotOf))),
  );
  await settled(page, 3);
  const { fromNs, toNs, extremes } = facts.long.minute;
  const times = await page.evaluate(async ({ fromNs, toNs }) => {
    const viewer = document.querySelector("smalti-viewer") as HTMLElement & {
      setWindow(fromNs: bigint, toNs: bigint): void;
    };
    await new Promise((resolve) => setTimeout(resolve, 500));
    const asked = probe.asked.length;
    probe.told.length = 0;
    const start = performance.now();
    viewer.setWindow(BigInt(fromNs), BigInt(toNs));
    for (;;) {
      const end = await probe.painted();
      const ids = new Set(
        probe.asked.slice(asked).flatMap(({ kind, id }) => kind === "series" ? [id] : []),
      );
      const finals = probe.told.filter(({ id, message }) => ids.has(id) && message.part?.isFinal);
      if (finals.length >= 3 && finals.every(({ t }) => t < end)) {
        const firsts = probe.told.filter(({ id, kind }) => ids.has(id) && kind === "part");
        return { rows: end - start, first: firsts[0].t - start };
      }
    }
  }, { fromNs, toNs });
  const startNs = BigInt(facts.long.startNs);
  const seconds = [fromNs, toNs].map((ns) => Number(BigInt(ns) - startNs) / 1e9) as [number, number];
  for (const wanted of extremes) await checkAnyPlot(page, wanted, seconds);
  return { "rows": times.rows, "first answer": times.first };
}

/** To moments all over the recording; until the values of so many topics are on the screen. */
async function seeking(
  { browser, viewed, facts }: Measured,
  count: number,
): Promise<Figures> {
  const topics = facts.long.topics.slice(-count);
  const values = { type: "values", options: { topics: [...topics] } };
  const page = await browser.open(
    await viewed.url("long", layoutOf([plotOf(topics.at(-1)!)], [values])),
  );
  await settled(page, 1);
  const moments = facts.long.moments.map(({ ns, x }) => ({
    ns,
    wanted: Object.fromEntries(
      x.slice(-count).map((
        x,
        i,
      ) => [topics[i], String(Number(x.toPrecision(7)))]),
    ),
  }));
  const seek = (
    moments: readonly { ns: string; wanted: Record<string, string> }[],
  ) =>
    page.evaluate(async (moments) => {
      const viewer = document.querySelector("smalti-viewer") as HTMLElement & {
        currentNs: bigint;
      };
      for (
        const details of probe.root!.querySelectorAll<HTMLDetailsElement>(
          ".values details",
        )
      ) details.open = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
      const isRight = (wanted: Record<string, string>) => {
        let right = 0;
        for (const details of probe.root!.querySelectorAll(".values details")) {
          const name = details.querySelector("summary .clip")!.textContent!;
          if (details.querySelector("dd")?.textContent === wanted[name]) {
            right++;
          }
        }
        return right === Object.keys(wanted).length;
      };
      const all: number[] = [];
      for (const { ns, wanted } of moments) {
        // Away from what was drawn before, and from the frames.
        await new Promise((resolve) => setTimeout(resolve, 300 + 16 * Math.random()));
        const start = performance.now();
        viewer.currentNs = BigInt(ns);
        for (;;) {
          const end = await probe.painted();
          if (isRight(wanted)) {
            all.push(end - start);
            break;
          }
          if (end - start > 10_000) {
            throw new Error(
              `at ${ns} the values are not ${JSON.stringify(wanted)}`,
            );
          }
        }
      }
      return all;
    }, moments);
  const times = await seek(moments);
  return { "median": quantile(times, 0.5), "95%": quantile(times, 0.95) };
}

/** Three plots, a picture, a track and values, in a window of a minute. */
async function playedUrl({ viewed, facts }: Measured): Promise<string> {
  const topics = busiest(facts, 3);
  const layout = layoutOf(topics.map(plotOf), [
    { type: "image", options: { topic: "camera" } },
    {
      type: "track",
      options: {
        topic: "gps",
        kind: "geo",
        x: "gps.position.y",
        y: "gps.position.x",
      },
    },
    { type: "values", options: { topics: [...topics, "gps"] } },
  ]);
  const { fromNs, toNs } = facts.long.minute;
  return await viewed.url("long", layout, { t: fromNs, w: `${fromNs},${toNs}` });
}

/** Plays at 1x. */
async function playing(measured: Measured): Promise<Figures> {
  const { browser, facts: { long } } = measured;
  const page = await browser.open(await playedUrl(measured));
  await settled(page, 3);
  const played = await page.evaluate(async (seconds) => {
    const viewer = document.querySelector("smalti-viewer") as HTMLElement & {
      currentNs: bigint;
      play(): void;
      pause(): void;
    };
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const before = viewer.currentNs;
    probe.pictures = 0;
    probe.frames.length = 0;
    viewer.play();
    const gaps: number[] = [];
    const start = performance.now();
    let last = start;
    while (last - start < seconds * 1000) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      if (gaps.length > 0 || now > start) gaps.push(now - last);
      last = now;
    }
    const { pictures } = probe;
    const passed = Number(viewer.currentNs - before) / 1e6;
    viewer.pause();
    const costs = probe.frames.map(({ start, end }) => end - start);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const canvas = probe.root!.querySelector<HTMLCanvasElement>(
      'canvas[aria-label^="Picture"]',
    )!;
    const { data } = canvas.getContext("2d")!.getImageData(
      canvas.width >> 1,
      canvas.height >> 1,
      1,
      1,
    );
    return {
      gaps: gaps.slice(2),
      costs,
      pictures,
      passed,
      ns: `${viewer.currentNs}`,
      grey: data[0],
    };
  }, PLAYED);
  // What is shown is what holds where it stopped.
  const wanted = greyAt(long.pictures, BigInt(played.ns));
  check("grey of the picture", Math.abs(played.grey - wanted) <= 3, true);
  check(
    "time that was played",
    Math.abs(played.passed - PLAYED * 1000) < 100,
    true,
  );
  await checkTrack(page);
  return {
    "frame, median": quantile(played.gaps, 0.5),
    "frame, 95%": quantile(played.gaps, 0.95),
    "work of a frame, median": quantile(played.costs, 0.5),
    "work of a frame, 95%": quantile(played.costs, 0.95),
    "frames a second": 1000 * played.gaps.length /
      played.gaps.reduce((sum, gap) => sum + gap),
    "pictures a second": played.pictures / PLAYED,
  };
}

/** Plays the same, shows all of the recording, and weighs the renderer. */
async function memory(measured: Measured): Promise<Figures> {
  const { browser, facts: { long } } = measured;
  const page = await browser.openUnwatched(await playedUrl(measured));
  const { passed } = await page.evaluate(async ({ seconds, startNs, endNs }) => {
    type Viewer = HTMLElement & {
      readonly recording: unknown;
      readonly currentNs: bigint;
      play(): void;
      pause(): void;
      setWindow(fromNs: bigint, toNs: bigint): void;
    };
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const viewer = () => document.querySelector("smalti-viewer") as Viewer | null;
    while (!viewer()?.recording) await pause(100);
    await pause(2000);
    const before = viewer()!.currentNs;
    viewer()!.play();
    await pause(1000 * seconds);
    viewer()!.pause();
    const passed = Number(viewer()!.currentNs - before) / 1e6;
    viewer()!.setWindow(BigInt(startNs), BigInt(endNs));
    await pause(2000);
    return { passed };
  }, { seconds: PLAYED, startNs: long.startNs, endNs: long.endNs });
  check("time that was played", Math.abs(passed - PLAYED * 1000) < 500, true);
  const { resident, own } = await browser.memory();
  await page.close();
  return { "MB": resident, "MB of its own": own };
}

/** The value below which so large a part of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
