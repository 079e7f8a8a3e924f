import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { expectError } from "../support/errors.ts";
import { WebServer } from "../support/web_server.ts";
import { recordDrive, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti ls --write-index${needsBuild}`, () => {
  it("lets a plain web server be listed, and nothing else writes it", async () => {
    const { directory: store, remove } = await makeTemporary();
    const server = await WebServer.start(store);
    try {
      await recordDrive(store);
      await withClient(store, async (client) => {
        await client.sequenceCreate("Cam", {}, async (sequence) => {
          await sequence.topicCreate("a", { ontology: Temperature });
        });
      });
      expect(await readdir(store)).not.toContain("index.json");
      const before = await smalti("ls", server.url);
      expect([before.code, before.stderr]).toEqual([1, expect.stringContaining("smalti ls --write-index")]);

      const local = await smalti("ls", "--write-index", "--store", store);
      expect([local.code, local.stderr]).toEqual([0, ""]);
      const { sequences } = JSON.parse(await readFile(join(store, "index.json"), "utf8"));
      expect(sequences.map(({ name, directory }: Record<string, string>) => [name, directory]))
        .toEqual([["Cam", "cam!g"], ["drive", "drive"]]);
      // The index itself is no sequence.
      expect((await smalti("ls", store)).stdout).toBe(local.stdout);
      expect((await smalti("ls", server.url)).stdout).toBe(local.stdout);

      const client = await connect(server.url);
      expect(await client.listSequences()).toEqual(["Cam", "drive"]);
      for (
        const [text, code] of [
          ["{", "CORRUPT"],
          ['{"format":"x"}', "CORRUPT"],
          [
            '{"format":"smalti index","version":1}',
            "CORRUPT",
          ],
          ['{"format":"smalti index","version":1,"sequences":[{}]}', "CORRUPT"],
          [
            '{"format":"smalti index","version":2,"sequences":[]}',
            "UNSUPPORTED",
          ],
        ] as const
      ) {
        await writeFile(join(store, "index.json"), text);
        await expectError(() => client.listSequences(), code, "index.json");
      }
      await client.close();
    } finally {
      await server.stop();
      await remove();
    }
  });

  it("refuses to write elsewhere", async () => {
    const { directory: store, remove } = await makeTemporary();
    const server = await WebServer.start(store);
    try {
      await recordDrive(store);
      await smalti("ls", "--write-index", store);
      const ended = await smalti("ls", "--write-index", server.url);
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining("wanted a directory")]);
    } finally {
      await server.stop();
      await remove();
    }
  });
});
