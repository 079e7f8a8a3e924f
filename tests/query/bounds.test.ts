import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Client, defineOntology, float64, int64, optional, type QueryExpression } from "../../mod.ts";
import type { SmaltiError } from "../../src/error.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { onFiles, onStore } from "../support/places.ts";

const Probe = defineOntology("Probe", { x: float64(), n: optional(int64()) });
const [MANIFEST, FILE] = ["s/sequence.json", "s/t.arrow"];
type Row = { x: number; n?: bigint };

/** What a store has of sequence "s". */
interface Files {
  manifest: Uint8Array;
  topic: Uint8Array;
}

/** Topic "t" of sequence "s", one batch for each list of rows. */
async function recorded(batches: readonly (readonly Row[])[]): Promise<Files> {
  const store = keepingBatches(new MemoryStore());
  return await onStore(store, async (client) => {
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Probe });
      let timestampNs = 0n;
      for (const rows of batches) {
        for (const data of rows) await topic.push({ timestampNs: timestampNs++, data });
        await topic.flush();
      }
    });
    return { manifest: await readAll(store, MANIFEST), topic: await readAll(store, FILE) };
  });
}

async function withFiles<R>(
  { manifest, topic }: Files,
  body: (client: Client, store: MemoryStore) => Promise<R>,
): Promise<R> {
  return await onFiles({ [MANIFEST]: manifest, [FILE]: topic }, body, { keepsBatches: true });
}

/** The files with the topic's bytes changed. */
function changed({ manifest, topic }: Files, change: (bytes: Uint8Array) => void): Files {
  const bytes = topic.slice();
  change(bytes);
  return { manifest, topic: bytes };
}

/** Where a text is in bytes that are no text, from the first place on. */
function placesOf(bytes: Uint8Array, text: string): number[] {
  const all = new TextDecoder("latin1").decode(bytes);
  return [...all.matchAll(new RegExp(text, "g"))].map(({ index }) => index);
}

/** Files of a writer that knows no bounds. */
function withoutBounds(files: Files): Files {
  return changed(files, (bytes) => {
    const [at] = placesOf(bytes, "smalti:bounds_crc");
    bytes.set(new TextEncoder().encode("smalti:bounds_xxx"), at);
  });
}

/** Files of which no batch can be read: none has checksums. */
function withDamagedBatches(files: Files): Files {
  return changed(files, (bytes) => {
    for (const at of placesOf(bytes, "smalti:crc")) bytes[at] ^= 1;
  });
}

/** Where the bounds begin, two columns in three batches: 96 bytes right before the footer. */
function boundsAt({ topic }: Files): number {
  const footerBytes = new DataView(topic.buffer, topic.byteOffset).getInt32(topic.length - 10, true);
  return topic.length - 10 - footerBytes - 96;
}

async function isFound(client: Client, ontology: QueryExpression): Promise<boolean> {
  return (await client.query({ ontology })).length > 0;
}

async function outcome(client: Client, ontology: QueryExpression): Promise<boolean | string> {
  try {
    return await isFound(client, ontology);
  } catch (reason) {
    const { code, details } = reason as SmaltiError;
    return `${code} ${details.batch}`;
  }
}

const { x, n } = Probe.q;
const BATCHES: Row[][] = [
  [{ x: 0 }, { x: 5, n: 3n }],
  [{ x: 10, n: 2n ** 53n + 1n }, { x: 15, n: 2n ** 60n }],
  [{ x: 20 }, { x: NaN }, { x: 25 }],
];
/** A condition; whether it is found; the batch that has to be read for that. */
const CASES: [what: string, condition: QueryExpression, found: boolean, read?: number][] = [
  ["an extreme that matches", x.gt(24), true],
  ["an extreme that is meant", x.eq(20), true],
  ["one in a list", x.in([7, 15]), true],
  ["what is beyond a bound", x.outside(0, 20), true],
  ["more than there is", x.gt(25), false],
  ["less than there is", x.lt(0), false],
  ["what lies between batches", x.between(6, 9), false],
  ["a list between batches", x.in([7, 17]), false],
  ["nothing beyond", x.outside(-1, 30), false],
  ["a value within a batch", x.eq(12), false, 1],
  ["two conditions that one batch may meet", x.gt(4).and(n.lt(4)), true, 0],
  ["two conditions that no batch can meet", x.gt(16).and(n.lt(4)), false],
  ["what all batches may have", x.neq(5), true, 0],
  ["an integer that is exact", n.eq(3), true],
  ["an integer beyond 2^53", n.eq(2n ** 53n + 1n), true, 1],
  ["its neighbour, which float64 takes for it", n.eq(2n ** 53n + 2n), false, 1],
  ["an integer far from any", n.eq(2n ** 62n), false],
  ["an integer right below those that are rounded", n.eq(2n ** 53n - 2n), false],
];

describe("A query by the bounds of batches", () => {
  for (const [what, condition, found, read] of CASES) {
    it(`${read === undefined ? "reads no batch" : `reads batch ${read}`} for ${what}`, async () => {
      const files = await recorded(BATCHES);
      await withFiles(files, async (client) => expect(await isFound(client, condition)).toBe(found));
      const wanted = read === undefined ? found : `CORRUPT ${read}`;
      await withFiles(withDamagedBatches(files), async (client) => {
        expect(await outcome(client, condition)).toBe(wanted);
      });
    });
  }

  it("comes to what rows alone come to", async () => {
    const edge = fc.constantFrom(
      0n,
      1n,
      -1n,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 62n + 1n,
    );
    const whole = fc.tuple(edge, fc.bigInt(-2n, 2n)).map(([a, b]) => BigInt.asIntN(64, a + b));
    const float = fc.constantFrom(-Infinity, -2, -0, 0, 0.5, 1, 2, NaN, Infinity);
    const finite = fc.constantFrom(-2, -0, 0, 0.5, 1, 1.5, 2);
    const row = fc.record({ x: float, n: whole }, { requiredKeys: ["x"] });
    const anyOperator = (field: typeof x | typeof n, value: fc.Arbitrary<number | bigint>) =>
      fc.tuple(value, value).map(([a, b]) => a < b ? [a, b] : [b, a]).chain(([a, b]) =>
        fc.constantFrom(
          field.eq(a),
          field.neq(a),
          field.lt(a),
          field.leq(a),
          field.gt(a),
          field.geq(a),
          field.in([a, b]),
          field.between(a, b),
          field.outside(a, b),
        )
      );
    const condition = fc.oneof(anyOperator(x, finite), anyOperator(n, whole));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        fc.array(condition, { minLength: 1, maxLength: 2 }),
        async (batches, conditions) => {
          const query = conditions.reduce((a, b) => a.and(b));
          const files = await recorded(batches);
          const byBounds = await withFiles(files, (client) => isFound(client, query));
          expect(await withFiles(withoutBounds(files), (client) => isFound(client, query))).toBe(byBounds);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is CORRUPT where those are damaged, which a check finds and a replay does not mind", async () => {
    const files = await recorded(BATCHES);
    const damaged = changed(files, (bytes) => bytes[boundsAt(files)] ^= 1);
    await withFiles(damaged, async (client) => {
      expect(await outcome(client, x.gt(100))).toBe("CORRUPT undefined");
      const topic = await client.topicHandler("s", "t");
      for (const deep of [false, true]) {
        const [error, ...others] = await topic.verify({ deep });
        expect([error.message, error.details, others]).toEqual([
          "[CORRUPT] Bounds of the batches do not match their checksum",
          { sequence: "s", topic: "t", file: FILE },
          [],
        ]);
      }
      let rows = 0;
      for await (const _ of topic.getDataStreamer()) rows++;
      expect(rows).toBe(7);
    });
  });

  it("has the same bounds of a file that was recovered", async () => {
    const files = await recorded(BATCHES);
    const manifest = JSON.parse(new TextDecoder().decode(files.manifest));
    const left: Files = {
      manifest: new TextEncoder().encode(JSON.stringify({ ...manifest, state: "recording" })),
      topic: files.topic.subarray(0, boundsAt(files) - 8),
    };
    await withFiles(left, async (client, store) => {
      await client.recover("s");
      expect(await readAll(store, FILE)).toEqual(files.topic);
    });
  });
});
