import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, int64, utf8 } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { inDirectory } from "../support/places.ts";

const Row = defineOntology("Row", { a: float64(), n: int64(), text: utf8() });
const TOPICS = Array.from({ length: 4 }, (_, i) => `t${i}`);
/** Batches of half a MiB and more, whose buffers are used again. */
const [PUSHES, ROWS] = [4, 25_000];

/** What row `i` of a topic holds: all of it tells whose it is. */
function valueOf(topic: string, sequence: string, i: number): { a: number; n: bigint; text: string } {
  const seed = TOPICS.indexOf(topic) * 1e10 + Number(sequence.slice(1)) * 1e8 + i;
  return { a: Math.sin(seed) * 1e6, n: BigInt(seed), text: `${topic}${i % 7}` };
}

async function upload(client: Client, name: string): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topics = await Promise.all(
      TOPICS.map(async (topic) => [topic, await sequence.topicCreate(topic, { ontology: Row })] as const),
    );
    for (let push = 0; push < PUSHES; push++) {
      for (const [topic, writer] of topics) {
        const rows = Array.from({ length: ROWS }, (_, row) => valueOf(topic, name, push * ROWS + row));
        await writer.pushColumns({
          timestampNs: BigInt64Array.from(rows, (_, row) => BigInt(push * ROWS + row)),
          a: Float64Array.from(rows, ({ a }) => a),
          n: BigInt64Array.from(rows, ({ n }) => n),
          text: rows.map(({ text }) => text),
        });
      }
    }
  });
}

/** Reads all, or the first `most` messages, of a sequence; gives how many there are, and how many are wrong. */
async function download(
  client: Client,
  name: string,
  most = Infinity,
): Promise<[seen: number, wrong: number]> {
  let [seen, wrong] = [0, 0];
  const stream = (await client.sequenceHandler(name)).getDataStreamer();
  for await (const [topic, message] of stream) {
    const wanted = valueOf(topic, name, Number(message.timestampNs));
    const { a, n, text } = message.getData(Row);
    if (a !== wanted.a || n !== wanted.n || text !== wanted.text) wrong++;
    if (++seen >= most) break;
  }
  return [seen, wrong];
}

describe("Large batches", () => {
  it("of many streams at once arrive and are served as they were sent, whoever leaves in the middle", () =>
    inDirectory(async (directory) => {
      await using store = await connect(directory);
      await using server = await createServer(store, { port: 0, idleTimeoutMs: 600_000 });
      await using client = await connect(server.url);
      const all = PUSHES * ROWS * TOPICS.length;
      await Promise.all(["s0", "s1"].map((name) => upload(client, name)));
      expect(
        await Promise.all([
          download(client, "s0"),
          download(client, "s1", all / 4),
          download(client, "s1"),
          download(client, "s0", 10),
        ]),
      ).toEqual([[all, 0], [all / 4, 0], [all, 0], [10, 0]]);
      expect(await download(store, "s0")).toEqual([all, 0]);
      expect(await (await store.topicHandler("s1", "t3")).verify()).toEqual([]);
    }));
});
