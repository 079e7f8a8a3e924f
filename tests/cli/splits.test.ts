import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Split } from "../../mod.ts";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { DRIVE_START_NS, recordDrive, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti splits${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const made = await makeTemporary();
    remove = made.remove;
    store = join(made.directory, "store");
    await recordDrive(store);
  });
  afterAll(() => remove());

  const run = (...args: string[]) => smalti("splits", ...args, "--store", store);
  const linesOf = async (...args: string[]): Promise<Split[]> => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  };

  it("prints a line of JSON for each, as the library gives it", () =>
    withClient(store, async (client) => {
      for (const [text, by] of [["bytes=1G", { bytes: 2 ** 30 }], ["sequence", "sequence"]] as const) {
        const wanted: Split[] = [];
        for await (const split of client.splits({ by })) wanted.push(split);
        expect(await linesOf("--by", text)).toEqual(wanted);
        expect(await linesOf("drive", "--by", text)).toEqual(wanted);
      }
      const splits = await linesOf("drive", "--by", "seconds=4", "--topics", "gps/front,none");
      const seconds = ({ startNs }: Split) => Number(BigInt(startNs) - DRIVE_START_NS) / 1e9;
      expect(splits.map((split) => [seconds(split), split.topics.map(({ name }) => name)]))
        .toEqual([[0, ["gps/front"]], [4, ["gps/front"]], [8, ["gps/front"]]]);
      for (const split of splits) {
        const times: number[] = [];
        for await (const [, { timestampNs }] of (await client.openSplit(split)).getDataStreamer()) {
          times.push(Number(timestampNs - DRIVE_START_NS) / 1e9);
        }
        expect(times).toEqual([0, 1, 2, 3].map((i) => seconds(split) + i).filter((second) => second <= 10));
      }
    }));

  it("says what it wants", async () => {
    for (const by of ["4", "bytes=", "bytes=0", "seconds=-1", "rows=5"]) {
      const { code, stdout, stderr } = await run("--by", by);
      expect([code, stdout, stderr]).toEqual([
        2,
        "",
        expect.stringContaining("Wanted"),
      ]);
    }
    const { code, stderr } = await run("none");
    expect([code, stderr]).toEqual([1, expect.stringContaining(`"none"`)]);
  });
});
