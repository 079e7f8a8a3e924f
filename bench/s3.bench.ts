/**
 * Rows of 1 KB out of a bucket of an object store on this machine, by columns and by messages, against plain range requests for the
 * same bytes. `tools/s3/install.sh versitygw` installs the store; without it nothing is timed.
 *
 * @module
 */
import { binary, type BytesColumn, connect, defineOntology, float64 } from "../mod.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { readAll } from "../src/store/store.ts";
import { s3Installed, S3Server } from "../tests/support/s3_server.ts";
import { check, compare } from "./compare.ts";

const ROWS = 128 * 1024;
const BYTES = 1000;
/** Rows, their sum and bytes. */
const WANTED = `${ROWS} ${ROWS * (ROWS - 1) / 2} ${ROWS * BYTES}`;
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
      const topic = await (await client.sequenceHandler("drive")).topicHandler("frames");
      let [rows, sum, bytes] = [0, 0, 0];
      for await (const block of topic.getColumnStreamer({ fields: { value: "value", data: "data" } })) {
        const { values } = block.numbers("value");
        const { offsets } = block.columns.data as BytesColumn;
        for (let row = 0; row < block.length; row++) sum += values[row];
        bytes += offsets[block.length] - offsets[0];
        rows += block.length;
      }
      check("rows, their sum and bytes by columns", `${rows} ${sum} ${bytes}`, WANTED);
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
      check("rows, their sum and bytes by messages", `${rows} ${sum} ${bytes}`, WANTED);
    };
    const bytes = () => size;
    const rival = "1 KB rows/ranges";
    await compare([
      { name: rival, run: ranges, count: ROWS, bytes },
      { name: "1 KB rows/columns", run: columns, count: ROWS, rival, bytes },
      { name: "1 KB rows/messages", run: messages, count: ROWS, rival, bytes },
    ]);
    await client.close();
  } finally {
    await server.stop();
  }
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
