import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cliCommand,
  makeTemporary,
  needsBuild,
  smalti,
  start,
  until,
} from "./cli_process.ts";
import { mcapFile, recordBoot } from "./recordings.ts";

/** Not by `child.kill`: after that Deno gives no exit code, whatever the child ends with. */
function interrupt(child: ChildProcess, signal: "SIGINT" | "SIGTERM"): void {
  process.kill(child.pid!, signal);
}

const cannot = needsBuild ||
  (process.platform === "win32" ? " (Windows has no signals)" : "");

describe.skipIf(cannot)(`smalti on signals${cannot}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory: store, remove } = await makeTemporary());
    await recordBoot(store, 3_600_000_000_000n);
  });
  afterAll(() => remove());

  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    it(`ends a slow play with ${code} on ${signal}`, async () => {
      const { child, stdout, ended } = start([
        ...cliCommand,
        "play",
        "boot",
        "--store",
        store,
        "--speed",
        "1",
      ]);
      // What is due is not held back while it waits for the next.
      await until(() => stdout().endsWith("\n"));
      interrupt(child, signal);
      expect(await ended).toEqual({
        code,
        stdout: `20.220677001 noise {"value":1}\n`,
        stderr: "",
      });
    });
  }

  it("ends an import on SIGINT and removes what it had", async () => {
    const file = join(store, "long.mcap");
    await writeFile(file, await mcapFile(300_000));
    const { child, ended } = start([
      ...cliCommand,
      "import",
      file,
      "--store",
      store,
    ]);
    await until(() => existsSync(join(store, "long", "thing.arrow")));
    interrupt(child, "SIGINT");
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toMatch(
      /^smalti: Import of .*long\.mcap.* was aborted; nothing of it is kept\n$/,
    );
    expect((await readdir(store)).sort()).toEqual(["boot", "long.mcap"]);
    expect((await smalti("ls", "--store", store)).stdout).not.toContain("long");
  });
});
