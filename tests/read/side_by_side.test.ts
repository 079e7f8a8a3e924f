import * as fc from "fast-check";
import type { RecordBatch, Table } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, type SequenceHandler } from "../../mod.ts";

const Reading = defineOntology("Reading", { v: float64() });
/** Rows of each of two topics. */
const ROWS = 9000;

/** What all streamers have, as times of rows. */
interface Calls {
  next(): Promise<bigint[]>;
  /** One part of a `toArrow`, which is then left. */
  batch(): Promise<bigint[]>;
  table(): Promise<bigint[]>;
  close(): Promise<void>;
}

async function record(client: Client): Promise<SequenceHandler> {
  const names = ["a", "b"];
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const [i, name] of names.entries()) {
      const topic = await sequence.topicCreate(name, { ontology: Reading });
      for (let row = 0; row < ROWS; row += 1000) {
        const timestampNs = BigInt64Array.from(
          { length: 1000 },
          (_, k) => BigInt(2 * (row + k) + i),
        );
        await topic.pushColumns({
          timestampNs,
          v: Float64Array.from(timestampNs, Number),
        });
        await topic.flush();
      }
    }
  });
  return await client.sequenceHandler("s");
}

const timesOf = (part: RecordBatch | Table) => [...part.getChild("timestamp_ns")!] as bigint[];
const timesOfAll = (parts: ReadonlyMap<string, RecordBatch | Table>) =>
  [...parts.values()].flatMap(timesOf).sort((a, b) => Number(a - b));

/** A streamer of each kind, and the times that it gives. */
async function open(
  handler: SequenceHandler,
  kind: string,
): Promise<{ calls: Calls; wanted: bigint[] }> {
  const until = (end: number, step: number) => Array.from({ length: end / step }, (_, i) => BigInt(i * step));
  if (kind === "sequence") {
    const stream = handler.getDataStreamer();
    const calls: Calls = {
      next: async () => timeOf((await stream.next()).value?.[1]),
      batch: async () => timesOfAll((await stream.toArrow().next()).value?.tables ?? new Map()),
      table: async () => timesOfAll((await stream.toTable()).tables),
      close: () => stream.close(),
    };
    return { calls, wanted: until(2 * ROWS, 1) };
  }
  const fields = {
    a: { topic: "a", field: "v" },
    b: { topic: "b", field: "v" },
  };
  const stream = kind === "topic"
    ? (await handler.topicHandler("a")).getDataStreamer()
    : handler.getSyncStreamer({
      fields,
      ...(kind === "period" ? { periodNs: 1n } : { onTopic: "a" }),
    });
  const calls: Calls = {
    next: async () => timeOf((await stream.next()).value),
    batch: async () => {
      const { value } = await stream.toArrow().next();
      return value ? timesOf(value) : [];
    },
    table: async () => timesOf(await stream.toTable()),
    close: () => stream.close(),
  };
  return {
    calls,
    wanted: kind === "period" ? until(2 * ROWS, 1) : until(2 * ROWS, 2),
  };
}

function timeOf(item: { timestampNs: bigint } | undefined): bigint[] {
  return item ? [item.timestampNs] : [];
}

describe.each(["sequence", "topic", "period", "onTopic"])(
  "Calls side by side on a streamer (%s)",
  (kind) => {
    it("give each row once and in order", async () => {
      await using client = await connect("memory:");
      const handler = await record(client);
      const call = fc.oneof(
        { weight: 30, arbitrary: fc.constant("next" as const) },
        { weight: 2, arbitrary: fc.constant("batch" as const) },
        { weight: 1, arbitrary: fc.constant("table" as const) },
      );
      const property = fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 40 }),
        async (names) => {
          const { calls, wanted } = await open(handler, kind);
          const results = await Promise.all(names.map((name) => calls[name]()));
          // A table is made of what nobody else asked for meanwhile.
          const isTable = names.map((name) => name === "table");
          const singles = results.filter((_, i) => !isTable[i]).flat();
          expect(singles).toEqual([...singles].sort((a, b) => Number(a - b)));
          for (const times of results) {
            expect(times).toEqual(
              [...times].sort((a, b) => Number(a - b)),
            );
          }
          const given = results.flat().sort((a, b) => Number(a - b));
          expect(given).toEqual(wanted.slice(0, given.length));
          if (isTable.includes(true)) expect(given.length).toBe(wanted.length);
          await calls.close();
        },
      );
      await fc.assert(property, { numRuns: 15 });
    });

    it("end when it is closed", async () => {
      await using client = await connect("memory:");
      const { calls } = await open(await record(client), kind);
      expect(await calls.next()).toEqual([0n]);
      const waiting = [calls.batch(), calls.next(), calls.next()];
      const closed = calls.close();
      const after = [calls.next(), calls.batch(), calls.table()];
      await closed;
      expect((await Promise.all(after)).flat()).toEqual([]);
      // Closed before they had their turn, or after they had it.
      const times = (await Promise.all(waiting)).flat().map(Number);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(await calls.next()).toEqual([]);
    });
  },
);

describe("Calls side by side on a sync streamer", () => {
  it("fail once, and end then", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const rows = handler.getSyncStreamer({
      periodNs: 1n,
      fields: { c: { topic: "c", field: "v" } },
    });
    const [first, ...others] = await Promise.allSettled([
      rows.next(),
      rows.next(),
      rows.next(),
    ]);
    expect(first).toMatchObject({
      status: "rejected",
      reason: { code: "NOT_FOUND" },
    });
    for (const other of others) {
      expect(other).toEqual({
        status: "fulfilled",
        value: { done: true, value: undefined },
      });
    }
  });
});
