/// <reference lib="dom" />
/**
 * A real Chromium, and the built page as `smalti view` serves it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import type * as Playwright from "../../tests/packaging/node_modules/playwright-core/types/types.d.ts";
import { viewerDirectory } from "../../tools/build_viewer.ts";
import { packaging } from "../../tools/package/bundle.ts";
import { root } from "../../tools/tooling.ts";
import type { Layout, LayoutNode, PanelState } from "../../src/viewer/app/layout.ts";
import { packLayout } from "../../src/viewer/app/url_state.ts";
import { installProbe } from "./probe.ts";
import { openUnwatched, type UnwatchedPage } from "./unwatched_page.ts";

/** A page that is open. */
export type Page = Playwright.Page;

/** What the page loaded, and when: `t` is when it had come, as the page's `performance.now()`. */
export interface Loaded {
  readonly url: string;
  readonly start: number;
  readonly t: number;
  readonly bytes: number;
}

/** A browser. */
export interface Browser {
  /** Opens a page in a profile of its own, with nothing kept, and watches it. */
  open(url: string): Promise<Page>;
  /** Opens one that is not watched. */
  openUnwatched(url: string): Promise<UnwatchedPage>;
  close(): Promise<void>;
  /** Megabytes of the largest renderer: resident, and of it what it shares with nobody. */
  memory(): Promise<{ resident: number; own: number }>;
}

/** Starts it. */
export async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = createRequire(`${packaging}/package.json`)(
    "playwright-core",
  ) as typeof Playwright;
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox"],
  });
  return {
    async open(url) {
      for (const context of browser.contexts()) await context.close();
      const context = await browser.newContext({
        viewport: { width: 1400, height: 900 },
        colorScheme: "dark",
      });
      await context.addInitScript(installProbe);
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      page.on(
        "pageerror",
        (error) => console.error(`the page: ${error.stack ?? error}`),
      );
      page.on(
        "console",
        (message) =>
          message.type() === "error" &&
          console.error(`the page: ${message.text()}`),
      );
      await page.goto(url);
      return page;
    },
    async openUnwatched(url) {
      for (const context of browser.contexts()) await context.close();
      return await openUnwatched(browser, url, { width: 1400, height: 900 });
    },
    close: () => browser.close(),
    async memory() {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      await session.detach();
      const sizes = processInfo.filter(({ type }) => type === "renderer").map((
        { id },
      ) => memoryOf(id));
      return sizes.reduce((most, one) => one.own > most.own ? one : most);
    },
  };
}

function memoryOf(pid: number): { resident: number; own: number } {
  const path = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(path)) return { resident: 0, own: 0 };
  const text = readFileSync(path, "utf8");
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1000;
  return {
    resident: mb("Rss"),
    own: mb("Private_Clean") + mb("Private_Dirty"),
  };
}

/** `smalti view` of a store. */
export interface Viewed {
  /** Address of a recording with a layout, in a link; with the one it is given anyway without. */
  url(
    recording: string,
    layout?: Layout,
    more?: Readonly<Record<string, string>>,
  ): Promise<string>;
  stop(): void;
}

/** Starts it, in a process of its own. */
export async function view(store: string): Promise<Viewed> {
  const command = [
    "run",
    "-A",
    `${root}/src/cli/main.ts`,
    "view",
    "--store",
    store,
    "--no-open",
  ];
  const child = spawn(process.execPath, command, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise<URL>((resolve, reject) => {
    lines.on("line", (line) => {
      const found = / at (http:\S+)$/.exec(line);
      if (found) resolve(new URL(found[1]));
    });
    child.on(
      "exit",
      (code) => reject(new Error(`smalti view ended with ${code}`)),
    );
  });
  return {
    async url(recording, layout, more = {}) {
      const at = new URL(address);
      at.searchParams.set("url", `store/${recording}`);
      at.hash = `${new URLSearchParams({
        ...more,
        ...(layout && { p: await packLayout(layout) }),
      })}`;
      return at.href;
    },
    stop: () => void child.kill(),
  };
}

/** Panels side by side in columns. */
export function layoutOf(
  ...columns: readonly (readonly PanelState[])[]
): Layout {
  const panels: Layout["panels"] = {};
  const nodes = columns.map((column, x): LayoutNode => {
    const children = column.map((panel, y): LayoutNode => {
      const id = `p${x}-${y}`;
      panels[id] = panel;
      return { kind: "tabs", panels: [id], active: id };
    });
    return children.length === 1 ? children[0] : { kind: "column", sizes: children.map(() => 1), children };
  });
  const root: LayoutNode = nodes.length === 1 ? nodes[0] : {
    kind: "row",
    sizes: nodes.map((_, i) => i === 0 ? 2 : 1),
    children: nodes,
  };
  return { version: 1, panels, root };
}

/** A plot of one field. */
export function plotOf(topic: string): PanelState {
  return {
    type: "plot",
    options: { lines: [{ text: `\`${topic}\`.acceleration.x` }] },
  };
}

/** What page and worker have loaded. */
export async function loadedBy(page: Page): Promise<Loaded[]> {
  const entries = () =>
    performance.getEntriesByType("resource").map((entry) => {
      const { name, startTime, responseEnd, encodedBodySize } = entry as PerformanceResourceTiming;
      return {
        url: name,
        start: startTime,
        t: responseEnd,
        bytes: encodedBodySize,
      };
    });
  const origin = await page.evaluate(() => performance.timeOrigin);
  const own = await page.evaluate(entries);
  const workers = await Promise.all(
    page.workers().map(async (worker) => {
      const shift = await worker.evaluate(() => performance.timeOrigin) -
        origin;
      return (await worker.evaluate(entries)).map((one) => ({
        ...one,
        start: one.start + shift,
        t: one.t + shift,
      }));
    }),
  );
  return [
    { url: new URL(page.url()).origin + "/", start: 0, t: 0, bytes: 0 },
    ...own,
    ...workers.flat(),
  ];
}

/** Bytes of the page's own files, gzipped. */
export function gzippedSize(loaded: readonly Loaded[]): number {
  const names = new Set(
    loaded.map(({ url }) => new URL(url).pathname).filter((path) => !path.startsWith("/store/")),
  );
  let sum = 0;
  for (const path of names) {
    const file = `${viewerDirectory}${path === "/" ? "/index.html" : path}`;
    if (existsSync(file)) sum += gzipSync(readFileSync(file)).length;
  }
  return sum;
}
