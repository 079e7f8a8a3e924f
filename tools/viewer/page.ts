/// <reference lib="dom" />
/**
 * Pages of a real Chromium, and what the checks of the viewer look at in them.
 *
 * @module
 */
import { createRequire } from "node:module";
import type * as Playwright from "../../tests/packaging/node_modules/playwright-core/types/types.d.ts";
import { packaging } from "../package/bundle.ts";

/** A page that is open. */
export type Page = Playwright.Page;

/** What was wrong. */
export class CheckError extends Error {
  override name = "CheckError";
}

/** Fails unless it holds. */
export function check(holds: unknown, message: string): asserts holds {
  if (!holds) throw new CheckError(message);
}

/** A browser, and where its pictures go. */
export interface Browser {
  /** Opens a page; what it complains of in its console, and errors, fail the check that opened it. */
  open(url: string, options?: PageOptions): Promise<Page>;
  /** Fails where a page complained. */
  checkSilent(): void;
  /** Forgets what pages complained of. */
  forget(): void;
  /** Closes all pages. */
  closePages(): Promise<void>;
  close(): Promise<void>;
}

/** Options of a page. */
export interface PageOptions {
  width?: number;
  height?: number;
  scheme?: "dark" | "light";
  /** Whether it is used by fingers. @default false */
  touch?: boolean;
  /** Complaints that are meant to come. */
  expected?: RegExp;
}

/** Starts it. */
export async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = createRequire(`${packaging}/package.json`)("playwright-core") as typeof Playwright;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const complaints: string[] = [];
  return {
    async open(url, { width = 1400, height = 900, scheme = "dark", touch = false, expected } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        hasTouch: touch,
        permissions: ["clipboard-read", "clipboard-write"],
      });
      const page = await context.newPage();
      const complain = (text: string) => void (expected?.test(text) || complaints.push(`${url}: ${text}`));
      page.on("console", (message) => message.type() === "error" && complain(message.text()));
      page.on("pageerror", (error) => complain(String(error.stack ?? error)));
      await page.goto(url);
      return page;
    },
    checkSilent() {
      const said = complaints.splice(0);
      check(said.length === 0, `the page complained:\n${said.join("\n")}`);
    },
    forget: () => void complaints.splice(0),
    async closePages() {
      for (const context of browser.contexts()) await context.close();
    },
    close: () => browser.close(),
  };
}

/** Waits until plots are drawn and nothing is read any more: the tag of each plot tells how it is drawn. */
export async function drawn(page: Page, plots = 1, tag: RegExp = /[a-z]$/): Promise<void> {
  await page.waitForFunction(
    ([plots, tag]) => {
      const root = document.querySelector("smalti-viewer")?.shadowRoot;
      const tags = [...root?.querySelectorAll(".plot + .tag") ?? []];
      return tags.length >= plots && tags.every(({ textContent }) => new RegExp(tag).test(textContent));
    },
    [plots, tag.source] as const,
    { timeout: 30_000 },
  );
  // Two frames, so that what came last is on the screen.
  await page.evaluate(() =>
    new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  );
}

/** What the page is at: cursor and window in nanoseconds, from the URL, which is written a moment after they have changed. */
export async function urlState(page: Page): Promise<{ t: bigint; from: bigint; to: bigint }> {
  await page.waitForFunction(() => {
    const { currentNs, windowNs } = document.querySelector("smalti-viewer") as HTMLElement & {
      currentNs?: bigint;
      windowNs?: { fromNs: bigint; toNs: bigint };
    };
    const hash = new URLSearchParams(location.hash.slice(1));
    return windowNs && hash.get("t") === `${currentNs}` &&
      hash.get("w") === `${windowNs.fromNs},${windowNs.toNs}`;
  });
  const hash = new URLSearchParams(new URL(page.url()).hash.slice(1));
  const [from = "0", to = "0"] = (hash.get("w") ?? "").split(",");
  return { t: BigInt(hash.get("t") ?? 0), from: BigInt(from), to: BigInt(to) };
}

/** How many pixels of a picture of an element are of a colour, by column. */
export async function columnsOf(
  page: Page,
  selector: string,
  isWanted: (r: number, g: number, b: number) => boolean,
): Promise<number[]> {
  const picture = await page.locator(selector).first().screenshot();
  const pixels = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
    let text = "";
    for (let at = 0; at < data.length; at += 8192) {
      text += String.fromCharCode(...data.subarray(at, at + 8192));
    }
    return { text: btoa(text), width, height };
  }, picture.toString("base64"));
  const data = Uint8Array.from(atob(pixels.text), (char) => char.charCodeAt(0));
  const columns = new Array<number>(pixels.width).fill(0);
  for (let y = 0; y < pixels.height; y++) {
    for (let x = 0; x < pixels.width; x++) {
      const at = (y * pixels.width + x) * 4;
      if (isWanted(data[at], data[at + 1], data[at + 2])) columns[x]++;
    }
  }
  return columns;
}
