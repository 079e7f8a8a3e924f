import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { openTransport } from "../../src/flight/transport.ts";
import { act, beginTopic, put, statusOf, upload, VALUE_FIELDS, valueBatch } from "../flight/support.ts";
import { cliCommand, makeTemporary, needsBuild, smalti, start, until } from "../support/cli_process.ts";

const KEY = "msco_0123456789abcdefghijklmnopqrstuv_01234567";

describe.skipIf(needsBuild)(`smalti serve${needsBuild}`, () => {
  it("serves a directory until it is told to end, and says what it did", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      const store = join(directory, "store");
      const client = await connect(store);
      await client.sequenceCreate("drive", {}, async (sequence) => {
        await sequence.topicCreate("a", { ontology: Temperature });
      });
      await client.close();
      const keys = join(directory, "keys.json");
      await writeFile(keys, JSON.stringify([{ key: KEY, permission: "write" }]));
      const args = ["--port", "0", "--api-keys", keys, "--log", "json"];
      const { child, stdout, ended } = start([...cliCommand, "serve", store, ...args]);
      await until(() => stdout().endsWith("\n"));
      const url = /^serving .* at (grpc:\/\/127\.0\.0\.1:\d+)\n$/.exec(stdout())![1];
      const open = openTransport(url, { apiKey: KEY });
      const names: string[][] = [];
      for await (const { flightDescriptor } of open.rpc.listFlights({})) names.push(flightDescriptor!.path);
      expect(names).toEqual([["drive"]]);
      expect(await statusOf(() => act(open, "sequence_delete", { locator: "drive" }))).toBe(
        "[permission_denied] Cannot do DoAction sequence_delete: the API key allows write, wanted delete",
      );
      await act(open, "sequence_create", { locator: "left", user_metadata: {} });
      open.close();
      // Not by `child.kill`: after that Deno gives no exit code, whatever the child ends with.
      process.kill(child.pid!, "SIGINT");
      const { code, stderr } = await ended;
      expect(code).toBe(130);
      expect(stderr).not.toContain(KEY);
      const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
      expect(lines.pop()).toMatchObject({
        event: "health",
        openSessions: 0,
        calls: { ok: 2, permission_denied: 1 },
        memoryMb: expect.any(Number),
      });
      const calls = lines;
      expect(calls.map(({ call, status }) => `${call} ${status}`)).toEqual([
        "ListFlights ok",
        "DoAction sequence_delete permission_denied",
        "DoAction sequence_create ok",
      ]);
      const again = await connect(store);
      expect(await again.sequenceInfo("left")).toMatchObject({ state: "failed" });
      await again.close();
    } finally {
      await remove();
    }
  });

  it("warns of what a public address shows, and sums up its calls at the end", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      const keys = join(directory, "keys.json");
      await writeFile(keys, JSON.stringify([{ key: KEY, permission: "read" }]));
      const cases: [args: string[], warnings: string[]][] = [
        [[], ["no --api-keys: whoever reaches this address", "no --tls-cert: recordings cross the network"]],
        [["--api-keys", keys], ["no --tls-cert: API keys and recordings cross the network"]],
      ];
      for (const [args, warnings] of cases) {
        const command = [
          ...cliCommand,
          "serve",
          join(directory, "store"),
          "--host",
          "0.0.0.0",
          "--port",
          "0",
        ];
        const { child, stdout, ended } = start([...command, ...args]);
        await until(() => stdout().endsWith("\n"));
        const port = /:(\d+)\n$/.exec(stdout())![1];
        const open = openTransport(`grpc://127.0.0.1:${port}`, { apiKey: KEY });
        await act(open, "info");
        open.close();
        process.kill(child.pid!, "SIGINT");
        const lines = (await ended).stderr.trimEnd().split("\n");
        expect(lines).toHaveLength(warnings.length + 1);
        warnings.forEach((warning, i) => expect(lines[i]).toContain(`smalti: ${warning}`));
        expect(lines.at(-1)).toMatch(
          /^smalti: up \d+ s, calls: 1 ok; \d connections, 0 open sessions, \d+ MB$/,
        );
      }
    } finally {
      await remove();
    }
  });

  it("recovers what a server left that was killed, says so, and goes on past what it cannot", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      const store = join(directory, "store");
      const run = async (...args: string[]) => {
        const running = start([...cliCommand, "serve", store, "--port", "0", ...args]);
        await until(() => running.stdout().endsWith("\n"));
        return { ...running, url: /(grpc:.*)\n$/.exec(running.stdout())![1] };
      };
      const first = await run();
      const flight = openTransport(first.url);
      const call = (name: string, body?: object) => act(flight, name, body);
      const { descriptor } = await beginTopic(call);
      await put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([1n, 2n], [1, 2])]));
      await call("sequence_create", { locator: "empty", user_metadata: {} });
      process.kill(first.child.pid!, "SIGKILL");
      await first.ended;
      flight.close();
      await mkdir(join(store, "damaged"));
      await writeFile(join(store, "damaged/sequence.json"), "{");
      await mkdir(join(store, "other"));

      // A server that only reads leaves all as it is.
      const reading = await run("--read-only");
      process.kill(reading.child.pid!, "SIGINT");
      expect((await reading.ended).stderr).toBe("");

      const second = await run();
      process.kill(second.child.pid!, "SIGINT");
      expect((await second.ended).stderr.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^smalti: left "damaged" as it is: Manifest is damaged/),
        'smalti: recovered "drive": kept 2 rows in 1 topic, left out 0 B',
        'smalti: recovered "empty": kept 0 rows in 0 topics, left out 0 B',
      ]);
      const client = await connect(store);
      expect(await client.sequenceInfo("drive")).toMatchObject({
        state: "recovered",
        topics: [{ rowCount: 2 }],
      });
      await client.close();
    } finally {
      await remove();
    }
  });

  it("ends sessions that are left alone after the time that it is given", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      const store = join(directory, "store");
      const args = ["--port", "0", "--session-timeout", "0.5"];
      const { child, stdout, ended } = start([...cliCommand, "serve", store, ...args]);
      await until(() => stdout().endsWith("\n"));
      const flight = openTransport(/(grpc:.*)\n$/.exec(stdout())![1]);
      await act(flight, "sequence_create", { locator: "drive", user_metadata: {} });
      await act(flight, "session_create", { locator: "drive" });
      const client = await connect(store);
      await until(async () => (await client.sequenceInfo("drive")).state === "failed");
      expect((await client.sequenceInfo("drive")).sessions.at(-1)!.reason).toBe("no call came in 0.5 s");
      await client.close();
      flight.close();
      process.kill(child.pid!, "SIGINT");
      await ended;
    } finally {
      await remove();
    }
  });

  it("refuses arguments and files that make no sense, and shows no keys", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      const file = (name: string) => join(directory, name);
      await writeFile(file("text"), KEY);
      await writeFile(file("empty"), "[]");
      await writeFile(file("short"), '[{"key": "abc", "permission": "read"}]');
      await writeFile(file("rank"), `[{"key": "${KEY}", "permission": "all"}]`);
      await writeFile(file("date"), `[{"key": "${KEY}", "permission": "read", "expires": "soon"}]`);
      const keys = (name: string) => ["--api-keys", file(name)];
      const cases: [code: number, message: string, args: string[]][] = [
        [2, "Wanted 0 to 65535.", ["--port", "70000"]],
        ...["0", "-1", "soon", "9999999"].map((seconds): [number, string, string[]] => {
          return [2, "Wanted seconds, more than 0", [`--session-timeout=${seconds}`]];
        }),
        [2, "--tls-cert and --tls-key go together", ["--tls-cert", "x"]],
        [1, "Cannot read", ["--tls-cert", file("none"), "--tls-key", file("none")]],
        [1, "it is not JSON", keys("text")],
        [1, "wanted a list with at least one key", keys("empty")],
        [1, 'entry 0 has no "key" of at least 16 characters', keys("short")],
        [1, 'entry 0 has no "permission" of read, write, delete, manage', keys("rank")],
        [1, 'entry 0 has an "expires" that is no date', keys("date")],
      ];
      await Promise.all(cases.map(async ([code, message, args]) => {
        const ended = await smalti("serve", file("store"), "--port", "0", ...args);
        expect([ended.code, ended.stdout]).toEqual([code, ""]);
        expect(ended.stderr).toContain(message);
        expect(ended.stderr).not.toContain("msco_");
      }));
    } finally {
      await remove();
    }
  });
});
