import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { canSpawn, library, needsBuild } from "../support/child.ts";

const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);

/** What comes before the script: on Bun its global is there without. */
const RUNTIME = isDeno
  ? ["run", "-A", "--node-modules-dir=manual", "--v8-flags=--expose-gc"]
  : isBun
  ? []
  : ["--expose-gc"];

describe.skipIf(!canSpawn)(`Clients that are forgotten without close${needsBuild}`, () => {
  it("neither end the program nor make it warn, and their files are closed", async () => {
    const directory = await realpath(await mkdtemp(join(tmpdir(), "smalti-forgotten-")));
    try {
      const script = fileURLToPath(new URL("forgotten_child.mjs", import.meta.url));
      const said = await new Promise((resolve) => {
        execFile(process.execPath, [...RUNTIME, script, library!, directory], (error, stdout, stderr) => {
          resolve({ code: error?.code ?? 0, stdout, stderr });
        });
      });
      expect(said).toEqual({ code: 0, stdout: "0\n", stderr: "" });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
