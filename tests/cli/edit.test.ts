import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { recordDrive } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti filter, cut and merge${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const made = await makeTemporary();
    remove = made.remove;
    store = join(made.directory, "store");
    await recordDrive(store);
  });
  afterAll(() => remove());

  const run = (...args: string[]) => smalti(...args, "--store", store);
  const play = async (name: string, ...args: string[]) =>
    (await run("play", name, "--format", "ndjson", ...args)).stdout;

  it("filters by topics and time", async () => {
    const args = ["--topics", "gps/front", "--start", "+3", "--end", "+5"];
    expect(await run("filter", "drive", "turn", ...args))
      .toEqual({ code: 0, stdout: "turn: 2 messages of drive\n", stderr: "" });
    expect(await play("turn")).toBe(await play("drive", ...args));
    const again = await run("filter", "drive", "turn");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("turn")]);
    expect(await play("turn")).toBe(await play("drive", ...args));
  });

  it("cuts, and merges what it cut", async () => {
    const cut = await run("cut", "drive", "--every", "4s");
    expect([cut.code, cut.stdout.replaceAll(/: \d+ messages/g, "")])
      .toEqual([0, "drive_000\ndrive_001\ndrive_002\n"]);
    const merged = await run("merge", "drive_000", "drive_001", "drive_002", "--into", "whole");
    expect([merged.code, merged.stdout]).toEqual([
      0,
      expect.stringMatching(/^whole: \d+ messages of 3 sequences\n$/),
    ]);
    expect(await play("whole")).toBe(await play("drive"));
    const bySize = await run("cut", "whole", "--size", "1G");
    expect([bySize.code, bySize.stdout]).toEqual([0, expect.stringMatching(/^whole_000: \d+ messages\n$/)]);
  });

  it("cuts at times", async () => {
    await run("filter", "drive", "trip");
    const cut = await run("cut", "trip", "--at", "+3,+5", "--at", "+1000");
    expect([cut.code, cut.stdout.replaceAll(/: \d+ messages/g, "")])
      .toEqual([0, "trip_000\ntrip_001\ntrip_002\n"]);
    expect(await play("trip_001")).toBe(await play("drive", "--start", "+3", "--end", "+5"));
  });

  it("merges some time of sequences side by side", async () => {
    const args = ["--prefix", "left,right", "--topics", "gps/front", "--start", "+3", "--end", "+5"];
    expect(await run("merge", "drive", "drive", "--into", "both", ...args))
      .toEqual({ code: 0, stdout: "both: 4 messages of 2 sequences\n", stderr: "" });
    const window = ["--topics", "gps/front", "--start", "+3", "--end", "+5"];
    for (const prefix of ["left", "right"]) {
      expect(await play("both", "--topics", `${prefix}/gps/front`))
        .toBe((await play("drive", ...window)).replaceAll("gps/front", `${prefix}/gps/front`));
    }
    const { code, stderr } = await run("merge", "drive", "--into", "new", "--prefix", "a,b");
    expect([code, stderr]).toEqual([2, expect.stringContaining("as many prefixes as sequences, 1")]);
  });

  it("says what it wants", async () => {
    for (const args of [[], ["--every", "4s", "--size", "1G"]]) {
      const { code, stderr } = await run("cut", "drive", ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining("one of --at, --every and --size")]);
    }
    const { code, stderr } = await run("cut", "drive", "--every", "4");
    expect([code, stderr]).toEqual([2, expect.stringContaining("such as 500ms")]);
    expect((await run("merge", "drive")).code).toBe(2);
  });
});
