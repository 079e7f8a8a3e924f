import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cliCommand,
  FLIGHT,
  makeTemporary,
  needsBuild,
  smalti,
  start,
  until,
} from "../support/cli_process.ts";
import { mcapFile } from "./recordings.ts";

const line = (i: number) => `{"timestamp_ns":"${i}","topic":"t","ontology":"T","data":{"v":${i}.5}}\n`;
const noSignals = process.platform === "win32" ? " (Windows has no signals and no named pipes)" : "";

/** An import of standard input that runs; its writer is ours. */
function importStdin(...args: string[]) {
  const [command, ...rest] = [...cliCommand, "import", "-", ...args];
  const child = spawn(command, rest, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const texts = { stdout: "", stderr: "" };
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8").on("data", (text: string) => texts.stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => texts.stderr += text);
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, ...texts }));
  });
  return { child, ended };
}

describe.skipIf(needsBuild)(`smalti import${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory: store, remove } = await makeTemporary());
  });
  afterAll(() => remove());

  it("makes one sequence of several files that are given a name", async () => {
    const files = ["a.mcap", "b.mcap"].map((name) => join(store, name));
    for (const [i, file] of files.entries()) await writeFile(file, await mcapFile(2 + i));
    expect(await smalti("import", ...files, "--name", "drive", "--store", join(store, "x"))).toEqual({
      code: 0,
      stdout: `imported 5 messages on 1 topic into drive: 2 of ${files[0]}, 3 of ${files[1]}\n`,
      stderr: "",
    });
  });

  it("takes an export back as it was, from a file and from standard input", async () => {
    const s = join(store, "y");
    await smalti("import", FLIGHT, "--store", s);
    const file = join(store, "flight.ndjson");
    await smalti("export", "flight", "--to", "ndjson", "-o", file, "--store", s);
    const lines = await readFile(file, "utf8");
    const { child, ended } = importStdin("--name", "piped", "--store", s);
    child.stdin.end(lines);
    expect(await ended).toEqual({
      code: 0,
      stdout: "imported 14604 messages on 70 topics into piped\n",
      stderr: "",
    });
    expect((await smalti("import", file, "--name", "again", "--store", s)).code).toBe(0);
    for (const name of ["piped", "again"]) {
      const { stdout } = await smalti("export", name, "--to", "ndjson", "--store", s);
      expect(stdout === lines).toBe(true);
    }
  });

  it("takes MCAP from standard input", async () => {
    const { child, ended } = importStdin("--name", "mcap", "--envelope", "--store", store);
    child.stdin.end(await mcapFile(3));
    expect(await ended).toMatchObject({ code: 0, stdout: "imported 3 messages on 1 topic into mcap\n" });
    const { stdout } = await smalti("play", "mcap", "--format", "ndjson", "--store", store);
    expect(JSON.parse(stdout.split("\n")[2]).data)
      .toEqual({ value: 2, text: "message 2", _publish_time_ns: 2_000_000, _sequence: 2, _index: 2 });
  });

  it("orders JSON lines by a field of theirs, on a topic that is named", async () => {
    const file = join(store, "engine.ndjson");
    await writeFile(file, `{"at":2.5,"rpm":1}\n{"at":1.25,"rpm":2}\n`);
    const args = ["--time", "at", "--time-unit", "s", "--topic", "motor", "--store", store];
    expect(await smalti("import", file, ...args)).toMatchObject({
      code: 0,
      stdout: "imported 2 messages on 1 topic into engine\n",
    });
    expect((await smalti("play", "engine", "--store", store)).stdout)
      .toBe(`1.250000000 motor {"at":1.25,"rpm":2}\n2.500000000 motor {"at":2.5,"rpm":1}\n`);
  });

  it("takes CSV with any separator, with or without a header, as one topic of several files", async () => {
    const files = ["a.csv", "b.csv"].map((name) => join(store, name));
    await writeFile(files[0], "1 x,1 5\n");
    await writeFile(files[1], "2 y 0.5\n");
    const args = [
      "--separator",
      " ",
      "--no-header",
      "--time",
      "column_1",
      "--time-unit",
      "s",
      "--topic",
      "t",
    ];
    const done = await smalti("import", ...files, ...args, "--name", "csv", "--store", store);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect((await smalti("play", "csv", "--store", store)).stdout).toBe(
      `1.000000000 t {"column_1":1,"column_2":"x,1","column_3":5}\n` +
        `2.000000000 t {"column_1":2,"column_2":"y","column_3":0.5}\n`,
    );
    await writeFile(files[0], "1\t2\n3\t4\n");
    const header = ["--separator", "\\t", "--header", "--time", "1", "--time-unit", "s", "--name", "tabs"];
    expect(await smalti("import", files[0], ...header, "--store", store)).toMatchObject({ code: 0 });
    expect((await smalti("play", "tabs", "--store", store)).stdout).toBe(`3.000000000 a {"1":3,"2":4}\n`);
  });

  it.each([
    [["import", "-"], "--name"],
    [["import", "-", "-", "--name", "x"], "give - once"],
    [["import", "x", "--time", "."], "Wanted log, publish, or the name of a field"],
    [["import", FLIGHT, "--topic", "x"], "--topic is not for MCAP file"],
    [["import", FLIGHT, "--no-header"], "--header is not for MCAP file"],
    [["import", FLIGHT, "--separator", "::"], "Wanted one character"],
  ])("ends with 2 for %j", async (args, text) => {
    const { code, stderr } = await smalti(...args, "--store", store);
    expect(stderr).toContain(text);
    expect(code).toBe(2);
  });

  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    it.skipIf(noSignals)(
      `is followed while its input lasts, and commits what came on ${signal}${noSignals}`,
      async () => {
        const name = `live_${signal.toLowerCase()}`;
        const { child, ended } = importStdin("--name", name, "--store", store);
        child.stdin.write(line(1) + line(2) + `{"timestamp_ns":`);
        await until(() => existsSync(join(store, name, "sequence.json")));
        const follow = start([
          ...cliCommand,
          "play",
          name,
          "--follow",
          "--format",
          "ndjson",
          "--store",
          store,
        ]);
        await until(() => follow.stdout() === line(1) + line(2));
        process.kill(child.pid!, signal);
        const { stderr, ...rest } = await ended;
        expect(rest).toEqual({ code, stdout: "" });
        expect(stderr).toBe(
          `smalti: Import of "-" as sequence "${name}" was aborted; what came before is committed: messages 2, topics 1\n`,
        );
        expect(await follow.ended).toMatchObject({ code: 0, stdout: line(1) + line(2) });
        expect((await smalti("ls", "--store", store)).stdout).toMatch(new RegExp(`${name} +finalized +1 +2`));
      },
    );
  }

  it.skipIf(noSignals)(`reads a named pipe, once${noSignals}`, async () => {
    const path = join(store, "pipe.ndjson");
    execFileSync("mkfifo", [path]);
    const { ended } = start([...cliCommand, "import", path, "--store", store]);
    await writeFile(path, line(1) + line(2));
    expect(await ended).toEqual({
      code: 0,
      stdout: "imported 2 messages on 1 topic into pipe\n",
      stderr: "",
    });
  });

  it.skipIf(noSignals)(`ends on a signal while a named pipe is silent${noSignals}`, async () => {
    const path = join(store, "silent.ndjson");
    execFileSync("mkfifo", [path]);
    const { child, ended } = start([...cliCommand, "import", path, "--store", store]);
    const writer = await open(path, "w");
    await writer.write(line(1));
    await until(() => existsSync(join(store, "silent", "sequence.json")));
    process.kill(child.pid!, "SIGINT");
    expect((await ended).code).toBe(130);
    await writer.close();
    expect((await smalti("ls", "--store", store)).stdout).toMatch(/silent +finalized +1 +1/);
  });
});
