import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { nameOfRecording, ofFile } from "../../src/cli/find_recordings.ts";
import { parseTime, resolveTime } from "../../src/cli/time_argument.ts";
import { VERSION } from "../../src/version.ts";
import { MAX_NS } from "../../src/types.ts";
import { needsBuild, smalti } from "../support/cli_process.ts";

describe("parseTime", () => {
  it("takes integer nanoseconds", () => {
    expect(parseTime("1700000000123456789").ns).toBe(
      1_700_000_000_123_456_789n,
    );
    expect(parseTime("-5")).toEqual({ text: "-5", ns: -5n, fromFirst: false });
    expect(parseTime(String(MAX_NS)).ns).toBe(MAX_NS);
  });

  it("takes seconds after the first message, exactly", () => {
    expect(parseTime("+1.5")).toEqual({
      text: "+1.5",
      ns: 1_500_000_000n,
      fromFirst: true,
    });
    expect(parseTime("+9007199254.740993001").ns).toBe(
      9_007_199_254_740_993_001n,
    );
    expect(parseTime("+0").ns).toBe(0n);
  });

  it("takes ISO 8601 dates to the nanosecond, in UTC unless they say otherwise", () => {
    for (
      const [text, ns] of [
        ["2023-11-14", 1_699_920_000_000_000_000n],
        ["2023-11-14T22:13:20Z", 1_700_000_000_000_000_000n],
        ["2023-11-14T22:13:20", 1_700_000_000_000_000_000n],
        ["2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789n],
        ["2023-11-14T23:13:20+01:00", 1_700_000_000_000_000_000n],
        ["2023-11-14T18:43:20-0330", 1_700_000_000_000_000_000n],
        ["2023-11-14T22:13Z", 1_699_999_980_000_000_000n],
        ["1969-12-31T23:59:59.5Z", -500_000_000n],
        ["2024-02-29T00:00Z", 1_709_164_800_000_000_000n],
      ] as const
    ) expect([text, parseTime(text).ns]).toEqual([text, ns]);
  });

  it("refuses everything else", () => {
    for (
      const text of [
        "",
        "yesterday",
        "1.5",
        "+1.0123456789",
        "+-1",
        "+",
        "9223372036854775808",
        "2023-02-29",
        "2023-13-01",
        "2023-11-14T24:00Z",
        "2023-11-14T22:13:20.1234567890Z",
        "2023-11-14T22:13:20+25:00",
        "2300-01-01",
        "1e9",
      ]
    ) {
      expect(() => parseTime(text), text).toThrow(
        /Wanted|no such date|Times reach/,
      );
    }
  });

  it("is resolved against the first message", () => {
    expect(resolveTime(parseTime("+1.5"), 10n)).toBe(1_500_000_010n);
    expect(resolveTime(parseTime("7"), 10n)).toBe(7n);
    expect(resolveTime(parseTime("+1"), undefined)).toBe(undefined);
    expect(resolveTime(undefined, 10n)).toBe(undefined);
    expect(() => resolveTime(parseTime("+1"), MAX_NS)).toThrow("beyond");
  });
});

describe("nameOfRecording", () => {
  it("makes a sequence name of a path", () => {
    expect(nameOfRecording(ofFile("/data/flight.mcap"))).toBe("flight");
    expect(nameOfRecording(ofFile("drive 2024.05.01.mcap"))).toBe("drive_2024_05_01");
    expect(nameOfRecording(ofFile("_größe.mcap"))).toBe("gr__e");
    expect(nameOfRecording(ofFile("plain"))).toBe("plain");
  });

  it("refuses a path of which nothing is left", () => {
    expect(() => nameOfRecording(ofFile("___.mcap"))).toThrow("--name");
  });
});

describe("VERSION", () => {
  it("is that of package.json and deno.json", async () => {
    for (const file of ["package.json", "deno.json"]) {
      const text = await readFile(
        new URL(`../../${file}`, import.meta.url),
        "utf8",
      );
      expect(VERSION).toBe((JSON.parse(text) as { version: string }).version);
    }
  });
});

describe.skipIf(needsBuild)(`smalti arguments${needsBuild}`, () => {
  it("--version and --help print and end with 0", async () => {
    expect(await smalti("--version")).toEqual({
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: "",
    });
    const help = await smalti("--help");
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (
      const command of ["import", "ls", "info", "play", "verify", "recover", "rm", "demo"]
    ) {
      expect(help.stdout).toContain(`  ${command} [options]`);
      const { code, stdout } = await smalti(command, "--help");
      expect([command, code]).toEqual([command, 0]);
      expect(stdout).toContain("--store <DIR>");
    }
  });

  it("bad ones end with 2 and are named on stderr alone", async () => {
    for (
      const [said, ...args] of [
        ["Usage: smalti"],
        ["unknown command 'fly'", "fly"],
        ["unknown option '--loud'", "ls", "--loud"],
        ["missing required argument 'NAME'", "info"],
        ["missing required argument 'FILE'", "import"],
        ["too many arguments", "rm", "a", "b"],
        [`Sequence name \"a b\"`, "info", "a b"],
        [`Sequence name \"../up\"`, "rm", "../up"],
        [`Sequence name \"-\"`, "import", "x.mcap", "--name", "-"],
        ["Wanted a directory", "ls", "--store", ""],
        ["argument missing", "play", "drive", "--start"],
        ["'yesterday' is invalid", "play", "drive", "--start", "yesterday"],
        ["'2023-02-30' is invalid", "play", "drive", "--end", "2023-02-30"],
        ["'0' is invalid", "play", "drive", "--speed", "0"],
        ["'fast' is invalid", "play", "drive", "--speed", "fast"],
        ["'-1' is invalid", "play", "drive", "--speed", "-1"],
        [
          "Allowed choices are text, ndjson",
          "play",
          "drive",
          "--format",
          "xml",
        ],
        [`Topic name \"\"`, "play", "drive", "--topics", "a,,b"],
      ]
    ) {
      const { code, stdout, stderr } = await smalti(...args);
      expect([args, code, stdout]).toEqual([args, 2, ""]);
      expect(stderr).toContain(said);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});
