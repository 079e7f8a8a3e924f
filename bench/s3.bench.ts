/**
 * Rows of 1 KB out of a bucket of an object store on this machine, by columns and by messages, against plain range requests for the
 * same bytes; and into it, against an upload of the same bytes by the AWS SDK. `tools/s3/install.sh versitygw` installs the
 * store; without it nothing is timed.
 *
 * @module
 */
import { DeleteObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { binary, type BytesColumn, type Client, connect, defineOntology, float64 } from "../mod.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { readAll } from "../src/store/store.ts";
import { s3Installed, S3Server } from "../tests/support/s3_server.ts";
import { check, compare } from "./compare.ts";

const ROWS = 128 * 1024;
const BYTES = 1000;
/** Rows that are written, and how many by a call. */
const [WRITTEN, AT_ONCE] = [64 * 1024, 4096];
/** Rows, their sum and bytes. */
const wanted = (rows: number) => `${rows} ${rows * (rows - 1) / 2} ${rows * BYTES}`;
/** As an AWS client does, or a program that knows what it will want. */
const [RANGE, AT_A_TIME] = [8 * 2 ** 20, 4];

const Frame = defineOntology("Frame", { value: float64(), data: binary() });

const { isThere, skipped } = s3Installed("versitygw");
if (!isThere) console.log(`nothing is timed${skipped}`);
else await run(await S3Server.start("versitygw"));

async function run(server: S3Server): Promise<void> {
  const bucket = server.open();
  try {
    await record(bucket);
    const key = "bench/drive/frames.arrow";
    const { size } = (await bucket.head(key))!;
    const client = await connect(server.url("bench"), { s3: server.options(), maxCachedBytes: 0 });

    const ranges = async () => {
      let [next, bytes] = [0, 0];
      await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
        while (next < size) {
          const from = next;
          next += RANGE;
          const part = await bucket.get(key, from, RANGE);
          if (typeof part === "object") bytes += part.bytes.length;
        }
      }));
      check("bytes of ranges", bytes, size);
    };
    const columns = async () => {
      check("rows, their sum and bytes by columns", await summed(client, "drive"), wanted(ROWS));
    };
    const messages = async () => {
      const topic = await (await client.sequenceHandler("drive")).topicHandler("frames");
      let [rows, sum, bytes] = [0, 0, 0];
      for await (const { data } of topic.getDataStreamer()) {
        const { value, data: frame } = data as { value: number; data: Uint8Array };
        sum += value;
        bytes += frame.length;
        rows++;
      }
      check("rows, their sum and bytes by messages", `${rows} ${sum} ${bytes}`, wanted(ROWS));
    };
    const bytes = () => size;
    const rival = "1 KB rows/ranges";
    await compare([
      { name: rival, run: ranges, count: ROWS, bytes },
      { name: "1 KB rows/columns", run: columns, count: ROWS, rival, bytes },
      { name: "1 KB rows/messages", run: messages, count: ROWS, rival, bytes },
    ]);
    await client.close();
    await write(server);
  } finally {
    await server.stop();
  }
}

/** Rows, their sum and bytes, by columns. */
async function summed(client: Client, name: string): Promise<string> {
  const topic = await (await client.sequenceHandler(name)).topicHandler("frames");
  let [rows, sum, bytes] = [0, 0, 0];
  for await (const block of topic.getColumnStreamer({ fields: { value: "value", data: "data" } })) {
    const { values } = block.numbers("value");
    const { offsets } = block.columns.data as BytesColumn;
    for (let row = 0; row < block.length; row++) sum += values[row];
    bytes += offsets[block.length] - offsets[0];
    rows += block.length;
  }
  return `${rows} ${sum} ${bytes}`;
}

/** Times what writes, without removing what was written. */
async function write(server: S3Server): Promise<void> {
  const noise = new Uint8Array(WRITTEN * BYTES);
  for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
  const times = BigInt64Array.from({ length: WRITTEN }, (_, row) => BigInt(row));
  const values = Float64Array.from({ length: WRITTEN }, (_, row) => row);
  const frames = Array.from({ length: WRITTEN }, (_, row) => noise.subarray(row * BYTES, (row + 1) * BYTES));

  const client = await connect(server.url("bench"), { s3: server.options({ write: true }) });
  const pushed = async () => {
    const start = performance.now();
    await client.sequenceCreate("written", {}, async (sequence) => {
      const topic = await sequence.topicCreate("frames", { ontology: Frame });
      for (let from = 0; from < WRITTEN; from += AT_ONCE) {
        const [timestampNs, value] = [times, values].map((all) => all.subarray(from, from + AT_ONCE)) as [
          BigInt64Array,
          Float64Array,
        ];
        const full = topic.pushColumns({ timestampNs, value, data: frames.slice(from, from + AT_ONCE) });
        if (full) await full;
      }
    });
    const ms = performance.now() - start;
    check("rows, their sum and bytes as written", await summed(client, "written"), wanted(WRITTEN));
    await client.sequenceDelete("written");
    return 1e6 * ms / WRITTEN;
  };

  const { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = server.environment();
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  const sdk = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  const object = { Bucket: server.bucket, Key: "bench/uploaded" };
  const uploaded = async () => {
    const start = performance.now();
    const params = { ...object, Body: noise };
    await new Upload({ client: sdk, params, partSize: RANGE, queueSize: AT_A_TIME }).done();
    const ms = performance.now() - start;
    check(
      "bytes uploaded",
      (await sdk.send(new HeadObjectCommand(object))).ContentLength,
      noise.length,
    );
    await sdk.send(new DeleteObjectCommand(object));
    return 1e6 * ms / WRITTEN;
  };
  const bytes = () => noise.length;
  const rival = "1 KB rows written/AWS SDK";
  await compare([
    { name: rival, run: uploaded, count: WRITTEN, isTimed: true, bytes },
    { name: "1 KB rows written/pushColumns", run: pushed, count: WRITTEN, isTimed: true, rival, bytes },
  ]);
  sdk.destroy();
  await client.close();
}

/** Bytes that do not compress, as those of cameras. */
async function record(bucket: ReturnType<S3Server["open"]>): Promise<void> {
  const store = new MemoryStore();
  const client = await connect(store);
  await client.sequenceCreate("drive", {}, async (sequence) => {
    const topic = await sequence.topicCreate("frames", { ontology: Frame });
    const data = new Uint8Array(BYTES);
    for (let row = 0; row < ROWS; row++) {
      crypto.getRandomValues(data);
      await topic.push({ timestampNs: BigInt(row), data: { value: row, data: data.slice() } });
    }
  });
  for (const name of await store.list("drive")) {
    await bucket.put(`bench/drive/${name}`, await readAll(store, `drive/${name}`, 2 ** 30));
  }
  await client.close();
}
