/**
 * The programs of examples/ in a project that has the package, each run by the commands that its docstring gives.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { executable, listFiles, mustRun, root } from "../tooling.ts";
import { packaging } from "./bundle.ts";
import { expectSame, fail, type Project } from "./project.ts";
import { flight, type Site } from "./site.ts";
import { startWorkerd } from "./workerd.ts";

/** No program takes so long unless it hangs. */
const LIMIT_MS = 60_000;

/** Runs them all but the worker; one that is not known here fails. */
export async function checkExamples({ path }: Project): Promise<void> {
  expectSame("examples/ has", listFiles(".", ".ts", `${root}/examples`), [
    "./follow.ts",
    "./import_mcap.ts",
    "./statistics.ts",
    "./streams.ts",
    "./websocket_server.ts",
    "./worker/worker.ts",
  ]);
  const run = async (file: string, place = 0) =>
    await mustRun(await commandOf(file, place), { cwd: path, quiet: true, env: { NO_COLOR: "1" } });

  const imported = await run("import_mcap.ts");
  const places = imported.matchAll(/^\d+n 63\.4\d+ 10\.4\d+$/gm).toArray().length;
  const lines = (await Deno.readTextFile(`${path}/gps.ndjson`)).trim().split("\n");
  expectSame("import_mcap.ts", [imported.split("\n")[0], places, lines.length], [
    `imported ${flight.messages} messages on 70 topics`,
    32,
    32,
  ]);
  expectSame(
    "smalti types",
    /^export const VehicleGpsPosition\b/m.test(await run("import_mcap.ts", 1)),
    true,
  );

  const found = (await run("statistics.ts")).replace(/│/g, "").replace(/ +/g, " ").split("\n");
  const wanted = [
    " airspeed true_airspeed_m_s 468 -3.6375704 -2.7382908213675186 -1.1442018 ",
    " vehicle_air_data baro_alt_meter 93 85.835754 86.05142696774195 86.358925 ",
    "21000000000n -2.5770376943925233 85.85689",
    "25000000000n -2.417788615287753 86.08678",
    `stopped after 1000 of ${flight.messages}`,
  ];
  expectSame("statistics.ts", found.filter((line) => wanted.includes(line)), wanted);
  expectSame(
    "statistics.ts, error",
    found.at(-2)?.replace(/ in .*;/, ""),
    '[NOT_FOUND] No sequence "fligth" did you mean "flight"?',
  );

  await checkLive(path);

  // What it has from registries is here already; the checker finds no names in std's mod.js.
  const streams = `${path}/examples/streams.ts`;
  const text = (await Deno.readTextFile(streams)).replaceAll('"npm:smalti"', '"smalti"').replace(
    'import { mergeReadableStreams, toText } from "jsr:@std/streams@1";',
    'import { mergeReadableStreams } from "deno-std/streams/merge_readable_streams.js";' +
      'import { toText } from "deno-std/streams/to_text.js";',
  );
  await Deno.writeTextFile(streams, text);
  await Deno.symlink(`${root}/tests/node_modules/deno-std`, `${path}/node_modules/deno-std`);
  await mustRun([Deno.execPath(), "check", streams], { cwd: path, quiet: true });
  const characters = 120 * "vehicle_air_data\n".length + 595 * "airspeed\n".length;
  expectSame("streams.ts", await run("streams.ts"), `${characters}\n`);
}

/** Five seconds of three sensors over a WebSocket, followed by another process until Ctrl-C, and once more afterwards. */
async function checkLive(path: string): Promise<void> {
  const messages = [
    ...sensor("imu", 200, () => ({
      acceleration: { x: 0, y: 0, z: 9.81 },
      angular_velocity: { x: 0, y: 0, z: 0 },
    })),
    ...sensor("gps", 5, (i) => ({ position: { x: 45 + i / 100, y: 9, z: 0 } })),
    ...sensor("spectrum", 10, (i) => ({ sample_count: `${2n ** 53n + BigInt(i)}`, bins: "AAEC" })),
  ].sort((a, b) => a.timestamp_ns - b.timestamp_ns || (a.topic < b.topic ? -1 : 1));

  await using server = await start(path, "websocket_server.ts", { PORT: "0" });
  const [, url] = await server.said(/recording on http(\S+)\n/);
  await using follower = await start(path, "follow.ts");

  const refusals = await new Promise<string[]>((resolve, reject) => {
    const socket = new WebSocket(`ws${url}`);
    const replies: string[] = [];
    socket.onopen = () => {
      for (const message of messages) socket.send(JSON.stringify(message));
      socket.send(JSON.stringify({ topic: "gps", timestamp_ns: "1", data: { position: { x: 45, y: 9 } } }));
      socket.send(JSON.stringify({ topic: "sonar", timestamp_ns: "1", data: {} }));
    };
    socket.onmessage = ({ data }) => {
      if (replies.push(data) === 2) socket.close();
    };
    socket.onclose = () => resolve(replies);
    socket.onerror = () => reject(new Error(`no WebSocket at ws${url}`));
  });
  expectSame("websocket_server.ts", refusals, [
    'SmaltiError: [INVALID_MESSAGE] Cannot push to topic "gps" of sequence "drive": ' +
    'Field "position.z" is missing: wanted float64',
    'Error: No topic "sonar"',
  ]);

  await follower.said(/\n/); // while it is being recorded
  server.interrupt();
  await server.ended();
  const followed = await follower.ended();
  const found = followed.trim().split("\n").map((line) => {
    const { topic, timestamp_ns, data } = JSON.parse(line);
    return [topic, timestamp_ns, data.position?.x ?? data.sample_count, data.bins];
  });
  const wanted = messages.map(({ topic, timestamp_ns, data }) => {
    const { position, sample_count, bins } = data as { position?: { x: number }; [name: string]: unknown };
    return [topic, String(timestamp_ns), position?.x ?? sample_count, bins];
  });
  expectSame("follow.ts", found, wanted);
  await using again = await start(path, "follow.ts");
  expectSame("follow.ts afterwards", await again.ended(), followed);
}

/** Bundles the worker and asks it for the flight that the site has. */
export async function checkWorkerExample({ path }: Project, site: Site): Promise<void> {
  await mustRun(await commandOf("worker/worker.ts", 0), { cwd: path, quiet: true });
  const [, , ...args] = await commandOf("worker/worker.ts", 1);
  const env = { RECORDINGS: `${site.url}recordings/` };
  const options = { cwd: path, env, sockets: 1 };
  await using workerd = await startWorkerd([...args, "--socket-addr=http=127.0.0.1:0"], options);
  const ask = async (query: string): Promise<{ topic: string; timestamp_ns: string }[]> => {
    const url = `http://127.0.0.1:${workerd.ports.get("http")}/flight${query}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await response.text();
    if (!response.ok) fail(`worker.ts, ${query}: ${text}`);
    return text.trim().split("\n").map((line) => JSON.parse(line));
  };
  const rows = new Map<string, number>();
  const order = createHash("sha256");
  for (const { topic, timestamp_ns } of await ask("")) {
    const row = rows.get(topic) ?? 0;
    rows.set(topic, row + 1);
    order.update(`${timestamp_ns} /${topic} ${row}\n`);
  }
  const two = await ask("?topic=airspeed&topic=vehicle_air_data");
  expectSame("worker.ts", [order.digest("hex"), two.length], [flight.order_sha256, 595 + 120]);
}

/** So many messages of a sensor a second, for five seconds. */
function sensor(topic: string, rate: number, dataOf: (i: number) => object) {
  return Array.from(
    { length: 5 * rate },
    (_, i) => ({ topic, timestamp_ns: i * (1e9 / rate), data: dataOf(i) }),
  );
}

/** A command of a program's docstring, by its place from 0, with what it runs on as it is installed here. */
async function commandOf(file: string, place = 0): Promise<string[]> {
  const text = await Deno.readTextFile(`${root}/examples/${file}`);
  const docstring = text.slice(0, text.indexOf("*/")).replace(/\\\n \* +/g, "");
  const commands = [...docstring.matchAll(/`((?:bun|deno|node|npx) [^`]+)`/g)].map(([, command]) => command);
  const [, tool, rest] = /^((?:npx )?\S+) +(.*)$/.exec(commands[place] ?? "") ??
    fail(`examples/${file} has no command ${place} in its docstring`);
  const node = await executable("node24");
  const tools: Record<string, string[]> = {
    bun: [await executable("bun")],
    deno: [Deno.execPath()],
    node: [node],
    "npx esbuild": [node, `${packaging}/node_modules/esbuild/bin/esbuild`],
    "npx smalti": [node, "node_modules/.bin/smalti"],
    "npx workerd": ["workerd"],
  };
  return [...(tools[tool] ?? fail(`examples/${file}: cannot run ${tool}`)), ...rest.split(/ +/)];
}

/** A program that runs beside this one, and is ended when it is disposed of. */
async function start(path: string, file: string, env: Record<string, string> = {}) {
  const [command, ...args] = await commandOf(file);
  const process = new Deno.Command(command, {
    args,
    cwd: path,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const errors = new Response(process.stderr).text();
  const output = process.stdout.pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
  )
    .getReader();
  let text = "";
  return {
    /** Waits until it has written what a pattern finds. */
    async said(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(text);
        if (found) return found;
        const { done, value } = await output.read();
        if (done) fail(`${file} ended: ${text}${await errors}`);
        text += value;
      }
    },
    interrupt: () => process.kill("SIGINT"),
    /** Waits for its end, which must be a good one; all that it wrote. */
    async ended(): Promise<string> {
      for (let read; !(read = await output.read()).done;) text += read.value;
      const { code } = await process.status;
      if (code !== 0 || await errors !== "") fail(`${file} ended with ${code}: ${await errors}`);
      return text;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
