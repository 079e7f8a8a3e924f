import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, type Client, defineOntology, SmaltiError } from "../../../mod.ts";
import { sameBytes } from "../../support/bytes.ts";
import { caseRange, Random } from "../../support/random_cases.ts";
import { s3Installed, type S3ServerName } from "../../support/s3_server.ts";
import { S3Stage } from "../../support/s3_stage.ts";

const Blob = defineOntology("Blob", { bytes: binary() });
const [ROWS, ROW_BYTES] = [12, 200_000];
const { seed: SEED } = caseRange(1);
const random = new Random(SEED);

/** Nothing that can be compressed, for each generation. */
const NOISE = [1, 2].map((generation) => {
  const noise = new Random(SEED + generation);
  return new Uint8Array(new Uint32Array(ROW_BYTES / 2).map(() => noise.below(2 ** 32)).buffer);
});

/** The row of a generation. */
function blob(generation: number, row: number): Uint8Array {
  return NOISE[generation - 1].subarray(1000 * row, 1000 * row + ROW_BYTES);
}

/** Of which generation each row of a stream is; fails where one is of several. What ended it comes last. */
async function generations(stream: AsyncIterable<unknown>): Promise<(number | string)[]> {
  const seen: (number | string)[] = [];
  try {
    for await (const item of stream) {
      const { bytes } = (item as [string, { data: { bytes: Uint8Array } }])[1].data;
      const generation = [1, 2].find((generation) => sameBytes(bytes, blob(generation, seen.length)));
      if (generation === undefined) throw new Error(`Row ${seen.length} is of no generation`);
      seen.push(generation);
    }
    seen.push("end");
  } catch (reason) {
    if (!(reason instanceof SmaltiError)) throw reason;
    seen.push(reason.code);
  }
  return seen;
}

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`a sequence that is made anew on ${name}${skipped}`, () => {});

  let stage: S3Stage;
  beforeAll(async () => stage = await S3Stage.start(name));
  afterAll(() => stage?.stop());

  /** Records a generation, each row in a batch of its own; ends the sequence unless it is to go on. */
  async function record(client: Client, generation: number, goesOn = false): Promise<void> {
    const sequence = await client.sequenceCreate("s", { autoFlush: false });
    const topic = await sequence.topicCreate("a", { ontology: Blob });
    for (let row = 0; row < ROWS; row++) {
      await topic.push({ timestampNs: BigInt(row), data: { bytes: blob(generation, row) } });
      await sequence.flush();
    }
    if (!goesOn) await sequence.finalize();
  }

  /** What a reader sees of generation 1 where generation 2 takes its place as it makes one of its requests. */
  async function readAt(
    wanted: number,
    follow: boolean,
  ): Promise<(number | string)[]> {
    let seen: (number | string)[] = [];
    let isDone = true;
    await stage.withClients(async (first, second, prefix) => {
      await using third = await stage.client(prefix);
      await record(second, 1, follow);
      const anew = async () => {
        await third.sequenceDelete("s");
        await record(third, 2);
      };
      stage.proxy.asked.length = 0;
      stage.proxy.trick = (_, count) => {
        if (count !== wanted) return;
        isDone = false;
        return { wait: anew() };
      };
      seen = await generations((async function* () {
        const handler = await first.sequenceHandler("s", { follow });
        const options = { maxBufferedBytes: 300_000, follow };
        let rows = 0;
        for await (const item of handler.getDataStreamer(options)) {
          yield item;
          // A follower would wait for more.
          if (follow && ++rows === ROWS && isDone) break;
        }
      })());
    });
    return seen;
  }

  describe(`a sequence that is removed and made anew on ${name}, seed ${SEED}`, () => {
    // A recording that is removed was given up.
    const ends = { reader: ["IO", "CORRUPT"], follower: ["IO", "CORRUPT", "ABORTED"] };
    for (const [who, errors] of Object.entries(ends)) {
      it(`shows a ${who} the old one, or the new one, or fails ${errors.join(" or ")}: never some of both`, async () => {
        // A reader asks some nine times, a follower a hundred times for as many rows.
        const points = who === "reader"
          ? [0, 3, 6].map((from) => from + random.below(3))
          : [0, 60].map((from) => from + random.below(60));
        for (const wanted of points) {
          const seen = await readAt(wanted, who === "follower");
          const [rows, end] = [seen.slice(0, -1), seen.at(-1)];
          expect(new Set(rows).size).toBeLessThanOrEqual(1);
          if (end === "end") expect(rows.length).toBe(ROWS);
          else expect(errors).toContain(end);
        }
      });
    }
  });
}
