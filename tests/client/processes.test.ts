import { describe, expect, it } from "vitest";
import { type Client, connect, type SequenceWriter, type TopicWriter } from "../../mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import { canSpawn, needsBuild, runChild } from "../support/child.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";

const Value = defineOntology("Value", { value: float64() });

async function createTopics(sequence: SequenceWriter): Promise<TopicWriter[]> {
  return [
    await sequence.topicCreate("a", { ontology: Value }),
    await sequence.topicCreate("b", { ontology: Value }),
  ];
}

/** Rows `from` to `to` as the child process expects them. */
async function push(topics: readonly TopicWriter[], from: number, to: number): Promise<void> {
  for (let time = from; time < to; time++) {
    for (const [i, topic] of topics.entries()) {
      await topic.push({ timestampNs: BigInt(time), data: { value: time + i / 2 } });
    }
  }
}

async function record(client: Client, name: string, rows: number): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topics = await createTopics(sequence);
    for (let from = 0; from < rows; from += 500) {
      await push(topics, from, Math.min(rows, from + 500));
      await Promise.all(topics.map((topic) => topic.flush()));
    }
  });
}

describe("Several processes", () => {
  it.skipIf(!canSpawn)(
    `read what is finalized, all of it and in order, while another writes beside it${needsBuild}`,
    async () => {
      await inDirectory(async (directory) => {
        await using client = await connect(directory);
        for (let i = 0; i < 3; i++) await record(client, `past${i}`, 2000 * (i + 1));
        const live = await client.sequenceCreate("live");
        const topics = await createTopics(live);

        let isReading = true;
        const readers = Promise.all(Array.from({ length: 3 }, () => runChild(directory, "replay")))
          .finally(() => isReading = false);
        let rows = 0;
        // They begin and end while this goes on: rows are added to one sequence, others come to be.
        for (let round = 0; isReading; round++) {
          await push(topics, rows, rows += 100);
          await Promise.all(topics.map((topic) => topic.flush()));
          if (round < 50) await record(client, `more${round}`, 10);
        }
        expect(await readers).toEqual(["done", "done", "done"]);

        await expectError(() => client.sequenceHandler("live"), "LOCKED");
        await live.finalize();
        expect((await client.sequenceHandler("live")).rowCount).toBe(2 * rows);
        expect(await runChild(directory, "replay")).toBe("done");
      });
    },
  );
});
