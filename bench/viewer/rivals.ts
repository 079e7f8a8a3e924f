/// <reference lib="dom" />
/**
 * What others take for the same in the same browser: `@mcap/core` reading the messages, and Rerun's web viewer, where
 * SMALTI_RERUN is a directory with `node_modules/@rerun-io/web-viewer` and `big.rrd` (the field of the recording `big`).
 *
 * @module
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type * as Esbuild from "../../tests/packaging/node_modules/esbuild/lib/main.d.ts";
import { packaging } from "../../tools/package/bundle.ts";
import { root } from "../../tools/tooling.ts";
import { check } from "../compare.ts";
import type { Browser, Page } from "./browser.ts";
import type {} from "./mcap_page.ts";
import { type Figures, quantile } from "./goals.ts";
import type { Recordings } from "./recordings.ts";

/** Measurements of rivals by name. */
export const rivals: Readonly<
  Record<string, (browser: Browser, recordings: Recordings) => Promise<Figures>>
> = {
  mcap,
  rerun,
};

const SEEKS = 8;

async function mcap(
  browser: Browser,
  { mcap, facts: { long } }: Recordings,
): Promise<Figures> {
  const script = await bundled(`${root}/bench/viewer/mcap_page.ts`);
  const server = await serve({ "page.js": script, "long.mcap": mcap });
  try {
    const page = await browser.open(`${server.url}page.html`);
    await page.waitForFunction(() => globalThis.mcapPage !== undefined);
    const topics = long.topics.slice(-3).reverse();
    const read = (
      topics: readonly string[],
      window?: { fromNs: string; toNs: string },
    ) =>
      page.evaluate(({ topics, window }) =>
        mcapPage.read(
          "long.mcap",
          topics,
          window &&
            {
              startTime: BigInt(window.fromNs),
              endTime: BigInt(window.toNs) - 1n,
            },
        ), { topics, window });
    const one = await read(topics.slice(0, 1));
    check(
      "extremes",
      JSON.stringify(one.extremes),
      JSON.stringify(long.extremes.slice(0, 1)),
    );
    const minute = await read(topics, long.minute);
    check(
      "extremes of a minute",
      JSON.stringify(minute.extremes),
      JSON.stringify(long.minute.extremes),
    );
    const seek = async (count: number) => {
      const all: number[] = [];
      for (const { ns, x } of long.moments.slice(0, SEEKS)) {
        const { ms, values } = await page.evaluate(
          ({ topics, ns }) => mcapPage.latest(topics, BigInt(ns)),
          { topics: long.topics.slice(-count), ns },
        );
        check(
          "values",
          JSON.stringify(values),
          JSON.stringify(x.slice(-count)),
        );
        all.push(ms);
      }
      return quantile(all, 0.5);
    };
    const figures: Record<string, number> = {
      "all of the busiest topic": one.ms,
      "60 s of three topics": minute.ms,
      "seek, one topic": await seek(1),
      "seek, 20 topics": await seek(20),
    };
    const all = await read(long.topics);
    check("messages", all.count, long.messages);
    figures["all topics"] = all.ms;
    figures["MB of its own"] = (await browser.memory()).own;
    return figures;
  } finally {
    server.stop();
  }
}

async function rerun(browser: Browser): Promise<Figures> {
  const directory = process.env.SMALTI_RERUN;
  if (directory === undefined) {
    console.log("skipped: rerun, SMALTI_RERUN names no directory");
    return {};
  }
  const folder = `${directory}/node_modules/@rerun-io/web-viewer`;
  const script = await bundled(
    `${folder}/index.js`,
    "globalThis.WebViewer = WebViewer;",
  );
  const server = await serve({
    "page.js": script,
    "re_viewer_bg.wasm": `${folder}/re_viewer_bg.wasm`,
    "big.rrd": `${directory}/big.rrd`,
  });
  try {
    const page = await browser.open(`${server.url}page.html`);
    await page.evaluate(async () => {
      const { WebViewer } = globalThis as unknown as {
        WebViewer: new () => { start(...args: unknown[]): Promise<void> };
      };
      await new WebViewer().start(
        new URL("big.rrd", location.href).href,
        document.body,
        {
          width: "1400px",
          height: "900px",
          hide_welcome_screen: true,
        },
      );
    });
    const begun = await page.evaluate(() => performance.now());
    const first = await linesSeen(page, 100);
    const all = await linesSeen(page, 700);
    const { resident, own } = await browser.memory();
    await page.screenshot({ path: `${root}/dist/rerun.png` });
    return {
      "viewer begun": begun,
      "first of the line": first,
      "line": all,
      "MB": resident,
      "MB of its own": own,
    };
  } finally {
    server.stop();
  }
}

/** When so many columns of the plot's place have a colour, since the navigation. */
async function linesSeen(page: Page, wanted: number): Promise<number> {
  for (;;) {
    const picture = await page.screenshot({
      clip: { x: 300, y: 100, width: 1000, height: 600 },
      timeout: 120_000,
    });
    const { now, count } = await page.evaluate(async (base64) => {
      const now = performance.now();
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const { width, height, canvas } = await (async () => {
        const image = await createImageBitmap(
          new Blob([bytes], { type: "image/png" }),
        );
        const canvas = new OffscreenCanvas(image.width, image.height)
          .getContext("2d")!;
        canvas.drawImage(image, 0, 0);
        return { width: image.width, height: image.height, canvas };
      })();
      const { data } = canvas.getImageData(0, 0, width, height);
      let count = 0;
      for (let x = 0; x < width; x++) {
        for (let y = 0; y < height; y++) {
          const [r, g, b] = data.subarray((y * width + x) * 4);
          if (Math.max(r, g, b) - Math.min(r, g, b) < 60) continue;
          count++;
          break;
        }
      }
      return { now, count };
    }, picture.toString("base64"));
    if (count >= wanted) return now;
    if (now > 240_000) return NaN;
    await page.waitForTimeout(200);
  }
}

async function bundled(path: string, more = ""): Promise<Uint8Array> {
  const esbuild = createRequire(`${packaging}/package.json`)(
    "esbuild",
  ) as typeof Esbuild;
  try {
    const contents = more === ""
      ? `import ${JSON.stringify(path)};`
      : `import { WebViewer } from ${JSON.stringify(path)};${more}`;
    const { outputFiles } = await esbuild.build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      minify: true,
    });
    return outputFiles![0].contents;
  } finally {
    await esbuild.stop();
  }
}

/** Serves bytes, and files by ranges; `page.html` has the script `page.js`. */
async function serve(
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<{ url: string; stop(): void }> {
  const page = new TextEncoder().encode(
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
  );
  const server: Server = createServer((request, response) => {
    const name = request.url!.slice(1);
    const file = name === "page.html" ? page : Object.hasOwn(files, name) ? files[name] : undefined;
    if (file === undefined || (typeof file === "string" && !existsSync(file))) {
      return void response.writeHead(404).end();
    }
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const type = /html$/.test(name)
      ? "text/html"
      : /js$/.test(name)
      ? "text/javascript"
      : /wasm$/.test(name)
      ? "application/wasm"
      : "application/octet-stream";
    const handle = typeof file === "string" ? openSync(file, "r") : undefined;
    try {
      const size = typeof file === "string" ? fstatSync(handle!).size : file.length;
      const [first, end] = [Number(from), to === "" ? size : Number(to) + 1];
      response.writeHead(request.headers.range ? 206 : 200, {
        "content-type": type,
        "content-length": end - first,
        ...(request.headers.range &&
          { "content-range": `bytes ${first}-${end - 1}/${size}` }),
      });
      if (request.method === "HEAD") return void response.end();
      if (typeof file !== "string") {
        return void response.end(file.subarray(first, end));
      }
      const bytes = new Uint8Array(end - first);
      readSync(handle!, bytes, 0, bytes.length, first);
      response.end(bytes);
    } finally {
      if (handle !== undefined) closeSync(handle);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => void (server.closeAllConnections(), server.close()),
  };
}
