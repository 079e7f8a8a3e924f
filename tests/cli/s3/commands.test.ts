import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliCommand, type Ended, makeTemporary, needsBuild, start } from "../../support/cli_process.ts";
import { anyS3Server, s3Installed, S3Server } from "../../support/s3_server.ts";
import { recordDrive } from "../recordings.ts";
import { whileViewing } from "../viewing.ts";
import { WebServer } from "../../support/web_server.ts";

const skipped = needsBuild || (anyS3Server === undefined ? s3Installed("moto").skipped : "");

describe.skipIf(skipped)(`smalti with s3: URLs${skipped}`, () => {
  let server: S3Server;
  let directory: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory, remove } = await makeTemporary());
    server = await S3Server.start(anyS3Server!);
    const store = join(directory, "store");
    await recordDrive(store);
    const bucket = server.open();
    for (const path of await readdir(store, { recursive: true })) {
      const bytes = await readFile(join(store, path)).catch(() => undefined); // a directory
      if (bytes) await bucket.put(`fleet/${path}`, bytes);
    }
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    await remove();
  });

  /** The environment of the service. */
  const variables = () => ({
    HOME: directory,
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: "testing",
    AWS_SECRET_ACCESS_KEY: "testingsecret",
  });
  /** Runs the command line with it. */
  const smalti = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
    start([...cliCommand, ...args], { ...variables(), ...env }).ended;

  it("lists, tells, plays and checks what is in a bucket as what is in a directory", async () => {
    const url = server.url("fleet");
    const commands = [
      ["ls"],
      ["info", "drive"],
      ["play", "drive", "--format", "ndjson"],
      ["verify", "--deep"],
    ];
    for (const command of commands) {
      const [there, here] = await Promise.all(
        [url, join(directory, "store")].map((store) => smalti([...command, "--store", store])),
      );
      expect([command, there]).toEqual([command, here]);
    }
    expect((await smalti(["ls", url])).stdout).toContain("drive");
  });

  it("exports and converts into a bucket", async () => {
    const url = server.url("exports");
    const store = ["--store", join(directory, "store")];
    expect((await smalti(["export", "drive", "--to", "mcap", "-o", `${url}/drive.mcap`, ...store])).code)
      .toBe(0);
    const converted = await smalti(["convert", `${url}/drive.mcap`, `${url}/drive.ndjson`]);
    expect([converted.code, converted.stdout]).toEqual([
      0,
      expect.stringContaining(`to ${url}/drive.ndjson`),
    ]);
    const tables = ["export", "drive", "--to", "parquet", "-o", `${url}/tables`, ...store];
    expect((await smalti(tables)).code).toBe(0);
    const again = await smalti(tables);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("it is there already")]);
    const [there, here] = await Promise.all([
      smalti(["convert", `${url}/drive.mcap`, "-", "--to", "ndjson"]),
      smalti(["play", "drive", "--format", "ndjson", ...store]),
    ]);
    const lines = (text: string) => text.trim().split("\n").length;
    expect(lines(there.stdout)).toBe(lines(here.stdout));
    expect((await smalti(["ls", url])).stdout).not.toContain("drive.mcap");
  });

  it("records, edits, compacts, recovers and removes in a bucket", async () => {
    const store = ["--store", server.url("written")];
    const run = async (...args: string[]) => await smalti([...args, ...store]);
    const file = join(directory, "written.mcap");
    await smalti(["export", "drive", "--store", server.url("fleet"), "--to", "mcap", "-o", file]);
    for (
      const command of [
        ["import", file, "--name", "drive"],
        ["filter", "drive", "turn", "--topics", "gps/front"],
        ["compact", "drive"],
        ["recover", "drive"],
        ["verify", "--deep"],
      ]
    ) expect([command, await run(...command)]).toMatchObject([command, { code: 0, stderr: "" }]);
    const played = await run("play", "drive", "--format", "ndjson");
    const wanted = await smalti(["play", "drive", "--format", "ndjson", "--store", server.url("fleet")]);
    expect(played.stdout.split("\n").length).toBe(wanted.stdout.split("\n").length);
    const back = join(directory, "back");
    for (const [from, to] of [[server.url("written"), server.url("copied")], [server.url("copied"), back]]) {
      expect(await smalti(["copy", "drive", "--store", from, "--to", to])).toMatchObject({
        code: 0,
        stderr: "",
      });
    }
    expect((await smalti(["play", "drive", "--format", "ndjson", "--store", back])).stdout).toBe(
      played.stdout,
    );
    expect(await run("rm", "turn")).toMatchObject({ code: 0 });
    expect((await run("ls")).stdout).not.toContain("turn");
    expect(await run("import", file, "--name", "drive")).toMatchObject({ code: 1 });
  });

  it("imports and converts a file by its URL", async () => {
    const file = join(directory, "drive.mcap");
    const store = ["--store", join(directory, "imported")];
    const exported = ["export", "drive", "--store", server.url("fleet"), "--to", "mcap", "-o", file];
    expect(await smalti(exported)).toMatchObject({ code: 0 });
    await server.open().put("files/drive one.mcap", await readFile(file));
    const web = await WebServer.start(directory);
    try {
      const plain = await smalti(["import", file, "--name", "plain", ...store]);
      const bucket = await smalti(["import", server.url("files/drive%20one.mcap"), ...store]);
      const signed = await smalti(["import", `${web.url}drive.mcap?signature=hidden`, ...store]);
      for (const { code, stdout, stderr } of [plain, bucket, signed]) {
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).not.toContain("hidden");
      }
      const play = async (name: string) =>
        (await smalti(["play", name, "--format", "ndjson", ...store])).stdout;
      const wanted = await play("plain");
      expect(wanted.split("\n").length).toBe(17);
      expect([await play("drive_one"), await play("drive")]).toEqual([wanted, wanted]);
    } finally {
      await web.stop();
    }
    const missing = await smalti(["import", server.url("files/none.mcap"), ...store]);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining("s3://smalti/files/none.mcap"),
    ]);
  });

  it("shows what is in a bucket: a sequence, or a place with some", async () => {
    await writeFile(join(directory, "index.html"), "the page");
    const url = server.url("fleet");
    const env = variables();
    const ways: [string, string[]][] = [
      ["store/drive", [`${url}/drive`]],
      ["store/drive", ["drive", "--store", url]],
      ["store/", [url]],
      ["store/", ["--store", `${url}/`]],
    ];
    for (const [shown, args] of ways) {
      const ended = await whileViewing([...args, "--page", directory], async (address) => {
        expect(address.searchParams.get("url")).toBe(shown);
        const token = address.searchParams.get("token")!;
        const ask = async (path: string) =>
          await (await fetch(new URL(`${path}?token=${token}`, address))).json();
        expect((await ask("/store/index.json")).sequences).toMatchObject([{ name: "drive" }]);
        expect((await ask("/store/drive/sequence.json")).name).toBe("drive");
      }, { env });
      expect([ended.code, ended.stderr]).toEqual([130, ""]);
      expect(ended.stdout).toContain(`showing ${url}/${shown.slice("store/".length)} at `);
    }
    const none = await smalti(["view", "--no-open", "--page", directory, `${url}/none`]);
    expect([none.code, none.stderr]).toEqual([1, `smalti: No sequence "none" in ${url}/\n`]);
  });

  it("tells what is in a bucket to who reads it over HTTP", async () => {
    expect(await smalti(["ls", "--write-index", server.url("fleet")])).toMatchObject({ code: 0, stderr: "" });
    const index = await server.open().get("fleet/index.json", 0, 10_000);
    if (typeof index !== "object") throw new Error(index);
    expect(JSON.parse(new TextDecoder().decode(index.bytes)).sequences).toMatchObject([{ name: "drive" }]);
    await server.open().delete(["fleet/index.json"]);
  });

  it("says what goes otherwise than with files and directories", async () => {
    const fleet = server.url("fleet");
    const cases: [number, string, string[]][] = [
      [2, "goes with --store", ["info", `${fleet}/drive`]],
      [2, "wanted a path on this machine", [
        "export",
        "drive",
        "--store",
        fleet,
        "--to",
        "mcap",
        "-o",
        "https://host/a.mcap",
      ]],
      [2, "only files of this machine", ["import", server.url("*.mcap"), "--store", fleet]],
      [2, "wanted a directory of this machine", ["import", "--watch", server.url("logs/"), "--store", fleet]],
      [1, "there is no sequence", ["serve", "--read-only", server.url("none"), "--port", "0"]],
      [1, 'No sequence "none" in s3://smalti/fleet/', ["compact", "none", "--store", fleet]],
    ];
    for (const [code, text, args] of cases) {
      const ended = await smalti(args);
      expect([args, ended.code, ended.stdout, ended.stderr]).toEqual([
        args,
        code,
        "",
        expect.stringContaining(text),
      ]);
    }
  });

  it("says what is wrong with the environment, and no secret", async () => {
    const none = await smalti(["ls", server.url("nothing")]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("s3://smalti/nothing/")]);
    const half = await smalti(["ls", server.url("fleet")], { AWS_ACCESS_KEY_ID: "" });
    expect([half.code, half.stderr]).toEqual([1, expect.stringContaining("AWS_ACCESS_KEY_ID")]);
    expect(half.stderr).not.toContain("testingsecret");
  });
});
