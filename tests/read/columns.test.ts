/**
 * Columns in merged order are what the messages say, value for value, in the same order.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { type DefinedOntology, defineOntology } from "../../src/ontology/define_ontology.ts";
import * as f from "../../src/ontology/field.ts";
import type { Column } from "../../src/read/columns/column.ts";
import type { ColumnBlock } from "../../src/read/columns/column_block.ts";
import type { ColumnFields } from "../../src/read/columns/column_fields.ts";
import { valueAt } from "../../src/read/field_path.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, makeStore, onStore, PLACES } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { engine, written } from "../support/tables.ts";
import { deferred, isSettled } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { watchedEngine } from "./live_bytes.ts";

const FILE = "tests/read/columns.test.ts";

const position = f.struct({ x: f.float64(), y: f.optional(f.float32()) });

/** What topics may have: fields of every shape, each of one type wherever it is. */
const POOL = {
  position: f.optional(position),
  at: position,
  serial: f.int64(),
  count: f.optional(f.uint16()),
  small: f.int8(),
  half: f.optional(f.float16()),
  is_on: f.optional(f.bool()),
  label: f.optional(f.utf8()),
  name: f.utf8(),
  raw: f.optional(f.binary()),
  price: f.optional(f.decimal(12, 2)),
  ranges: f.list(f.float32()),
  maybe: f.optional(f.list(f.optional(f.int32()))),
  pair: f.optional(f.fixedSizeList(f.float64(), 2)),
  words: f.list(f.utf8()),
  points: f.optional(f.list(f.struct({ x: f.float64(), tags: f.list(f.optional(f.utf8())) }))),
};
type FieldName = keyof typeof POOL;
const FIELDS = Object.keys(POOL) as FieldName[];
const PATHS = [...FIELDS, "position.x", "position.y", "at.x", "at.y"];

const TOPICS = ["a", "B", "b/c", "a_b", "z"];

function randomData(random: Random, names: readonly FieldName[]): Record<string, unknown> {
  const word = () => random.pick(["", "x", "base_link", "état", "日本", "x".repeat(40)]);
  const maybe = <T>(make: () => T) => random.oneIn(4) ? undefined : make();
  const listOf = <T>(make: () => T) => Array.from({ length: random.below(random.oneIn(9) ? 60 : 4) }, make);
  const number = () => random.pick([0, -0, NaN, Infinity, random.below(1e9) / 7]);
  const place = () => ({ x: number(), y: maybe(number) });
  const make: Record<FieldName, () => unknown> = {
    position: () => maybe(place),
    at: place,
    serial: () => BigInt(random.below(2 ** 30)) * random.pick([1n, -1n, 4_294_967_297n]),
    count: () => maybe(() => random.below(65536)),
    small: () => random.below(256) - 128,
    half: () => maybe(() => random.pick([0, -0, NaN, 0.5, -1.25, 65504])),
    is_on: () => maybe(() => random.oneIn(2)),
    label: () => maybe(word),
    name: word,
    raw: () => maybe(() => Uint8Array.from({ length: random.below(5) }, () => random.below(256))),
    price: () => maybe(() => `${random.below(1000) - 500}.${10 + random.below(90)}`),
    ranges: () => listOf(() => Math.fround(number())),
    maybe: () => maybe(() => listOf(() => maybe(() => random.below(100)))),
    pair: () => maybe(() => [number(), number()]),
    words: () => listOf(word),
    points: () => maybe(() => listOf(() => ({ x: number(), tags: listOf(() => maybe(word)) }))),
  };
  return Object.fromEntries(names.map((name) => [name, make[name]()]));
}

/** Records a finalized sequence "s" in batches as they were flushed: ties, late rows, rows in long runs, fields here and there. */
async function record(client: Client, random: Random): Promise<void> {
  const topics = random.shuffle([...TOPICS]).slice(0, 1 + random.below(TOPICS.length));
  await client.sequenceCreate("s", {}, async (sequence) => {
    const fields = new Map<string, FieldName[]>();
    for (const name of topics) {
      const chosen = random.shuffle([...FIELDS]).slice(0, 2 + random.below(FIELDS.length - 1));
      fields.set(name, chosen);
      const pool = Object.fromEntries(chosen.map((field) => [field, POOL[field]]));
      const ontology = defineOntology(`Random${name.replace("/", "_")}`, pool) as DefinedOntology;
      await sequence.topicCreate(name, { ontology });
    }
    let newest = 0;
    for (let batch = random.below(40); batch >= 0; batch--) {
      const name = random.pick(topics);
      const writer = sequence.topics.get(name)!;
      const isLate = random.oneIn(6);
      for (let left = 1 + random.below(random.oneIn(5) ? 200 : 12); left > 0; left--) {
        newest += random.pick([0, 0, 1, 1, 5]);
        const ns = newest - (isLate ? random.below(60) : 0);
        await writer.push({ timestampNs: BigInt(ns), data: randomData(random, fields.get(name)!) });
      }
      if (!random.oneIn(4)) await writer.flush();
    }
  });
}

interface Row {
  topic: string;
  ns: bigint;
  values: Record<string, string>;
}

/** A value without views, as text. What half floats are kept in differs. */
function textOf(value: unknown): string {
  return written(value).replaceAll("Float32Array[", "[");
}

/** What the messages say of some columns. */
async function rowsOfMessages(
  stream: AsyncIterable<[string, Message]>,
  columns: Readonly<Record<string, { topic?: string; path: string }>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const [topic, message] of stream) {
    const { data } = message.toObject();
    const values = Object.entries(columns).map(([name, { topic: only, path }]) => {
      const value = only === undefined || only === topic ? valueAt(data, path.split(".")) : undefined;
      return [name, textOf(value)];
    });
    rows.push({ topic, ns: message.timestampNs, values: Object.fromEntries(values) });
  }
  return rows;
}

/** What a block says. */
function rowsOfBlock(block: ColumnBlock): Row[] {
  const { topics, topicIndex, timestampNs, columns } = block;
  const lengths = [topicIndex, timestampNs, ...Object.values<Column>(columns)].map(({ length }) => length);
  expect(new Set(lengths)).toEqual(new Set([block.length]));
  return Array.from({ length: block.length }, (_, i) => ({
    topic: topics[topicIndex[i]],
    ns: timestampNs[i],
    values: Object.fromEntries(
      Object.entries<Column>(columns).map(([name, column]) => {
        const value = column.at(i);
        // Not by expect, which takes longer than all the rest.
        if (column.isValid(i) !== (value !== undefined)) throw new Error(`Row ${i} of "${name}" is ${value}`);
        return [name, textOf(value)];
      }),
    ),
  }));
}

async function collect<T>(blocks: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const block of blocks) all.push(block);
  return all;
}

/** The arrays of a column, and of those within it. */
function arraysOf(column: Column): ArrayBufferView[] {
  const own = [column.validity].filter((array) => array !== undefined);
  switch (column.kind) {
    case "list":
      return [...own, column.offsets, ...arraysOf(column.items)];
    case "struct":
      return [...own, ...Object.values(column.fields).flatMap(arraysOf)];
    case "text":
    case "bytes":
      return [...own, column.offsets, column.values];
    case "null":
      return own;
    default:
      return [...own, column.values];
  }
}

function blockArrays(block: ColumnBlock): ArrayBufferView[] {
  const { timestampNs, topicIndex, columns } = block;
  return [timestampNs, topicIndex, ...Object.values<Column>(columns).flatMap(arraysOf)];
}

/** Whether arrays have buffers of their own, which nothing else is in: such can be transferred. */
function areOwn(arrays: readonly ArrayBufferView[]): boolean {
  const buffers = new Set(arrays.map(({ buffer }) => buffer));
  return buffers.size === arrays.length &&
    arrays.every(({ buffer, byteLength }) => buffer.byteLength === byteLength);
}

const paths = (list: readonly string[]) => Object.fromEntries(list.map((path) => [path, { path }]));

/** Paths that some of the topics have. */
async function pathsIn(handler: SequenceHandler, topics: readonly string[]): Promise<string[]> {
  const known = new Set<string>();
  for (const topic of topics) {
    const { fields } = await handler.topicHandler(topic);
    for (const { name, type, children } of fields.slice(1)) {
      known.add(name);
      if (type.kind === "struct") { for (const child of children) known.add(`${name}.${child.name}`); }
    }
  }
  return PATHS.filter((path) => known.has(path));
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

/** A random recording in a place, once with each engine. */
async function withRandom(
  place: (typeof PLACES)[number],
  random: Random,
  body: (handler: SequenceHandler, random: Random) => Promise<void>,
): Promise<void> {
  const recorded = keepingBatches(new MemoryStore());
  await record(clientOf(recorded), random);
  const { store, dispose } = await makeStore(place);
  try {
    await copyFiles(recorded, store);
    const state = random.below(2 ** 30);
    for (const engine of await allEngines()) {
      const client = clientWith(engine, store);
      await body(await client.sequenceHandler("s"), new Random(state));
    }
  } finally {
    await dispose();
  }
}

function randomWindow(random: Random, { firstNs = 0n, lastNs = 0n }: SequenceHandler) {
  const moment = () => firstNs + BigInt(random.below(Number(lastNs - firstNs) + 2));
  const [a, b] = [moment(), moment()];
  const [startNs, endNs] = a < b ? [a, b] : [b, a];
  return random.pick([{}, { startNs }, { endNs }, { startNs, endNs }]);
}

describe.each(PLACES)("Columns of random recordings in %s", (place) => {
  const cases = place === "memory" ? 20 : 5;

  it("of all topics are what the messages say, in their order", () =>
    withCases(cases, (random) =>
      withRandom(place, random, async (handler, random) => {
        const topics = random.shuffle(handler.topics.map(({ name }) => name)).slice(random.below(2));
        if (topics.length === 0) return;
        const fields = random.shuffle(await pathsIn(handler, topics)).slice(0, 1 + random.below(6));
        const options = { topics, ...randomWindow(random, handler) };
        const reverse = random.oneIn(3);
        const wanted = await rowsOfMessages(handler.getDataStreamer({ ...options, reverse }), paths(fields));
        const reuse = random.oneIn(2);
        const columns = handler.getColumnStreamer({ ...options, fields, reuse, reverse });
        const seen: Row[] = [];
        for (;;) {
          const ns = random.oneIn(2) ? await columns.nextTimestampNs() : undefined;
          const { value: block } = await columns.next();
          if (!block) break;
          if (ns !== undefined) expect(ns).toBe(block.timestampNs[0]);
          if (!reuse) expect(areOwn(blockArrays(block))).toBe(true);
          const origin = random.pick([undefined, handler.firstNs, 12n]);
          const from = origin ?? block.timestampNs[0];
          expect([...block.offsetsNs(origin)])
            .toEqual([...block.timestampNs].map((time) => Number(time - from)));
          seen.push(...rowsOfBlock(block));
        }
        expect(await columns.nextTimestampNs()).toBe(undefined);
        expect(seen).toEqual(wanted);
      })));

  it("of one topic are that too, as views and as copies", () =>
    withCases(cases, (random) =>
      withRandom(place, random, async (handler, random) => {
        const { name } = random.pick(handler.topics);
        const topic = await handler.topicHandler(name);
        const fields = random.shuffle(await pathsIn(handler, [name])).slice(0, 1 + random.below(6));
        const window = randomWindow(random, handler);
        const messages = handler.getDataStreamer({ topics: [name], ...window });
        const wanted = await rowsOfMessages(messages, paths(fields));
        for (const copies of [undefined, false, true]) {
          const blocks = await collect(topic.getColumnStreamer({ fields, copies, ...window }));
          expect(blocks.flatMap(rowsOfBlock)).toEqual(wanted);
          if (copies) { for (const block of blocks) expect(areOwn(blockArrays(block))).toBe(true); }
        }
        const seen: Row[] = [];
        for await (const block of topic.getColumnStreamer({ fields, reuse: true, ...window })) {
          seen.push(...rowsOfBlock(block));
        }
        expect(seen).toEqual(wanted);
        const back = await collect(topic.getColumnStreamer({ fields, reverse: true, ...window }));
        expect(back.flatMap(rowsOfBlock)).toEqual(wanted.toReversed());
      })));

  it("by names with topics are of those topics, and only these are read", () =>
    withCases(cases, (random) =>
      withRandom(place, random, async (handler, random) => {
        const asked: Record<string, { topic: string; path: string }> = {};
        for (let i = random.below(4); i >= 0; i--) {
          const { name: topic } = random.pick(handler.topics);
          asked[`field ${i}`] = { topic, path: random.pick(await pathsIn(handler, [topic])) };
        }
        const topics = [...new Set(Object.values(asked).map(({ topic }) => topic))];
        const wanted = await rowsOfMessages(handler.getDataStreamer({ topics }), asked);
        const fields = Object.fromEntries(
          Object.entries(asked).map(([name, { topic, path: field }]) => [name, { topic, field }]),
        );
        const blocks = await collect(handler.getColumnStreamer({ fields }));
        expect(blocks.flatMap(rowsOfBlock)).toEqual(wanted);
        for (const block of blocks) expect(block.topics).toEqual([...topics].sort());
      })));
});

const Reading = defineOntology("Reading", {
  x: f.float64(),
  serial: f.int64(),
  constant: f.float64(),
  label: f.utf8(),
});
const ROWS = 3000;
const BATCHES = 4;

/** Sequence "s": topics with batches of many rows, at the same times in all topics. */
async function recordReadings(store: Store, topics: readonly string[]): Promise<void> {
  await clientOf(store).sequenceCreate("s", {}, async (sequence) => {
    for (const name of topics) {
      const topic = await sequence.topicCreate(name, { ontology: Reading });
      for (let from = 0; from < BATCHES * ROWS; from += ROWS) {
        const serials = Array.from({ length: ROWS }, (_, i) => from + i);
        await topic.pushColumns({
          timestampNs: BigInt64Array.from(serials, BigInt),
          x: serials.map((serial) => Math.sin(serial)),
          serial: serials,
          constant: serials.map(() => 1.5),
          label: serials.map((serial) => `row ${serial}`),
        });
        await topic.flush();
      }
    }
  });
}

async function withReadings(
  topics: readonly string[],
  body: (handler: SequenceHandler, store: WatchedStore, decompressed: () => number) => Promise<void>,
): Promise<void> {
  const store = keepingBatches(new WatchedStore());
  await recordReadings(store, topics);
  let count = 0;
  const watched = watchedEngine(engine, (bytes) => {
    count++;
    return bytes;
  });
  const client = clientWith(watched, store, 0);
  await body(await client.sequenceHandler("s"), store, () => count);
  await client.close();
}

describe("A stream of columns", () => {
  it("gives blocks that stay as they are while it is read on, after it and its client are closed", async () => {
    await withReadings(["a", "b"], async (handler, store) => {
      const topic = await handler.topicHandler("a");
      const fields = ["x", "serial", "label"];
      const all: (() => void)[] = [];
      for (
        const stream of [
          handler.getColumnStreamer({ fields }),
          topic.getColumnStreamer({ fields }),
          topic.getColumnStreamer({ fields, copies: true }),
        ]
      ) {
        const kept: [ColumnBlock, string[]][] = [];
        const bytesOf = (block: ColumnBlock) => blockArrays(block).map(written);
        for await (const block of stream) kept.push([block, bytesOf(block)]);
        expect(kept.length).toBeGreaterThanOrEqual(BATCHES - 1);
        await stream.close();
        all.push(() => {
          for (const [block, bytes] of kept) expect(bytesOf(block)).toEqual(bytes);
        });
        all.at(-1)!();
      }
      await store.close();
      for (const check of all) check();
    });
  });

  it("of a topic gives a batch a block, with views on it unless copies are asked for", async () => {
    await withReadings(["a"], async (handler) => {
      const topic = await handler.topicHandler("a");
      const options = { fields: ["x"], startNs: 10n, endNs: BigInt(2 * ROWS - 10) };
      const views = await collect(topic.getColumnStreamer(options));
      expect(views.map(({ length }) => length)).toEqual([ROWS - 10, ROWS - 10]);
      for (const block of views) {
        const { values } = block.numbers("x");
        expect(values.buffer.byteLength).toBeGreaterThan(values.byteLength);
      }
      const copies = await collect(topic.getColumnStreamer({ ...options, copies: true }));
      for (const [i, block] of copies.entries()) {
        const { values } = block.numbers("x");
        expect([values.byteOffset, values.buffer.byteLength]).toEqual([0, values.byteLength]);
        expect(values).toEqual(views[i].numbers("x").values);
        // Nobody else sees what becomes of it.
        values.fill(0);
      }
      const again = await collect(topic.getColumnStreamer(options));
      expect(again.map((block) => block.numbers("x").values)).toEqual(
        views.map((block) => block.numbers("x").values),
      );
    });
  });

  it("is in order over many blocks, of topics that tie, and of a topic that is alone for long", async () => {
    const store = keepingBatches(new MemoryStore());
    await recordReadings(store, ["b", "a", "c"]);
    const client = clientOf(store);
    await client.sequenceUpdate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("long", { ontology: Reading });
      // From the midst of the others to long after them.
      for (let i = 0; i < 3 * ROWS; i++) {
        const ns = BigInt(BATCHES * ROWS - 10 + i);
        await topic.push({
          timestampNs: ns,
          data: { x: i / 3, serial: BigInt(i), constant: 0, label: `${i}` },
        });
        if (i % ROWS === 0) await topic.flush();
      }
    });
    const handler = await client.sequenceHandler("s");
    const fields = ["x", "serial", "label"];
    const wanted = await rowsOfMessages(handler.getDataStreamer(), paths(fields));
    expect(wanted.length).toBe(3 * (BATCHES + 1) * ROWS);
    const blocks = await collect(handler.getColumnStreamer({ fields }));
    expect(blocks.some(({ topicIndex }) => new Set(topicIndex).size === 1)).toBe(true);
    expect(blocks.flatMap(rowsOfBlock)).toEqual(wanted);
  });

  it("gives arrays that can be transferred to another thread", async () => {
    await withReadings(["a", "b"], async (handler) => {
      const stream = handler.getColumnStreamer({ fields: ["x", "label"] });
      const block = (await stream.next()).value!;
      const wanted = rowsOfBlock(block).map(({ values }) => values.label);
      const { offsets, values } = block.columns.label as Extract<Column, { kind: "text" }>;
      const sent = structuredClone({ offsets, values }, {
        transfer: [offsets.buffer, values.buffer] as ArrayBuffer[],
      });
      const decoder = new TextDecoder();
      const texts = wanted.map((_, i) =>
        decoder.decode(sent.values.subarray(sent.offsets[i], sent.offsets[i + 1]))
      );
      expect(texts.map((text) => written(text))).toEqual(wanted);
      expect(offsets.length).toBe(0);
      // What is read on is not touched by that.
      const rest = await collect(stream);
      expect(rest.reduce((sum, { length }) => sum + length, block.length)).toBe(2 * BATCHES * ROWS);
    });
  });

  it("reads nothing until it is asked, and decompresses the fields that are asked for alone", async () => {
    await withReadings(["a", "b"], async (handler, store, decompressed) => {
      store.calls.length = 0;
      const idle = handler.getColumnStreamer({ fields: ["constant"] });
      expect(store.calls).toEqual([]);
      await idle.close();
      const buffersOf = async (fields: ColumnFields) => {
        const before = decompressed();
        await collect(handler.getColumnStreamer({ fields }));
        return decompressed() - before;
      };
      const none = await buffersOf([]);
      expect(await buffersOf(["constant"]) - none).toBe(2 * BATCHES);
      expect(await buffersOf({ mine: { topic: "b", field: "constant" } }) - none / 2).toBe(BATCHES);
      expect(await buffersOf(["constant", "serial"]) - none).toBe(4 * BATCHES);
    });
  });

  it("holds the columns of one field at a time within maxBufferedBytes, and no more", async () => {
    const topics = ["a", "b", "c", "d"];
    await withReadings(topics, async (handler, _, decompressed) => {
      const column = 8 * ROWS;
      const batch = handler.sizeBytes / topics.length / BATCHES + column;
      const fields = ["constant", "serial"];
      const sums = async (maxBufferedBytes?: number) => {
        const blocks = await collect(handler.getColumnStreamer({ fields, maxBufferedBytes }));
        return blocks.map((block) => block.numbers("constant").values.length);
      };
      const wanted = await sums();
      const once = decompressed();
      const bound = (topics.length + 0.5) * batch + topics.length * column;
      expect(await sums(bound)).toEqual(wanted);
      // They made room for each other, and came again.
      expect(decompressed() - once).toBeGreaterThan(once);
      const less = topics.length * batch + (topics.length - 1) * column;
      await expectError(() => sums(less), "TOO_LARGE", /4 batches overlap in time/, String(less));
    });
  });

  it("with no field gives times and topics alone, of all topics", async () => {
    await withReadings(["a", "b"], async (handler) => {
      const blocks = await collect(handler.getColumnStreamer({ fields: [] }));
      const rows = blocks.flatMap(rowsOfBlock);
      expect(rows.length).toBe(2 * BATCHES * ROWS);
      expect(rows.slice(0, 3)).toEqual([
        { topic: "a", ns: 0n, values: {} },
        { topic: "b", ns: 0n, values: {} },
        { topic: "a", ns: 1n, values: {} },
      ]);
    });
  });

  it("is a plain WHATWG stream of blocks too, whose cancelling closes it", async () => {
    await withReadings(["a", "b"], async (handler) => {
      const stream = handler.getColumnStreamer({ fields: ["x"] });
      const reader = stream.toReadableStream().getReader();
      const { value } = await reader.read();
      expect(value!.numbers("x").values[0]).toBe(0);
      await reader.cancel();
      expect((await stream.next()).done).toBe(true);
      let count = 0;
      await handler.getColumnStreamer({ fields: ["x"] }).toReadableStream().pipeTo(
        new WritableStream({ write: (block) => void (count += block.length) }),
      );
      expect(count).toBe(2 * BATCHES * ROWS);
    });
  });

  it("ends where it is left or closed, and where that happens while it reads", async () => {
    await withReadings(["a", "b"], async (handler, store) => {
      const left = handler.getColumnStreamer({ fields: ["x"] });
      for await (const _ of left) break;
      expect((await left.next()).done).toBe(true);
      await left.close();
      {
        await using disposed = handler.getColumnStreamer({ fields: ["x"] });
        await disposed.next();
      }
      const stream = handler.getColumnStreamer({ fields: ["x"] });
      const gate = deferred();
      store.before = () => gate.promise;
      const call = stream.next();
      expect(await isSettled(call)).toBe(false);
      const closed = stream.close();
      gate.resolve();
      store.before = () => {};
      expect(await call).toEqual({ done: true, value: undefined });
      await closed;
      expect(await stream.nextTimestampNs()).toBe(undefined);
    });
  });

  it("rejects with the signal's reason, and is closed", async () => {
    await withReadings(["a", "b"], async (handler) => {
      const reason = { any: "reason" };
      const aborted = handler.getColumnStreamer({ fields: ["x"], signal: AbortSignal.abort(reason) });
      expect(await thrownBy(() => aborted.next())).toBe(reason);
      const controller = new AbortController();
      const stream = handler.getColumnStreamer({ fields: ["x"], signal: controller.signal });
      await stream.next();
      controller.abort(reason);
      expect(await thrownBy(() => stream.next())).toBe(reason);
      expect((await stream.next()).done).toBe(true);
    });
  });

  it("serves calls side by side one after another", async () => {
    await withReadings(["a", "b"], async (handler) => {
      const wanted = await collect(handler.getColumnStreamer({ fields: ["serial"] }));
      const stream = handler.getColumnStreamer({ fields: ["serial"] });
      const calls = await Promise.all(Array.from({ length: wanted.length + 2 }, () => stream.next()));
      expect(calls.map(({ value }) => value && rowsOfBlock(value).length))
        .toEqual([...wanted.map(({ length }) => length), undefined, undefined]);
      expect(calls.slice(0, wanted.length).map(({ value }) => written(value!.timestampNs)))
        .toEqual(wanted.map(({ timestampNs }) => written(timestampNs)));
    });
  });

  it("goes on where the sequence is compacted meanwhile, whatever the moment", () =>
    withCases(3, async (random) => {
      const [full, store] = [keepingBatches(new MemoryStore()), new MemoryStore()];
      await record(clientOf(full), random);
      await copyFiles(full, store);
      const { name } = random.pick((await clientOf(store).sequenceHandler("s")).topics);
      const read = async (store: Store) => {
        const handler = await clientOf(store).sequenceHandler("s");
        const topic = await handler.topicHandler(name);
        const merged = await collect(handler.getColumnStreamer({ fields: [] }));
        const alone = await collect(topic.getColumnStreamer({ fields: [] }));
        return [merged.flatMap(rowsOfBlock), alone.flatMap(rowsOfBlock)];
      };
      const wanted = await read(store);
      for (let moment = 0;; moment += 1 + random.below(4)) {
        const inner = new MemoryStore();
        await copyFiles(store, inner);
        const watched = new WatchedStore(inner);
        let reads = 0;
        watched.before = async (call, path) => {
          if (call === "read" && path.endsWith(".arrow") && reads++ === moment) {
            await clientOf(inner).compact("s");
          }
        };
        expect(await read(watched)).toEqual(wanted);
        if (reads <= moment) break;
      }
    }));
});

describe("Fields that make no sense", () => {
  const Other = defineOntology("Other", { x: f.int32(), pose: f.struct({ yaw: f.float64() }) });

  async function withTwo(body: (handler: SequenceHandler) => Promise<void>): Promise<void> {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const a = await sequence.topicCreate("a", { ontology: Reading });
        await a.push({ timestampNs: 1n, data: { x: 1, serial: 2n, constant: 3, label: "l" } });
        const b = await sequence.topicCreate("b", { ontology: Other });
        await b.push({ timestampNs: 2n, data: { x: 1, pose: { yaw: 2 } } });
      });
      await body(await client.sequenceHandler("s"));
    });
  }

  it("are NOT_FOUND where no topic has one, with the name that was meant", async () => {
    await withTwo(async (handler) => {
      const read = (fields: ColumnFields) => () => handler.getColumnStreamer({ fields }).next();
      await expectError(read(["pose.yow"]), "NOT_FOUND", '"pose.yow"', 'did you mean "pose.yaw"', '"s"');
      await expectError(read(["nothing"]), "NOT_FOUND", 'No field "nothing" in any of 2 topics');
      await expectError(read({ one: { topic: "a", field: "lable" } }), "NOT_FOUND", 'mean "label"', '"a"');
      const topic = await handler.topicHandler("b");
      const one = topic.getColumnStreamer({ fields: ["pose.yow"] });
      await expectError(() => one.next(), "NOT_FOUND", '"b"', 'did you mean "yaw"');
      expect((await one.next()).done).toBe(true);
    });
  });

  it("are INVALID_ARGUMENT where one is of different types, unless its topic is named", async () => {
    await withTwo(async (handler) => {
      await expectError(
        () => handler.getColumnStreamer({ fields: ["x"] }).next(),
        "INVALID_ARGUMENT",
        'float64 in topic "a"',
        'int32 in topic "b"',
      );
      const fields = { a: { topic: "a", field: "x" }, b: { topic: "/b", field: "x" } };
      const { value } = await handler.getColumnStreamer({ fields }).next();
      expect(value!.numbers("a").values).toBeInstanceOf(Float64Array);
      expect(value!.numbers("b").values).toBeInstanceOf(Int32Array);
      const only = await collect(handler.getColumnStreamer({ fields: ["x"], topics: ["b"] }));
      expect(only.map(({ topics }) => topics)).toEqual([["b"]]);
    });
  });

  it("are refused at once where they are no fields, or of topics that are not read", async () => {
    await withTwo(async (handler) => {
      // deno-lint-ignore no-explicit-any -- what no type checker would let through
      const stream = (options: any) => () => handler.getColumnStreamer(options);
      const topic = await handler.topicHandler("a");
      expect(stream({})).toThrow(TypeError);
      expect(stream({ fields: [5] })).toThrow(/field "5" is 5, wanted paths/);
      expect(stream({ fields: ["x", "x"] })).toThrow(/"x" is asked for twice/);
      expect(stream({ fields: { x: { topic: "a" } } })).toThrow(/wanted a path, or \{ topic, field \}/);
      expect(stream({ fields: ["label"], follow: true })).toThrow(/there is no option "follow"/);
      expect(stream({ fields: { x: { topic: "a", field: "x" } }, topics: ["b"] })).toThrow(/is of topic "a"/);
      expect(stream({ fields: ["label"], maxBufferedBytes: 0 })).toThrow(RangeError);
      expect(() => topic.getColumnStreamer({ fields: ["x"], copies: true, reuse: true }))
        .toThrow(/one of copies and reuse/);
      expect(stream({ fields: ["label"], startNs: 5n, endNs: 2n })).toThrow(RangeError);
      expect(() => topic.getColumnStreamer({ fields: ["x"], startNs: 5n, endNs: 2n })).toThrow(RangeError);
      await expectError(stream({ fields: { x: { topic: "c", field: "x" } } }), "NOT_FOUND", '"c"');
      await expectError(stream({ fields: ["label"], topics: ["c"] }), "NOT_FOUND", '"c"');
      const { value } = await handler.getColumnStreamer({ fields: ["label", "serial"] }).next();
      expect(() => value!.numbers("label")).toThrow(/"label" as numbers: it is utf8/);
      expect(() => value!.numbers("serial")).toThrow(TypeError);
    });
  });

  it("are not streamed of a sequence that was being recorded", async () => {
    const client = clientOf(new MemoryStore());
    const sequence = await client.sequenceCreate("s");
    await sequence.topicCreate("a", { ontology: Reading });
    await sequence.flush();
    const handler = await client.sequenceHandler("s", { follow: true });
    await expectError(() => handler.getColumnStreamer({ fields: ["x"] }), "LOCKED", '"s"');
    await sequence.finalize();
    await client.close();
  });
});
