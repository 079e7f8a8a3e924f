import { describe, expect, it } from "vitest";
import { type Metadata, sequenceQ, topicQ } from "../../mod.ts";
import { readAll } from "../../src/store/store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { parseJson } from "../../src/util/parse_json.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { copyOf } from "../support/left_store.ts";
import { clientOf, onStore, PLACES, withClient } from "../support/places.ts";
import { Sample, sample } from "../support/sample_rows.ts";

const NS = 1700000000000000001n;
/** As others write it; a manifest has it with spaces of its own. */
const TEXT = `{"time":${NS},"whole":3.0,"zero":-0.0,"large":1e+16,"deep":[{"at":-${NS}},1.50,1]}`;
const given = () => parseJson(TEXT) as Metadata;

/** How often a manifest has each of these texts as metadata, of the sequence and of its topics. */
async function counts(store: MemoryStore, ...texts: string[]): Promise<number[]> {
  const manifest = new TextDecoder().decode(await readAll(store, "s/sequence.json")).replace(/\s/g, "");
  return texts.map((text) => manifest.split(`"metadata":${text}`).length - 1);
}

/** A value as it is read, and which of two types it has. */
const read = { time: NS, whole: 3, zero: -0, large: 1e16, deep: [{ at: -NS }, 1.5, 1] };

describe.each(PLACES)("Metadata in %s", (place) => {
  it("has integers beyond 2^53 as bigint, all else as number", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate(
        "s",
        { metadata: { ...read, small: 5n } },
        async (sequence) => {
          await sequence.topicCreate("a", { ontology: Sample, metadata: read });
          sequence.addMetadata({ more: NS + 1n });
        },
      );
      const handler = await client.sequenceHandler("s");
      expect(handler.metadata).toEqual({ ...read, small: 5, more: NS + 1n });
      expect((await handler.topicHandler("a")).metadata).toEqual(read);
      for await (const _ of handler.getDataStreamer());
      expect(await (await handler.topicHandler("a")).verify({ deep: true }))
        .toEqual([]);
    });
  });
});

describe("Metadata that nobody changed", () => {
  it("keeps its text through sessions, compaction, recovery, and a copy", async () => {
    const inner = new MemoryStore();
    const store = keepingBatches(inner);
    const client = clientOf(store);
    const sequence = await client.sequenceCreate("s", { metadata: given(), autoFlush: false });
    const topic = await sequence.topicCreate("a", { ontology: Sample, metadata: given() });
    for (let i = 0; i < 30; i++) {
      await topic.push({ timestampNs: BigInt(i), data: sample(i) });
      await sequence.flush();
    }
    expect(await counts(inner, TEXT)).toEqual([1]);
    // As if its process had died here: nothing more reaches the store.
    const left = await copyOf(inner, "s");
    await sequence.finalize();
    expect(await counts(inner, TEXT)).toEqual([2]);
    await client.sequenceUpdate("s", {}, async (sequence) => {
      await sequence.topicCreate("b", { ontology: Sample, metadata: given() });
      sequence.addMetadata(parseJson('{"more":2.0}') as Metadata);
    });
    const whole = `${TEXT.slice(0, -1)},"more":2.0}`;
    expect(await counts(inner, whole, TEXT)).toEqual([1, 2]);
    const later = await copyOf(inner, "s");
    await client.close();
    await onStore(later, async (client) => {
      expect((await client.compact("s")).topics.map(({ topic }) => topic))
        .toEqual(["a"]);
      expect(await counts(later, whole, TEXT)).toEqual([1, 2]);
      // What a handler tells is given to another one, in the place of it too.
      const { metadata } = await client.sequenceHandler("s");
      await client.sequenceCreate("s", { metadata, ifExists: "replace" }, () => {});
      expect(await counts(later, whole, TEXT)).toEqual([1, 0]);
    });
    await onStore(left, async (client) => {
      expect((await client.recover("s")).changed).toBe(true);
      expect(await counts(left, TEXT)).toEqual([2]);
      const handler = await client.sequenceHandler("s");
      expect((await handler.topicHandler("a")).metadata).toEqual(read);
      expect(await (await handler.topicHandler("a")).verify({ deep: true }))
        .toEqual([]);
    });
  });

  it("stays as an older version wrote it: integers as text", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", { metadata: { time: `${NS}` } }, () => {});
      expect((await client.sequenceInfo("s")).metadata).toEqual({ time: "1700000000000000001" });
    });
  });
});

describe("A query", () => {
  it("compares integers beyond 2^53 in metadata exactly, also with floats", async () => {
    await withClient("memory", async (client) => {
      const times: Record<string, Metadata[string]> = { a: NS, b: NS + 1n, c: Number(NS), d: `${NS}`, e: 3 };
      for (const [name, time] of Object.entries(times)) {
        await client.sequenceCreate(
          name,
          { metadata: { start: { ns: time } } },
          async (sequence) => {
            await sequence.topicCreate("t", { ontology: Sample, metadata: { ns: [time] } });
          },
        );
      }
      const start = sequenceQ.metadata("start.ns");
      const found = async (sequence: ReturnType<typeof start.eq>) =>
        (await client.query({ sequence })).map(({ sequence }) => sequence).join(" ");
      expect(await found(start.eq(NS))).toBe("a");
      expect(await found(start.eq(Number(NS)))).toBe("c");
      expect(await found(start.gt(NS))).toBe("b");
      expect(await found(start.lt(NS))).toBe("c e");
      expect(await found(start.between(NS, NS + 1n))).toBe("a b");
      expect(await found(start.outside(NS, NS + 1n))).toBe("c e");
      expect(await found(start.in([NS + 1n, 3n]))).toBe("b e");
      expect(await found(start.eq(`${NS}`))).toBe("d");
      expect(await client.query({ topic: topicQ.metadata("ns[*]").eq(NS) }))
        .toMatchObject([{ sequence: "a" }]);
    });
  });
});
