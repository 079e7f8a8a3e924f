/**
 * The package in workerd, as it is deployed: bundled, with the WASM module compiled beforehand.
 *
 * @module
 */
import { bundleWorker, packaging } from "./bundle.ts";
import { expectSame, fail, type Project } from "./project.ts";
import { flight, type Site } from "./site.ts";

/** Twice: bare, and with Node's modules, as many are deployed. `fetch` may ask servers on this machine. */
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "bare", worker = (modules = .modules, compatibilityDate = .date)),
    (name = "node", worker = (
      modules = .modules, compatibilityDate = .date, compatibilityFlags = ["nodejs_compat"],
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    (name = "bare", address = "127.0.0.1:0", http = (), service = "bare"),
    (name = "node", address = "127.0.0.1:0", http = (), service = "node"),
  ],
);

const date :Text = "2026-01-01";
const modules :List(Workerd.Worker.Module) = [
  (name = "worker.js", esModule = embed "worker.js"),
  (name = "smalti.wasm", wasm = embed "smalti.wasm"),
];
`;

/** Replays the flight over HTTP in workers, and records in their memory. */
export async function checkWorkerd(project: Project, site: Site): Promise<void> {
  const directory = `${project.path}/workerd`;
  await bundleWorker(project, directory);
  await Deno.writeTextFile(`${directory}/config.capnp`, CONFIG);
  await using workerd = await startWorkerd(["config.capnp"], { cwd: directory, sockets: 2 });
  const replayed = (engine: string) => ({ engine, messages: flight.messages, sha256: flight.order_sha256 });
  for (const name of ["bare", "node"]) {
    const found = await ask(name, `http://127.0.0.1:${workerd.ports.get(name)}/`, site);
    expectSame(`workerd, ${name}`, found, {
      flight: replayed("wasm"),
      flightJs: replayed("js"),
      flightSlim: replayed("wasm"),
      flightS3: replayed("wasm"),
      memory: "wasm",
      slim: "js",
      shared: true,
      // With Node's modules there is a temporary file system.
      directory: name === "node" ? "wasm" : "UNSUPPORTED",
    });
  }
}

/** A workerd that serves, until it is disposed of. */
interface RunningWorkerd extends AsyncDisposable {
  /** The port of each socket, by its name. */
  ports: Map<string, number>;
}

/** Starts it with a configuration of so many sockets, and waits for their ports. */
export async function startWorkerd(
  args: string[],
  { cwd, env, sockets }: { cwd: string; env?: Record<string, string>; sockets: number },
): Promise<RunningWorkerd> {
  const workerd = new Deno.Command(`${packaging}/node_modules/@cloudflare/workerd-linux-64/bin/workerd`, {
    args: ["serve", ...args, "--control-fd=1"],
    cwd,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stop = async () => {
    workerd.kill("SIGKILL");
    await workerd.status;
  };
  const errors = new Response(workerd.stderr).text();
  const ports = await readPorts(workerd.stdout, sockets);
  if (ports) return { ports, [Symbol.asyncDispose]: stop };
  await workerd.status;
  fail(`workerd does not start: ${await errors}`);
}

/** What the worker at a URL reports, see tests/packaging/worker.mjs. */
async function ask(name: string, url: string, site: Site): Promise<unknown> {
  const query = new URLSearchParams({ recordings: `${site.url}recordings/` });
  const response = await fetch(`${url}?${query}`, { signal: AbortSignal.timeout(60_000) });
  const text = await response.text();
  if (!response.ok) fail(`workerd, ${name}: ${text}`);
  return JSON.parse(text);
}

/** The ports of its sockets, which it tells one after the other; undefined where it ends before. */
async function readPorts(
  stdout: ReadableStream<Uint8Array>,
  sockets: number,
): Promise<Map<string, number> | undefined> {
  let text = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair)) {
    text += chunk;
    const told = [...text.matchAll(/"event":"listen","socket":"(\w+)","port":(\d+)/g)];
    if (told.length === sockets) return new Map(told.map(([, name, port]) => [name, Number(port)]));
  }
  return undefined;
}
