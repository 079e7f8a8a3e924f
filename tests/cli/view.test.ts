import { cp, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { cliCommand, makeTemporary, needsBuild, smalti, start, until } from "../support/cli_process.ts";
import { WebServer } from "../support/web_server.ts";
import { recordDrive } from "./recordings.ts";
import { whileViewing } from "./viewing.ts";

const TOKEN = "0123456789abcdef";

/** Runs `body` with a store with "drive", and a page. */
async function withFiles(body: (store: string, page: string) => Promise<void>): Promise<void> {
  const { directory, remove } = await makeTemporary();
  try {
    const [store, page] = [join(directory, "store"), join(directory, "page")];
    await recordDrive(store);
    await mkdir(page);
    await writeFile(join(page, "index.html"), "the page");
    await body(store, page);
  } finally {
    await remove();
  }
}

describe.skipIf(needsBuild)(`smalti view${needsBuild}`, () => {
  it("shows a sequence at the address that it prints, until Ctrl-C", async () => {
    await withFiles(async (store, page) => {
      const { code, stderr } = await whileViewing(
        ["drive", "--store", store, "--page", page],
        async (address) => {
          expect(address.hostname).toBe("127.0.0.1");
          expect(address.searchParams.get("url")).toBe("store/drive");
          expect(address.searchParams.get("token")!.length).toBeGreaterThan(30);
          const response = await fetch(address, { redirect: "manual" });
          expect([response.status, response.headers.get("Location")]).toEqual([303, "/?url=store%2Fdrive"]);
          const cookie = response.headers.get("Set-Cookie")!.split(";")[0];
          const shown = await fetch(new URL("/", address), { headers: { Cookie: cookie } });
          expect(await shown.text()).toBe("the page");
          const manifest = await fetch(new URL("/store/drive/sequence.json", address), {
            headers: { Cookie: cookie },
          });
          expect((await manifest.json()).name).toBe("drive");
        },
      );
      expect([code, stderr]).toEqual([130, ""]);
    });
  });

  it("shows a list without a name, and ends although pages hear of changes", async () => {
    await withFiles(async (store, page) => {
      let events: Promise<string> | undefined;
      const args = ["--store", store, "--page", page, "--token", TOKEN];
      const { code } = await whileViewing(args, async (address) => {
        expect(`${address.search}`).toBe(`?token=${TOKEN}&url=store%2F`);
        const response = await fetch(new URL(`/events?token=${TOKEN}`, address));
        expect(response.status).toBe(200);
        // The end may be a connection that breaks.
        events = response.text().catch(() => "broken");
      }, { signal: "SIGTERM" });
      expect(code).toBe(143);
      await events;
    });
  });

  it("passes on what a web server has: a sequence, or a place with some", async () => {
    await withFiles(async (store, page) => {
      const web = await WebServer.start(store);
      const at = web.url.replace("//", "//user:sesame@");
      const ways: [string, string, string[]][] = [
        ["store/drive", `${web.url}drive`, [`${at}drive?signature=hidden`]],
        ["store/drive", `${web.url}drive`, ["drive", "--store", at]],
        ["store/", web.url, [at]],
      ];
      try {
        const none = await smalti("view", "--no-open", "--page", page, `${at}none`);
        expect([none.code, none.stderr]).toEqual([1, `smalti: No sequence "none" in ${web.url}\n`]);
        const bare = await smalti("view", "--no-open", "--page", page, at);
        expect([bare.code, bare.stderr]).toEqual([1, expect.stringContaining("ls --write-index")]);
        const sequences = [{ name: "drive", directory: "drive" }];
        await writeFile(
          join(store, "index.json"),
          JSON.stringify({ format: "smalti index", version: 1, sequences }),
        );
        for (const [url, told, args] of ways) {
          const ended = await whileViewing([...args, "--page", page, "--token", TOKEN], async (address) => {
            expect(address.searchParams.get("url")).toBe(url);
            const headers = { Cookie: `smalti-view-${address.port}=${TOKEN}` };
            const manifest = await fetch(new URL("/store/drive/sequence.json", address), { headers });
            expect((await manifest.json()).name).toBe("drive");
          });
          expect([ended.stderr, ended.stdout]).toEqual(["", expect.stringContaining(`showing ${told} at `)]);
          expect(ended.stdout).not.toMatch(/sesame|hidden/);
        }
      } finally {
        await web.stop();
      }
    });
  });

  it.skipIf(process.platform !== "linux")("opens the browser with a token that is good once", async () => {
    await withFiles(async (store, page) => {
      const opened = join(page, "opened");
      const command = `#!/bin/sh\necho "$1" > ${opened}.new && mv ${opened}.new ${opened}\n`;
      await writeFile(join(page, "xdg-open"), command, { mode: 0o755 });
      const path = `PATH=${page}:${process.env.PATH}`;
      const args = ["view", "drive", "--store", store, "--page", page];
      const { child, stdout, ended } = start(["env", path, ...cliCommand, ...args]);
      try {
        const read = () => readFile(opened, "utf8").catch(() => undefined);
        await until(async () => await read() !== undefined && stdout().endsWith("\n"));
        const [, printed] = /at (http:\S+)/.exec(stdout())!;
        const address = (await read())!.trim();
        expect(address).not.toBe(printed);
        expect(new URL(address).searchParams.get("url")).toBe("store/drive");
        const visit = async () => (await fetch(address, { redirect: "manual" })).status;
        expect([await visit(), await visit()]).toEqual([303, 401]);
      } finally {
        process.kill(child.pid!, "SIGINT");
      }
      expect((await ended).code).toBe(130);
    });
  });

  it("refuses what makes no sense, and says what is wanted", async () => {
    await withFiles(async (store, page) => {
      const there = ["--store", store, "--page", page];
      await rename(join(store, "drive"), join(page, "drive"));
      await symlink(join(page, "drive"), join(store, "away"));
      await cp(join(page, "drive"), join(store, "drive"), { recursive: true });
      const cases: [number, string, string[]][] = [
        [2, "wanted --token too", [...there, "--host", "0.0.0.0"]],
        [2, "wanted --token too", [...there, "--host", "::"]],
        [2, "wanted --token too", [...there, "--host", "robot.lan"]],
        [2, "16 or more", [...there, "--token", "short"]],
        [2, "16 or more", [...there, "--token", "no spaces in a token"]],
        [2, "0 to 65535", [...there, "--port", "65536"]],
        [2, "name", [...there, "a b"]],
        [2, "Wanted a URL", [...there, "https://"]],
        [1, `No sequence "other"`, [...there, "other"]],
        [1, "it is a link that leads out of", [...there, "away"]],
        [1, "no such directory", ["--store", `${store}x`, "--page", page]],
        [1, "Cannot show grpc://host: wanted a directory", ["--store", "grpc://host", "--page", page]],
        [1, "the page was not built", ["--store", store, "--page", store]],
      ];
      for (const [code, message, args] of cases) {
        const ended = await smalti("view", "--no-open", ...args);
        expect([args, ended.code, ended.stdout]).toEqual([args, code, ""]);
        expect(ended.stderr).toContain(message);
      }
    });
  });

  it("says that a port is taken", async () => {
    await withFiles(async (store, page) => {
      await whileViewing(["--store", store, "--page", page], async ({ port }) => {
        const ended = await smalti("view", "--no-open", "--store", store, "--page", page, "--port", port);
        expect([ended.code, ended.stderr]).toEqual([
          1,
          expect.stringContaining(`Cannot listen on 127.0.0.1 port ${port}`),
        ]);
      });
    });
  });
});
