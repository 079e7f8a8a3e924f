import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { onStore } from "../support/places.ts";
import { pushSamples, Sample } from "../support/sample_rows.ts";
import { settle } from "../support/waiting.ts";

describe("Many small batches of several topics", () => {
  it.each(["at once", "slowly"])(
    "arrive whole where the client reads %s, and the answer is there at once",
    (how) =>
      onStore(keepingBatches(new MemoryStore()), async (client) => {
        await client.sequenceCreate("s", {}, async (sequence) => {
          for (const name of ["a", "b/c", "B"]) {
            const topic = await sequence.topicCreate(name, { ontology: Sample });
            for (let row = 0; row < 200; row += 4) {
              await pushSamples(topic, [row, row + 1, row + 2, row + 3], row);
              await topic.flush();
            }
          }
        });
        const server = await createServer(client, { port: 0 });
        const remote = await connect(server.url);
        try {
          for (let round = 0; round < 5; round++) {
            const rows = new Map<string, number>();
            for await (
              const [topic, { timestampNs }] of (await remote.sequenceHandler("s")).getDataStreamer()
            ) {
              const row = rows.get(topic) ?? 0;
              expect(timestampNs).toBe(BigInt(row));
              rows.set(topic, row + 1);
              if (how === "slowly" && row % 10 === 0) await settle();
            }
            expect(Object.fromEntries(rows)).toEqual({ a: 200, "b/c": 200, B: 200 });
          }
        } finally {
          await remote.close();
          await server.close();
        }
      }),
  );
});
