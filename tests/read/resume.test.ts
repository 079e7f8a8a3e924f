/**
 * Who reads or follows a sequence goes on where another client compacts it meanwhile.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { Client } from "../../src/client.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { topicFileOf } from "../../src/embedded/file_names.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { binary } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceStreamer } from "../../src/read/sequence_streamer.ts";
import type { SyncRow } from "../../src/read/sync/sync_options.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, inDirectory, onStore, PLACES } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { rowText, Sample, sample, sampleText } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { WebServer } from "../support/web_server.ts";

const FILE = "tests/read/resume.test.ts";

interface Row {
  topic: string;
  ns: bigint;
  serial: number;
}

const TOPICS = ["a", "b/c", "B"];

/** Batches of few rows on all topics: many equal times, some late rows. */
function randomBatches(random: Random): { topic: string; times: bigint[] }[] {
  let newest = 0;
  return Array.from({ length: 90 }, () => ({
    topic: random.pick(TOPICS),
    times: Array.from({ length: 1 + random.below(8) }, () => {
      newest += random.pick([0, 0, 0, 1, 2]);
      return BigInt(newest - (random.oneIn(8) ? random.below(60) : 0));
    }),
  }));
}

interface Recorded {
  /** All rows in order. */
  rows: Row[];
  store: MemoryStore;
}

/** A finalized sequence "s" whose batches are as they were flushed. */
async function recorded(random: Random): Promise<Recorded> {
  const [full, store] = [keepingBatches(new MemoryStore()), new MemoryStore()];
  const rows: Row[] = [];
  await onStore(full, async (client) => {
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const topic of TOPICS) await sequence.topicCreate(topic, { ontology: Sample });
      for (const { topic, times } of randomBatches(random)) {
        const writer = sequence.topics.get(topic)!;
        for (const ns of times) {
          const serial = writer.rowCount;
          rows.push({ topic, ns, serial });
          await writer.push({ timestampNs: ns, data: sample(serial) });
        }
        await writer.flush();
      }
    });
    await copyFiles(full, store);
  });
  return { rows: rows.sort(inOrder), store };
}

function inOrder(a: Row, b: Row): number {
  return Number(a.ns - b.ns) || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) || a.serial - b.serial;
}

function textOf({ topic, ns, serial }: Row): string {
  return sampleText(topic, ns, serial);
}

function messageText(topic: string, { timestampNs, data }: Message): string {
  return rowText(topic, timestampNs, data);
}

/** Something that reads: gives what it has read as texts, or as anything that can be compared. */
type Reading = (client: Client) => Promise<unknown>;

/** Runs a reading on a copy of a recording that is compacted at a certain read of a topic's file, if there are so many. */
async function compactedAt(
  { store }: Recorded,
  read: number,
  reading: Reading,
): Promise<{ result: unknown; wasCompacted: boolean; reads: number }> {
  const inner = new MemoryStore();
  await copyFiles(store, inner);
  const watched = new WatchedStore(inner);
  let wasCompacted = false;
  let reads = 0;
  watched.before = async (call, path) => {
    if (call !== "read" || !path.endsWith(".arrow") || reads++ !== read) return;
    const { topics } = await clientOf(inner).compact("s");
    expect(topics.map(({ topic, error }) => [topic, error])).toEqual(
      ["B", "a", "b/c"].map((t) => [t, undefined]),
    );
    wasCompacted = true;
  };
  const result = await reading(clientOf(watched));
  return { result, wasCompacted, reads };
}

/** Runs a reading for each moment at which it reads, or for some of them. */
async function atMoments(
  all: Recorded,
  reading: Reading,
  wanted: unknown,
  moments?: () => number,
): Promise<void> {
  const { result, reads } = await compactedAt(all, -1, reading);
  expect(result).toEqual(wanted);
  expect(reads).toBeGreaterThan(0);
  const chosen = moments ? Array.from({ length: 6 }, moments) : Array.from({ length: reads }, (_, i) => i);
  let count = 0;
  for (const moment of chosen.map((chosen) => chosen % reads)) {
    const { result, wasCompacted } = await compactedAt(all, moment, reading);
    expect([moment, result]).toEqual([moment, wanted]);
    if (wasCompacted) count++;
  }
  expect(count).toBeGreaterThan(0);
}

async function collect(stream: AsyncIterable<[string, Message]>): Promise<string[]> {
  const found: string[] = [];
  for await (const [topic, message] of stream) found.push(messageText(topic, message));
  return found;
}

/** Reads by turns in all ways there are. */
async function readMixed(stream: SequenceStreamer, random: Random): Promise<string[]> {
  const found: string[] = [];
  const blocks = stream.batches();
  for (;;) {
    if (random.oneIn(3)) await stream.nextTimestampNs();
    if (random.oneIn(4)) {
      const { done, value } = await blocks.next();
      if (done) return found;
      for (const [topic, message] of value) found.push(messageText(topic, message));
      continue;
    }
    for (let left = 1 + random.below(40); left > 0; left--) {
      const peeked = random.oneIn(5) ? await stream.nextTimestampNs() : undefined;
      const { done, value } = await stream.next();
      if (done) return found;
      if (peeked !== undefined) expect(value[1].timestampNs).toBe(peeked);
      found.push(messageText(...value));
    }
  }
}

async function withCases(cases: number, body: (random: Random) => Promise<void>): Promise<void> {
  const range = caseRange(cases);
  for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
    try {
      await body(new Random(seed));
    } catch (reason) {
      throw failedCase(seed, FILE, reason);
    }
  }
}

describe("Reading goes on where the sequence is compacted meanwhile:", () => {
  it("the merged stream, message by message, in blocks and peeked at", () =>
    withCases(4, async (random) => {
      const all = await recorded(random);
      const wanted = all.rows.map(textOf);
      const anywhere = () => random.below(1000);
      const stream = async (client: Client) => (await client.sequenceHandler("s")).getDataStreamer();
      await atMoments(all, async (client) => await collect(await stream(client)), wanted, anywhere);
      const state = random.below(2 ** 30);
      const mixed = async (client: Client) => await readMixed(await stream(client), new Random(state));
      await atMoments(all, mixed, wanted, anywhere);
    }));

  it("windows, topics that were chosen, and latched rows, which come once", () =>
    withCases(6, async (random) => {
      const all = await recorded(random);
      const newest = Number(all.rows.at(-1)!.ns);
      const start = 1 + random.below(newest);
      const [startNs, endNs] = [BigInt(start), BigInt(start + random.below(newest - start + 2))];
      const topics = random.shuffle([...TOPICS]).slice(0, 1 + random.below(3));
      const latched = random.shuffle([...TOPICS]).slice(0, random.below(4));
      const before = latched.flatMap((name) =>
        all.rows.filter(({ topic, ns }) => topic === name && ns < startNs).slice(-1)
      );
      // Of latched rows the topic's name breaks ties, and the order of pushing cannot.
      before.sort(inOrder);
      const within = all.rows.filter(({ topic, ns }) =>
        topics.includes(topic) && ns >= startNs && ns < endNs
      );
      const wanted = [...before, ...within].map(textOf);
      const reading: Reading = async (client) => {
        const handler = await client.sequenceHandler("s");
        return await collect(handler.getDataStreamer({ startNs, endNs, topics, latched }));
      };
      await atMoments(all, reading, wanted, () => random.below(1000));
    }));

  it("the stream of a topic, and tables of both kinds of streams", () =>
    withCases(2, async (random) => {
      const all = await recorded(random);
      const anywhere = () => random.below(1000);
      const rows = all.rows.filter(({ topic }) => topic === "a");
      await atMoments(
        all,
        async (client) => {
          const found: string[] = [];
          const stream = (await client.topicHandler("s", "a")).getDataStreamer();
          for await (const message of stream) found.push(messageText("a", message));
          return found;
        },
        rows.map(textOf),
        anywhere,
      );
      await atMoments(
        all,
        async (client) => {
          const table = await (await client.topicHandler("s", "a")).getDataStreamer().toTable();
          return [...table.getChild("serial")!].map(Number);
        },
        rows.map(({ serial }) => serial),
        anywhere,
      );
      await atMoments(
        all,
        async (client) => {
          const merged = await (await client.sequenceHandler("s")).getDataStreamer().toTable();
          const names = [...merged.tables.keys()];
          const serials = new Map(
            [...merged.tables].map(([name, table]) => [name, [...table.getChild("serial")!].map(Number)]),
          );
          return Array.from(merged.row, (row, i) => {
            const name = names[merged.topicIndex[i]];
            return `${name} ${serials.get(name)![row]}`;
          });
        },
        all.rows.map(({ topic, serial }) => `${topic} ${serial}`),
        anywhere,
      );
    }));

  it("looks at single rows, counts, checks and queries, at each of their reads", () =>
    withCases(1, async (random) => {
      const all = await recorded(random);
      const middle = all.rows[all.rows.length >> 1].ns;
      const rows = all.rows.filter(({ topic }) => topic === "a");
      const known = rows.filter(({ ns }) => ns <= middle).at(-1);
      await atMoments(all, async (client) => {
        const topic = await client.topicHandler("s", "a");
        const message = await topic.latestAt(middle);
        return message && messageText("a", message);
      }, known && textOf(known));
      await atMoments(
        all,
        async (client) => {
          const found = await (await client.sequenceHandler("s")).latestAt(middle);
          return [...found].map(([topic, message]) => messageText(topic, message));
        },
        [...TOPICS].sort().flatMap((name) =>
          all.rows.filter(({ topic, ns }) => topic === name && ns <= middle).slice(-1).map(textOf)
        ),
      );
      await atMoments(
        all,
        async (client) =>
          await (await client.topicHandler("s", "a")).countRows([middle - 20n, middle, middle + 20n]),
        [[middle - 20n, middle], [middle, middle + 20n]].map(([from, to]) =>
          rows.filter(({ ns }) => ns >= from && ns < to).length
        ),
      );
      await atMoments(all, async (client) => {
        const topic = await client.topicHandler("s", "a");
        const { count, fields } = await topic.series({ fields: ["serial"], buckets: 3 });
        const largest = fields.get("serial")!.max.filter((value) => !Number.isNaN(value));
        return [count.reduce((sum, count) => sum + count), Math.max(...largest)];
      }, [rows.length, rows.length - 1]);
      await atMoments(all, async (client) => {
        const stats = await (await client.sequenceHandler("s")).stats({ topics: ["a"], fields: ["serial"] });
        return [stats.get("a")!.count, stats.get("a")!.fields.get("serial")];
      }, [rows.length, { min: 0, max: rows.length - 1, missing: 0 }]);
      await atMoments(all, async (client) => await (await client.topicHandler("s", "a")).verify(), []);
      const serial = BigInt(rows.length - 1);
      const request = { ontology: Sample.q.serial.eq(serial).and(Sample.q.label.match("row *")) };
      const plain = await onStoreCopy(all, (client) => client.query(request));
      await atMoments(all, async (client) => await client.query(request), plain);
    }));

  it("rows on a clock, with a period or of a topic", () =>
    withCases(3, async (random) => {
      const all = await recorded(random);
      const options = {
        fields: {
          a: { topic: "a", field: "place.y", policy: "hold" },
          b: { topic: "b/c", field: "label", policy: "hold" },
          c: { topic: "B", field: "serial", policy: "nearest" },
          d: { topic: "B", field: "serial", policy: "linear" },
        },
        ...random.oneIn(2) ? { periodNs: 3n } : { onTopic: "a" },
        ...random.oneIn(2) ? { startNs: all.rows[all.rows.length >> 1].ns } : {},
      } as const;
      const reading: Reading = async (client) => {
        const found: SyncRow[] = [];
        for await (const row of (await client.sequenceHandler("s")).getSyncStreamer(options)) found.push(row);
        return found.map(({ timestampNs, values }) => `${timestampNs} ${Object.values(values).map(String)}`);
      };
      const wanted = await onStoreCopy(all, reading) as string[];
      expect(wanted.length).toBeGreaterThan(10);
      await atMoments(all, reading, wanted, () => random.below(1000));
    }));

  it("more than once, with a file put in place again and again", () =>
    withCases(4, async (random) => {
      const all = await recorded(random);
      const compacted = new MemoryStore();
      await copyFiles(all.store, compacted);
      await clientOf(compacted).compact("s");
      const files = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()];
      for (const [i, store] of [compacted, all.store].entries()) {
        for (const topic of TOPICS) {
          const path = `s/${topicFileOf(topic)}.arrow`;
          files[i].set(path, await store.read(path, 0, await store.size(path)));
        }
      }
      const inner = new MemoryStore();
      await copyFiles(all.store, inner);
      const store = new WatchedStore(inner);
      let [reads, swaps] = [0, 0];
      store.before = async (call, path) => {
        // Not again while the readers begin anew.
        if (call !== "read" || !path.endsWith(".arrow") || ++reads % 40 !== 0) return;
        for (const [path, bytes] of files[swaps % 2]) await inner.replace(path, bytes);
        swaps++;
      };
      const stream = (await clientOf(store).sequenceHandler("s")).getDataStreamer();
      expect(await collect(stream)).toEqual(all.rows.map(textOf));
      expect(swaps).toBeGreaterThan(0);
    }));
});

/** Gives what a reading gives of a copy that nobody touches. */
async function onStoreCopy<R>({ store }: Recorded, reading: (client: Client) => Promise<R>): Promise<R> {
  const copy = new MemoryStore();
  await copyFiles(store, copy);
  return await onStore(copy, reading);
}

/** Runs `body` with a store on a copy of a recording, of each kind. */
async function withCopy(
  place: "memory" | "directory",
  { store }: Recorded,
  body: (open: () => Store) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const memory = new MemoryStore();
    const stores: Store[] = [];
    const open = () => {
      stores.push(place === "memory" ? memory : new DirectoryStore(directory));
      return stores.at(-1)!;
    };
    await copyFiles(store, open());
    await body(open);
    for (const store of stores) await store.close();
  });
}

describe.each(PLACES)("A handler that was opened before a compaction, in a store of kind %s,", (place) => {
  it("is used after it", () =>
    withCases(1, async (random) => {
      const all = await recorded(random);
      await withCopy(place, all, async (open) => {
        const [reader, other] = [clientOf(open()), clientOf(open())];
        const used = await reader.sequenceHandler("s");
        const [topic, fresh] = [await used.topicHandler("a"), await reader.sequenceHandler("s")];
        const late = await reader.sequenceHandler("s");
        const begun = used.getDataStreamer();
        const first = messageText(...(await begun.next()).value!);
        expect((await other.compact("s")).topics.length).toBe(3);

        const rows = all.rows.map(textOf);
        const ofTopic = all.rows.filter(({ topic }) => topic === "a");
        expect([first, ...await collect(begun)]).toEqual(rows);
        for (const handler of [used, fresh]) {
          expect(await collect(handler.getDataStreamer())).toEqual(rows);
          const last = (await handler.latestAt(10n ** 18n)).get("a")!;
          expect(messageText("a", last)).toEqual(textOf(ofTopic.at(-1)!));
          expect((await handler.getDataStreamer().toTable()).row.length).toBe(rows.length);
        }
        const sync = { fields: { serial: { topic: "a", field: "serial" } }, onTopic: "a" };
        expect((await late.getSyncStreamer(sync).toTable()).numRows).toBe(
          ofTopic.length,
        );
        expect((await used.getSyncStreamer(sync).toTable()).numRows).toBe(
          ofTopic.length,
        );
        expect(await topic.countRows([-1000n, 10n ** 18n])).toEqual([ofTopic.length]);
        expect(await topic.verify()).toEqual([]);
        expect(await topic.verify({ deep: false })).toEqual([]);
        expect((await topic.getDataStreamer().toTable()).numRows).toBe(ofTopic.length);
        const hits = await reader.query({ ontology: Sample.q.serial.eq(ofTopic.length - 1) });
        expect(hits[0].topics.map(({ name }) => name)).toContain("a");
        await Promise.all([reader.close(), other.close()]);
      });
    }));
});

describe("A server goes on with what it sends where the sequence is compacted meanwhile:", () => {
  it("a topic, whole and in part, and what a query finds", () =>
    withCases(2, async (random) => {
      const all = await recorded(random);
      const middle = all.rows[all.rows.length >> 1].ns;
      for (const startNs of [undefined, middle]) {
        const wanted = all.rows.filter(({ ns }) => startNs === undefined || ns >= startNs);
        const reading: Reading = async (client) => {
          const server = await createServer(client, { port: 0 });
          const remote = await connect(server.url);
          try {
            const handler = await remote.sequenceHandler("s");
            return await collect(handler.getDataStreamer(startNs === undefined ? {} : { startNs }));
          } finally {
            await remote.close();
            await server.close();
          }
        };
        await atMoments(all, reading, wanted.map(textOf), () => random.below(1000));
      }
      const request = { ontology: Sample.q.serial.eq(7).and(Sample.q.label.match("row *")) };
      const plain = await onStoreCopy(all, (client) => client.query(request));
      await atMoments(
        all,
        async (client) => {
          const server = await createServer(client, { port: 0 });
          const remote = await connect(server.url);
          try {
            return await remote.query(request);
          } finally {
            await remote.close();
            await server.close();
          }
        },
        plain,
        () => random.below(1000),
      );
    }));
});

const Blob = defineOntology("Blob", { bytes: binary() });

describe("A reader over HTTP", () => {
  it("goes on in the file that was written anew", () =>
    inDirectory(async (directory) => {
      const random = new Random(1);
      const noise = () => Uint8Array.from({ length: 10_000 }, () => random.below(256));
      // More than is kept of a file's end.
      await onStore(keepingBatches(new DirectoryStore(directory)), (client) =>
        client.sequenceCreate("s", { autoFlush: false }, async (sequence) => {
          const topic = await sequence.topicCreate("a", { ontology: Blob });
          for (let row = 0; row < 20; row++) {
            await topic.push({ timestampNs: BigInt(row), data: { bytes: noise() } });
            await topic.flush();
          }
        }));
      const web = await WebServer.start(directory);
      try {
        await using client = await connect(web.url);
        const topic = await client.topicHandler("s", "a");
        const stream = topic.getDataStreamer();
        expect((await stream.next()).value?.timestampNs).toBe(0n);
        const { topics } = await onStore(new DirectoryStore(directory), (other) =>
          other.compact("s"));
        expect(topics).toMatchObject([{ topic: "a", batchesBefore: 20, batches: 1 }]);
        const times: bigint[] = [];
        for await (const { timestampNs } of stream) {
          times.push(timestampNs);
        }
        expect(times).toEqual(Array.from({ length: 19 }, (_, i) =>
          BigInt(i + 1)));
        expect((await topic.getDataStreamer().next()).value?.timestampNs).toBe(0n);
        expect(await topic.verify()).toEqual([]);
        // One that is opened again reads the new one.
        expect(await (await client.topicHandler("s", "a")).verify()).toEqual([]);
      } finally {
        await web.stop();
      }
    }));
});
