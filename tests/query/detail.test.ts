/**
 * Queries by the bounds of blocks of rows: they come to what rows alone come to, and look at fewer of these.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import {
  type Client,
  defineOntology,
  float64,
  int64,
  optional,
  type QueryExpression,
  utf8,
} from "../../mod.ts";
import { backendOf } from "../../src/client.ts";
import { queryBodies } from "../../src/query/builders.ts";
import { type Cluster, clusterize } from "../../src/query/clusters.ts";
import { parseRowFilters } from "../../src/query/row_filter.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { MAX_NS, MIN_NS, type QueryObject } from "../../src/types.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { onFiles, onStore } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const Probe = defineOntology("Probe", { x: float64(), n: optional(int64()), label: utf8() });
const { x, n } = Probe.q;
const [MANIFEST, FILE] = ["s/sequence.json", "s/t.arrow"];
interface Row {
  x: number;
  n?: bigint;
}

/** Files of sequence "s" with topic "t", one batch for each list of rows, a row each nanosecond. */
async function recorded(batches: readonly (readonly Row[])[]): Promise<Record<string, Uint8Array>> {
  const store = keepingBatches(new MemoryStore());
  return await onStore(store, async (client) => {
    await client.sequenceCreate("s", { autoFlush: false }, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Probe });
      let timestampNs = 0n;
      for (const rows of batches) {
        for (const row of rows) await topic.push({ timestampNs: timestampNs++, data: { ...row, label: "" } });
        await topic.flush();
      }
    });
    return { [MANIFEST]: await readAll(store, MANIFEST), [FILE]: await readAll(store, FILE) };
  });
}

/** The files with one text in the topic's changed to another of its length. */
function changed(files: Record<string, Uint8Array>, from: string, to: string): Record<string, Uint8Array> {
  const bytes = files[FILE].slice();
  const all = new TextDecoder("latin1").decode(bytes);
  expect(all).toContain(from);
  for (const { index } of all.matchAll(new RegExp(from, "g"))) bytes.set(new TextEncoder().encode(to), index);
  return { ...files, [FILE]: bytes };
}

/** When a condition held. */
async function clusters(
  client: Client,
  condition: QueryExpression,
  window = { firstNs: MIN_NS, lastNs: MAX_NS },
) {
  const topic = await (await backendOf(client).openSequence("s")).openTopic("t");
  const filters = queryBodies({ ontology: condition }).flatMap(({ ontology }) =>
    parseRowFilters(ontology as QueryObject)
  );
  const found: Cluster[][] = [];
  for (const filter of filters) found.push(await clusterize(topic, filter, { gapNs: 1n, window }));
  return found;
}

async function isFound(client: Client, ontology: QueryExpression): Promise<boolean> {
  let told: unknown;
  const hits = await client.query({ ontology }, { onError: (_, error) => told = error });
  if (told) throw told;
  return hits.length > 0;
}

describe("A query by the bounds of blocks", () => {
  /** From 0 to 10 and back, never between 4 and 6 but for one row. */
  const rows = Array.from({ length: 6144 }, (_, row): Row => {
    const far = Math.floor(row / 1024) % 2 === 0 ? 0 : 6;
    return {
      x: row === 3003 ? 5 : far + 4 * Math.abs(Math.sin(row * row)),
      n: BigInt(row * 1e12 + (row * row * 7919) % 1e12),
    };
  });

  it("reads no batch in which no block may match", async () => {
    const files = await recorded([rows]);
    const conditions: [QueryExpression, boolean, boolean][] = [
      // The block of row 3003 may.
      [x.between(4.5, 4.6), false, true],
      [x.between(4.5, 4.6).and(n.lt(1000 * 1e12)), false, false],
      [x.eq(5), true, true],
      [x.eq(5).and(n.gt(3900 * 1e12)), false, false],
    ];
    const damaged = changed(files, "smalti:crc", "smalti:xxx");
    for (const [condition, found, isRead] of conditions) {
      expect(await onFiles(files, (client) => isFound(client, condition))).toBe(found);
      const outcome = onFiles(damaged, (client) => isFound(client, condition));
      await (isRead ? expect(outcome).rejects.toThrow("CORRUPT") : expect(outcome).resolves.toBe(found));
    }
    expect(await onFiles(files, (client) => clusters(client, x.between(4.5, 5.5)))).toEqual([[
      { startNs: 3003n, endNs: 3003n },
    ]]);
  });

  it("comes to what rows alone come to", async () => {
    const { cases, seed } = caseRange(6);
    for (let i = seed; i < seed + cases; i++) {
      try {
        await check(new Random(i));
      } catch (reason) {
        throw failedCase(i, "tests/query/detail.test.ts", reason);
      }
    }
  });
});

async function check(random: Random): Promise<void> {
  const odd = random.pick([50, 5000]);
  const batches = Array.from({ length: 1 + random.below(3) }, (_, i) => {
    const speed = 1 + random.below(500);
    return Array.from({ length: i === 0 ? 4000 : random.pick([10, 300, 4000]) }, (_, row): Row => ({
      x: random.oneIn(odd)
        ? random.pick([NaN, Infinity, -Infinity])
        : Math.sin(row / speed) + random.below(1e6) / 1e7,
      ...(!random.oneIn(odd) && { n: BigInt(row * speed) + (random.oneIn(odd) ? 2n ** 60n : 0n) }),
    }));
  });
  const files = await recorded(batches);
  const without = changed(files, "smalti:detail", "smalti:xxxxxx");
  const conditions = Array.from({ length: 12 }, () => {
    const a = random.below(2400) / 1000 - 1.2;
    const b = a + random.below(100) / 1000;
    const from = random.below(2_000_000);
    return random.pick([
      x.between(a, b),
      x.gt(b),
      x.lt(a),
      x.outside(-1 - random.below(10) / 100, 1.05),
      x.neq(a),
      n.between(from, from + random.below(10_000)),
      n.gt(2n ** 59n),
      x.between(a, b).and(n.gt(from)),
    ]);
  });
  const all = batches.flat().length;
  const firstNs = BigInt(random.below(all));
  for (
    const window of [{ firstNs: MIN_NS, lastNs: MAX_NS }, {
      firstNs,
      lastNs: firstNs + BigInt(random.below(all)),
    }]
  ) {
    const look = (client: Client) =>
      Promise.all(conditions.map(async (condition) => [
        await isFound(client, condition),
        await clusters(client, condition, window),
      ]));
    expect(await onFiles(files, look)).toEqual(await onFiles(without, look));
  }
}
