import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cliCommand,
  type Ended,
  makeTemporary,
  needsBuild,
  type Running,
  smalti,
  start,
  until,
} from "../support/cli_process.ts";
import { writeMcap } from "../import/mcap_file.ts";
import { mcapFile, withClient } from "./recordings.ts";

const FORMATS = fileURLToPath(new URL("../fixtures/formats/", import.meta.url));
const isDeno = "deno" in process.versions;
/** The superuser reads all, and Windows has other rights. */
const cannotLock = isDeno || (process.getuid?.() ?? 0) !== 0
  ? ""
  : " (needs Deno, or a user with few rights)";
const noSignals = process.platform === "win32" ? " (Windows has no signals)" : "";
const METADATA =
  "rosbag2_bagfile_information:\n  version: 4\n  relative_file_paths:\n    - talk_0.db3\n    - talk_1.db3\n";

let directory: string;
let remove: () => Promise<void>;
beforeAll(async () => ({ directory, remove } = await makeTemporary()));
afterAll(() => remove());

/** A directory with a bag of two files, an MCAP file, and what is none. */
async function makeDirectory(name: string): Promise<string> {
  const path = join(directory, name);
  const bag = join(path, "deep", "talk");
  await mkdir(bag, { recursive: true });
  for (const i of [0, 1]) await cp(join(FORMATS, "talker.db3"), join(bag, `talk_${i}.db3`));
  await writeFile(join(bag, "metadata.yaml"), METADATA);
  await writeFile(join(path, "drive.mcap"), await mcapFile(3));
  await writeFile(join(path, "settings.json"), "{}");
  await writeFile(join(path, ".hidden.mcap"), await mcapFile(3));
  await writeFile(join(path, "half.mcap.part"), await mcapFile(3));
  return path;
}

describe.skipIf(needsBuild)(`smalti import of many${needsBuild}`, () => {
  it("makes a sequence of each recording below a directory, and tells of all in a table", async () => {
    const path = await makeDirectory("all");
    const store = join(path, "recordings"); // what is in there is none
    const bag = join(path, "deep", "talk");
    const pad = (text: string) => text.padEnd(join(path, "drive.mcap").length);
    const { code, stdout, stderr } = await smalti("import", path, "--store", store);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${pad("file")}  sequence  messages  topics  state\n` +
        `${pad(bag)}  talk            40       3  finalized\n` +
        `${join(path, "drive.mcap")}  drive            3       1  finalized\n`,
      stderr: "",
    });
    await withClient(store, async (client) => {
      const { metadata } = await client.sequenceInfo("talk");
      expect(metadata["ros2.bag_metadata"]).toBe(METADATA);
    });
    const again = await smalti("import", path, "--store", store);
    expect(again.code).toBe(1);
    expect(again.stdout.match(/it is there; wanted a new name/g)).toHaveLength(2);
  });

  it("goes on where one fails, and ends with 1", async () => {
    const [good, bad] = ["good", "bad"].map((name) => join(directory, `${name}.mcap`));
    await writeFile(good, await mcapFile(2));
    await writeFile(bad, (await mcapFile(2)).subarray(0, 300));
    const { code, stdout } = await smalti("import", bad, good, good, "--store", join(directory, "failing"));
    expect(code).toBe(1);
    const lines = stdout.split("\n").slice(1);
    expect(lines[0]).toMatch(/bad\.mcap +bad +Cannot import .*bad\.mcap" as sequence "bad": /);
    expect(lines[1]).toMatch(/good\.mcap +good +2 +1 +finalized$/);
    expect(lines[2]).toMatch(/good\.mcap +good_2 +2 +1 +finalized$/);
  });

  it.skipIf(cannotLock)(`tells of what it may not read, and imports the others${cannotLock}`, async () => {
    const path = await makeDirectory("locked");
    const [dir, file] = [join(path, "closed"), join(path, "closed.mcap")];
    await mkdir(dir);
    await writeFile(join(dir, "in.mcap"), await mcapFile(1));
    await writeFile(file, await mcapFile(1));
    const run = (...args: string[]) => smaltiWithout([dir, file], "import", ...args);
    const { code, stdout } = await run(path, "--store", join(path, "recordings"));
    expect(code).toBe(1);
    const refused = "(permission denied|Requires read access)";
    const lines = stdout.split("\n").slice(1, -1).map((line) => line.slice(path.length + 1));
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^closed +Cannot read .*closed: .*${refused}`, "i")),
      expect.stringMatching(new RegExp(`^closed.mcap +Cannot open .*closed.mcap: .*${refused}`, "i")),
      expect.stringMatching(/^deep.talk +talk +40 +3 +finalized$/),
      expect.stringMatching(/^drive.mcap +drive +3 +1 +finalized$/),
    ]);
    // One sequence of all would lack a part.
    const named = await run(path, "--name", "all", "--dry-run");
    expect(named).toMatchObject({ code: 1, stdout: "" });
    expect(named.stderr).toMatch(new RegExp(`^smalti: Cannot read .*closed: .*${refused}`, "i"));
    // A pattern says nothing of what it does not name.
    const matched = await run(join(path, "d*"), "--dry-run");
    expect(matched).toMatchObject({ code: 0, stderr: "" });
  });

  it("takes a bag as one recording, and all of a directory where it is named", async () => {
    const path = await makeDirectory("named");
    const store = join(directory, "named_store");
    const bag = join(path, "deep", "talk");
    const files = [0, 1].map((i) => `20 of ${join(bag, `talk_${i}.db3`)}`).join(", ");
    expect(await smalti("import", bag, "--store", store)).toEqual({
      code: 0,
      stdout: `imported 40 messages on 3 topics into talk: ${files}\n`,
      stderr: "",
    });
    const named = await smalti("import", join(path, "deep"), "--name", "other", "--store", store);
    expect(named.stdout).toBe(`imported 40 messages on 3 topics into other: ${files}\n`);
  });

  it("takes patterns that no shell has replaced", async () => {
    const path = await makeDirectory("patterns");
    const tell = async (pattern: string) => {
      const { stdout } = await smalti("import", join(path, pattern), "--dry-run");
      const [table] = stdout.split("\n\n");
      return table.split("\n").slice(1).filter((line) => line !== "").map((line) =>
        line.split(/ {2,}/).slice(1, 3).join(" ")
      );
    };
    expect(await tell("*.mcap")).toEqual(["drive 3"]);
    expect(await tell("**/talk_?.db3")).toEqual(["talk_0 20", "talk_1 20"]);
    expect(await tell("d*/*")).toEqual(["talk 40"]);
    const none = await smalti("import", join(path, "*.bag"), "--dry-run");
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain("There is no recording in ");
  });

  it("tells of the topics of all in a dry run", async () => {
    const path = await makeDirectory("dry_many");
    const store = join(directory, "dry_many_store");
    const { code, stdout } = await smalti("import", path, "--dry-run", "--store", store);
    expect(code).toBe(0);
    const [files, topics] = stdout.split("\n\n");
    expect(files.match(/not written/g)).toHaveLength(2);
    expect(topics).toBe(
      "sequence  topic             type                               messages  becomes\n" +
        "talk      rosout            rcl_interfaces/msg/Log                   20  columns\n" +
        "talk      topic             std_msgs/msg/String                      20  columns\n" +
        "talk      parameter_events  rcl_interfaces/msg/ParameterEvent         0  bytes\n" +
        "drive     thing             Thing                                     3  columns\n",
    );
    expect(existsSync(store)).toBe(false);
  });

  it("writes nothing in a dry run, and tells of topics and what stays bytes", async () => {
    const store = join(directory, "dry");
    const file = join(directory, "undecoded.mcap");
    const bytes = await writeMcap(async (mcap) => {
      for (const topic of ["/a", "/b", "/other"]) {
        const channel = await mcap.channel(topic, "cdr");
        await mcap.message(channel, 1n, "x");
      }
      await mcap.message(await mcap.json("/thing", { type: "object" }, "Thing"), 2n, "{}");
    });
    await writeFile(file, bytes);
    const { stdout, stderr, code } = await smalti(
      "import",
      file,
      "--dry-run",
      "--topics",
      "!oth*",
      "--store",
      store,
    );
    expect({ stdout, stderr, code }).toEqual({
      stdout: "would import 3 messages on 3 topics into undecoded\n" +
        "topic  type   messages  becomes\n" +
        "a      cdr           1  bytes\n" +
        "b      cdr           1  bytes\n" +
        "thing  Thing         1  columns\n",
      stderr:
        "smalti: 2 messages kept as bytes, on a, b: there is no definition of its messages, which are cdr\n",
      code: 0,
    });
    expect((await smalti("ls", "--store", store)).code).toBe(1);
  });

  it("takes definitions, facts, topics and times", async () => {
    const store = join(directory, "options");
    const types = join(directory, "types", "std_msgs", "msg");
    await mkdir(types, { recursive: true });
    await writeFile(join(types, "String.msg"), "string words\n");
    const file = join(directory, "talker.db3");
    const bytes = await readFile(join(FORMATS, "talker.db3"), "latin1");
    // As bags were before they had definitions.
    await writeFile(file, bytes.replaceAll("message_definitions", "message_definitionz"), "latin1");
    const args = ["--msg-path", join(directory, "types"), "--topics", "top*,!x", "--store", store];
    const facts = ["--metadata", "vehicle=A=1", "--metadata", `{"count":12345678901234567890}`];
    const { stdout, stderr } = await smalti("import", file, ...args, ...facts);
    expect([stdout, stderr]).toEqual(["imported 10 messages on 1 topic into talker\n", ""]);
    const part = await smalti("import", file, ...args, "--name", "part", "--start", "+1", "--end", "+3");
    expect(part.stdout).toBe("imported 4 messages on 1 topic into part\n");
    await withClient(store, async (client) => {
      const { metadata, topics: [{ name, firstNs }] } = await client.sequenceInfo("talker");
      expect([name, metadata]).toEqual(["topic", { vehicle: "A=1", count: 12345678901234567890n }]);
      const { topics: [{ firstNs: partNs }] } = await client.sequenceInfo("part");
      expect(Number(partNs! - firstNs!)).toBeGreaterThanOrEqual(1e9);
    });
    const { stdout: text } = await smalti("play", "talker", "--format", "ndjson", "--store", store);
    expect(JSON.parse(text.split("\n")[0]).data).toEqual({ words: "Hello, world! 0", _raw: null });
  });

  it("maps types to built-in classes, on topics that are named or on all", async () => {
    const file = join(FORMATS, "every_type.mcap");
    const tags = async (...args: string[]) => {
      const { stdout } = await smalti("import", file, "--dry-run", ...args);
      return stdout.split("\n").filter((line) => / IMU | sensor_msgs\/msg\/Imu /.test(line))
        .map((line) => line.split(/ +/)[1]);
    };
    expect(new Set(await tags())).toEqual(new Set(["sensor_msgs/msg/Imu"]));
    expect(new Set(await tags("--ontology"))).toEqual(new Set(["IMU"]));
    expect(new Set(await tags("--ontology", "no_such_topic"))).toEqual(new Set(["sensor_msgs/msg/Imu"]));
  });

  it.each([
    [["import"], "or --watch DIR"],
    [["import", "x", "--watch", "."], "give no files beside it"],
    [["import", "--watch", ".", "--name", "x"], "cannot be used with"],
    [["import", "--ontology", FORMATS], "give the option after the files"],
    [["import", "x", "--topics", "a,,b"], "Wanted patterns"],
    [["import", "x", "--metadata", "a"], "Wanted KEY=VALUE"],
    [["import", "x", "--metadata", "{a"], "It is no JSON"],
    [["import", "x", "--msg-path", FORMATS], "has no PACKAGE/msg/NAME.msg below it"],
    [["import", "-", "--name", "x", "--start", "+1"], "want a file that can be read twice"],
  ])("ends with 2 for %j", async (args, text) => {
    const { code, stderr } = await smaltiWith(`{"timestamp_ns":"1","topic":"t","data":{}}\n`, ...args);
    expect(stderr).toContain(text);
    expect(code).toBe(2);
  });
});

/** Runs the command line without the right to read some paths: Deno's flag, else that of the file system. */
async function smaltiWithout(paths: readonly string[], ...args: string[]): Promise<Ended> {
  if (isDeno) {
    const [command, run, ...rest] = cliCommand;
    return await start([command, run, `--deny-read=${paths.join(",")}`, ...rest, ...args]).ended;
  }
  const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode));
  for (const path of paths) await chmod(path, 0);
  try {
    return await smalti(...args);
  } finally {
    for (const [i, path] of paths.entries()) await chmod(path, modes[i]);
  }
}

/** Runs the command line with a text as its standard input. */
function smaltiWith(input: string, ...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const [command, ...rest] = [...cliCommand, ...args, "--store", join(directory, "none")];
  const child = spawn(command, rest, {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let stderr = "";
  child.stdin!.on("error", () => {});
  child.stdin!.end(input);
  child.stderr!.setEncoding("utf8").on("data", (text: string) => stderr += text);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stderr })));
}

describe.skipIf(needsBuild || noSignals)(`smalti import --watch${needsBuild || noSignals}`, () => {
  const end = async ({ child, ended }: Running) => {
    process.kill(child.pid!, "SIGTERM");
    return await ended;
  };

  it("imports what is there and what comes, whole and once, also when it is started again", async () => {
    const path = join(directory, "inbox");
    const store = join(directory, "watched");
    await mkdir(join(path, "sub"), { recursive: true });
    await writeFile(join(path, "a.mcap"), await mcapFile(1));
    await writeFile(join(path, "note.txt"), "no recording");
    const watch = () =>
      start([...cliCommand, "import", "--watch", path, "--metadata", "by=watch", "--store", store]);
    const first = watch();
    await until(() => first.stdout() === "imported 1 message on 1 topic into a\n");
    const whole = await mcapFile(2);
    await writeFile(join(path, "b.mcap"), whole.subarray(0, whole.length - 20)); // not ended yet
    await writeFile(join(path, "c.mcap.part"), await mcapFile(4));
    await writeFile(join(path, "sub", "a.mcap"), await mcapFile(3));
    await until(() => first.stdout().endsWith("imported 3 messages on 1 topic into a_2\n"));
    await writeFile(join(path, "b.mcap"), whole);
    await rename(join(path, "c.mcap.part"), join(path, "c.mcap"));
    await until(() => /imported 4 messages on 1 topic into c\n/.test(first.stdout()));
    await until(() => /imported 2 messages on 1 topic into b\n/.test(first.stdout()));
    expect(await end(first)).toMatchObject({ code: 143, stderr: "" });

    await cp(join(FORMATS, "talker.db3"), join(path, "d.db3"));
    const second = watch();
    await until(() => second.stdout() !== "");
    expect(await end(second)).toEqual({
      code: 143,
      stdout: "imported 20 messages on 3 topics into d\n",
      stderr: "",
    });
    await withClient(store, async (client) => {
      expect(await client.listSequences()).toEqual(["a", "a_2", "b", "c", "d"]);
      const { metadata } = await client.sequenceInfo("a_2");
      const size = (await readFile(join(path, "sub", "a.mcap"))).length;
      expect(metadata).toMatchObject({ by: "watch", "import.source": { name: "sub/a.mcap", size } });
    });
  });

  it("tells of a file that fails once, and goes on", async () => {
    const path = join(directory, "bad_inbox");
    await mkdir(path);
    const bytes = await mcapFile(2);
    bytes.fill(0xff, 60, 90); // its end is whole
    await writeFile(join(path, "bad.mcap"), bytes);
    await writeFile(join(path, "good.mcap"), await mcapFile(1));
    const watch = start([
      ...cliCommand,
      "import",
      "--watch",
      path,
      "--store",
      join(directory, "bad_watched"),
    ]);
    await until(() => watch.stdout() === "imported 1 message on 1 topic into good\n");
    const { stderr } = await end(watch);
    expect(stderr.match(/bad\.mcap: Cannot import/g)).toHaveLength(1);
  });

  it("imports again what an import has left that was killed", async () => {
    const path = join(directory, "killed_inbox");
    const store = join(directory, "killed");
    await mkdir(path);
    await writeFile(join(path, "long.mcap"), await mcapFile(200_000));
    const watch = () => start([...cliCommand, "import", "--watch", path, "--store", store]);
    const first = watch();
    await until(() => existsSync(join(store, "long", "thing.arrow")));
    process.kill(first.child.pid!, "SIGKILL");
    await first.ended;
    expect(first.stdout()).toBe("");
    const second = watch();
    await until(() => second.stdout() !== "");
    expect((await end(second)).stdout).toBe("imported 200000 messages on 1 topic into long\n");
    expect(await withClient(store, (client) => client.listSequences())).toEqual(["long"]);
  });

  it("wants a directory", async () => {
    expect(await smalti("import", "--watch", join(directory, "nowhere"), "--store", join(directory, "none")))
      .toMatchObject({ code: 1, stderr: `smalti: There is no directory ${join(directory, "nowhere")}\n` });
  });
});
