import { describe, expect, it } from "vitest";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import type { Client } from "../../src/client.ts";
import { withClient } from "../support/places.ts";

const Speed = defineOntology("Speed", { forward: float64() });
/** Too few to be sent at once: they wait for more. */
const ROWS = 10;

async function values(client: Client): Promise<number[]> {
  const seen: number[] = [];
  for await (const { data } of (await client.topicHandler("s", "t")).getDataStreamer()) {
    seen.push((data as { forward: number }).forward);
  }
  return seen;
}

describe("TopicWriter.pushColumns", () => {
  it.each([
    [false, "copies what waits for more rows"],
    [true, "does not copy what was given away"],
  ])("with transfer %s %s", async (transfer) => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Speed });
        for (let round = 0; round < 2; round++) {
          const forward = new Float64Array(ROWS).fill(round);
          await topic.pushColumns({ timestampNs: new BigInt64Array(ROWS), forward }, { transfer });
          forward.fill(-1);
        }
      });
      const wanted = transfer ? [-1, -1] : [0, 1];
      expect(await values(client)).toEqual(wanted.flatMap((value) => new Array(ROWS).fill(value)));
    });
  });

  it("keeps the order of what was given away, what was copied, and messages", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Speed });
        const column = (value: number) => ({
          timestampNs: new BigInt64Array(2),
          forward: new Float64Array(2).fill(value),
        });
        await topic.pushColumns(column(1), { transfer: true });
        await topic.pushColumns(column(2));
        await topic.push({ timestampNs: 0n, data: { forward: 3 } });
        await topic.pushColumns(column(4), { transfer: true });
      });
      expect(await values(client)).toEqual([1, 1, 2, 2, 3, 4, 4]);
    });
  });

  it("refuses an option that there is not", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Speed });
        const columns = { timestampNs: new BigInt64Array(1), forward: [1] };
        expect(() => topic.pushColumns(columns, { transfers: true } as object)).toThrow(
          `Cannot push columns to topic "t" of sequence "s": there is no option "transfers"; did you mean "transfer"?`,
        );
        expect(topic.rowCount).toBe(0);
      });
    });
  });
});
