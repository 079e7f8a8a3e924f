/**
 * Bounds of blocks of rows that a topic's file keeps: what they say, that they cost little, and that nothing is lost with them.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { type Client, defineOntology, float64, int64, optional, struct, utf8 } from "../../mod.ts";
import { backendOf } from "../../src/client.ts";
import type { BatchBlocks } from "../../src/embedded/batch_summary.ts";
import { DetailBuilder } from "../../src/embedded/detail_builder.ts";
import { blockRowsOf, unpackPart } from "../../src/embedded/detail_part.ts";
import { packPart } from "../../src/embedded/pack_part.ts";
import type { TopicFileReader } from "../../src/embedded/topic_file_reader.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import type { Engine } from "../../src/engine.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { onFiles } from "../support/places.ts";
import { engine } from "../support/tables.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const Probe = defineOntology("Probe", {
  label: utf8(),
  x: float64(),
  place: optional(struct({ n: optional(int64()), z: float64() })),
});
/** Numeric columns by path, as the bounds call them, and their values. */
const COLUMNS: Record<string, (data: ProbeData) => number | undefined> = {
  "2": ({ x }) => x,
  "3,0": ({ place }) => place?.n === undefined ? undefined : Number(place.n),
  "3,1": ({ place }) => place?.z,
};
interface ProbeData {
  label: string;
  x: number;
  place?: { n?: bigint; z: number };
}
interface Row {
  timestampNs: bigint;
  data: ProbeData;
}
const [MANIFEST, FILE] = ["s/sequence.json", "s/a.arrow"];

/** Rows of a batch, in time order. */
function rowsOf(random: Random, count: number): Row[] {
  let now = BigInt(random.below(1000));
  return Array.from({ length: count }, (_, row) => {
    now += BigInt(random.below(1000));
    const x = random.oneIn(300)
      ? random.pick([NaN, Infinity, -Infinity])
      : Math.sin(row / 50) + random.below(1e9) / 1e10;
    const place = { z: random.below(1e9) / 7, ...(random.oneIn(2) && { n: BigInt(random.below(1e6)) }) };
    return { timestampNs: now, data: { label: `${row}`, x, ...(!random.oneIn(4) && { place }) } };
  });
}

/** Records, and gives what `look` finds while that goes on. */
async function record<R>(
  client: Client,
  batches: readonly (readonly Row[])[],
  look: () => Promise<R>,
): Promise<R> {
  return await client.sequenceCreate("s", { autoFlush: false }, async (sequence) => {
    const topic = await sequence.topicCreate("a", { ontology: Probe });
    for (const rows of batches) {
      for (const row of rows) await topic.push(row);
      await topic.flush();
    }
    return await look();
  });
}

async function open(client: Client): Promise<TopicFileReader> {
  return await (await backendOf(client).openSequence("s")).openTopic("a") as TopicFileReader;
}

/** Checks that detail says what rows do, and tells how many rows a block of each column has. */
async function checkDetail(client: Client, all: readonly Row[]): Promise<(number | undefined)[]> {
  const file = await open(client);
  const detail = await file.loadDetail(Object.keys(COLUMNS));
  let at = 0;
  const batches = Array.from(file.index.rows, (rows) => all.slice(at, at += rows));
  expect(at).toBe(all.length);
  return Object.entries(COLUMNS).map(([path, valueOf]) => {
    let blockRows: number | undefined;
    for (const [batch, rows] of batches.entries()) {
      const blocks = detail?.of(batch, path);
      if (!blocks) continue;
      blockRows ??= blocks.blockRows;
      expect(blocks.blockRows).toBe(blockRows);
      expect(rows.length).toBeGreaterThan(blockRows);
      const wanted = Array.from({ length: Math.ceil(rows.length / blockRows) }, (_, i) => {
        const part = rows.slice(i * blockRows!, (i + 1) * blockRows!);
        const values = part.map(({ data }) => valueOf(data)).filter((value) =>
          value !== undefined && !isNaN(value)
        );
        return {
          ns: part[0].timestampNs,
          pair: [Math.min(...values as number[]), Math.max(...values as number[])],
        };
      });
      expect([...blocks.firstNs]).toEqual(wanted.map(({ ns }) => ns));
      expect([...blocks.pairs]).toEqual(wanted.flatMap(({ pair }) => pair));
    }
    return blockRows;
  });
}

/** Files of one recording in batches of so many rows, or more of them where those are too large. */
async function recorded(sizes: readonly number[], seed = 1, by: Engine = engine) {
  const store = keepingBatches(new MemoryStore());
  const random = new Random(seed);
  const batches = sizes.map((count) => rowsOf(random, count));
  const client = clientWith(by, store);
  const begun = await record(client, batches, () => readAll(store, MANIFEST));
  const files = { [MANIFEST]: await readAll(store, MANIFEST), [FILE]: await readAll(store, FILE) };
  await client.close();
  return { files, begun, rows: batches.flat() };
}

/** Where the detail is in a file: the parts before the bounds, by what the footer says. */
function placeOf(bytes: Uint8Array): { start: number; end: number; textAt: number; text: string } {
  const all = new TextDecoder("latin1").decode(bytes);
  const footerBytes = new DataView(bytes.buffer, bytes.byteOffset).getInt32(bytes.length - 10, true);
  const footer = bytes.length - 10 - footerBytes;
  const text = /\[\[\d+,"[0-9a-f]{8}"\](,\[\d+,"[0-9a-f]{8}"\])*\]/.exec(all.slice(footer))!;
  const length = (JSON.parse(text[0]) as [number, string][]).reduce((sum, [bytes]) => sum + bytes, 0);
  const batches = all.split("smalti:crc").length - 1;
  const end = footer - 16 * Object.keys(COLUMNS).length * batches;
  return { start: end - length, end, textAt: footer + text.index, text: text[0] };
}

const SIZES = [3000, 100, 5000, 700];

/** What a client makes of the files, and whether their detail was any good. */
async function look(files: Record<string, Uint8Array>) {
  return await onFiles(files, async (client) => {
    const topic = await client.topicHandler("s", "a");
    const byDetail = await topic.series({ fields: ["x"], buckets: 30, level: "detail" });
    const exact = await topic.series({ fields: ["x"], buckets: 30 });
    const errors = await topic.verify();
    return {
      hasDetail: byDetail.levels.includes("detail"),
      /** What must not depend on it. */
      facts: {
        exact: [exact.count, ...Object.values(exact.fields.get("x")!)].map((numbers) => [...numbers].join()),
        stats: await (await client.sequenceHandler("s")).stats(),
        hits: await client.query({ ontology: Probe.q.x.gt(1.05) }),
        count: Math.round(byDetail.count.reduce((sum, count) => sum + count)),
      },
      errors: errors.map(({ code, details }) => `${code} ${details.topic}`),
    };
  });
}

describe("The detail of a topic's file", () => {
  it("says of blocks of rows what their values say, for any batches, on both engines", async () => {
    const { cases, seed } = caseRange(6);
    const engines = await allEngines();
    for (let i = seed; i < seed + cases; i++) {
      try {
        const random = new Random(i);
        const sizes = Array.from(
          { length: 1 + random.below(6) },
          () => random.pick([1, 128, 129, 1000 + random.below(5000)]),
        );
        for (const each of engines) {
          const { files, rows } = await recorded(sizes, i, each);
          await onFiles(files, async (client) => {
            await checkDetail(client, rows);
            expect(await (await client.topicHandler("s", "a")).verify()).toEqual([]);
          });
        }
      } catch (reason) {
        throw failedCase(i, "tests/embedded/detail.test.ts", reason);
      }
    }
  });

  it("is kept in the smallest blocks that take at most a hundredth of their column", async () => {
    const { files, rows } = await recorded([20_000]);
    const [x, , z] = await onFiles(files, (client) => checkDetail(client, rows));
    expect([x, z]).toEqual([256, 256]);
    const { start, end, text } = placeOf(files[FILE]);
    expect(end - start).toBeLessThan(0.01 * start);
    for (const [bytes] of (JSON.parse(text) as [number, string][]).slice(1)) {
      expect(bytes).toBeLessThan(0.01 * 8 * rows.length);
    }
  });

  it("is left out where a block would be a batch, and no file is written anew for it then", async () => {
    const { files, rows } = await recorded([200]);
    await onFiles(files, async (client) => {
      expect(await checkDetail(client, rows)).toEqual([undefined, undefined, undefined]);
      expect((await client.compact("s")).topics).toEqual([]);
    });
    expect(JSON.parse(placeOf(files[FILE]).text)).toHaveLength(4);
  });

  it("keeps larger blocks in memory the more of them there are", () => {
    const random = new Random(3);
    const builder = new DetailBuilder();
    const batches = Array.from({ length: 75 }, (_, batch): BatchBlocks => ({
      rows: 128 * 99 + 1,
      firstNs: BigInt64Array.from({ length: 100 }, (_, block) => BigInt(100 * batch + block)),
      bounds: Float64Array.from(
        { length: 200 },
        (_, i) => i % 2 === 0 ? -random.below(1e9) : random.below(1e9),
      ),
    }));
    for (const blocks of batches) {
      builder.add({ bounds: new Float64Array(2), blocks, storedBytes: Float64Array.of(1e9) });
    }
    const { parts: [times, column] } = builder.encode(engine)!;
    // 7,500 blocks are twice too many.
    expect([times, column].map(blockRowsOf)).toEqual([256, 256]);
    const wanted = batches.flatMap(({ bounds }) =>
      Array.from({ length: 50 }, (_, i) => {
        const [low, high, nextLow, nextHigh] = bounds.subarray(4 * i, 4 * i + 4);
        return [Math.min(low, nextLow), Math.max(high, nextHigh)];
      })
    );
    expect([...new Float64Array(unpackPart(engine, column, 2 * 75 * 50))]).toEqual(wanted.flat());
    const firsts = [...new BigInt64Array(unpackPart(engine, times, 75 * 50))];
    expect(firsts).toEqual(Array.from({ length: 75 * 50 }, (_, i) => BigInt(2 * i)));
  });

  it("refuses parts that are not of so many numbers", () => {
    const part = packPart(128, Float64Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100)))!;
    expect(packPart(128, Float64Array.of(1, 2, 3), 35)).toBe(undefined);
    expect(part.length).toBeLessThan(1000);
    expect([...new Float64Array(unpackPart(engine, part, 1000))]).toEqual(
      Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100)),
    );
    for (const wrong of [part.subarray(0, 3), part.subarray(0, 40), part.subarray(0, -1)]) {
      expect(() => unpackPart(engine, wrong, 1000)).toThrow("CORRUPT");
    }
    expect(() => unpackPart(engine, part, 999)).toThrow("CORRUPT");
    expect(() => blockRowsOf(part.subarray(0, 3))).toThrow("CORRUPT");
  });

  it("is as good as none where it is damaged, which a check finds", async () => {
    const { files } = await recorded(SIZES);
    const sound = await look(files);
    expect([sound.hasDetail, sound.errors]).toEqual([true, []]);
    expect(sound.facts.hits).toHaveLength(1);
    expect(sound.facts.count).toBe(8800);
    const { start, end } = placeOf(files[FILE]);
    for (let at = start; at < end; at += 97) {
      const bytes = files[FILE].slice();
      bytes[at] ^= 1 + at % 255;
      const { facts, errors, hasDetail } = await look({ ...files, [FILE]: bytes });
      expect(facts).toEqual(sound.facts);
      expect(errors).toEqual(["CORRUPT a"]);
      // Parts of other columns may be damaged.
      if (at < start + 4) expect(hasDetail).toBe(false);
    }
  });

  it("is read once for who asks for it again, until it is let go of", async () => {
    const { seed } = caseRange(1);
    const random = new Random(seed);
    for (const engine of await allEngines()) {
      for (const maxCachedBytes of [undefined, 0]) {
        const store = new WatchedStore(keepingBatches(new MemoryStore()));
        await using client = clientWith(engine, store, maxCachedBytes);
        await record(client, [rowsOf(random, 8000)], () => Promise.resolve());
        const topic = await client.topicHandler("s", "a");
        const bytesFor = async (...fields: string[]) => {
          store.reads.length = 0;
          const series = await topic.series({ fields, buckets: 20, level: "detail" });
          const values = [...series.fields].map(([path, { min, max }]) => [path, [...min], [...max]]);
          return { bytes: store.reads.reduce((sum, { length }) => sum + length, 0), values };
        };
        const first = await bytesFor("x");
        const again = await bytesFor("x");
        expect(again.values).toEqual(first.values);
        const both = await bytesFor("x", "place.z");
        expect(both.values[0], `seed ${seed}`).toEqual(first.values[0]);
        const bothAgain = await bytesFor("place.z", "x");
        expect(bothAgain.values.reverse()).toEqual(both.values);
        await topic[Symbol.asyncDispose]();
        const anew = await bytesFor("x");
        expect(anew).toEqual(first);
        const isKept = maxCachedBytes === undefined;
        expect(again.bytes < first.bytes).toBe(isKept);
        expect(bothAgain.bytes < both.bytes).toBe(isKept);
      }
    }
  });

  it("is as good as none where the footer says what cannot be of it", async () => {
    const { files } = await recorded(SIZES);
    const sound = await look(files);
    const { textAt, text } = placeOf(files[FILE]);
    const texts = [
      text.replace("[[", "[{"),
      text.replace('","', '" "').replace(/^.../, "nul"),
      "1".padEnd(text.length),
      "[]".padEnd(text.length),
      "[[9007199254740993,0]]".padEnd(text.length),
      text.replace(/\d/, "9"),
      text.replace(/^\[\[\d/, "[[-"),
      // A key of another name.
      undefined,
    ];
    for (const changed of texts) {
      const bytes = files[FILE].slice();
      if (changed !== undefined) bytes.set(new TextEncoder().encode(changed), textAt);
      else {
        const key = new TextDecoder("latin1").decode(bytes).indexOf("smalti:detail");
        bytes.set(new TextEncoder().encode("smalti:xxxxxx"), key);
      }
      const { facts, hasDetail } = await look({ ...files, [FILE]: bytes });
      expect([changed, hasDetail]).toEqual([changed, false]);
      expect(facts).toEqual(sound.facts);
    }
  });

  it("comes back bit for bit with a footer that was lost, by whatever engine", async () => {
    const engines = await allEngines();
    for (const writer of engines) {
      const { files, begun } = await recorded(SIZES, 1, writer);
      const { start } = placeOf(files[FILE]);
      const cuts = [start - 8, start + 5, files[FILE].length - 3, files[FILE].length];
      for (const reader of engines) {
        for (const cut of cuts) {
          const store = keepingBatches(new MemoryStore());
          await store.replace(MANIFEST, begun);
          await store.replace(FILE, files[FILE].subarray(0, cut));
          const client = clientWith(reader, store);
          const { files: [report] } = await client.recover("s");
          expect([report.rowsKept, report.error]).toEqual([8800, undefined]);
          const bytes = await readAll(store, FILE);
          // What was cut off goes first where the store can do that.
          expect(bytes).toEqual(files[FILE]);
          await client.close();
        }
      }
    }
  });

  it("is given to older files by compaction, once", async () => {
    const { files, rows } = await recorded(SIZES);
    const bytes = files[FILE].slice();
    const key = new TextDecoder("latin1").decode(bytes).indexOf("smalti:detail");
    bytes.set(new TextEncoder().encode("smalti:xxxxxx"), key);
    expect((await look({ ...files, [FILE]: bytes })).hasDetail).toBe(false);
    await onFiles({ ...files, [FILE]: bytes }, async (client, store) => {
      const handler = await client.sequenceHandler("s");
      const read = async () => {
        const found: [bigint, unknown][] = [];
        for await (const [, message] of handler.getDataStreamer()) {
          found.push([message.timestampNs, (message.data as unknown as ProbeData).label]);
        }
        return found;
      };
      const before = await read();
      const { topics } = await client.compact("s");
      expect(topics.map(({ topic, error }) => [topic, error])).toEqual([["a", undefined]]);
      await checkDetail(client, rows.toSorted((a, b) => Number(a.timestampNs - b.timestampNs)));
      expect(await read()).toEqual(before);
      expect(
        (await look({ [MANIFEST]: await readAll(store, MANIFEST), [FILE]: await readAll(store, FILE) }))
          .hasDetail,
      )
        .toBe(true);
      expect((await client.compact("s")).topics).toEqual([]);
    });
  });
});
