import process from "node:process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, int64, optional, struct, utf8 } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { clientOf } from "../support/places.ts";
import { WatchedStore } from "../support/watched_store.ts";

const Reading = defineOntology("Reading", {
  x: optional(float64()),
  n: optional(int64()),
  text: optional(utf8()),
  at: optional(struct({ y: optional(float64()) })),
});
const FIELDS = ["x", "n", "text", "at.y"] as const;
const SEED = Number(
  process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31),
);

/** A row: its time, which fields it has, whether a batch ends after it. */
const anyRow = fc.record({
  gap: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 5 }) },
    { weight: 2, arbitrary: fc.integer({ min: -60, max: -1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1000, max: 100_000 }) },
  ),
  has: fc.array(fc.integer({ min: 0, max: 19 }), {
    minLength: 4,
    maxLength: 4,
  }),
  isNaN: fc.boolean(),
  flush: fc.integer({ min: 0, max: 6 }),
});

type Cell = number | bigint | string;

type AnyRow = typeof anyRow extends fc.Arbitrary<infer Row> ? Row : never;

/** Records rows; gives each one's time and cells. */
async function record(client: Client, name: string, rows: readonly AnyRow[], base: bigint) {
  const made: { ns: bigint; cells: (Cell | undefined)[] }[] = [];
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topic = await sequence.topicCreate("a", { ontology: Reading });
    let ns = base;
    for (const [i, { gap, has, isNaN, flush }] of rows.entries()) {
      ns += BigInt(gap);
      const of = <T>(field: number, value: T): T | undefined => has[field] < 2 ? value : undefined;
      const y = of(3, i / 2);
      const data = {
        x: of(0, isNaN ? NaN : i),
        n: of(1, BigInt(i)),
        text: of(2, `${i}`),
        at: y === undefined ? y : { y },
      };
      made.push({ ns, cells: [data.x, data.n, data.text, y] });
      await topic.push({ timestampNs: ns, data });
      if (flush === 0) await topic.flush();
    }
  });
  return made;
}

describe(`A field's last value before a clock begins (seed ${SEED})`, () => {
  it.each([["at hand", 150], ["on a server", 6]] as const)(
    "is what looking at all rows gives, for any rows, late ones too, %s",
    async (where, numRuns) => {
      await using store = await connect("memory:");
      const server = where === "at hand" ? undefined : await createServer(store, { port: 0 });
      const client = server ? await connect(server.url) : store;
      let count = 0;
      const base = fc.constantFrom(
        0n,
        -(2n ** 63n) + 6100n,
        1_700_000_000_000_000_000n,
      );
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.array(anyRow, { minLength: 1, maxLength: 100 }),
            fc.array(fc.integer({ min: -70, max: 500 }), {
              minLength: 1,
              maxLength: 5,
            }),
            base,
            async (rows, offsets, base) => {
              const name = `s${count++}`;
              const made = await record(store, name, rows, base);
              const handler = await client.sequenceHandler(name);
              const last = made.at(-1)!.ns;
              for (
                const startNs of [
                  ...offsets.map((offset) => base + BigInt(offset)),
                  last,
                  last + 10n ** 12n,
                ]
              ) {
                const fields = Object.fromEntries(
                  FIELDS.map((field) => [field, { topic: "a", field }]),
                );
                const stream = handler.getSyncStreamer({
                  periodNs: 1n,
                  startNs,
                  endNs: startNs + 1n,
                  fields,
                });
                const { value } = await stream.next();
                await stream.close();
                const wanted = FIELDS.map((_, k) => {
                  const known = made.filter(({ ns, cells }) => ns <= startNs && cells[k] !== undefined);
                  return known.reduce(
                    (most, row) => most && row.ns < most.ns ? most : row,
                    known.at(0),
                  )?.cells[k];
                });
                expect(FIELDS.map((field) => value!.values[field])).toEqual(
                  wanted,
                );
              }
            },
          ),
          { numRuns, seed: SEED },
        );
      } finally {
        await server?.close();
        if (server) await client.close();
      }
    },
  );

  /** Batches that are read to find what only the first of so many messages had. */
  async function readsFor(
    batches: number,
    field: string,
    late = false,
  ): Promise<number> {
    const store = new WatchedStore();
    await using client = clientOf(store);
    const rows = 50;
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a", { ontology: Reading });
      for (let i = 0; i < batches; i++) {
        // A message sent before the clock was set, within each batch.
        if (late) await topic.push({ timestampNs: 5n, data: {} });
        for (let k = 0; k < rows; k++) {
          const data = i + k === 0 ? { x: 1, n: 1n, text: "1", at: { y: 1 } } : {};
          await topic.push({
            timestampNs: BigInt(1000 * (rows * i + k)),
            data,
          });
        }
        await topic.flush();
      }
    });
    const handler = await client.sequenceHandler("s");
    store.reads.length = 0;
    const rowsOf = handler.getSyncStreamer({
      periodNs: 1n,
      startNs: 10n ** 15n,
      endNs: 10n ** 15n + 1n,
      fields: { v: { topic: "a", field } },
    });
    const looked: number[] = [];
    store.before = (call) => {
      if (call === "read") looked.push(1);
    };
    expect(Number((await rowsOf.next()).value!.values.v)).toBe(1);
    await rowsOf.close();
    return looked.length;
  }

  it("reads no batch of which the bounds say that it has none, before the clock reads on", async () => {
    // The clock itself reads all batches from the value on.
    const few = await readsFor(40, "n") - 40;
    const many = await readsFor(320, "n") - 320;
    expect(few).toBeLessThan(40);
    expect(many - few).toBeLessThan(20);
  });

  it.each([false, true])(
    "reads a batch a few times, not once a message (late rows: %s)",
    async (late) => {
      for (const batches of [40, 320]) {
        // Where each batch begins long ago, each window of the search touches all that come after it.
        const most = (late ? 2 * Math.log2(batches) : 4) * batches + 60;
        expect(await readsFor(batches, "text", late)).toBeLessThan(most);
        expect(await readsFor(batches, "x", late)).toBeLessThan(most);
      }
    },
  );
});
