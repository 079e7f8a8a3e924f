/**
 * Over the wire, on one machine: our client and our server against pyarrow.flight's, and a merged replay against
 * Mosaico's Python SDK. `SMALTI_SDK_PYTHON` names a Python with the SDK; without one there is no rival, and nothing is timed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { tableFromIPC } from "apache-arrow";
import { type Client, connect, defineOntology, float64, type Infer, type TopicWriter } from "../mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { columnsByTopic, makeRecording, pushColumns } from "./recording.ts";

const python = process.env.SMALTI_SDK_PYTHON;
/** Rows of a batch and batches of a file: 80 bytes a row. */
const FILES = [
  { name: "1 MB", rows: 13_107, batches: 200 },
  { name: "25 MB", rows: 327_680, batches: 8 },
];
const NAMES = Array.from({ length: 9 }, (_, i) => `c${i}`);
const Wanderer = defineOntology("bench", Object.fromEntries(NAMES.map((name) => [name, float64()])));
type Columns = Parameters<TopicWriter<Infer<typeof Wanderer>>["pushColumns"]>[0];
/** Messages of the replay: the SDK takes 20 s and more for them; of fewer what a sequence costs to open is a large part. */
const REPLAYED = 1_000_000;

/** A process that answers a line with a line. */
class Peer {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string) => void)[] = [];
  #text = "";

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#text + text).split("\n");
      this.#text = lines.pop()!;
      for (const line of lines) this.#waiting.shift()?.(line);
    });
  }

  /** The next line that it prints, after it was given one. */
  ask(line?: string): Promise<string> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve));
    if (line !== undefined) this.#child.stdin!.write(`${line}\n`);
    return answer;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.kill();
    });
  }
}

function pythonPeer(...args: string[]): Peer {
  return new Peer(python!, [new URL("flight_peer.py", import.meta.url).pathname, ...args]);
}

/** `smalti serve` on this runtime. */
async function serve(directory: string): Promise<{ peer: Peer; url: string; port: string }> {
  const run = "deno" in process.versions ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const peer = new Peer(process.execPath, [...run, "src/cli/main.ts", "serve", directory, "--port", "0"]);
  const url = (await peer.ask()).split(" ").at(-1)!;
  return { peer, url, port: url.split(":").at(-1)! };
}

async function throughput(directory: string, { name, rows, batches }: typeof FILES[number]): Promise<void> {
  const file = join(directory, `${rows}.arrow`);
  const total = rows * batches;
  await new Promise((resolve) =>
    spawn(python!, [
      new URL("flight_peer.py", import.meta.url).pathname,
      "make",
      file,
      `${rows}`,
      `${batches}`,
    ])
      .once("exit", resolve)
  );
  const rival = pythonPeer("serve", file);
  const rivalPort = JSON.parse(await rival.ask()).port;
  const ours = await serve(join(directory, "recordings"));
  const peers = {
    getRival: pythonPeer("get", rivalPort, "s/t"),
    putRival: pythonPeer("put", rivalPort, file),
    getOurs: pythonPeer("get", ours.port, `${name[0]}_0/t`),
    putOurs: pythonPeer("put", ours.port, file),
  };
  const client = await connect(`grpc://127.0.0.1:${rivalPort}`);
  const pieces: Columns[] = tableFromIPC(await readFile(file)).batches.map((batch) => ({
    ...Object.fromEntries(NAMES.map((name) => [name, batch.getChild(name)!.toArray()])),
    timestampNs: batch.getChild("timestamp_ns")!.toArray(),
  } as Columns));
  let round = 0;
  const count = (total * 80) / 1000;
  const asked = (peer: Peer, line: () => string) => async () =>
    check("rows", JSON.parse(await peer.ask(line())).rows, total);
  const nextName = () => `${name[0]}_${round++}`;
  const cases: Case[] = [
    { name: `DoPut ${name}/pyarrow to pyarrow`, count, run: asked(peers.putRival, () => "s") },
    {
      name: `DoPut ${name}/smalti to pyarrow`,
      count,
      rival: `DoPut ${name}/pyarrow to pyarrow`,
      run: () =>
        client.sequenceCreate("s", {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Wanderer });
          for (const piece of pieces) await topic.pushColumns(piece);
        }),
    },
    {
      name: `DoPut ${name}/pyarrow to smalti serve`,
      count,
      rival: `DoPut ${name}/pyarrow to pyarrow`,
      run: asked(peers.putOurs, nextName),
    },
    { name: `DoGet ${name}/pyarrow from pyarrow`, count, run: asked(peers.getRival, () => "") },
    {
      name: `DoGet ${name}/smalti from pyarrow`,
      count,
      rival: `DoGet ${name}/pyarrow from pyarrow`,
      run: async () => {
        let seen = 0;
        const handler = await client.topicHandler("s", "t");
        for await (const block of handler.getDataStreamer().batches()) seen += block.length;
        check("rows", seen, total);
      },
    },
    {
      name: `DoGet ${name}/pyarrow from smalti serve`,
      count,
      rival: `DoGet ${name}/pyarrow from pyarrow`,
      run: asked(peers.getOurs, () => ""),
    },
  ];
  // Bun's HTTP/2 stalls a large upload to a server that changes its window meanwhile, as gRPC's C core does.
  await compare(
    "bun" in process.versions ? cases.filter(({ name }) => !name.endsWith("smalti to pyarrow")) : cases,
  );
  await client.close();
  for (const peer of [...Object.values(peers), rival, ours.peer]) await peer.stop();
}

async function replay(directory: string): Promise<void> {
  const recording = makeRecording(REPLAYED);
  const count = recording.times.length;
  const store = await connect(directory);
  await pushColumns(store, "replay", recording.topics, columnsByTopic(recording));
  await store.close();
  const { peer, url, port } = await serve(directory);
  const sdk = pythonPeer("sdk", port, "replay");
  const client: Client = await connect(url);
  await compare([
    {
      name: "replay/Python SDK",
      count,
      run: async () => check("messages", JSON.parse(await sdk.ask("")).rows, count),
    },
    {
      name: "replay/smalti for await",
      count,
      rival: "replay/Python SDK",
      run: async () => {
        let seen = 0;
        for await (const _ of (await client.sequenceHandler("replay")).getDataStreamer()) seen++;
        check("messages", seen, count);
      },
    },
    {
      name: "replay/smalti batches()",
      count,
      rival: "replay/Python SDK",
      run: async () => {
        let seen = 0;
        for await (const block of (await client.sequenceHandler("replay")).getDataStreamer().batches()) {
          for (const _ of block) seen++;
        }
        check("messages", seen, count);
      },
    },
  ], 2);
  await client.close();
  await sdk.stop();
  await peer.stop();
}

if (python === undefined) {
  console.log("SMALTI_SDK_PYTHON does not name a Python with Mosaico's SDK: no rival");
} else {
  const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
  try {
    for (const file of FILES) await throughput(directory, file);
    await replay(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
