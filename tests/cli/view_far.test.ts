/**
 * What `smalti view` passes on of stores that are far away.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect, type Message, type TopicHandler } from "../../mod.ts";
import { Guard } from "../../src/cli/view/guard.ts";
import { servedBucket, servedWeb } from "../../src/cli/view/open_served.ts";
import { ViewServer } from "../../src/cli/view/server.ts";
import type { ServedStore } from "../../src/cli/view/shown_files.ts";
import { S3Proxy } from "../support/s3_proxy.ts";
import { anyS3Server, s3Installed, S3Server } from "../support/s3_server.ts";
import { until } from "../support/waiting.ts";
import { WebServer } from "../support/web_server.ts";
import { record, Value } from "./view_server_support.ts";

const TOPIC = "/store/drive/part/a.arrow";
const ROWS = 400_000;

/** A server on a store that is far away. */
interface FarView {
  url: string;
  token: string;
  /** What the server said went wrong. */
  errors: unknown[];
  /** Asks as a page that has the cookie does. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** Runs `body` with a server. */
async function withFarView(
  served: ServedStore,
  body: (viewed: FarView) => Promise<void>,
): Promise<void> {
  const page = await mkdtemp(join(tmpdir(), "smalti-page-"));
  await writeFile(join(page, "index.html"), "page");
  const guard = new Guard("127.0.0.1");
  const errors: unknown[] = [];
  const onError = (reason: unknown) => errors.push(reason);
  const server = await ViewServer.start({ host: "127.0.0.1", port: 0, guard, page, served, onError });
  try {
    const { url } = server;
    const headers = { Cookie: `smalti-view-${new URL(url).port}=${guard.token}` };
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(url + path.slice(1), { ...init, headers: { ...headers, ...init.headers } });
    await body({ url, token: guard.token, errors, ask });
  } finally {
    await server.close();
    await served.client.close();
    await rm(page, { recursive: true });
  }
}

/** Asks for ranges and by tags, as pages do; `asked` counts what the store was asked, `file` is what it has. */
async function checkPassing({ ask }: FarView, file: Uint8Array, asked: () => number): Promise<void> {
  const size = file.length;
  expect(size).toBeGreaterThan(4 * 2 ** 20); // several pieces
  const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());
  const head = await ask(TOPIC, { method: "HEAD" });
  const tag = head.headers.get("ETag")!;
  expect([head.status, head.headers.get("Content-Length"), await head.text()]).toEqual([200, `${size}`, ""]);
  const ranges: [string, number, number, number][] = [
    ["bytes=0-0", 0, 1, 1],
    ["bytes=100-70000", 100, 70_001, 1],
    [`bytes=${size - 9}-`, size - 9, size, 1],
    [`bytes=${size - 9}-${size + 9}`, size - 9, size, 1],
    ["bytes=-9", size - 9, size, 2],
    [`bytes=1-${size - 2}`, 1, size - 1, 2],
  ];
  for (const [range, first, end, requests] of ranges) {
    const before = asked();
    const answer = await ask(TOPIC, { headers: { Range: range } });
    const { status, headers } = answer;
    expect([range, status, headers.get("Content-Range"), headers.get("ETag")])
      .toEqual([range, 206, `bytes ${first}-${end - 1}/${size}`, tag]);
    expect(await bytesOf(answer)).toEqual(file.slice(first, end));
    expect([range, asked() - before]).toEqual([range, requests]);
  }
  const whole = await ask(TOPIC);
  expect([whole.status, whole.headers.get("Content-Length")]).toEqual([200, `${size}`]);
  expect(await bytesOf(whole)).toEqual(file);
  const beyond = await ask(TOPIC, { headers: { Range: `bytes=${size}-` } });
  expect([beyond.status, beyond.headers.get("Content-Range")]).toEqual([416, `bytes */${size}`]);
  const conditions: [Record<string, string>, number, number][] = [
    [{ "If-None-Match": tag }, 304, 0],
    [{ "If-None-Match": `"x", ${tag}` }, 304, 0],
    [{ "If-None-Match": `"x"` }, 206, 10],
    [{ "If-Match": tag }, 206, 10],
    [{ "If-Match": `"x"` }, 412, 27],
    [{ "If-Range": tag }, 206, 10],
  ];
  for (const [headers, status, length] of conditions) {
    const answer = await ask(TOPIC, { headers: { Range: "bytes=0-9", ...headers } });
    expect([headers, answer.status, (await bytesOf(answer)).length]).toEqual([headers, status, length]);
  }
}

/** Whether a client over the server reads what one at the store does. */
async function checkReplay({ url, token }: FarView, near: Client): Promise<void> {
  const far = await connect(`${url}store/?token=${token}`);
  try {
    expect(await far.listSequences()).toEqual(["drive"]);
    const [there, here] = await Promise.all([far, near].map((at) => at.topicHandler("drive", "part/a")));
    expect(await there.verify({ deep: true })).toEqual([]);
    // As texts: Bun takes no NaN for another, and buckets may be empty.
    const texts = async (topic: TopicHandler) => {
      const { fields } = await topic.series({ fields: ["value"], buckets: 50 });
      return [...fields.values()].map(({ min, max }) => [...min, ...max].join());
    };
    expect(await texts(there)).toEqual(await texts(here));
  } finally {
    await far.close();
  }
}

describe("What is on a web server", () => {
  let directory: string;
  let near: Client;
  let web: WebServer;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "smalti-far-"));
    await mkdir(join(directory, "fleet"));
    near = await connect(join(directory, "fleet"));
    await record(near, "drive", ROWS);
    web = await WebServer.start(directory);
  });
  afterAll(async () => {
    await web.stop();
    await near.close();
    await rm(directory, { recursive: true });
  });

  /** A server on it; the URL has what is nobody's business. */
  async function withWeb(body: (viewed: FarView) => Promise<void>): Promise<void> {
    web.trick = () => ({});
    const url = web.url.replace("//", "//user:sesame@");
    await withFarView(await servedWeb(`${url}fleet/?signature=hidden`), body);
  }

  it("is passed on, a request for a request", async () => {
    const file = new Uint8Array(await readFile(join(directory, "fleet/drive/part/a.arrow")));
    await withWeb((viewed) => checkPassing(viewed, file, () => web.asked.length));
  });

  it("is listed where there is a list, and replayed", async () => {
    const list = join(directory, "fleet/index.json");
    await withWeb(async (viewed) => {
      expect((await viewed.ask("/store/index.json")).status).toBe(404);
      const sequences = [{ name: "drive", directory: "drive" }];
      await writeFile(list, JSON.stringify({ format: "smalti index", version: 1, sequences }));
      try {
        const listed = await (await viewed.ask("/store/index.json")).json();
        expect(listed.sequences).toEqual([{ name: "drive", directory: "drive" }]);
        await checkReplay(viewed, near);
      } finally {
        await rm(list);
      }
    });
  });

  it("is asked with what its URL has to say who asks, of which nothing reaches the page", async () => {
    await withWeb(async ({ ask, errors, token }) => {
      web.asked.length = 0;
      const paths = [TOPIC, "/store/drive/sequence.json", "/store/drive/none.arrow", "/viewer.json", "/"];
      const answers = await Promise.all(
        paths.map((path) => ask(path, { headers: { Range: "bytes=0-999" } })),
      );
      web.trick = () => ({ status: 403 });
      answers.push(await ask(TOPIC));
      web.trick = () => ({ status: 401 });
      answers.push(await ask(TOPIC));
      expect(answers.map(({ status }) => status)).toEqual([206, 206, 404, 204, 206, 403, 403]);
      for (const answer of answers) {
        const told = JSON.stringify([...answer.headers]) + await answer.text();
        expect(told).not.toMatch(/sesame|hidden/);
        expect(answer.headers.get("Content-Security-Policy")).toContain("connect-src 'self';");
      }
      expect(errors.map(String).join()).toContain("401");
      expect(errors.map(String).join()).not.toMatch(/sesame|hidden/);
      for (const { url, headers } of web.asked) {
        expect(url).toContain("?signature=hidden");
        expect(headers.authorization).toBe(`Basic ${btoa("user:sesame")}`);
        expect(JSON.stringify(headers)).not.toContain(token);
      }
    });
  });

  it("is no longer asked for once the page has gone", async () => {
    await withWeb(async ({ ask, errors }) => {
      let go = () => {};
      const wait = new Promise<void>((resolve) => go = resolve);
      web.asked.length = 0;
      web.trick = () => ({ wait });
      const stop = new AbortController();
      const asked = ask(TOPIC, { signal: stop.signal }).catch((reason) => reason.name);
      await until(() => web.asked.length === 1);
      stop.abort();
      expect(await asked).toBe("AbortError");
      await until(() => web.active === 0);
      expect([web.asked.map(({ ended }) => ended), errors]).toEqual([["cut"], []]);
      go();
    });
  });

  it("may be away for a while, or another in the midst of an answer", async () => {
    await withWeb(async ({ ask, errors }) => {
      web.trick = () => ({ status: 503 });
      const away = await ask(TOPIC);
      expect([away.status, await away.text()]).toEqual([503, expect.stringContaining("terminal")]);
      web.trick = ({ range }) => ({ tag: range?.startsWith("0-") ? `"one"` : `"two"` });
      // What came until then is not taken for whole.
      await expect(ask(TOPIC).then((answer) => answer.arrayBuffer())).rejects.toThrow();
      expect(errors.map(String)).toEqual([
        expect.stringContaining("503"),
        expect.stringContaining("written anew"),
      ]);
    });
  });

  it("takes no layouts, and says why", async () => {
    await withWeb(async ({ ask }) => {
      const headers = { "Content-Type": "application/json" };
      const refused = await ask("/viewer.json", { method: "PUT", body: "{}", headers });
      expect([refused.status, await refused.text()]).toEqual([
        403,
        expect.stringMatching(/^Cannot save layouts in http:.*: it is read only over HTTP\n$/),
      ]);
    });
  });

  it("tells of no changes: pages look themselves", async () => {
    await withWeb(async ({ ask }) => {
      expect((await ask("/events")).status).toBe(404);
      expect((await ask(TOPIC, { method: "HEAD" })).headers.get("Link")).toBe(null);
    });
  });
});

const skipped = anyS3Server === undefined ? s3Installed("moto").skipped : "";

describe.skipIf(skipped)(`What is in a bucket${skipped}`, () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let near: Client;
  beforeAll(async () => {
    server = await S3Server.start(anyS3Server!);
    proxy = await S3Proxy.start(server.endpoint);
    near = await connect(server.url("fleet"), { s3: server.options({ write: true }) });
    await record(near, "drive", ROWS);
  }, 60_000);
  afterAll(async () => {
    await near?.close();
    await proxy?.stop();
    await server?.stop();
  });

  async function withBucket(body: (viewed: FarView) => Promise<void>): Promise<void> {
    const options = server.options({ endpoint: proxy.endpoint, retryMs: 500 });
    proxy.trick = () => undefined;
    await withFarView(await servedBucket(server.url("fleet"), options), body);
  }

  it("is passed on, a request for a request", async () => {
    const found = await server.open().get("fleet/drive/part/a.arrow", 0, 2 ** 30);
    if (typeof found !== "object") throw new Error(found);
    await withBucket((viewed) => checkPassing(viewed, found.bytes, () => proxy.asked.length));
  });

  it("is listed and replayed", async () => {
    await withBucket(async (viewed) => {
      proxy.asked.length = 0;
      const listed = await (await viewed.ask("/store/index.json")).json();
      expect(listed.sequences).toEqual([{ name: "drive", directory: "drive" }]);
      expect(proxy.asked.length).toBe(1);
      await checkReplay(viewed, near);
    });
  });

  it("is no longer asked for once the page has gone, and may be away for a while", async () => {
    await withBucket(async ({ ask, errors }) => {
      let go = () => {};
      const wait = new Promise<void>((resolve) => go = resolve);
      proxy.asked.length = 0;
      proxy.trick = () => ({ wait });
      const stop = new AbortController();
      const asked = ask(TOPIC, { signal: stop.signal }).catch((reason) => reason.name);
      await until(() => proxy.asked.length === 1);
      stop.abort();
      expect(await asked).toBe("AbortError");
      go();
      proxy.trick = () => ({ status: 503 });
      const away = await ask(TOPIC);
      expect([away.status, await away.text()]).toEqual([503, expect.stringContaining("terminal")]);
      proxy.trick = () => ({ status: 403, code: "AccessDenied" });
      const refused = await ask(TOPIC);
      expect([refused.status, await refused.text()]).toEqual([403, "This may not be read\n"]);
      expect(errors.map(String)).toEqual([expect.stringContaining("GET /store/drive/part/a.arrow")]);
    });
  });

  it("gets the layouts that are saved, under the conditions of the page", async () => {
    await withBucket(async ({ ask }) => {
      const put = (body: string, headers: Record<string, string>) =>
        ask("/viewer.json", {
          method: "PUT",
          body,
          headers: { "Content-Type": "application/json", ...headers },
        });
      expect((await ask("/viewer.json")).status).toBe(204);
      expect((await put('{"n":1}', { "If-None-Match": "*" })).status).toBe(204);
      const saved = await ask("/viewer.json");
      expect(await saved.text()).toBe('{"n":1}');
      expect((await put('{"n":2}', { "If-None-Match": "*" })).status).toBe(412);
      expect((await put('{"n":3}', { "If-Match": saved.headers.get("ETag")! })).status).toBe(204);
      expect(await (await ask("/store/viewer.json")).text()).toBe('{"n":3}');
      await server.open().delete(["fleet/viewer.json"]);
    });
  });

  it("is followed while it is recorded", async () => {
    await withBucket(async ({ url, token }) => {
      const sequence = await near.sequenceCreate("live", { autoFlush: false });
      const topic = await sequence.topicCreate("a", { ontology: Value });
      const push = async (from: number, to: number) => {
        for (let i = from; i < to; i++) await topic.push({ timestampNs: BigInt(i), data: { value: i } });
        await sequence.flush();
      };
      await push(0, 10);
      const far = await connect(`${url}store/?token=${token}`);
      try {
        const handler = await far.sequenceHandler("live", { follow: true });
        const found: [string, Message][] = [];
        const stream = handler.getDataStreamer({ follow: true });
        const following = (async () => {
          for await (const item of stream) found.push(item);
        })();
        for (let at = 10; at <= 30; at += 10) {
          await until(() => found.length >= at - 1);
          await push(at, at + 10);
        }
        await sequence.finalize();
        await following;
        expect(found.map(([, { timestampNs }]) => Number(timestampNs))).toEqual([...Array(40).keys()]);
      } finally {
        await far.close();
        await near.sequenceDelete("live");
      }
    });
  });
});
