/**
 * Splits: each row is in exactly one, together they give the strict order, and one whose files have changed is refused.
 *
 * @module
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client, Split, SplitSize } from "../../mod.ts";
import { balancedWindows, extentOf } from "../../src/splits/cut_windows.ts";
import type { StoredBatches } from "../../src/backend.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { caseRange, Random } from "../support/random_cases.ts";
import { clientOf, makeStore, PLACES, withClient } from "../support/places.ts";
import { allTexts, pushSamples, Sample, texts } from "../support/sample_rows.ts";
import { anyChoice, inOrder, largeRecording, record, type Recording, smallRecording } from "../read/order.ts";

async function splitsOf(client: Client, by: SplitSize, options: object = {}): Promise<Split[]> {
  const splits: Split[] = [];
  for await (const split of client.splits({ by, ...options })) splits.push(split);
  return splits;
}

/** Of so many bytes at least: a large recording has a split for each of its bytes else. */
function anySize(least: number): fc.Arbitrary<SplitSize> {
  return fc.oneof(
    fc.constant<SplitSize>("sequence"),
    fc.constantFrom(least, 500, 5_000, 1e9).map((bytes) => ({ bytes })),
  );
}

/** A topic with batches of some bytes from time to time. */
function batchesOf(
  spans: readonly (readonly [firstNs: number, lastNs: number, bytes: number])[],
): StoredBatches {
  return {
    file: "s/a.arrow",
    sizeBytes: 1,
    fingerprint: "00000000",
    rows: new Float64Array(spans.length).fill(1),
    firstNs: BigInt64Array.from(spans, ([first]) => BigInt(first)),
    lastNs: BigInt64Array.from(spans, ([, last]) => BigInt(last)),
    offset: new Float64Array(spans.length),
    length: Float64Array.from(spans, ([, , bytes]) => bytes),
  };
}

describe.each(PLACES)("Splits in %s", (place) => {
  it("hold each row once, and in their order give the strict order", async () => {
    const property = (recording: fc.Arbitrary<Recording>, size: fc.Arbitrary<SplitSize>) =>
      fc.asyncProperty(
        recording.chain((one) => fc.tuple(fc.constant(one), anyChoice(one.topics))),
        size,
        async ([one, choice], by) => {
          const { store, dispose } = await makeStore(place, { keepsBatches: place === "memory" });
          try {
            const rows = await record(clientOf(store), "s", one);
            const client = clientOf(store);
            const seen: string[] = [];
            let after: bigint | undefined;
            for (const split of await splitsOf(client, by, choice)) {
              expect(after === undefined || BigInt(split.startNs) >= after).toBe(true);
              after = BigInt(split.endNs);
              const open = await client.openSplit(JSON.stringify(split));
              seen.push(...await texts(open.getDataStreamer()));
              const { rows, topics } = split;
              expect(rows).toBe(
                topics.flatMap(({ batches }) => batches).reduce((sum, [, , , n]) => sum + n, 0),
              );
            }
            expect(seen).toEqual(inOrder(rows, choice));
          } finally {
            await dispose();
          }
        },
      );
    await fc.assert(property(smallRecording, anySize(1)), { numRuns: place === "memory" ? 100 : 10 });
    await fc.assert(property(largeRecording, anySize(500)), { numRuns: 3 });
  });
});

describe("Splits", () => {
  /** `s` with two topics of a message each 10 ms over 10 s; `other` with one. */
  async function recordTwo(client: Client): Promise<void> {
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const name of ["a", "b"]) {
        const topic = await sequence.topicCreate(name, { ontology: Sample });
        await pushSamples(topic, Array.from({ length: 1000 }, (_, i) => i * 1e7));
      }
    });
    await client.sequenceCreate("other", {}, async (sequence) => {
      await pushSamples(await sequence.topicCreate("a", { ontology: Sample }), [5]);
    });
  }

  it("are windows of seconds from the first message on, and empty ones are left out", async () => {
    await withClient("memory", async (client) => {
      await recordTwo(client);
      const splits = await splitsOf(client, { seconds: 4 });
      expect(splits.map(({ name, topics }) => [name, topics.map((topic) => topic.name)])).toEqual([
        ["other-5-6", ["a"]],
        ["s-0-4000000000", ["a", "b"]],
        ["s-4000000000-8000000000", ["a", "b"]],
        ["s-8000000000-9990000001", ["a", "b"]],
      ]);
      const counts = await Promise.all(splits.map(async (split) => {
        let count = 0;
        for await (const block of (await client.openSplit(split)).getColumnStreamer({ fields: ["serial"] })) {
          count += block.length;
        }
        return count;
      }));
      expect(counts).toEqual([1, 800, 800, 400]);
      const some = await splitsOf(client, "sequence", {
        sequences: ["s"],
        topics: ["b", "none"],
        startNs: 10n ** 9n,
      });
      expect(some.map(({ startNs, topics }) => [startNs, topics.length])).toEqual([["1000000000", 1]]);
    });
  });

  it("pass over what is being recorded, unless it is named, and names that are not there fail", async () => {
    await withClient("memory", async (client) => {
      await recordTwo(client);
      const writer = await client.sequenceCreate("now");
      expect((await splitsOf(client, "sequence")).map(({ sequence }) => sequence)).toEqual(["other", "s"]);
      await expectError(() => splitsOf(client, "sequence", { sequences: ["now"] }), "LOCKED", "now");
      await expectError(() => splitsOf(client, "sequence", { sequences: ["none"] }), "NOT_FOUND", "none");
      await writer.abort();
    });
  });

  it("are refused where a file has changed, and where they are none", async () => {
    await withClient("memory", async (client) => {
      await recordTwo(client);
      const [, split] = await splitsOf(client, "sequence");
      await client.sequenceDelete("s");
      await expectError(() => client.openSplit(split), "NOT_FOUND", `"s"`);
      await client.sequenceCreate("s", {}, async (sequence) => {
        for (const name of ["a", "b"]) {
          await pushSamples(await sequence.topicCreate(name, { ontology: Sample }), [1]);
        }
      });
      await expectError(() => client.openSplit(split), "IO", `sequence "s"`, `topic "a"`, "cut it anew");
      for (
        const [wrong, text] of [
          ["{", "no JSON"],
          [{}, `wanted "smalti-split"`],
          [{ ...split, version: 2 }, "version is 2, wanted 1"],
          [{ ...split, startNs: 5 }, "startNs is 5"],
          [{ ...split, topics: [{}] }, "topics are not"],
        ] as const
      ) {
        await expectError(() => client.openSplit(wrong as Split), "INVALID_ARGUMENT", text);
      }
    });
  });

  it("want sizes that make sense", async () => {
    await withClient("memory", async (client) => {
      await recordTwo(client);
      for (const by of ["none", {}, { bytes: 0 }, { bytes: 1, seconds: 1 }, { seconds: "1" }]) {
        const reason = await thrownBy(() => splitsOf(client, by as SplitSize));
        expect([reason instanceof TypeError, String(reason)]).toEqual([
          true,
          expect.stringContaining("by is"),
        ]);
      }
      const many = await thrownBy(() => splitsOf(client, { seconds: 1e-9 }));
      expect([many instanceof RangeError, String(many)]).toEqual([
        true,
        expect.stringMatching(/"s".*1000000/),
      ]);
    });
  });

  it("go to whom the recordings were copied", async () => {
    await withClient("directory", async (client) => {
      await recordTwo(client);
      const all: string[] = [];
      for (const split of await splitsOf(client, { bytes: 3000 }, { sequences: ["s"] })) {
        all.push(
          ...await texts((await client.openSplit({ ...split, store: "elsewhere" })).getDataStreamer()),
        );
      }
      expect(all).toEqual(await allTexts(client, "s"));
    });
  });
});

describe("Balanced windows", () => {
  const windows = (topics: StoredBatches[], bytes: number) =>
    [...balancedWindows(topics, extentOf(topics)!, bytes, "")].map((
      { startNs, endNs },
    ) => [Number(startNs), Number(endNs)]);

  it("have about as many bytes each, also where a topic is sparse or silent", () => {
    expect(windows([batchesOf([[0, 99, 1000]])], 250)).toEqual([[0, 25], [25, 50], [50, 75], [75, 100]]);
    // All of the bytes are at the end.
    expect(windows([batchesOf([[0, 0, 0], [900, 999, 1000]])], 500)).toEqual([[0, 950], [950, 1000]]);
    expect(windows([batchesOf([[0, 99, 300]]), batchesOf([[50, 99, 300]])], 300)).toEqual([[0, 67], [
      67,
      100,
    ]]);
  });

  it("are as many as are wanted where all topics fall silent now and then", () => {
    const { cases, seed: first } = caseRange(200);
    for (let seed = first; seed < first + cases; seed++) {
      const random = new Random(seed);
      const topics = Array.from({ length: 1 + random.below(5) }, () => {
        let at = random.below(1000);
        return batchesOf(Array.from({ length: 20 }, () => {
          const start = at;
          const end = start + random.below(1e6);
          at = end + (random.oneIn(3) ? random.below(1e7) : 1);
          return [start, end, 1 + random.below(1e5)] as const;
        }));
      });
      const total = topics.flatMap(({ length }) => [...length]).reduce((sum, bytes) => sum + bytes, 0);
      expect(windows(topics, total / 10).length, `seed ${seed}`).toBeGreaterThanOrEqual(9);
    }
  });

  it("are one where nothing can be cut", () => {
    expect(windows([batchesOf([[7, 7, 1e9]])], 1)).toEqual([[7, 8]]);
  });
});
