import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FLIGHT, makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { recordBoot, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti demo${needsBuild}`, () => {
  it("imports, prints and replays the example flight, as often as one likes", async () => {
    const expected = await readFile(
      new URL("flight.expected.json", `file://${FLIGHT}`),
      "utf8",
    );
    const { order_sha256: hash } = JSON.parse(expected) as {
      order_sha256: string;
    };
    const { directory, remove } = await makeTemporary();
    try {
      const store = join(directory, "recordings");
      for (let time = 0; time < 2; time++) {
        const { code, stdout, stderr } = await smalti("demo", "--store", store);
        expect([code, stderr]).toEqual([0, ""]);
        const lines = stdout.trimEnd().split("\n");
        expect(lines[0]).toBe(
          "imported 14604 messages on 70 topics into px4-vtol-flight",
        );
        expect(lines.at(-1)).toBe(
          `replayed 14604 messages on 70 topics, order sha256 ${hash}`,
        );
        expect(
          lines.filter((line) => / +\d+ +\S+( Hz)? +[\d.]+ +[\d.]+ +px4\//.test(line)).length,
        ).toBe(70);
      }
      expect(await withClient(store, (client) => client.listSequences()))
        .toEqual(["px4-vtol-flight"]);
    } finally {
      await remove();
    }
  });

  it("replaces no sequence but its own", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      await withClient(directory, async (client) => {
        await client.sequenceCreate("px4-vtol-flight", {}, () => {});
      });
      await recordBoot(directory, 1n);
      const { code, stdout, stderr } = await smalti(
        "demo",
        "--store",
        directory,
      );
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^smalti: Sequence "px4-vtol-flight" .* is not of the demo/,
      );
    } finally {
      await remove();
    }
  });
});
