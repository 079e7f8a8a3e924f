/**
 * The package in pages of a real Chromium.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Playwright from "../../tests/packaging/node_modules/playwright-core/types/types.d.ts";
import { run } from "../tooling.ts";
import { packaging } from "./bundle.ts";
import { expectSame, fail } from "./project.ts";
import { flight, formats, type Site } from "./site.ts";

/** How long a page may take. */
const PAGE_MS = 60_000;

/** Path of the system's Chromium, installed first where this is Debian and we may; else why there is none. */
export async function findChromium(): Promise<{ path: string } | { missing: string }> {
  const found = lookUp();
  if (found) return found;
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return { missing: "not installed, and we are not root" };
  const system = await Deno.readTextFile("/etc/os-release").catch(() => "");
  if (!/^ID=debian$/m.test(system)) return { missing: "not installed, and this is not Debian" };
  const options = { quiet: true, env: { DEBIAN_FRONTEND: "noninteractive" } };
  await run(["apt-get", "update"], options);
  const install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"];
  const { output } = await run(install, options);
  return lookUp() ?? { missing: `not installed; apt-get says: ${output.trim().split("\n").at(-1)}` };
}

function lookUp(): { path: string } | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
      const path = `${directory}/${name}`;
      if (existsSync(path)) return { path };
    }
  }
}

/** Opens each page, and once more under a policy that forbids WebAssembly; the one whose worker imports recordings, and those with pictures. */
export async function checkPages(executablePath: string, site: Site, pages: string[]): Promise<void> {
  const { chromium } = createRequire(`${packaging}/package.json`)("playwright-core") as typeof Playwright;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const replayed = (engine: string) => ({ engine, messages: flight.messages, sha256: flight.order_sha256 });
  try {
    for (const path of [...pages, ...pages.map((page) => `strict/${page}`)]) {
      const strict = path.startsWith("strict/");
      const engine = strict ? "js" : "wasm";
      expectSame(`Chromium, ${path}`, await open(browser, `${site.url}${path}`), {
        flight: replayed(engine),
        flightJs: replayed("js"),
        flightS3: replayed(engine),
        memory: engine,
        forced: strict ? "UNSUPPORTED" : "wasm",
        // Two connects of the main entry: one instance of the bundled module.
        shared: !strict && !path.includes("slim"),
        directory: "UNSUPPORTED",
      });
    }
    const path = "esbuild/page_import.html";
    expectSame(`Chromium, ${path}`, await open(browser, `${site.url}${path}`), await importedCounts());
    for (const path of ["esbuild/page_image.html", "vite/page_image.html", "strict/vite/page_image.html"]) {
      expectSame(`Chromium, ${path}`, await open(browser, `${site.url}${path}`), {
        depth: [1, 256, 257, 65535],
        png: [1, 256, 257, 65535],
        // 9 names of 8 and 16 bits, 7 types of 1 to 4 channels, 7 in YUV.
        encodings: 2 * 9 + 7 * 4 + 7,
        colours: 0,
        jpegIsClose: true,
        webpIsClose: true,
        damaged: "CORRUPT",
        video: [0, 1, 2, 3, 4, 5, 6, 7],
        videoFromTheMiddle: [5, 6, 7],
        tiff: "UNSUPPORTED",
      });
    }
  } finally {
    await browser.close();
  }
}

/** How many messages the files have that a page imports in its worker. */
async function importedCounts(): Promise<Record<string, number>> {
  const expected = JSON.parse(await Deno.readTextFile(`${formats}/expected.json`)) as Record<
    string,
    { rows: number }
  >;
  const names = ["every_type.mcap", "fake_joint_state-bz2.bag", "talker.db3", "test_ulog.ulg"];
  return Object.fromEntries(names.map((name) => [name, expected[name].rows]));
}

/** What a page reports, see tests/packaging/report.mjs. */
async function open(browser: Playwright.Browser, url: string): Promise<unknown> {
  const tab = await browser.newPage();
  const said: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reported = new Promise<string>((resolve, reject) => {
    tab.on("console", (message) => {
      const text = message.text();
      said.push(text);
      if (/^(result|failed) /.test(text)) resolve(text);
    });
    tab.on("pageerror", reject);
    timer = setTimeout(() => reject(new Error(`no report, but:\n${said.join("\n")}`)), PAGE_MS);
  });
  try {
    const [text] = await Promise.all([reported, tab.goto(url)]);
    if (text.startsWith("failed")) throw new Error(text);
    return JSON.parse(text.slice("result ".length));
  } catch (reason) {
    fail(`Chromium, ${url}: ${(reason as Error).message}`);
  } finally {
    clearTimeout(timer);
    await tab.close();
  }
}
