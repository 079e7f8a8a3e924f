import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ontology } from "../../mod.ts";
import { decodeImage, imageFromPixels } from "../../src/image/mod.ts";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { DRIVE_START_NS, recordDrive, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti export${needsBuild}`, () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory, remove } = await makeTemporary());
    await recordDrive(join(directory, "store"));
  });
  afterAll(() => remove());

  const run = (...args: string[]) => smalti("export", "drive", "--store", join(directory, "store"), ...args);

  it("writes to a file or to stdout what play prints", async () => {
    const args = ["--topics", "gps/front", "--start", "+3", "--end", "+5"];
    const file = join(directory, "drive.ndjson");
    expect(await run("--to", "ndjson", "-o", file, ...args)).toEqual({
      code: 0,
      stdout: `exported 2 messages to ${file}\n`,
      stderr: "",
    });
    const text = await readFile(file, "utf8");
    expect(text.trim().split("\n").map((line) => JSON.parse(line).timestamp_ns))
      .toEqual([3n, 4n].map((second) => String(DRIVE_START_NS + second * 1_000_000_000n)));
    expect(await run("--to", "ndjson", ...args)).toEqual({ code: 0, stdout: text, stderr: "" });
    const play = ["play", "drive", "--store", join(directory, "store"), "--format", "ndjson", ...args];
    expect((await smalti(...play)).stdout).toBe(text);
  });

  it("writes MCAP, which comes in again", async () => {
    const file = join(directory, "drive.mcap");
    const { code, stdout } = await run("--to", "mcap", "-o", file);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^exported \d+ messages to /)]);
    const store = join(directory, "again");
    expect((await smalti("import", file, "--store", store)).code).toBe(0);
    const play = (from: string) => smalti("play", "drive", "--store", from, "--format", "ndjson");
    const [before, after] = [await play(join(directory, "store")), await play(store)];
    const timesOf = (text: string) => text.trim().split("\n").map((line) => JSON.parse(line).timestamp_ns);
    expect(timesOf(after.stdout)).toEqual(timesOf(before.stdout));
  });

  it.each(["parquet", "arrow", "csv"])("writes a %s file a topic into a directory, or one", async (to) => {
    const tables = join(directory, `tables_${to}`);
    const { code, stdout } = await run("--to", to, "-o", tables);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^exported \d+ messages to /)]);
    const file = join(directory, `front.${to}`);
    expect((await run("--to", to, "-o", file, "--topics", "gps/front")).code).toBe(0);
    expect(await readFile(join(tables, "gps", `front.${to}`))).toEqual(await readFile(file));
    const again = await run("--to", to, "-o", tables);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("it is there already")]);
    const many = await run("--to", to, "-o", join(directory, `all.${to}`));
    expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("-o DIRECTORY")]);
    const store = join(directory, `again_${to}`);
    expect((await smalti("import", file, "--store", store)).code).toBe(0);
    const timesOf = async (name: string, from: string, ...topics: string[]) =>
      (await smalti("play", name, "--store", from, "--format", "ndjson", ...topics)).stdout.trim().split("\n")
        .map((line) => JSON.parse(line).timestamp_ns);
    expect(await timesOf("front", store))
      .toEqual(await timesOf("drive", join(directory, "store"), "--topics", "gps/front"));
  });

  it("writes the pictures of a sequence into a directory", async () => {
    const store = join(directory, "pictures");
    const pixels = { width: 2, height: 1, encoding: "rgb8", data: Uint8Array.of(1, 2, 3, 250, 251, 252) };
    await withClient(store, (client) =>
      client.sequenceCreate("shots", {}, async (sequence) => {
        const camera = await sequence.topicCreate("camera/front", { ontology: ontology.Image });
        await camera.push({ timestampNs: DRIVE_START_NS, data: imageFromPixels(pixels) });
        await sequence.topicCreate("gps", { ontology: ontology.GPS });
      }));
    const images = (...args: string[]) =>
      smalti("export", "shots", "--store", store, "--to", "images", ...args);
    const out = join(directory, "shots");
    expect(await images("-o", out)).toEqual({
      code: 0,
      stdout: `exported 1 message to ${out}\n`,
      stderr: "",
    });
    const data = new Uint8Array(await readFile(join(out, "camera", "front", `${DRIVE_START_NS}.png`)));
    const { width, height, encoding, data: found } = await decodeImage({ data, format: "png" });
    expect({ width, height, encoding, data: Uint8Array.from(found) }).toEqual(pixels);
    const refused = await images("-o", join(directory, "gps"), "--topics", "gps");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('topic "gps"')]);
    expect((await readdir(directory)).filter((name) => name.startsWith("gps"))).toEqual([]);
    const nowhere = await images();
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("-o DIRECTORY")]);
  });

  it("replaces no file, and leaves none where it fails", async () => {
    const file = join(directory, "mine");
    await writeFile(file, "mine");
    const { code, stderr } = await run("--to", "ndjson", "-o", file);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Cannot create ${file}: it is there already`),
    ]);
    expect(await readFile(file, "utf8")).toBe("mine");
    const failed = await run("--to", "ndjson", "-o", join(directory, "none"), "--topics", "nope");
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining(`No topic "nope"`)]);
    expect((await readdir(directory)).filter((name) => name.startsWith("none"))).toEqual([]);
  });

  it("wants a format that it has", async () => {
    expect((await run()).code).toBe(2);
    const { code, stderr } = await run("--to", "bogus");
    expect([code, stderr]).toEqual([2, expect.stringContaining("ndjson")]);
  });
});
