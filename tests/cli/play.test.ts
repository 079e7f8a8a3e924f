import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  binary,
  defineOntology,
  float64,
  int64,
  list,
  optional,
  struct,
  Temperature,
  uint8,
  utf8,
} from "../../mod.ts";
import type { SequenceStreamOptions } from "../../src/read/message_stream.ts";
import {
  cliCommand,
  FLIGHT,
  makeTemporary,
  needsBuild,
  smalti,
  start,
  until,
} from "../support/cli_process.ts";
import { DRIVE_START_NS, recordBoot, recordDrive, recordNoise, withClient } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti play${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory: store, remove } = await makeTemporary());
    await recordDrive(store);
    await recordBoot(store, 500_000_000n);
    await recordNoise(store, 20_000);
  });
  afterAll(() => remove());

  /** Lines of ndjson. */
  async function play(name: string, ...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await smalti(
      "play",
      name,
      "--store",
      store,
      "--format",
      "ndjson",
      ...args,
    );
    expect([code, stderr]).toEqual([0, ""]);
    return stdout === "" ? [] : stdout.replace(/\n$/, "").split("\n");
  }

  /** The same by the library. */
  async function stream(
    name: string,
    options: SequenceStreamOptions = {},
  ): Promise<string[]> {
    const lines: string[] = [];
    await withClient(store, async (client) => {
      for await (
        const [, message] of (await client.sequenceHandler(name))
          .getDataStreamer(options)
      ) {
        const json = message.toJSON();
        if (json.data._json === null) delete json.data._json;
        lines.push(JSON.stringify(json));
      }
    });
    return lines;
  }

  it("prints every message as ndjson in the library's order", async () => {
    const lines = await play("drive");
    expect(lines).toEqual(await stream("drive"));
    expect(lines.length).toBe(16);
    expect(JSON.parse(lines[1])).toEqual({
      timestamp_ns: "1700000000000000000",
      topic: "odd",
      ontology: "Odd",
      data: {
        count: "9007199254740992",
        text: `line\n"0" é`,
        bytes: "AA==",
        values: [0, 0.5],
      },
    });
    expect(lines.filter((line) => "_json" in JSON.parse(line).data).length)
      .toBe(1);
    expect(await play("noise")).toEqual(await stream("noise"));
  });

  it("prints the first messages with --limit, the last ones first with --reverse, and the last ones with --tail", async () => {
    const all = await stream("drive");
    expect(await play("drive", "--limit", "3")).toEqual(all.slice(0, 3));
    expect(await play("drive", "--limit", "0")).toEqual([]);
    expect(await play("drive", "--reverse")).toEqual([...all].reverse());
    expect(await play("drive", "--reverse", "--limit", "2")).toEqual(all.slice(-2).reverse());
    expect(await play("drive", "--tail", "5")).toEqual(all.slice(-5));
    expect(await play("drive", "--tail", "500")).toEqual(all);
    const odd = await stream("drive", { topics: ["odd"] });
    expect(await play("drive", "--tail", "1", "--topics", "odd")).toEqual(odd.slice(-1));
    expect(await play("drive", "--limit", "2", "--speed", "1e9")).toEqual(all.slice(0, 2));
    for (
      const args of [
        ["--limit", "x"],
        ["--limit", "-1"],
        ["--tail", "1.5"],
        ["--reverse", "--speed", "1"],
        ["--reverse", "--follow"],
        ["--tail", "1", "--limit", "1"],
        ["--tail", "1", "--reverse"],
      ]
    ) {
      expect((await smalti("play", "drive", "--store", store, ...args)).code).toBe(2);
    }
  });

  it("prints readable lines: time, topic, data", async () => {
    const { code, stdout } = await smalti("play", "drive", "--store", store);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBe(16);
    expect(lines[0]).toMatch(
      /^2023-11-14T22:13:20\.000000000Z gps\/front \{.*"x":0,/,
    );
    const boot = await smalti("play", "boot", "--store", store);
    expect(boot.stdout).toBe(
      `20.220677001 noise {"value":1}\n20.720677001 noise {"value":2}\n`,
    );
  });

  it("shows bytes for people as how many they are, and fields that are there; --no-bytes in every format", async () => {
    const Frame = defineOntology("Frame", {
      jpeg: binary(),
      label: utf8(),
      parts: optional(list(binary())),
      levels: optional(list(uint8())),
      at: optional(struct({ x: float64(), thumb: optional(binary()) })),
      n: optional(int64()),
    });
    await withClient(store, (client) =>
      client.sequenceCreate("camera", {}, async (sequence) => {
        const topic = await sequence.topicCreate("front", { ontology: Frame });
        const bytes = (length: number) => new Uint8Array(length);
        await topic.push({ timestampNs: 0n, data: { jpeg: bytes(20_000), label: "<1 byte>", n: 2n ** 60n } });
        await topic.push({
          timestampNs: 1n,
          data: {
            jpeg: bytes(1),
            label: "b",
            parts: [bytes(64), bytes(65)],
            levels: Array(70).fill(7),
            at: { x: NaN, thumb: bytes(0) },
          },
        });
      }));
    const levels = `[${Array(70).fill(7).join()}]`;
    const base64 = (length: number) => `"${btoa("\0".repeat(length))}"`;
    const of = async (...args: string[]) => {
      const { code, stdout, stderr } = await smalti("play", "camera", "--store", store, ...args);
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    const first = `"jpeg":"<20000 bytes>","label":"<1 byte>"`;
    expect(await of()).toBe(
      `0.000000000 front {${first},"n":"1152921504606846976"}\n` +
        `0.000000001 front {"jpeg":"AA==","label":"b","parts":[${
          base64(64)
        },"<65 bytes>"],"levels":${levels},` +
        `"at":{"x":"NaN","thumb":""}}\n`,
    );
    const short = `"parts":["<64 bytes>","<65 bytes>"],"levels":${levels},"at":{"x":"NaN","thumb":""}`;
    expect(await of("--no-bytes", "--speed", "1e9")).toBe(
      `0.000000000 front {${first},"n":"1152921504606846976"}\n` +
        `0.000000001 front {"jpeg":"<1 byte>","label":"b",${short}}\n`,
    );
    const line = (ns: number, data: string) =>
      `{"timestamp_ns":"${ns}","topic":"front","ontology":"Frame","data":{${data}}}\n`;
    expect(await of("--format", "ndjson", "--no-bytes")).toBe(
      line(0, `${first},"parts":null,"levels":null,"at":null,"n":"1152921504606846976"`) +
        line(1, `"jpeg":"<1 byte>","label":"b",${short},"n":null`),
    );
    expect(await of("--format", "ndjson")).toBe((await stream("camera")).map((line) => `${line}\n`).join(""));
  });

  it("takes topics, with or without a leading slash", async () => {
    const gps = await stream("drive", { topics: ["gps/front"] });
    expect(gps.length).toBe(11);
    expect(await play("drive", "--topics", "gps/front")).toEqual(gps);
    expect(await play("drive", "--topics", "/gps/front")).toEqual(gps);
    expect(await play("drive", "--topics", "odd,/gps/front,empty")).toEqual(
      await stream("drive"),
    );
    expect(await play("drive", "--topics", "odd", "--topics", "gps/front"))
      .toEqual(await stream("drive"));
    expect(await play("drive", "--topics=empty")).toEqual([]);
    const { code, stdout, stderr } = await smalti(
      "play",
      "drive",
      "--store",
      store,
      "--topics",
      "odd,nope",
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^smalti: No topic "nope" in sequence "drive"/);
  });

  it("takes times in every form: start inclusive, end exclusive", async () => {
    const expected = await stream("drive", {
      startNs: DRIVE_START_NS + 3_000_000_000n,
      endNs: DRIVE_START_NS + 5_000_000_000n,
    });
    expect(expected.length).toBe(3);
    for (
      const [from, to] of [
        ["+3", "+5.0"],
        ["1700000003000000000", "1700000005000000000"],
        ["2023-11-14T22:13:23Z", "2023-11-14T23:13:25+01:00"],
        ["+2.000000001", "2023-11-14T22:13:25"],
      ]
    ) {
      expect(await play("drive", "--start", from, "--end", to)).toEqual(
        expected,
      );
    }
    // From the sequence's first message, whatever topics are chosen.
    expect(await play("boot", "--start", "+0.5")).toEqual(
      (await stream("boot")).slice(1),
    );
    expect(await play("drive", "--start", "+3", "--end", "+3")).toEqual([]);
    expect(await play("drive", "--start", "+99")).toEqual([]);
    expect(
      await smalti(
        "play",
        "drive",
        "--store",
        store,
        "--start",
        "+5",
        "--end",
        "+3",
      ),
    ).toEqual({
      code: 2,
      stdout: "",
      stderr: "smalti: --start +5 is after --end +3\n",
    });
  });

  it("keeps the time between messages at a speed", async () => {
    const { stdout, ended } = start([
      ...cliCommand,
      "play",
      "boot",
      "--store",
      store,
      "--speed",
      "0.5",
    ]);
    await until(() => stdout() !== "");
    const first = performance.now();
    expect(stdout()).toBe(`20.220677001 noise {"value":1}\n`);
    expect((await ended).code).toBe(0);
    // Half a second at half the speed; more where the machine is busy.
    expect(performance.now() - first).toBeGreaterThan(800);
    expect(stdout().split("\n").length).toBe(3);
    expect(await play("drive", "--speed", "1e3")).toEqual(
      await stream("drive"),
    );
  });

  it("shortens gaps to --max-gap, and keeps the time between messages otherwise", async () => {
    await withClient(store, (client) =>
      client.sequenceCreate("days", {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Temperature });
        for (const timestampNs of [0n, 86_400_000_000_000n, 31_536_000_000_000_000n, 2n ** 62n, 2n ** 62n]) {
          await topic.push({ timestampNs, data: { value: 1 } });
        }
      }));
    expect(await play("days", "--speed", "1", "--max-gap", "0.01")).toEqual(await stream("days"));
    expect(await play("days", "--speed", "1e-3", "--max-gap", "0")).toEqual(await stream("days"));
    expect(await play("days", "--max-gap", "5")).toEqual(await stream("days"));
    for (
      const [args, text] of [[["--max-gap", "soon"], "Wanted a number of seconds"], [
        ["--max-gap", "-1"],
        "Wanted",
      ]] as const
    ) {
      const { code, stderr } = await smalti("play", "days", "--store", store, ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    }
  });

  it.skipIf(process.platform === "win32")(
    "takes a closed pipe for the end, not for an error",
    async () => {
      const script = `{ "$@" 2>"$0/stderr"; echo $? >"$0/code"; } | head -n 1`;
      for (
        const args of [["play", "noise"], [
          "play",
          "noise",
          "--format",
          "ndjson",
          "--speed",
          "1e6",
        ]]
      ) {
        const command = [
          "sh",
          "-c",
          script,
          store,
          ...cliCommand,
          ...args,
          "--store",
          store,
        ];
        const { code, stdout } = await start(command).ended;
        expect([code, stdout.split("\n").length]).toEqual([0, 2]);
        expect(await readFile(join(store, "code"), "utf8")).toBe("0\n");
        expect(await readFile(join(store, "stderr"), "utf8")).toBe("");
      }
    },
  );

  it.skipIf(process.platform !== "linux")(
    "ends with 1 where stdout is full",
    async () => {
      const script = `"$@" >/dev/full`;
      const { code, stderr } = await start([
        "sh",
        "-c",
        script,
        "sh",
        ...cliCommand,
        "play",
        "boot",
        "--store",
        store,
      ]).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^smalti: Cannot write to stdout: .*\n$/);
    },
  );

  it("gives the example flight's messages, in order, without empty overflow", async () => {
    await smalti("import", FLIGHT, "--store", store);
    const lines = await play("flight");
    const wanted = JSON.parse(
      await readFile(
        new URL("flight.expected.json", `file://${FLIGHT}`),
        "utf8",
      ),
    );
    expect(lines.length).toBe(wanted.messages);
    const counts = new Map<string, number>();
    let last = 0n;
    for (const line of lines) {
      const { timestamp_ns, topic, ontology, data, ...rest } = JSON.parse(line);
      expect(Object.keys(rest)).toEqual([]);
      expect(typeof ontology === "string" && !("_json" in data)).toBe(true);
      expect(BigInt(timestamp_ns) >= last).toBe(true);
      last = BigInt(timestamp_ns);
      counts.set(`/${topic}`, (counts.get(`/${topic}`) ?? 0) + 1);
    }
    const topics = wanted.topics as { name: string; messages: number }[];
    expect([...counts].sort()).toEqual(
      topics.map(({ name, messages }) => [name, messages]).sort(),
    );
  });

  it("goes on with what is being recorded, until it is finalized", async () => {
    const running = await withClient(store, async (client) => {
      const sequence = await client.sequenceCreate("live");
      const topic = await sequence.topicCreate("a", { ontology: Temperature });
      const push = (ns: bigint) => topic.push({ timestampNs: ns, data: { value: 1 } });
      for (const ns of [1n, 2n]) await push(ns);
      await sequence.flush();
      const args = ["play", "live", "--store", store, "--format", "ndjson", "--follow"];
      const running = start([...cliCommand, ...args]);
      await until(() => running.stdout().includes("\n"));
      expect(running.stdout().split("\n").length).toBe(2);
      await push(3n);
      await sequence.finalize();
      return running;
    });
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.trim().split("\n")).toEqual(await stream("live"));
  });
});
