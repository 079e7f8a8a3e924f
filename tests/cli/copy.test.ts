import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { recordDrive } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti copy${needsBuild}`, () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory, remove } = await makeTemporary());
    await recordDrive(join(directory, "store"));
  });
  afterAll(() => remove());

  it("copies all or some sequences, and says what was there", async () => {
    const [store, to] = [join(directory, "store"), join(directory, "copy")];
    const first = await smalti("copy", "--store", store, "--to", to);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^drive: \d+ files copied, /m);
    const again = await smalti("copy", "drive", "--store", store, "--to", to);
    expect([again.code, again.stdout]).toEqual([
      0,
      expect.stringMatching(/^drive: 0 files copied, \d+ files there already, /),
    ]);
    const play = async (place: string) =>
      (await smalti("play", "drive", "--format", "ndjson", "--store", place)).stdout;
    expect(await play(to)).toBe(await play(store));
  });

  it("wants to know where to", async () => {
    const { code, stderr } = await smalti("copy", "drive", "--store", join(directory, "store"));
    expect([code, stderr]).toEqual([2, expect.stringContaining("--to")]);
    const none = await smalti(
      "copy",
      "none",
      "--store",
      join(directory, "store"),
      "--to",
      join(directory, "copy"),
    );
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("none")]);
  });
});
