/**
 * `deno run -A tools/test_cluster.ts [RECORDINGS]`: a hundred recordings in a bucket, or in a directory where no object store is
 * installed, are cut into splits, and a Ray cluster of two nodes replays them, one of which is killed in the middle. Every row
 * must come once and in the order that one process of ours gives. Needs a Python with Ray, which `SMALTI_RAY_PYTHON` names;
 * without one it is left out, and it says so.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Client, connect, defineOntology, int64, type Split } from "../mod.ts";
import { Random } from "../tests/support/random_cases.ts";
import { anyS3Server, S3Server } from "../tests/support/s3_server.ts";
import { mustRun, root } from "./tooling.ts";

const Numbered = defineOntology("Numbered", { serial: int64() });
const NS_PER_S = 1_000_000_000n;
/** Of the recordings. */
const SEED = 20_261_129;

/** What a task, or we, make of a split. */
interface Replayed {
  name: string;
  rows: number;
  sha256: string;
}

interface JobReport {
  results: (Replayed & { node: string })[];
  killedAfter: number | null;
  imuRows: number;
  imuSequences: number;
  imuSum: number;
  seconds: Record<string, number>;
}

const python = Deno.env.get("SMALTI_RAY_PYTHON");
const recordings = Number(Deno.args[0] ?? 100);
if (python) await test(python);
else console.warn("skipped: SMALTI_RAY_PYTHON does not name a Python with Ray");

async function test(python: string): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "smalti-cluster-" });
  const server = anyS3Server && await S3Server.start(anyS3Server);
  try {
    await using client = server
      ? await connect(server.url("fleet"), { s3: server.options({ write: true }) })
      : await connect(`${directory}/recordings`);
    const imu = await record(client);
    const splits: Split[] = [];
    for await (const split of client.splits({ by: { seconds: 20 } })) splits.push(split);
    const start = performance.now();
    const wanted: Replayed[] = [];
    for (const split of splits) wanted.push(await replay(client, split));
    const seconds = (performance.now() - start) / 1000;

    await Deno.writeTextFile(`${directory}/splits`, splits.map((split) => JSON.stringify(split)).join("\n"));
    await Deno.mkdir(`${directory}/done`);
    const job = [python, `${root}/tests/cluster/ray_job.py`, `${directory}/splits`, `${directory}/done`];
    const env = { PYTHONDONTWRITEBYTECODE: "1", ...server?.environment() };
    const output = await mustRun(job, { quiet: true, env });
    const report: JobReport = JSON.parse(output.split("\n").find((line) => line.startsWith("{"))!);

    wanted.sort((a, b) => a.name < b.name ? -1 : 1);
    const found = report.results.map(({ node: _, ...result }) => result);
    same("results", found, wanted);
    same("rows of the dataset", [report.imuRows, report.imuSequences, report.imuSum], [
      imu.rows,
      recordings,
      imu.sum,
    ]);
    if (report.killedAfter === null) throw new Error("no node was killed");
    const nodes = new Map<string, number>();
    for (const { node } of report.results) nodes.set(node, (nodes.get(node) ?? 0) + 1);
    const rows = wanted.reduce((sum, result) => sum + result.rows, 0);
    const times = Object.entries(report.seconds).map(([what, s]) => `${what} ${s.toFixed(1)} s`).join(", ");
    console.log(
      `${
        anyS3Server ?? "directory"
      }: ${recordings} recordings, ${splits.length} splits, ${rows} rows: each once and in order; a node killed after ` +
        `${report.killedAfter}, ${
          [...nodes.values()].join(" and ")
        } by node; Ray: ${times}; one process of ours: ` +
        `${seconds.toFixed(1)} s`,
    );
  } finally {
    await server?.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Recordings of a minute with three topics, some of whose rows come late; how many rows topic imu has, and their sum. */
async function record(client: Client): Promise<{ rows: number; sum: number }> {
  const imu = { rows: 0, sum: 0 };
  for (let recording = 0; recording < recordings; recording++) {
    const random = new Random(SEED + recording);
    await client.sequenceCreate(`drive_${recording}`, {}, async (sequence) => {
      for (
        const [name, count] of [["imu", 2000 + random.below(2000)], ["gps", 60], ["Cam/left", 600]] as const
      ) {
        const topic = await sequence.topicCreate(name, { ontology: Numbered });
        for (let serial = 0; serial < count; serial++) {
          const late = random.oneIn(10) ? BigInt(random.below(1e9)) : 0n;
          const timestampNs = BigInt(serial) * 60n * NS_PER_S / BigInt(count) / 1_000_000n * 1_000_000n -
            late;
          await topic.push({ timestampNs, data: { serial: BigInt(serial) } });
          if (random.oneIn(500)) await topic.flush();
          if (name === "imu") [imu.rows, imu.sum] = [imu.rows + 1, imu.sum + serial];
        }
      }
    });
  }
  return imu;
}

async function replay(client: Client, split: Split): Promise<Replayed> {
  const order = createHash("sha256");
  let rows = 0;
  for await (const [topic, message] of (await client.openSplit(split)).getDataStreamer()) {
    order.update(`${topic} ${message.timestampNs} ${message.getData(Numbered).serial}\n`);
    rows++;
  }
  return { name: split.name, rows, sha256: order.digest("hex") };
}

function same(what: string, found: unknown, wanted: unknown): void {
  const texts = [found, wanted].map((value) => JSON.stringify(value));
  if (texts[0] === texts[1]) return;
  throw new Error(`${what} differ: found ${texts[0].slice(0, 2000)}, wanted ${texts[1].slice(0, 2000)}`);
}
