import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, optional, type SequenceHandler } from "../../mod.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf } from "../support/places.ts";

const Reading = defineOntology("Reading", {
  v: float64(),
  w: optional(float64()),
});
const BATCHES = 30;
const BATCH_ROWS = 3000;
const ROWS = BATCHES * BATCH_ROWS;

/** Runs `body` on a clock on which every look is 20 ms later, so that whoever looks at it finds its time used up. */
async function onFastClock<R>(body: () => Promise<R>): Promise<R> {
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  let ms = performance.now();
  Object.defineProperty(performance, "now", {
    value: () => ms += 20,
    configurable: true,
    writable: true,
  });
  try {
    return await body();
  } finally {
    if (own) Object.defineProperty(performance, "now", own);
    else delete (performance as { now?: unknown }).now;
  }
}

/** How many turns of the event loop others get while work is done. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  return await onFastClock(async () => {
    let turns = 0;
    let running = true;
    const count = () => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    try {
      await work();
      return turns;
    } finally {
      running = false;
    }
  });
}

/** Topics "a" and "b" in many batches, "c" with two messages. */
async function record(client: Client): Promise<SequenceHandler> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const [i, name] of ["a", "b"].entries()) {
      const topic = await sequence.topicCreate(name, { ontology: Reading });
      for (let batch = 0; batch < BATCHES; batch++) {
        const from = batch * BATCH_ROWS;
        const timestampNs = BigInt64Array.from(
          { length: BATCH_ROWS },
          (_, k) => BigInt(10 * (from + k) + i),
        );
        await topic.pushColumns({
          timestampNs,
          v: Float64Array.from({ length: BATCH_ROWS }, (_, k) => from + k),
        });
        await topic.flush();
      }
    }
    const few = await sequence.topicCreate("c", { ontology: Reading });
    for (const timestampNs of [0n, 10n * BigInt(ROWS)]) {
      await few.push({ timestampNs, data: { v: 1 } });
    }
  });
  return await client.sequenceHandler("s");
}

const fields = { a: { topic: "a", field: "v" } };
/** Blocks of up to 8192 rows, of both topics and "c". */
const BLOCKS = Math.floor(2 * ROWS / 8192);

const works: [
  what: string,
  turns: number,
  work: (client: Client, handler: SequenceHandler) => Promise<unknown>,
][] = [
  ["for await", BLOCKS, async (_, handler) => {
    let rows = 0;
    for await (const _ of handler.getDataStreamer()) rows++;
    expect(rows).toBe(2 * ROWS + 2);
  }],
  ["batches()", BLOCKS, async (_, handler) => {
    let rows = 0;
    for await (const block of handler.getDataStreamer().batches()) {
      rows += block.length;
    }
    expect(rows).toBe(2 * ROWS + 2);
  }],
  ["a topic's batches()", BATCHES, async (_, handler) => {
    for await (
      const block of (await handler.topicHandler("a")).getDataStreamer()
        .batches()
    ) expect(block.length > 0).toBe(true);
  }],
  ["columns", BLOCKS, async (_, handler) => {
    let rows = 0;
    for await (const { length } of handler.getColumnStreamer({ fields: ["v", "w"] })) rows += length;
    expect(rows).toBe(2 * ROWS + 2);
  }],
  ["a topic's columns", BATCHES, async (_, handler) => {
    const topic = await handler.topicHandler("a");
    for await (const { length } of topic.getColumnStreamer({ fields: ["v"] })) expect(length > 0).toBe(true);
  }],
  ["toTable", 2 * BLOCKS, async (_, handler) => {
    const { row } = await handler.getDataStreamer().toTable();
    expect(row.length).toBe(2 * ROWS + 2);
  }],
  ["toArrow", BLOCKS, async (_, handler) => {
    for await (const { row } of handler.getDataStreamer().toArrow()) {
      expect(row.length > 0).toBe(true);
    }
  }],
  ["many ticks a message", ROWS / 100, async (_, handler) => {
    let rows = 0;
    for await (
      const _ of handler.getSyncStreamer({
        periodNs: 10n,
        fields: { c: { topic: "c", field: "v" } },
      })
    ) rows++;
    expect(rows).toBe(ROWS + 1);
  }],
  ["many messages a tick", BATCHES / 2 - 2, async (_, handler) => {
    let rows = 0;
    for await (
      const _ of handler.getSyncStreamer({
        periodNs: BigInt(5 * ROWS),
        fields,
      })
    ) rows++;
    expect(rows).toBe(2);
  }],
  ["a clock of messages", ROWS / 100, async (_, handler) => {
    for await (
      const { values } of handler.getSyncStreamer({ onTopic: "b", fields })
    ) expect(values.a >= 0).toBe(true);
  }],
  ["toTable of a sync streamer", ROWS / 100, async (_, handler) => {
    expect(
      (await handler.getSyncStreamer({ periodNs: 10n, fields }).toTable())
        .numRows,
    ).toBe(ROWS);
  }],
  ["looking back", BATCHES, async (_, handler) => {
    const late = {
      periodNs: 10n,
      startNs: 10n * BigInt(ROWS),
      endNs: 10n * BigInt(ROWS) + 1n,
      fields: { a: { topic: "a", field: "w" } },
    };
    expect((await handler.getSyncStreamer(late).next()).value!.values.a).toBe(
      undefined,
    );
  }],
  ["a query without bounds", BATCHES, async (client) => {
    expect(
      await client.query({
        ontology: Reading.q.v.lt(2).and(Reading.q.w.gt(0)),
      }),
    ).toEqual([]);
  }],
  ["verify", BATCHES, async (_, handler) => {
    expect(await (await handler.topicHandler("a")).verify()).toEqual([]);
  }],
  // Three walks go side by side, and share turns.
  ["series", BATCHES / 3, async (_, handler) => {
    const topic = await handler.topicHandler("a");
    const { count } = await topic.series({ fields: ["v"], buckets: 7 * BATCHES });
    expect(count.reduce((sum, count) => sum + count)).toBe(ROWS);
  }],
  ["countRows", BATCHES / 2, async (_, handler) => {
    const edges = Array.from(
      { length: BATCHES + 1 },
      (_, i) => BigInt(10 * BATCH_ROWS * i + 5),
    );
    const counts = await (await handler.topicHandler("a")).countRows(edges);
    expect(counts.reduce((sum, count) => sum + count)).toBe(ROWS - 1);
  }],
];

describe("Long work", () => {
  it.each(works)(
    "gives the event loop turns from memory: %s",
    async (_, turns, work) => {
      await using client = clientOf(keepingBatches(new MemoryStore()));
      const handler = await record(client);
      expect(await turnsOf(() => work(client, handler))).toBeGreaterThanOrEqual(
        turns,
      );
    },
  );

  it("gives the event loop turns where many topics and sequences are small", async () => {
    await using client = await connect("memory:");
    for (let i = 0; i < 40; i++) {
      await client.sequenceCreate(`s${i}`, {}, async (sequence) => {
        for (let k = 0; k < (i === 0 ? 200 : 1); k++) {
          const topic = await sequence.topicCreate(`t${k}`, {
            ontology: Reading,
          });
          await topic.push({ timestampNs: BigInt(k), data: { v: k } });
        }
      });
    }
    const handler = await client.sequenceHandler("s0");
    expect(
      await turnsOf(async () => expect((await handler.latestAt(1000n)).size).toBe(200)),
    ).toBeGreaterThan(5);
    expect(await turnsOf(() => client.listSequences({ details: true })))
      .toBeGreaterThan(1);
    expect(await turnsOf(() => client.query({ ontology: Reading.q.v.gt(1e9) })))
      .toBeGreaterThan(40);
  });

  it.each([
    "for await",
    "batches()",
    "columns",
    "toTable",
    "sync",
    "sync toTable",
    "latched",
    "countRows",
    "series",
    "query",
    "verify",
  ])(
    "hears a signal that a timer gives: %s",
    async (what) => {
      await using client = await connect("memory:");
      const handler = await record(client);
      await onFastClock(async () => {
        const abort = new AbortController();
        const { signal } = abort;
        const topic = await handler.topicHandler("a");
        const edges = Array.from(
          { length: BATCHES },
          (_, i) => BigInt(10 * BATCH_ROWS * i + 5),
        );
        const wait = async (items: AsyncIterable<unknown>) => {
          for await (const _ of items);
        };
        const work: Record<string, () => Promise<unknown>> = {
          columns: () => wait(handler.getColumnStreamer({ fields: ["v"], signal })),
          "for await": () => wait(handler.getDataStreamer({ signal })),
          "batches()": () => wait(handler.getDataStreamer({ signal }).batches()),
          toTable: () => handler.getDataStreamer({ signal }).toTable(),
          sync: () => wait(handler.getSyncStreamer({ periodNs: 1n, fields, signal })),
          "sync toTable": () => handler.getSyncStreamer({ periodNs: 1n, fields, signal }).toTable(),
          latched: () =>
            wait(
              handler.getDataStreamer({
                startNs: 5n,
                latched: ["a", "b", "c"],
                signal,
              }),
            ),
          countRows: () => topic.countRows(edges, { signal }),
          series: () => topic.series({ fields: ["v"], buckets: 7 * BATCHES, signal }),
          query: () =>
            client.query(
              { ontology: Reading.q.w.gt(0).and(Reading.q.v.lt(1)) },
              { signal },
            ),
          verify: () => topic.verify({ signal }),
        };
        setImmediate(() => abort.abort(new Error("enough")));
        await expect(work[what]()).rejects.toThrow("enough");
      });
    },
  );

  it("hears a signal while nothing but ticks come, on a clock as it is", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const options = {
      periodNs: 1n,
      fields: { c: { topic: "c", field: "v" } },
      maxGapNs: 10n ** 15n,
      endNs: 10n ** 15n,
    };
    let rows = 0;
    const count = async () => {
      for await (
        const _ of handler.getSyncStreamer({
          ...options,
          signal: AbortSignal.timeout(1),
        })
      ) rows++;
    };
    await expect(count()).rejects.toThrow();
    expect(rows).toBeLessThan(10 ** 9);
  });

  it("gives the event loop turns from a directory", async () => {
    const directory = await mkdtemp(join(tmpdir(), "smalti-test-"));
    try {
      // Else so few batches are left that only the disk's own turns would reach the number.
      await using client = clientOf(keepingBatches(new DirectoryStore(directory)));
      const handler = await record(client);
      const verify = async () => expect(await (await handler.topicHandler("a")).verify()).toEqual([]);
      expect(await turnsOf(verify)).toBeGreaterThanOrEqual(BATCHES);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
