/**
 * What `smalti view` serves, and what it refuses, by requests as they go over the wire.
 */
import { Buffer } from "node:buffer";
import { appendFile, mkdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_LAYOUT_BYTES } from "../../src/cli/view/layout_file.ts";
import { Guard } from "../../src/cli/view/guard.ts";
import { askRaw, PAGE, record, type Viewed, withView } from "./view_server_support.ts";

const TOPIC = "/store/drive/part/a.arrow";

/** Lines of a request that has the token. */
function lines({ guard, port }: Viewed, path: string, method = "GET", host = `127.0.0.1:${port}`): string[] {
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `Cookie: smalti-view-${port}=${guard.token}`];
}

describe("The token", () => {
  it("opens everything, and nothing is there without it", async () => {
    await withView(async ({ server, port, guard, client }) => {
      await record(client, "other");
      const paths = [
        "",
        "index.html",
        "assets/main.js",
        TOPIC.slice(1),
        "store/index.json",
        "viewer.json",
        "events",
      ];
      const wrong = ["", "x", guard.token.slice(1), `${guard.token}x`];
      for (const path of [...paths, "no/such/file"]) {
        const tries: [string, Record<string, string>][] = [
          [path, {}],
          ...wrong.map((token): [string, Record<string, string>] => [`${path}?token=${token}`, {}]),
          ...wrong.map((
            token,
          ): [string, Record<string, string>] => [path, { Cookie: `smalti-view-${port}=${token}` }]),
          // Another port's cookie.
          [path, { Cookie: `smalti-view-${port + 1}=${guard.token}` }],
        ];
        for (const [url, headers] of tries) {
          const response = await fetch(server.url + url, { headers, redirect: "manual" });
          expect([url, headers, response.status]).toEqual([url, headers, 401]);
          expect(await response.text()).toContain("smalti view");
        }
      }
      for (const path of paths.filter((path) => path !== "" && path !== "index.html" && path !== "events")) {
        const { status } = await fetch(`${server.url}${path}?token=${guard.token}`);
        expect([path, status]).toEqual([path, path === "viewer.json" ? 204 : 200]);
      }
    });
  });

  it("becomes a cookie, and goes out of the address", async () => {
    await withView(async ({ server, guard, port }) => {
      const url = `${server.url}?token=${guard.token}&url=store%2Fdrive`;
      const response = await fetch(url, { redirect: "manual" });
      expect([response.status, response.headers.get("Location")]).toEqual([303, "/?url=store%2Fdrive"]);
      const cookie = response.headers.get("Set-Cookie")!;
      expect(cookie).toBe(`smalti-view-${port}=${guard.token}; Path=/; HttpOnly; SameSite=Strict`);
      const page = await fetch(server.url, { headers: { Cookie: `a=b; ${cookie.split(";")[0]}; c` } });
      expect([page.status, await page.text()]).toEqual([200, PAGE["index.html"]]);
    });
  });

  it("that opens a browser is good once", async () => {
    await withView(async ({ server, guard }) => {
      const once = guard.once();
      const open = () => fetch(`${server.url}?token=${once}`, { redirect: "manual" });
      const [first, second] = [await open(), await open()];
      expect([first.status, second.status]).toEqual([303, 401]);
      expect(first.headers.get("Set-Cookie")).toContain(guard.token);
      await Promise.all([first.text(), second.text()]);
    });
  });
});

describe("The name that is asked for", () => {
  it("is one of this machine, where that alone reaches the server", async () => {
    await withView(async (viewed) => {
      const { port } = viewed;
      const good = [
        "localhost",
        `localhost:${port}`,
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:9000",
        "LocalHost",
        "a.localhost",
      ];
      const bad = [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "example.com:80",
        "10.0.0.1",
        "[::2]",
        "a b",
        "x@localhost",
      ];
      for (const host of good) {
        expect([host, (await askRaw(port, lines(viewed, TOPIC, "GET", host))).status]).toEqual([host, 200]);
      }
      for (const host of bad) {
        const { status, body } = await askRaw(port, lines(viewed, TOPIC, "GET", host));
        // Some are refused before we hear of them.
        expect([host, status === 403 || status === 400, body.includes("ARROW")]).toEqual([host, true, false]);
      }
    });
  });

  it("may be any address where others reach the server, and no name but its own", () => {
    const guard = new Guard("0.0.0.0", "0123456789abcdef");
    expect(["10.1.2.3:80", "[fe80::1]:80", "localhost"].map((host) => guard.isOwnName(host))).toEqual([
      true,
      true,
      true,
    ]);
    expect(["example.com", "0.0.0.0.example.com", "", undefined].map((host) => guard.isOwnName(host)))
      .toEqual([false, false, false, false]);
    expect(new Guard("robot.lan", "0123456789abcdef").isOwnName("Robot.LAN:80")).toBe(true);
  });
});

describe("All answers", () => {
  it("say that nothing else may be loaded, framed, read by others or guessed", async () => {
    await withView(async ({ ask, server }) => {
      const answers = [await ask("/"), await ask(TOPIC), await ask("/none"), await fetch(server.url)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 401]);
      for (const { headers } of answers) {
        const policy = headers.get("Content-Security-Policy")!.split("; ");
        expect(policy).toContain("default-src 'none'");
        expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
        expect(policy).toContain("connect-src 'self'");
        expect(policy).toContain("frame-ancestors 'none'");
        expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
        expect(headers.get("Referrer-Policy")).toBe("no-referrer");
        expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
        expect(headers.get("Access-Control-Allow-Origin")).toBe(null);
      }
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    });
  });
});

describe("Recordings", () => {
  it("are read only", async () => {
    await withView(async (viewed) => {
      const { ask, root, port } = viewed;
      const before = await readFile(join(root, "drive/part/a.arrow"));
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        const paths = [
          TOPIC,
          "/",
          "/store/index.json",
          "/events",
          "/store/drive/viewer.json",
          "/assets/main.js",
        ];
        for (const path of paths) {
          const body = method === "OPTIONS" ? undefined : "{}";
          const answer = await ask(path, { method, body, headers: { "Content-Type": "application/json" } });
          expect([method, path, answer.status, answer.headers.get("Allow")]).toEqual([
            method,
            path,
            405,
            "GET, HEAD",
          ]);
          await answer.text();
        }
      }
      expect((await askRaw(port, lines(viewed, TOPIC, "BREW"))).status).not.toBe(200);
      expect(await readFile(join(root, "drive/part/a.arrow"))).toEqual(before);
    });
  });

  it("are not left, by whatever path", async () => {
    await withView(async (viewed) => {
      const { root, outside, port, errors } = viewed;
      await mkdir(join(root, "linked"));
      await writeFile(join(root, "linked/sequence.json"), "{}");
      await symlink(join(outside, "secret.arrow"), join(root, "linked/file.arrow"));
      await symlink(outside, join(root, "linked/folder"));
      await symlink(outside, join(root, "away"));
      await symlink("loop.arrow", join(root, "linked/loop.arrow"));
      await writeFile(join(root, "secret.arrow"), "secret");
      await writeFile(join(root, "drive/secret.txt"), "secret");
      await writeFile(join(root, "drive/.hidden.arrow"), "secret");
      await mkdir(join(root, "drive/folder.arrow"));
      const refused = [
        "/store/../outside/secret.arrow",
        "/store/drive/../../outside/secret.arrow",
        "/store/drive/%2e%2e/%2e%2e/outside/secret.arrow",
        "/store/drive/.%2e/.%2E/outside/secret.arrow",
        "/store/drive%2f..%2f..%2foutside/secret.arrow",
        "/store/%2e%2e%2foutside%2fsecret.arrow",
        "/store/..%5coutside%5csecret.arrow",
        "/store/drive\\..\\..\\outside\\secret.arrow",
        "/store/%252e%252e/outside/secret.arrow",
        `/store/${outside}/secret.arrow`,
        `/store/${encodeURIComponent(outside)}/secret.arrow`,
        `/store/${encodeURIComponent(outside + "/secret.arrow")}`,
        "/store//etc/passwd",
        "/../outside/secret.arrow",
        "/%2e%2e/outside/secret.arrow",
        "//outside/secret.arrow",
        "/store/drive/part/a.arrow%00",
        "/store/drive/part/a.arrow%00.json",
        "/store/drive/part/%00a.arrow",
        "/store/drive/./part/a.arrow%2f",
        "/store/drive/part/a.arrow/",
        "/store/drive/part/%",
        "/store/drive/part/%ff.arrow",
        "/store/c:/secret.arrow",
        "/store/drive/part/a.arrow:stream",
        "/store/linked/file.arrow",
        "/store/linked/folder/secret.arrow",
        "/store/linked/loop.arrow",
        "/store/away/secret.arrow",
        "/store/secret.arrow",
        "/store/drive/secret.txt",
        "/store/drive/.hidden.arrow",
        "/store/drive/folder.arrow",
        "/store/drive/sequence.lock",
        "/store/drive",
        "/store/drive/",
        "/store/",
        "/store",
      ];
      for (const path of refused) {
        const { status, body } = await askRaw(port, lines(viewed, path));
        expect([path, [400, 403, 404].includes(status), body.includes("secret")]).toEqual([
          path,
          true,
          false,
        ]);
      }
      const absolute = await askRaw(
        port,
        lines(viewed, `http://127.0.0.1:${port}/store/../outside/secret.arrow`),
      );
      expect([400, 404].includes(absolute.status)).toBe(true);
      expect((await askRaw(port, lines(viewed, TOPIC))).status).toBe(200);
      expect(errors).toEqual([]);
    });
  });

  it("that are not there are 404, without a word to HEAD", async () => {
    await withView(async ({ ask }) => {
      for (const path of ["/store/drive/none.arrow", "/store/none/sequence.json", "/none"]) {
        const answers = [await ask(path), await ask(path, { method: "HEAD" })];
        expect(await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()])))
          .toEqual([[404, "There is no such file\n"], [404, ""]]);
      }
    });
  });

  it("are found by links that stay within the store", async () => {
    await withView(async ({ ask, root }) => {
      await symlink("drive", join(root, "again"));
      expect((await ask("/store/again/part/a.arrow")).status).toBe(200);
    });
  });

  it("come whole or by one range, as the file has them", async () => {
    await withView(async ({ ask, root, client }) => {
      await record(client, "long", 100_000);
      const path = "/store/long/part/a.arrow";
      const file = new Uint8Array(await readFile(join(root, "long/part/a.arrow")));
      const size = file.length;
      expect(size).toBeGreaterThan(600_000); // several pieces
      const whole = await ask(path);
      const tag = whole.headers.get("ETag")!;
      expect([whole.status, whole.headers.get("Content-Length")]).toEqual([200, `${size}`]);
      expect(whole.headers.get("Content-Type")).toBe("application/vnd.apache.arrow.file");
      expect(whole.headers.get("Accept-Ranges")).toBe("bytes");
      expect(new Uint8Array(await whole.arrayBuffer())).toEqual(file);
      const good: [string, number, number][] = [
        ["bytes=0-0", 0, 1],
        ["bytes=0-99", 0, 100],
        ["bytes=100-", 100, size],
        [`bytes=${size - 1}-${size - 1}`, size - 1, size],
        [`bytes=${size - 1}-${size + 1000}`, size - 1, size],
        ["bytes=-10", size - 10, size],
        [`bytes=-${size + 10}`, 0, size],
        ["bytes=262143-262145", 262143, 262146],
        ["BYTES=5-6", 5, 7],
        ["bytes=0-99999999999999999999", 0, size],
      ];
      for (const [range, first, end] of good) {
        const answer = await ask(path, { headers: { Range: range } });
        const { status, headers } = answer;
        expect([
          range,
          status,
          headers.get("Content-Range"),
          headers.get("Content-Length"),
          headers.get("ETag"),
        ])
          .toEqual([range, 206, `bytes ${first}-${end - 1}/${size}`, `${end - first}`, tag]);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        expect(Buffer.compare(bytes, file.subarray(first, end))).toBe(0);
      }
      for (
        const range of [
          `bytes=${size}-`,
          `bytes=${size}-${size + 5}`,
          "bytes=-0",
          "bytes=99999999999999999999-",
        ]
      ) {
        const answer = await ask(path, { headers: { Range: range } });
        expect([
          range,
          answer.status,
          answer.headers.get("Content-Range"),
          (await answer.arrayBuffer()).byteLength,
        ])
          .toEqual([range, 416, `bytes */${size}`, 0]);
      }
      for (
        const range of [
          "bytes=0-1,5-6",
          "bytes=-",
          "bytes=5-4",
          "bytes=a-b",
          "lines=1-2",
          "bytes=1",
          "bytes=--1",
        ]
      ) {
        const answer = await ask(path, { headers: { Range: range } });
        expect([range, answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([range, 200, size]);
      }
      const head = await ask(path, { method: "HEAD", headers: { Range: "bytes=0-9" } });
      expect([head.status, head.headers.get("Content-Length"), await head.text()]).toEqual([206, "10", ""]);
    });
  });

  it("of no bytes have no range", async () => {
    await withView(async ({ ask, root }) => {
      await writeFile(join(root, "drive/empty.arrow"), "");
      const whole = await ask("/store/drive/empty.arrow");
      expect([whole.status, await whole.text()]).toEqual([200, ""]);
      const part = await ask("/store/drive/empty.arrow", { headers: { Range: "bytes=0-9" } });
      expect([part.status, part.headers.get("Content-Range")]).toEqual([416, "bytes */0"]);
    });
  });

  it("have a tag that tells whether they are still the same", async () => {
    await withView(async ({ ask, root }) => {
      const file = join(root, "drive/part/a.arrow");
      const tagOf = async () => (await ask(TOPIC, { method: "HEAD" })).headers.get("ETag")!;
      const tag = await tagOf();
      expect(tag).toMatch(/^"[0-9a-z-]+"$/);
      const asked = async (headers: Record<string, string>) => {
        const answer = await ask(TOPIC, { headers });
        return [answer.status, (await answer.arrayBuffer()).byteLength];
      };
      const { size } = await stat(file);
      for (const known of [tag, `"x", ${tag}`, `W/${tag}`, "*"]) {
        expect([known, ...await asked({ "If-None-Match": known })]).toEqual([known, 304, 0]);
        expect(await asked({ "If-None-Match": known, Range: "bytes=0-9" })).toEqual([304, 0]);
      }
      expect(await asked({ "If-None-Match": `"x"` })).toEqual([200, size]);
      expect(await asked({ "If-Range": tag, Range: "bytes=0-9" })).toEqual([206, 10]);
      for (const other of [`"x"`, `W/${tag}`, new Date().toUTCString()]) {
        expect([other, ...await asked({ "If-Range": other, Range: "bytes=0-9" })]).toEqual([
          other,
          200,
          size,
        ]);
      }
      await appendFile(file, "more");
      const grown = await tagOf();
      expect(grown).not.toBe(tag);
      expect(await asked({ "If-None-Match": tag })).toEqual([200, size + 4]);
      expect(await asked({ "If-Range": tag, Range: "bytes=0-9" })).toEqual([200, size + 4]);
      await truncate(file, size);
      expect(await tagOf()).not.toBe(grown);
    });
  });

  it("are listed as they are when it is asked", async () => {
    await withView(async ({ ask, client, root, outside }) => {
      const names = async () => {
        const { format, sequences } = await (await ask("/store/index.json")).json();
        expect(format).toBe("smalti index");
        return sequences.map(({ name }: { name: string }) => name);
      };
      expect(await names()).toEqual(["drive"]);
      await record(client, "Cam");
      await mkdir(join(root, "broken"));
      await writeFile(join(root, "broken/sequence.json"), "{");
      // A link out of the store, to what is a recording there.
      await writeFile(join(outside, "sequence.json"), await readFile(join(root, "drive/sequence.json")));
      await symlink(outside, join(root, "away"));
      expect(await names()).toEqual(["Cam", "broken", "drive"]);
      const answer = await ask("/store/index.json");
      const { sequences: [cam, broken, drive] } = await answer.json();
      expect([cam.directory, drive.directory]).toEqual(["cam!g", "drive"]);
      expect(broken.error.code).toBe("CORRUPT");
      expect(drive).toMatchObject({ state: "finalized", topics: 1, rows: "100", firstNs: "0", lastNs: "99" });
      const known = { "If-None-Match": answer.headers.get("ETag")! };
      expect((await ask("/store/index.json", { headers: known })).status).toBe(304);
      await client.sequenceDelete("drive");
      expect((await ask("/store/index.json", { headers: known })).status).toBe(200);
      // No file of it is left behind.
      await expect(stat(join(root, "index.json"))).rejects.toThrow("ENOENT");
    });
  });
});

describe("Layouts", () => {
  const put = (
    { ask }: Viewed,
    body: BodyInit,
    headers: Record<string, string> = {},
    path = "/viewer.json",
  ) => ask(path, { method: "PUT", body, headers: { "Content-Type": "application/json", ...headers } });

  it("are kept in the store, and given to who asks", async () => {
    await withView(async (viewed) => {
      const { ask, root } = viewed;
      expect((await ask("/viewer.json")).status).toBe(204);
      for (
        const [path, text] of [["/viewer.json", '{"version":1}'], ["/store/viewer.json", '{"version":2}']]
      ) {
        const saved = await put(viewed, text, {}, path);
        expect([saved.status, await saved.text()]).toEqual([204, ""]);
        expect(await readFile(join(root, "viewer.json"), "utf8")).toBe(text);
        for (const url of ["/viewer.json", "/store/viewer.json"]) {
          const found = await ask(url);
          expect([found.headers.get("Content-Type"), await found.text()]).toEqual(["application/json", text]);
        }
      }
    });
  });

  it("are not replaced by who has not seen them", async () => {
    await withView(async (viewed) => {
      const { ask } = viewed;
      const first = await Promise.all(
        [1, 2, 3].map(async (n) => (await put(viewed, `{"n":${n}}`, { "If-None-Match": "*" })).status),
      );
      expect(first.toSorted()).toEqual([204, 412, 412]);
      const tag = (await ask("/viewer.json")).headers.get("ETag")!;
      const second = await Promise.all(
        ["a", "bb"].map(async (text) =>
          (await put(viewed, `{"text":"${text}"}`, { "If-Match": tag })).status
        ),
      );
      expect(second.toSorted()).toEqual([204, 412]);
      const late = await put(viewed, "{}", { "If-Match": tag });
      expect([late.status, await late.text()]).toEqual([
        412,
        "Cannot save layouts: others were saved meanwhile\n",
      ]);
      expect((await put(viewed, "{}", { "If-Match": "*" })).status).toBe(204);
      expect(await (await ask("/viewer.json")).text()).toBe("{}");
    });
  });

  it("are refused where they are none, too large, or another site's", async () => {
    await withView(async (viewed) => {
      const { root, port, server, ask } = viewed;
      const large = JSON.stringify({ text: "x".repeat(MAX_LAYOUT_BYTES) });
      const tries: [number, BodyInit, Record<string, string>][] = [
        [400, "{", {}],
        [400, "[]", {}],
        [400, "null", {}],
        [400, new Uint8Array([0x7b, 0xff, 0x7d]), {}],
        [413, large, {}],
        [415, "{}", { "Content-Type": "text/plain" }],
        [403, "{}", { Origin: "http://example.com" }],
        [403, "{}", { Origin: `http://127.0.0.1:${port + 1}` }],
        [403, "{}", { Origin: "null" }],
      ];
      for (const [status, body, headers] of tries) {
        const answer = await put(viewed, body, headers);
        expect([headers, answer.status]).toEqual([headers, status]);
        expect(await answer.text()).toContain("Cannot save layouts");
      }
      const without = await fetch(`${server.url}viewer.json`, {
        method: "PUT",
        body: "{}",
        headers: { "Content-Type": "application/json" },
      });
      expect([without.status, await without.text()]).toEqual([401, expect.stringContaining("token")]);
      const site = await askRaw(port, [
        ...lines(viewed, "/viewer.json", "PUT"),
        "Sec-Fetch-Site: same-site",
        "Content-Type: application/json",
        "Content-Length: 0",
      ]);
      expect(site.status).toBe(403);
      // Without a length.
      const chunked = await askRaw(port, [
        ...lines(viewed, "/viewer.json", "PUT"),
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
      ], `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`);
      // The connection may be reset while it is sent.
      expect([413, NaN]).toContain(chunked.status);
      await expect(stat(join(root, "viewer.json"))).rejects.toThrow("ENOENT");
      const own = await put(viewed, "{}", { Origin: `http://127.0.0.1:${port}` });
      expect(own.status).toBe(204);
      expect((await ask("/viewer.json")).status).toBe(200);
    });
  });
});
