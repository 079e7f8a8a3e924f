import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { cliCommand, makeTemporary, needsBuild, smalti, start, until } from "../support/cli_process.ts";
import { onLinux } from "../support/open_files.ts";
import { mcapFile, recordBoot } from "./recordings.ts";

/** Not by `child.kill`: after that Deno gives no exit code, whatever the child ends with. */
function interrupt(child: ChildProcess, signal: "SIGHUP" | "SIGINT" | "SIGTERM"): void {
  process.kill(child.pid!, signal);
}

/** Node begins with no signal ignored, whatever it was started with. */
const ignoresNothing = onLinux && ("deno" in process.versions || "bun" in process.versions)
  ? ""
  : " (wants Linux, and Deno or Bun)";

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

  for (const [signal, code] of [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const) {
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

  for (const [signal, code] of [["SIGHUP", 129], ["SIGINT", 130]] as const) {
    it(`ends an import with ${code} on ${signal} and removes what it had`, async () => {
      const file = join(store, "long.mcap");
      await writeFile(file, await mcapFile(300_000));
      const { child, ended } = start([...cliCommand, "import", file, "--store", store]);
      await until(() => existsSync(join(store, "long", "thing.arrow")));
      interrupt(child, signal);
      // Another comes from the shell whose terminal is closed.
      if (signal === "SIGHUP") interrupt(child, signal);
      const { stderr, ...rest } = await ended;
      expect(rest).toEqual({ code, stdout: "" });
      expect(stderr).toMatch(/^smalti: Import of .*long\.mcap.* was aborted; nothing of it is kept\n$/);
      expect((await readdir(store)).sort()).toEqual(["boot", "long.mcap"]);
      expect((await smalti("ls", "--store", store)).stdout).not.toContain("long");
    });
  }

  it("ends a server with 129 on SIGHUP", async () => {
    const { child, stdout, ended } = start([...cliCommand, "serve", store, "--port", "0"]);
    await until(() => stdout().endsWith("\n"));
    interrupt(child, "SIGHUP");
    expect((await ended).code).toBe(129);
  });

  it.skipIf(ignoresNothing)(
    `is deaf to SIGHUP where it is ignored, as by nohup${ignoresNothing}`,
    async () => {
      const command = [...cliCommand, "serve", store, "--port", "0"];
      const { child, stdout, ended } = start(["sh", "-c", `trap "" HUP; exec "$@"`, "sh", ...command]);
      await until(() => stdout().endsWith("\n"));
      interrupt(child, "SIGHUP");
      for (let call = 0; call < 5; call++) {
        const client = await connect(/grpc:\S+/.exec(stdout())![0]);
        expect(await client.listSequences()).toEqual(["boot"]);
        await client.close();
      }
      interrupt(child, "SIGTERM");
      expect((await ended).code).toBe(143);
    },
  );
});
