/**
 * Reads of some columns: less than their batches where that saves much, the same values, and the same errors.
 *
 * @module
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  connect,
  defineOntology,
  float64,
  int64,
  optional,
  struct,
  utf8,
} from "../../mod.ts";
import { openBatch } from "../../src/arrow/stored_batch.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import type { StructVector, Vector } from "../../src/arrow/vector.ts";
import { ColumnReads } from "../../src/embedded/column_reads.ts";
import { indexOf } from "../../src/embedded/topic_index.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { clientOf, inDirectory } from "../support/places.ts";
import { Random } from "../support/random_cases.ts";
import { anyTable } from "../support/random_tables.ts";
import { columnsOf, engine, field, tableFields } from "../support/tables.ts";
import { WebServer } from "../support/web_server.ts";
import { WatchedStore } from "../support/watched_store.ts";

const FILE = "s/wide.arrow";
const Wide = defineOntology("Wide", {
  label: utf8(),
  ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`f${i}`, float64()])),
  place: optional(struct({ n: optional(int64()), pixels: binary() })),
});
/** One of its fields, by name. */
const Narrow = defineOntology("Wide", { f5: float64() });
const ROWS = 3000;

function rowOf(row: number) {
  const random = new Random(row);
  const noise = () => random.below(2 ** 31) / 7;
  return {
    label: `row ${row}`,
    ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`f${i}`, noise()])),
    ...(row % 3 > 0 && {
      place: {
        ...(row % 2 > 0 && { n: BigInt(row) * 1001n }),
        pixels: Uint8Array.from({ length: 100 }, () => random.below(256)),
      },
    }),
  };
}

async function recorded(): Promise<WatchedStore> {
  const store = new WatchedStore(new MemoryStore());
  await record(clientOf(store));
  return store;
}

async function record(client: Client): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("wide", { ontology: Wide });
    for (let row = 0; row < ROWS; row++) {
      await topic.push({ timestampNs: BigInt(row), data: rowOf(row) as never });
    }
  });
}

/** Bytes of the topic's batches that were read, as a part of all. */
async function partRead(store: WatchedStore, action: () => Promise<void>): Promise<number> {
  store.reads.length = 0;
  await action();
  const bytes = store.reads.filter(({ path }) => path === FILE).reduce((sum, { length }) => sum + length, 0);
  return bytes / await store.size(FILE);
}

async function columnsOfTopic(client: Client, fields: string[]): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = Object.fromEntries(fields.map((name) => [name, []]));
  const topic = await client.topicHandler("s", "wide");
  for await (const block of topic.getColumnStreamer({ fields })) {
    for (const name of fields) {
      const column = block.columns[name];
      for (let row = 0; row < block.length; row++) found[name].push(column.at(row));
    }
  }
  return found;
}

describe("Reading some columns", () => {
  it("reads little of a wide topic, for columns, series and queries", async () => {
    const store = await recorded();
    const client = clientOf(store);
    const wanted = Array.from({ length: ROWS }, (_, row) => rowOf(row) as unknown as Record<string, number>);
    expect(
      await partRead(store, async () => {
        const found = await columnsOfTopic(client, ["f3"]);
        expect(found.f3).toEqual(wanted.map(({ f3 }) => f3));
      }),
    ).toBeLessThan(0.15);
    expect(
      await partRead(store, async () => {
        const found = await columnsOfTopic(client, ["place.n", "label"]);
        expect(found.label).toEqual(wanted.map(({ label }) => label));
        const n = (row: number) => row % 3 > 0 && row % 2 > 0 ? BigInt(row) * 1001n : undefined;
        expect(found["place.n"]).toEqual(wanted.map((_, row) => n(row)));
      }),
    ).toBeLessThan(0.2);
    expect(
      await partRead(store, async () => {
        const topic = await client.topicHandler("s", "wide");
        const { fields } = await topic.series({ fields: ["f7"], buckets: 50 });
        const max = Array.from(
          { length: 50 },
          (_, i) => Math.max(...wanted.slice(60 * i, 60 * (i + 1)).map(({ f7 }) => f7)),
        );
        expect([...fields.get("f7")!.max]).toEqual(max);
      }),
    ).toBeLessThan(0.2);
    expect(
      await partRead(store, async () => {
        const { f5 } = wanted[2000];
        expect(await client.query({ ontology: Narrow.q.f5.eq(f5) })).toHaveLength(1);
      }),
    ).toBeLessThan(0.2);
    const handler = await client.sequenceHandler("s");
    expect(
      await partRead(store, async () => {
        let rows = 0;
        for await (const block of handler.getColumnStreamer({ fields: [] })) rows += block.length;
        expect(rows).toBe(ROWS);
      }),
    ).toBeLessThan(0.1);
    await client.close();
  });

  it("fetches little of a wide topic over HTTP", async () => {
    await inDirectory(async (directory) => {
      const writer = await connect(directory);
      await record(writer);
      await writer.close();
      const server = await WebServer.start(directory);
      const client = await connect(server.url);
      try {
        const { f3 } = await columnsOfTopic(client, ["f3"]);
        expect(f3).toEqual(
          Array.from({ length: ROWS }, (_, row) => (rowOf(row) as unknown as { f3: number }).f3),
        );
        const sent = server.asked.filter(({ url }) => url.endsWith("wide.arrow"))
          .reduce((sum, asked) => sum + asked.sent, 0);
        const { sizeBytes } = await client.sequenceHandler("s");
        // The file's end takes 64 KiB, and what lies between ranges comes along where that is little.
        expect(sent - 64 * 1024).toBeLessThan(0.5 * sizeBytes);
      } finally {
        await client.close();
        await server.stop();
      }
    });
  });

  it("reads batches whole, once, where most of them is wanted", async () => {
    const store = await recorded();
    const client = clientOf(store);
    const fields = Array.from({ length: 12 }, (_, i) => `f${i}`);
    const part = await partRead(store, async () => {
      await columnsOfTopic(client, fields);
    });
    expect(part).toBeGreaterThan(0.9);
    expect(part).toBeLessThan(1.1);
    await client.close();
  });

  it("finds damage in what it reads, and none in what it does not", async () => {
    const store = await recorded();
    const bytes = await readAll(store, FILE);
    const outcomes = new Map<string, number>();
    const { f3 } = await columnsOfTopic(clientOf(store), ["f3"]);
    for (let at = 1000; at < bytes.length - 20_000; at += 1777) {
      const damaged = new MemoryStore();
      const changed = bytes.slice();
      changed[at] ^= 0x40;
      await damaged.replace(FILE, changed);
      await damaged.replace("s/sequence.json", await readAll(store, "s/sequence.json"));
      const outcome = await columnsOfTopic(clientOf(damaged), ["f3"]).then(
        (found) => {
          expect(found.f3).toEqual(f3);
          return "whole";
        },
        ({ code }) => code,
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).toEqual(["CORRUPT", "whole"]);
    expect(outcomes.get("CORRUPT")! / outcomes.get("whole")!).toBeLessThan(0.25);
  });

  it("gives of any table the columns that are wanted as they are", async () => {
    const noise = Uint8Array.from({ length: 300_000 }, (_, i) => new Random(i).below(256));
    await fc.assert(
      fc.asyncProperty(
        anyTable({ depth: 2, columns: 5 }),
        fc.nat(),
        async ({ fields: some, rows }, which) => {
          if (rows.length === 0) return;
          const pad = field("pad", { kind: "binary", offsets: 32 });
          const at = which % (some.length + 1);
          const own = [...some.slice(0, at), pad, ...some.slice(at)];
          const padded = rows.map((row, i) => ({ ...row, pad: i === 0 ? noise : noise.subarray(0, 1) }));
          const columns = columnsOf(own, padded);
          const { message, headerCrc } = sealBatch(engine, columns);
          const fields = tableFields(own);
          const whole = openBatch(engine, message, { fields, where: {}, headerCrc });
          const paths = pathsIn(whole.table).filter(([first]) => fields[first].name !== "pad");
          const path = paths[which % Math.max(1, paths.length)];
          const offset = 24;
          const index = indexOf([
            { offset, length: message.length, rows: rows.length, firstNs: 0n, lastNs: 0n, headerCrc },
          ]);
          let bytesRead = 0;
          const file = (from: number, length: number) => {
            const bytes = message.slice(from - offset, from - offset + length);
            bytesRead += bytes.length;
            return Promise.resolve(bytes);
          };
          const source = { file, engine, fields, dictionaries: new Map(), index };
          const read = await new ColumnReads(source, path ? [path] : []).readBatch(0);
          expect(bytesRead).toBeLessThan(message.length / 2);
          const part = openBatch(engine, read, { fields, where: {}, headerCrc });
          expect(part.times).toEqual(whole.times);
          if (!path) return;
          const [a, b] = [whole.table, part.table].map((table) => vectorsAt(table, path));
          for (let row = 0; row < rows.length; row++) {
            expect(b.map((vector) => vector.isValid(row))).toEqual(a.map((vector) => vector.isValid(row)));
            expect(b.at(-1)!.plain(row, true)).toEqual(a.at(-1)!.plain(row, true));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Ways to all columns of a table, also within structs, but for the time. */
function pathsIn(table: StructVector): number[][] {
  const below = (vector: Vector, path: number[]): number[][] => [
    path,
    ...vector.field.type.kind === "struct"
      ? vector.children.flatMap((child, i) => below(child, [...path, i]))
      : [],
  ];
  return table.children.flatMap((child, i) => i === 0 ? [] : below(child, [i]));
}

function vectorsAt(table: Vector, path: readonly number[]): Vector[] {
  let vector = table;
  return path.map((place) => vector = vector.children[place]);
}
