import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64 } from "../../mod.ts";
import { serving } from "./support.ts";

const Value = defineOntology("Value", { value: float64() });
const CLIENTS = 200;
const ROWS = 500;

async function record(client: Client, name: string): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topic = await sequence.topicCreate("value", { ontology: Value });
    for (let row = 0; row < ROWS; row++) {
      await topic.push({ timestampNs: BigInt(row), data: { value: row } });
    }
  });
}

async function sum(client: Client, name: string): Promise<number> {
  let sum = 0;
  for await (const [, message] of (await client.sequenceHandler(name)).getDataStreamer()) {
    sum += message.getData(Value).value;
  }
  return sum;
}

describe("A server with 200 clients at once", () => {
  it("serves them all, whatever some of them leave lying", () =>
    serving({}, async ({ client: local, server }) => {
      await record(local, "common");
      const clients = await Promise.all(
        Array.from({ length: CLIENTS }, () => connect(server.url, { timeoutMs: 60_000 })),
      );
      // One in ten begins to read and never goes on, one in ten begins to write and never goes on.
      const lazy = await Promise.all(
        clients.slice(0, 40).map(async (client, i) => {
          if (i % 2 === 0) {
            const streamer = (await client.sequenceHandler("common")).getDataStreamer();
            await streamer.nextTimestampNs();
            return;
          }
          const sequence = await client.sequenceCreate(`left_${i}`);
          const topic = await sequence.topicCreate("value", { ontology: Value });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
          await topic.flush();
        }),
      );
      expect(lazy).toHaveLength(40);
      const sums = await Promise.all(
        clients.slice(40).map(async (client, i) => {
          await record(client, `own_${i}`);
          return await sum(client, `own_${i}`) + await sum(client, "common");
        }),
      );
      expect(sums).toEqual(Array(CLIENTS - 40).fill(ROWS * (ROWS - 1)));
      expect(await local.listSequences()).toHaveLength(1 + 20 + 160);
      await Promise.all(clients.map((client) => client.close()));
      // Whoever closes gives up what was left: as failed, with what was flushed.
      expect(await local.sequenceInfo("left_1")).toMatchObject({ state: "failed" });
    }));
});
