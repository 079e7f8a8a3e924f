import { spawn } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageFromPixels } from "../../src/image/mod.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import { createFile } from "../../src/export/create_file.ts";
import { ontology } from "../../mod.ts";
import { concat } from "../import/mcap_file.ts";
import { channel, chunk, file, messages, schema } from "../import/mcap_parts.ts";
import { path as fixture } from "../export/mcap_exports.ts";
import { cliCommand, makeTemporary, needsBuild, smalti, start, until } from "../support/cli_process.ts";
import { DRIVE_START_NS, mcapFile, recordDrive, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti convert${needsBuild}`, () => {
  let directory: string;
  let remove: () => Promise<void>;
  /** The recording "drive" as MCAP. */
  let drive: string;
  beforeAll(async () => {
    ({ directory, remove } = await makeTemporary());
    drive = join(directory, "drive.mcap");
    const store = join(directory, "store");
    await recordDrive(store);
    await withClient(store, async (client) => {
      await exportMcap(await client.sequenceHandler("drive"), await createFile(drive));
    });
  });
  afterAll(() => remove());

  const at = (name: string) => join(directory, name);
  const convert = (...args: string[]) => smalti("convert", ...args);
  /** What there is whose name begins so. */
  const left = async (name: string) => (await readdir(directory)).filter((other) => other.startsWith(name));
  const timesOf = (text: string) =>
    text.trim().split("\n").map((line) => BigInt(JSON.parse(line).timestamp_ns));

  it("writes the format that the new file's name ends with", async () => {
    const out = at("again.mcap");
    expect(await convert(drive, out)).toEqual({
      code: 0,
      stdout: `converted 16 messages to ${out}\n`,
      stderr: "",
    });
    const [lines, jsonl] = [at("drive.ndjson"), at("drive.jsonl")];
    expect((await convert(drive, lines)).code).toBe(0);
    expect((await convert(out, jsonl)).code).toBe(0);
    const text = await readFile(lines, "utf8");
    expect(timesOf(text).length).toBe(16);
    expect(timesOf(await readFile(jsonl, "utf8"))).toEqual(timesOf(text));
    expect(await left("again.mcap")).toEqual(["again.mcap"]);
  });

  it("writes the messages of ROS byte for byte, with publish times and all", async () => {
    const source = fixture("talker.db3");
    const [out, again] = [at("talker.mcap"), at("talker2.mcap")];
    expect((await convert(source, out)).code).toBe(0);
    // Once through it is the same however often.
    expect((await convert(out, again)).code).toBe(0);
    expect(await readFile(again)).toEqual(await readFile(out));
    const uncompressed = at("talker3.mcap");
    expect((await convert(out, uncompressed, "--compression", "none")).code).toBe(0);
    expect((await readFile(uncompressed)).length).toBeGreaterThan((await readFile(out)).length);
  });

  it.each(["parquet", "arrow", "csv"])("writes %s: a directory, or a file for one topic", async (to) => {
    const tables = at(`tables_${to}`);
    expect((await convert(drive, tables, "--to", to)).code).toBe(0);
    expect((await readdir(tables, { recursive: true })).filter((name) => name.endsWith(to)).sort())
      .toEqual([`empty.${to}`, join("gps", `front.${to}`), `odd.${to}`]);
    const one = at(`front.${to}`);
    expect(await convert(drive, one, "--topics", "*front")).toMatchObject({ code: 0, stderr: "" });
    expect(await readFile(one)).toEqual(await readFile(join(tables, "gps", `front.${to}`)));
    const many = await convert(drive, at(`many.${to}`));
    expect([many.code, many.stderr]).toEqual([
      1,
      expect.stringMatching(/it would have \d topics .*a directory/),
    ]);
    expect(await left("many")).toEqual([]);
  });

  it("writes pictures", async () => {
    const pixels = { width: 2, height: 1, encoding: "rgb8", data: Uint8Array.of(1, 2, 3, 250, 251, 252) };
    const shots = at("shots.mcap");
    await withClient("memory:", async (client) => {
      await client.sequenceCreate("shots", {}, async (sequence) => {
        const camera = await sequence.topicCreate("camera/front", { ontology: ontology.Image });
        await camera.push({ timestampNs: DRIVE_START_NS, data: imageFromPixels(pixels) });
      });
      await exportMcap(await client.sequenceHandler("shots"), await createFile(shots));
    });
    expect(await convert(shots, at("pictures"), "--to", "images")).toMatchObject({ code: 0, stderr: "" });
    expect(await readdir(join(at("pictures"), "camera", "front"))).toEqual([`${DRIVE_START_NS}.png`]);
    const none = await convert(drive, at("nothing"), "--to", "images");
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no topic holds any")]);
    expect(await left("nothing")).toEqual([]);
  });

  it("reads standard input and writes standard output", async () => {
    const whole = await convert(drive, "-", "--to", "ndjson");
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    const shell = (...args: string[]) =>
      start(["sh", "-c", `cat "$0" | "$@"`, drive, ...cliCommand, "convert", ...args]);
    expect(await shell("-", "-", "--to", "ndjson").ended).toEqual(whole);
    const out = at("piped.mcap");
    expect(await shell("-", out).ended).toMatchObject({
      code: 0,
      stdout: `converted 16 messages to ${out}\n`,
    });
  });

  it("takes a part, and known types as the built-in classes", async () => {
    const part = await convert(
      drive,
      "-",
      "--to",
      "ndjson",
      "--topics",
      "*front",
      "--start",
      "+3",
      "--end",
      "+5",
    );
    expect(timesOf(part.stdout)).toEqual([3n, 4n].map((second) => DRIVE_START_NS + second * 1_000_000_000n));
    const source = fixture("fake_joint_state-lz4.bag");
    const tags = async (...args: string[]) => {
      const { stdout } = await convert(source, "-", "--to", "ndjson", ...args);
      return [...new Set(stdout.trim().split("\n").map((line) => JSON.parse(line).ontology))];
    };
    expect(await tags()).toEqual(["sensor_msgs/JointState"]);
    expect(await tags("--ontology")).toEqual(["RobotJoint"]);
  });

  it("replaces nothing", async () => {
    const mine = at("mine.mcap");
    await writeFile(mine, "mine");
    const { code, stdout, stderr } = await convert(drive, mine);
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      expect.stringContaining(`Cannot create ${mine}: it is there already`),
    ]);
    expect(await readFile(mine, "utf8")).toBe("mine");
    const itself = await convert(drive, drive);
    expect([itself.code, itself.stderr]).toEqual([1, expect.stringContaining("it is there already")]);
    expect(await left("mine")).toEqual(["mine.mcap"]);
  });

  it("wants a format, and one recording", async () => {
    for (
      const args of [[drive, at("what.bin")], [drive, "-"], [drive, at("a.ndjson"), "--compression", "zstd"]]
    ) {
      expect((await convert(...args)).code).toBe(2);
    }
    const unknown = await convert(drive, at("what.bin"));
    expect(unknown.stderr).toContain("does not end as a format does: wanted --to with mcap, ndjson");
    const many = at("many_recordings");
    await convert(drive, at("two_a.mcap"));
    await withTwo(many);
    const two = await convert(many, at("two.mcap"));
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining("has 2 recordings: wanted one")]);
    const missing = await convert(at("nowhere.mcap"), at("x.mcap"));
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("nowhere.mcap")]);
    expect(await left("x.mcap")).toEqual([]);
  });

  async function withTwo(path: string): Promise<void> {
    await mkdir(path);
    for (const name of ["a.mcap", "b.mcap"]) await copyFile(drive, join(path, name));
  }

  it("leaves nothing of what is damaged, or with --salvage what is whole", async () => {
    const definitions = concat([schema(1), channel(1, "/a")]);
    const bad = at("bad.mcap");
    const damaged = chunk(messages(1, 3, 6), { crc: 1 });
    await writeFile(
      bad,
      file(chunk(concat([definitions, messages(1, 0, 3)])), damaged, chunk(messages(1, 6, 9))),
    );
    for (const [to, out] of [["mcap", "saved.mcap"], ["csv", "saved"]]) {
      const { code, stdout, stderr } = await convert(bad, at(out), "--to", to);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^smalti: Cannot import ".*bad\.mcap": .*Incorrect chunk CRC/);
      expect(stderr).not.toMatch(/sequence|kept|state/);
      expect(await left("saved")).toEqual([]);
    }
    const whole = await convert(bad, at("saved.mcap"), "--salvage");
    // As of an export: not all of it is there.
    expect([whole.code, whole.stdout]).toEqual([1, `converted 6 messages to ${at("saved.mcap")}\n`]);
    expect(whole.stderr).toContain("Incorrect chunk CRC");
    expect(await left("saved")).toEqual(["saved.mcap"]);
    const none = at("none.mcap");
    await writeFile(none, "no recording");
    const other = await convert(none, at("of_none.mcap"));
    expect([other.code, await left("of_none")]).toEqual([1, []]);
    expect(other.stderr).not.toMatch(/sequence/);
  });

  it("says where messages could not be put in order", async () => {
    const lines = at("late.ndjson");
    const text = (ns: number) =>
      `{"timestamp_ns":"${ns}","topic":"t","ontology":"T","data":{"v":${
        JSON.stringify("x".repeat(9000))
      }}}\n`;
    const times = [...Array.from({ length: 4000 }, (_, i) => 10 + i), 1, 2];
    await writeFile(lines, times.map(text).join(""));
    const { code, stderr } = await convert(lines, at("late.mcap"));
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^smalti: 2 messages came much later than newer/),
    ]);
  });

  it.skipIf(process.platform === "win32")("ends with its reader, and on a full disk", async () => {
    const large = at("large.mcap");
    await writeFile(large, await mcapFile(300_000));
    const pipe = (then: string, to: string) =>
      start(["sh", "-c", `"$@" ${then}; echo "left"`, "sh", ...cliCommand, "convert", large, "-", "--to", to])
        .ended;
    const head = await pipe("| head -n 1", "ndjson");
    expect([head.code, head.stderr, timesOf(head.stdout.replace(/left\n$/, ""))]).toEqual([0, "", [0n]]);
    if (process.platform !== "linux") return;
    const full = await start([
      "sh",
      "-c",
      `"$@" > /dev/full`,
      "sh",
      ...cliCommand,
      "convert",
      large,
      "-",
      "--to",
      "mcap",
    ])
      .ended;
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining("Cannot write to stdout")]);
  });

  it.skipIf(process.platform === "win32")("leaves nothing on Ctrl-C, but what came of a pipe", async () => {
    const large = at("long.mcap");
    await writeFile(large, await mcapFile(300_000));
    const out = at("broken");
    const running = start([...cliCommand, "convert", large, out, "--to", "csv"]);
    await until(async () => (await left("broken")).length > 0);
    process.kill(running.child.pid!, "SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toMatch(/^smalti: Import of .*long\.mcap.* was aborted\n$/);
    expect(await left("broken")).toEqual([]);

    const lines = at("lines.ndjson");
    const [command, ...args] = [...cliCommand, "convert", "-", lines];
    const live = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    live.stderr!.setEncoding("utf8").on("data", (text: string) => said += text);
    const ended = new Promise((resolve) => live.once("close", resolve));
    live.stdin!.write(`{"timestamp_ns":"5","topic":"t","ontology":"T","data":{"v":1.5}}\n`);
    // It stays open.
    await until(async () => (await left("lines.ndjson")).length > 0);
    process.kill(live.pid!, "SIGINT");
    expect(await ended).toBe(130);
    expect(said).toContain("was aborted; what came before is written: messages 1, topics 1");
    expect(timesOf(await readFile(lines, "utf8"))).toEqual([5n]);
    expect(await left("lines.ndjson")).toEqual(["lines.ndjson"]);
  });
});
