import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  float16,
  float32,
  float64,
  int64,
  list,
  optional,
  type SequenceHandler,
  type SeriesLevel,
  struct,
  uint16,
  utf8,
} from "../../mod.ts";
import type { Engine } from "../../src/engine.ts";
import { numericFields } from "../../src/read/statistics/numeric_field.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { errorOf, serving } from "../flight/support.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { WatchedStore } from "../support/watched_store.ts";

const Probe = defineOntology("Probe", {
  label: utf8(),
  x: float64(),
  f: optional(float32()),
  n: optional(int64()),
  place: optional(struct({ h: float16(), k: optional(uint16()) })),
  values: list(float64()),
});
type Value = number | bigint | undefined;
/** Numeric fields by path, as a value of a row, and whether a row may lack it. */
const FIELDS: Record<string, { of: (data: ProbeData) => Value; isOptional: boolean }> = {
  x: { of: ({ x }) => x, isOptional: false },
  f: { of: ({ f }) => f, isOptional: true },
  n: { of: ({ n }) => n, isOptional: true },
  "place.h": { of: ({ place }) => place?.h, isOptional: true },
  "place.k": { of: ({ place }) => place?.k, isOptional: true },
};
interface ProbeData {
  label: string;
  x: number;
  f?: number;
  n?: bigint;
  place?: { h: number; k?: number };
  values: number[];
}
interface Row {
  timestampNs: bigint;
  data: ProbeData;
}
/** A topic: the rows of each of its batches, in the order of pushing. */
type Batches = readonly (readonly Row[])[];

const WIDE = 2n ** 53n;
/** Batches at a topic's start whose bounds are kept, and how many rows later ones need for that. */
const [FIRST_BOUNDED, BOUNDED_ROWS] = [64, 512];

function randomRow(random: Random, timestampNs: bigint, odd: number): Row {
  // All of them float16 numbers, so that no width rounds them.
  const number = () =>
    random.oneIn(odd) ? random.pick([NaN, -0, 0, Infinity, -Infinity, 1024]) : random.below(400) / 4 - 50;
  const maybe = <T>(value: T) => random.oneIn(3) ? undefined : value;
  const big = random.pick([WIDE - 1n, WIDE, WIDE + 1n, 2n ** 63n - 1n - BigInt(random.below(2000))]);
  const n = random.oneIn(odd) ? random.pick([big, -big, -(2n ** 63n)]) : BigInt(random.below(100) - 50);
  return {
    timestampNs,
    data: {
      label: "",
      x: number(),
      f: maybe(number()),
      n: maybe(n),
      place: maybe({ h: number(), k: maybe(random.below(9)) }),
      values: [1],
    },
  };
}

/** Batches that follow each other, overlap, or come late; some with enough rows for bounds, some after the last with any. */
function randomBatches(random: Random): Batches {
  const odd = random.pick([2, 30, 1000]);
  const step = random.pick([1, 7, 1000]);
  let now = random.below(1000) - 500;
  return Array.from({ length: random.pick([0, 1, 3, 20, 90]) }, () => {
    const rows = random.oneIn(25) ? BOUNDED_ROWS + random.below(100) : 1 + random.below(6);
    if (random.oneIn(4)) now -= random.below(40 * step);
    return Array.from({ length: rows }, () => {
      now += random.below(step + 1) - (random.oneIn(8) ? random.below(3 * step) : 0);
      return randomRow(random, BigInt(now), odd);
    });
  });
}

async function record(client: Client, topics: Record<string, Batches>): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    for (const [name, batches] of Object.entries(topics)) {
      const topic = await sequence.topicCreate(name, { ontology: Probe });
      for (const rows of batches) {
        for (const row of rows) await topic.push(row);
        await topic.flush();
      }
    }
  });
}

const timesOf = (rows: readonly Row[]) => rows.map(({ timestampNs }) => timestampNs).sort(compare);
const compare = (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0;
const isNumber = (value: Value) => value !== undefined && !Number.isNaN(value);

/** Numbers of a field in some rows. */
const numbersOf = (rows: readonly Row[], path: string): (number | bigint)[] =>
  rows.map(({ data }) => FIELDS[path].of(data)).filter((value) => value !== undefined && isNumber(value)) as (
    | number
    | bigint
  )[];

/** The smaller of two numbers of any kind comes first. */
const ascending = (a: number | bigint, b: number | bigint) => a < b ? -1 : a > b ? 1 : 0;

/** Checks a bound: the very number, or of integers that float64 does not hold one that is a little further out. */
function expectBound(seen: number, values: readonly (number | bigint)[], side: "min" | "max"): void {
  const wanted = [...values].sort(ascending).at(side === "min" ? 0 : -1);
  if (wanted === undefined) expect(seen).toBeNaN();
  else if (typeof wanted === "number") expect(seen).toBe(wanted + 0); // zero without its sign
  else if (wanted > -WIDE && wanted < WIDE) expect(seen).toBe(Number(wanted));
  else {
    const outwards = side === "min" ? wanted - BigInt(seen) : BigInt(seen) - wanted;
    expect(outwards >= 0n && outwards <= 2n ** 12n, `${seen} for ${wanted}`).toBe(true);
  }
}

/** Whether the store keeps bounds of a batch that tell something of these fields. */
function isBounded(batches: Batches, i: number, paths: readonly string[]): boolean {
  const kept = batches.map((rows, i) => i < FIRST_BOUNDED || rows.length >= BOUNDED_ROWS);
  if (2 * kept.filter(Boolean).length < batches.length || !kept[i]) return false;
  // Infinity on both sides is what batches without bounds have.
  return paths.every((path) => {
    const values = numbersOf(batches[i], path);
    return !values.includes(Infinity) || !values.includes(-Infinity);
  });
}

/** A stretch in buckets, as the documentation tells. */
function bucketsOf(times: readonly bigint[], count: number, startNs?: bigint, endNs?: bigint) {
  const first = times.at(0) ?? startNs ?? endNs ?? 0n;
  const start = startNs ?? (endNs !== undefined && endNs < first ? endNs : first);
  const after = times.length === 0 || times.at(-1)! < start ? start : times.at(-1)! + 1n;
  const end = endNs ?? after;
  let step = 1n;
  while (start + BigInt(count) * step < end) step++;
  const slices = Array.from({ length: count }, (_, i) => {
    const [from, to] = [start + BigInt(i) * step, start + BigInt(i + 1) * step];
    return { from, to: to < end ? to : end };
  });
  return { start, step, slices };
}

/** A range that makes sense, of times near a topic's; either bound may be missing. */
function randomRange(random: Random, times: readonly bigint[]): { startNs?: bigint; endNs?: bigint } {
  const near = () => (times.length === 0 ? 0n : random.pick(times)) + BigInt(random.below(9) - 4);
  const [startNs, endNs] = [near(), near()].sort(compare);
  return { ...(random.oneIn(2) && { startNs }), ...(random.oneIn(2) && { endNs }) };
}

async function checkSeries(handler: SequenceHandler, batches: Batches, random: Random): Promise<void> {
  const all = batches.flat();
  const times = timesOf(all);
  const range = randomRange(random, times);
  const count = random.pick([1, 2, 7, 40, 150]);
  const fields = random.shuffle(Object.keys(FIELDS)).slice(0, random.below(4));
  const { start, step, slices } = bucketsOf(times, count, range.startNs, range.endNs);
  const topic = await handler.topicHandler("a");
  const series = await topic.series({ ...range, fields, buckets: count });
  expect([series.startNs, series.stepNs, [...series.fields.keys()]]).toEqual([start, step, fields]);
  for (const [i, { from, to }] of slices.entries()) {
    const isIn = ({ timestampNs }: Row) => timestampNs >= from && timestampNs < to;
    // The sort is stable: rows of one time stay in the order of pushing.
    const rows = all.filter(isIn).sort((a, b) => compare(a.timestampNs, b.timestampNs));
    const byBatch = batches.some((batch, i) =>
      batch.every(isIn) && (fields.length === 0 || isBounded(batches, i, fields))
    );
    const level: SeriesLevel = rows.length === 0 ? "none" : byBatch ? "batches" : "rows";
    expect([series.count[i], series.levels[i], series.isExact[i]]).toEqual([rows.length, level, true]);
    for (const path of fields) {
      const { min, max, first, last } = series.fields.get(path)!;
      const values = numbersOf(rows, path);
      expectBound(min[i], values, "min");
      expectBound(max[i], values, "max");
      const ends = level === "rows" && values.length > 0 ? [values[0], values.at(-1)!] : [NaN, NaN];
      expect([first[i], last[i]]).toEqual(ends.map(Number));
    }
  }
}

/** Rows of a batch that are known by their bounds alone, in time order, and up to when they may reach. */
interface Unit {
  rows: readonly Row[];
  firstNs: bigint;
  lastNs: bigint;
}

/** A batch in units of so many rows. */
function unitsOf(batch: readonly Row[], unitRows: number): Unit[] {
  const rows = [...batch].sort((a, b) => compare(a.timestampNs, b.timestampNs));
  return Array.from({ length: Math.ceil(rows.length / unitRows) }, (_, i) => ({
    rows: rows.slice(i * unitRows, (i + 1) * unitRows),
    firstNs: rows[i * unitRows].timestampNs,
    lastNs: (rows[(i + 1) * unitRows] ?? rows.at(-1)!).timestampNs,
  }));
}

/** Checks a series at a level that reads no rows that have bounds, by how many rows the blocks of each column have. */
async function checkLevel(handler: SequenceHandler, batches: Batches, random: Random): Promise<void> {
  const all = batches.flat();
  const times = timesOf(all);
  const range = randomRange(random, times);
  const buckets = random.pick([1, 2, 7, 40, 150, 500]);
  const fields = random.shuffle(Object.keys(FIELDS)).slice(0, random.below(4));
  const { slices, start } = bucketsOf(times, buckets, range.startNs, range.endNs);
  const { to: end } = slices.at(-1)!;
  const level = random.pick(["batches", "detail"] as const);
  const series = await (await handler.topicHandler("a")).series({ ...range, fields, buckets, level });
  const file = await handler.topicSource("a");
  const columns = new Map(numericFields(file.schema.fields).map(({ path, column }) => [path, column]));
  const paths = fields.map((field) => columns.get(field)!);
  const detail = level === "detail" ? await file.readDetail!(paths) : undefined;
  const wanted = slices.map(() => ({
    count: 0,
    isExact: true,
    levels: new Set<SeriesLevel>(["none"]),
    values: new Map(fields.map((field) => [field, [] as (number | bigint)[]])),
  }));
  /** What a stretch of time touches, and whether that is one bucket and nothing else. */
  const touched = ({ firstNs, lastNs }: Unit) => {
    const found = [...slices.keys()].filter((i) => {
      const { from, to } = slices[i];
      return from < to && from <= lastNs && to > firstNs;
    });
    return { found, isWhole: found.length === 1 && firstNs >= start && lastNs < end };
  };
  for (const [i, batch] of batches.entries()) {
    const [whole] = unitsOf(batch, batch.length);
    if (touched(whole).found.length === 0) continue;
    const isKnown = fields.map((field) => isBounded(batches, i, [field]));
    const isInside = touched(whole).isWhole && isKnown.every(Boolean);
    const blockRows = paths.map((path) => isInside ? undefined : detail?.of(i, path)?.blockRows);
    const isRead = fields.some((_, f) => !isKnown[f] && blockRows[f] === undefined);
    for (const [f, field] of isRead ? [] : fields.entries()) {
      for (const unit of unitsOf(batch, blockRows[f] ?? batch.length)) {
        const { found, isWhole } = touched(unit);
        for (const bucket of found) {
          wanted[bucket].values.get(field)!.push(...numbersOf(unit.rows, field));
          wanted[bucket].levels.add(blockRows[f] === undefined ? "batches" : "detail");
          wanted[bucket].isExact &&= isWhole;
        }
      }
    }
    const timeRows = isInside ? undefined : detail?.times(i)?.blockRows;
    for (const unit of unitsOf(batch, isRead ? 1 : timeRows ?? batch.length)) {
      const { found, isWhole } = touched(isRead ? { ...unit, lastNs: unit.firstNs } : unit);
      for (const bucket of found) {
        const slice = slices[bucket];
        const [from, to] = [
          isRead || unit.firstNs > slice.from ? unit.firstNs : slice.from,
          isRead || unit.lastNs < slice.to ? isRead ? unit.firstNs : unit.lastNs : slice.to - 1n,
        ];
        const length = isRead ? 1n : unit.lastNs - unit.firstNs + 1n;
        wanted[bucket].count += unit.rows.length * Number(to - from + 1n) / Number(length);
        wanted[bucket].levels.add(isRead ? "rows" : timeRows === undefined ? "batches" : "detail");
        if (!isRead) wanted[bucket].isExact &&= isWhole;
        for (const field of isRead ? fields : []) {
          wanted[bucket].values.get(field)!.push(...numbersOf(unit.rows, field));
        }
      }
    }
  }
  for (const [i, { count, isExact, levels, values }] of wanted.entries()) {
    expect(series.count[i]).toBeCloseTo(count, 6);
    const coarsest = (["batches", "detail", "rows", "none"] as const).find((each) => levels.has(each));
    expect([series.levels[i], series.isExact[i]]).toEqual([coarsest, isExact]);
    for (const [field, numbers] of values) {
      const { min, max } = series.fields.get(field)!;
      expectBound(min[i], numbers, "min");
      expectBound(max[i], numbers, "max");
      if (!isExact) continue;
      const isIn = ({ timestampNs }: Row) => timestampNs >= slices[i].from && timestampNs < slices[i].to;
      const own = numbersOf(all.filter(isIn), field);
      expectBound(min[i], own, "min");
      expectBound(max[i], own, "max");
    }
  }
}

async function checkStats(handler: SequenceHandler, topics: Record<string, Batches>): Promise<void> {
  const stats = await handler.stats();
  expect([...stats.keys()]).toEqual(Object.keys(topics));
  for (const [name, batches] of Object.entries(topics)) {
    const rows = batches.flat();
    const { count, fields } = stats.get(name)!;
    expect([count, [...fields.keys()]]).toEqual([rows.length, Object.keys(FIELDS)]);
    for (const [path, { of, isOptional }] of Object.entries(FIELDS)) {
      const { min, max, missing } = fields.get(path)!;
      expectBound(min, numbersOf(rows, path), "min");
      expectBound(max, numbersOf(rows, path), "max");
      const isKnown = !isOptional || batches.every((_, i) => !isBounded(batches, i, [path]));
      expect(missing).toBe(isKnown ? rows.filter(({ data }) => of(data) === undefined).length : undefined);
    }
  }
}

async function checkActivity(
  handler: SequenceHandler,
  topics: Record<string, Batches>,
  random: Random,
): Promise<void> {
  const names = random.oneIn(2) ? Object.keys(topics) : ["a"];
  const times = timesOf(names.flatMap((name) => topics[name].flat()));
  const range = randomRange(random, times);
  const buckets = random.pick([1, 3, 50]);
  const { start, step, slices } = bucketsOf(times, buckets, range.startNs, range.endNs);
  const activity = await handler.activity({ ...range, buckets, topics: names });
  expect([activity.startNs, activity.stepNs, [...activity.topics.keys()]]).toEqual([start, step, names]);
  for (const name of names) {
    for (const [i, { from, to }] of slices.entries()) {
      let wanted = 0;
      for (const batch of topics[name]) {
        const own = timesOf(batch);
        const [first, end] = [own[0], own.at(-1)! + 1n];
        const shared = Number((end < to ? end : to) - (first > from ? first : from));
        if (shared > 0) wanted += batch.length * shared / Number(end - first);
      }
      expect(activity.topics.get(name)![i]).toBeCloseTo(wanted, 6);
    }
  }
}

async function checkCase(seed: number, engine: Engine): Promise<void> {
  const random = new Random(seed);
  const topics = { a: randomBatches(random), b: randomBatches(random) };
  await using client = clientWith(engine, keepingBatches(new MemoryStore()));
  await record(client, topics);
  await checkAll(await client.sequenceHandler("s"), topics, random);
}

async function checkAll(
  handler: SequenceHandler,
  topics: { a: Batches; b: Batches },
  random: Random,
): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await checkSeries(handler, topics.a, random);
    await checkLevel(handler, topics.a, random);
    await checkActivity(handler, topics, random);
  }
  await checkStats(handler, topics);
}

/** The same while it is recorded: after some batches, after more of them, and after the end. */
async function checkGrowing(seed: number, engine: Engine): Promise<void> {
  const random = new Random(seed);
  const batches = [longBatches(random), randomBatches(random)];
  const [a, b] = random.shuffle(batches).map((each) => each.length > 0 ? each : [[randomRow(random, 5n, 9)]]);
  const so = { a: [] as Batches[number][], b: [] as Batches[number][] };
  await using client = clientWith(engine, keepingBatches(new MemoryStore()));
  let handler: SequenceHandler | undefined;
  await client.sequenceCreate("s", { autoFlush: false }, async (sequence) => {
    const topics = {
      a: await sequence.topicCreate("a", { ontology: Probe }),
      b: await sequence.topicCreate("b", { ontology: Probe }),
    };
    const push = async (name: "a" | "b", batches: Batches) => {
      for (const rows of batches) {
        for (const row of rows) await topics[name].push(row);
        await topics[name].flush();
        so[name].push(rows);
      }
    };
    const parts = 1 + random.below(3);
    for (let part = 0; part < parts; part++) {
      const some = (all: Batches) =>
        all.slice(Math.ceil(all.length * part / parts), Math.ceil(all.length * (part + 1) / parts));
      await push("a", some(a));
      await push("b", some(b));
      await sequence.flush();
      handler ??= await client.sequenceHandler("s", { follow: true });
      await checkAll(handler, so, random);
    }
  });
  await checkAll(handler!, so, random);
}
/** A few batches with enough rows for blocks of them. */
function longBatches(random: Random): Batches {
  const step = random.pick([1, 1000]);
  let now = 0;
  return Array.from({ length: 1 + random.below(4) }, () => {
    if (random.oneIn(3)) now -= random.below(1000 * step);
    return Array.from({ length: random.pick([3, 200, 1500, 4000]) }, () => {
      now += random.below(step + 1);
      return randomRow(random, BigInt(now), random.pick([30, 1000]));
    });
  });
}

async function checkLong(seed: number, engine: Engine): Promise<void> {
  const random = new Random(seed);
  const batches = longBatches(random);
  await using client = clientWith(engine, keepingBatches(new MemoryStore()));
  await record(client, { a: batches });
  const handler = await client.sequenceHandler("s");
  await checkSeries(handler, batches, random);
  for (let i = 0; i < 6; i++) await checkLevel(handler, batches, random);
}

describe("Statistics", () => {
  it("are what looking at all messages gives, for any recording, on both engines", async () => {
    const engines = await allEngines();
    const { cases, seed } = caseRange(25);
    for (let i = 0; i < cases; i++) {
      try {
        for (const engine of engines) await checkCase(seed + i, engine);
      } catch (reason) {
        throw failedCase(seed + i, "tests/read/statistics.test.ts", reason);
      }
    }
  }, 60_000);

  it("are what looking at all messages gives at every level, also of long batches", async () => {
    const engines = await allEngines();
    const { cases, seed } = caseRange(4);
    for (let i = 0; i < cases; i++) {
      try {
        for (const engine of engines) await checkLong(seed + i, engine);
      } catch (reason) {
        throw failedCase(seed + i, "tests/read/statistics.test.ts", reason);
      }
    }
  }, 60_000);

  it("are what looking at all messages gives while they are recorded", async () => {
    const engines = await allEngines();
    const { cases, seed } = caseRange(3);
    for (let i = 0; i < cases; i++) {
      try {
        for (const engine of engines) await checkGrowing(seed + i, engine);
      } catch (reason) {
        throw failedCase(seed + i, "tests/read/statistics.test.ts", reason);
      }
    }
  }, 60_000);

  /** Ten batches of ten rows, 0 to 99 ns, x counting along. */
  const counting: Batches = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 10 }, (_, k) => ({
      timestampNs: BigInt(10 * i + k),
      data: { label: "", x: 10 * i + k, values: [] },
    })));

  it("read no batch where the store knows enough", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    await record(client, { a: counting, b: counting });
    const handler = await client.sequenceHandler("s");
    await handler.activity({ buckets: 1 }); // opens the topics
    store.reads.length = 0;
    const { topics } = await handler.activity({ buckets: 7 });
    expect(topics.get("b")!.reduce((sum, count) => sum + count)).toBeCloseTo(100, 9);
    expect(store.reads).toEqual([]);
    // The bounds came along with the footer.
    expect((await handler.stats()).get("a")!.fields.get("x")).toEqual({ min: 0, max: 99, missing: 0 });
    const topic = await handler.topicHandler("a");
    const whole = await topic.series({ fields: ["x"], buckets: 5 });
    expect(whole.levels).toEqual(new Array(5).fill("batches"));
    expect([...whole.fields.get("x")!.max]).toEqual([19, 39, 59, 79, 99]);
    const { levels, isExact } = await topic.series({ fields: ["x"], buckets: 7, level: "batches" });
    expect(new Set(levels)).toEqual(new Set(["batches"]));
    expect(isExact).toEqual([false, false, false, false, false, false, true]);
    expect(store.reads).toEqual([]);
  });

  it("read the batches that lie across edges of a series, and no others", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    await record(client, { a: counting });
    const topic = await client.topicHandler("s", "a");
    store.reads.length = 0;
    const series = await topic.series({ fields: ["x"], buckets: 2, startNs: 5n, endNs: 95n });
    expect(series.levels).toEqual(["batches", "batches"]);
    expect([...series.fields.get("x")!.min]).toEqual([5, 50]);
    // Batches 0 and 9.
    expect(store.reads).toHaveLength(2);
    store.reads.length = 0;
    const rows = await topic.series({ fields: ["x"], buckets: 3, startNs: 41n, endNs: 47n });
    expect(rows.levels).toEqual(["rows", "rows", "rows"]);
    expect([...rows.fields.get("x")!.last]).toEqual([42, 44, 46]);
    expect(store.reads).toHaveLength(1);
  });

  it("read small batches whose bounds are not kept, and those alone", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    const small: Batches = Array.from({ length: FIRST_BOUNDED + 6 }, (_, i) => [counting[0][i % 10]]);
    await record(client, { a: small });
    const handler = await client.sequenceHandler("s");
    await handler.activity({ buckets: 1 }); // opens the topic
    store.reads.length = 0;
    expect((await handler.stats({ fields: ["x"] })).get("a")!.fields.get("x")!.max).toBe(9);
    expect(store.reads).toHaveLength(6);
  });

  it("are the same once batches were joined meanwhile", async () => {
    const store = new MemoryStore();
    const create = store.create;
    await using client = clientOf(keepingBatches(store));
    await record(client, { a: counting });
    const handler = await client.sequenceHandler("s");
    const topic = await handler.topicHandler("a");
    const look = async () => [
      await handler.stats(),
      (await topic.series({ fields: ["x"], buckets: 4 })).fields.get("x")!.max,
    ];
    const before = await look();
    store.create = create; // there is room for a second copy now
    const { topics: [joined] } = await client.compact("s");
    expect(joined.batches).toBe(1);
    expect(await look()).toEqual(before);
  });

  it("take fields of each topic that has them", async () => {
    await using client = await connect("memory:");
    const Other = defineOntology("Other", { y: float64(), x: utf8() });
    await client.sequenceCreate("s", {}, async (sequence) => {
      const other = await sequence.topicCreate("a", { ontology: Other });
      await other.push({ timestampNs: 1n, data: { y: 3, x: "" } });
      const probe = await sequence.topicCreate("b", { ontology: Probe });
      await probe.push({ timestampNs: 1n, data: { label: "", x: -0, values: [] } });
    });
    const handler = await client.sequenceHandler("s");
    const stats = await handler.stats({ fields: ["x", "y", "x"] });
    expect([...stats].map(([topic, { fields }]) => [topic, ...fields.keys()])).toEqual([["a", "y"], [
      "b",
      "x",
    ]]);
    expect(stats.get("b")!.fields.get("x")).toEqual({ min: 0, max: 0, missing: 0 });
    expect([...(await handler.stats({ topics: ["b"] })).keys()]).toEqual(["b"]);
  });

  it("reach the ends of int64", async () => {
    await using client = await connect("memory:");
    const ends = [-(2n ** 63n), 2n ** 63n - 1n];
    const batch = ends.map((timestampNs, x) => ({ timestampNs, data: { label: "", x, values: [] } }));
    await record(client, { a: [batch] });
    const handler = await client.sequenceHandler("s");
    expect(await handler.activity({ buckets: 4 })).toEqual({
      startNs: ends[0],
      stepNs: 2n ** 62n,
      topics: new Map([["a", Float64Array.of(0.5, 0.5, 0.5, 0.5)]]),
    });
    const series = await (await handler.topicHandler("a")).series({ fields: ["x"], buckets: 4 });
    expect([...series.count]).toEqual([1, 0, 0, 1]);
    expect([...series.fields.get("x")!.max]).toEqual([0, NaN, NaN, 1]);
  });

  it("are exact from a server, which tells of no batches", async () => {
    await serving({}, async ({ client, server }) => {
      await record(client, { a: counting, empty: [] });
      await using remote = await connect(`grpc://127.0.0.1:${server.port}`);
      const handler = await remote.sequenceHandler("s");
      const { topics } = await handler.activity({ buckets: 3 });
      expect([...topics]).toEqual([["a", Float64Array.of(34, 34, 32)], ["empty", new Float64Array(3)]]);
      const stats = await handler.stats();
      expect(stats.get("a")!.fields.get("x")).toEqual({ min: 0, max: 99, missing: 0 });
      expect(stats.get("a")!.fields.get("n")).toEqual({ min: NaN, max: NaN, missing: 100 });
      const series = await (await handler.topicHandler("a")).series({ fields: ["x"], buckets: 2 });
      expect(series.levels).toEqual(["rows", "rows"]);
      expect([...series.fields.get("x")!.first]).toEqual([0, 50]);
    });
  });

  it("say what is wrong with what they are asked for", async () => {
    await using client = await connect("memory:");
    await record(client, { a: counting, b: [] });
    const handler = await client.sequenceHandler("s");
    const topic = await handler.topicHandler("a");
    for (const buckets of [0, -1, 1.5, NaN, 1_000_001, "3", undefined]) {
      const options = { buckets: buckets as number, fields: [] };
      await expect(topic.series(options)).rejects.toThrow(
        new RangeError(
          `Cannot make a series of topic "a" of sequence "s": buckets is ${buckets}, wanted a whole number from 1 to 1000000`,
        ),
      );
      await expect(handler.activity({ buckets: buckets as number })).rejects.toThrow(RangeError);
    }
    const buckets = 2;
    await expect(topic.series({ buckets, fields: [], startNs: 2n, endNs: 1n })).rejects.toThrow(RangeError);
    await expect(handler.activity({ buckets, endNs: 2n ** 63n })).rejects.toThrow(RangeError);
    await expect(topic.series({ buckets, fields: "x" as never })).rejects.toThrow(TypeError);
    const failure = (fields: string[]) => errorOf(() => topic.series({ buckets, fields }));
    expect((await failure(["place.hh"])).message).toContain('did you mean "h"?');
    expect((await failure(["timestamp_ns"])).code).toBe("NOT_FOUND");
    for (const path of ["label", "place", "values"]) {
      expect((await failure(["x", path])).message).toContain(`field "${path}" of topic "a" is `);
      expect((await failure([path])).code).toBe("INVALID_ARGUMENT");
    }
    const missed = await errorOf(() => handler.stats({ fields: ["x", "place.hh"] }));
    expect([missed.code, missed.rawMessage]).toEqual([
      "NOT_FOUND",
      'Cannot tell statistics of sequence "s": no topic has a field "place.hh" of integers, floats or times; ' +
      'did you mean "place.h"?',
    ]);
    await expect(handler.stats({ topics: ["c"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(handler.activity({ buckets, topics: ["c"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("say so where a batch that they read is damaged", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    await record(client, { a: counting });
    const topic = await client.topicHandler("s", "a");
    const read = store.read.bind(store);
    store.read = async (path, offset, length, options) => {
      const bytes = await read(path, offset, length, options);
      // The values of x are what fills most of a batch, at its end.
      return bytes.fill(7, bytes.length >> 1);
    };
    const failure = await errorOf(() => topic.series({ fields: ["x"], buckets: 3 }));
    expect([failure.code, failure.details.topic]).toEqual(["CORRUPT", "a"]);
  });

  it("of what is being recorded read what is new, once, and go on by the files as they are in the end", async () => {
    const store = new WatchedStore();
    await using client = clientOf(store);
    const sequence = await client.sequenceCreate("s", { autoFlush: false });
    const topic = await sequence.topicCreate("a", { ontology: Probe });
    await sequence.topicCreate("b", { ontology: Probe });
    const handler = await client.sequenceHandler("s", { follow: true });
    expect([...(await handler.stats()).keys()]).toEqual([]);
    await expect(handler.topicHandler("a")).rejects.toMatchObject({ code: "NOT_FOUND" });
    const pushAll = async (rows: readonly Row[]) => {
      for (const row of rows) await topic.push(row);
      await sequence.flush();
    };
    await pushAll(counting[0]);
    await pushAll(counting[1]);
    const a = await handler.topicHandler("a");
    const look = async () => {
      const series = await a.series({ fields: ["x"], buckets: 1, level: "batches" });
      const activity = await handler.activity({ buckets: 1 });
      return [
        (await handler.stats()).get("a")!.count,
        series.fields.get("x")!.max[0],
        activity.topics.get("a")![0],
      ];
    };
    expect(await look()).toEqual([20, 19, 20]);
    store.reads.length = 0;
    expect(await look()).toEqual([20, 19, 20]);
    const ofTopic = () => store.reads.filter(({ path }) => path === "s/a.arrow").length;
    expect(ofTopic()).toBe(0);
    await pushAll(counting[2]);
    expect(await look()).toEqual([30, 29, 30]);
    expect(ofTopic()).toBe(1);
    // Its batches are joined at the end: the file is another one then.
    await topic.push(counting[3][0]);
    await sequence.finalize();
    expect(await look()).toEqual([31, 30, 31]);
    expect(a.rowCount).toBe(31);
  });

  it("refuse what is being recorded but is not followed, and tell of one that was given up that it is gone", async () => {
    await using client = await connect("memory:");
    const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
    const topic = await sequence.topicCreate("a", { ontology: Probe });
    await topic.push(counting[0][0]);
    await sequence.flush();
    expect(await errorOf(() => client.sequenceHandler("s"))).toMatchObject({ code: "LOCKED" });
    const handler = await client.sequenceHandler("s", { follow: true });
    const a = await handler.topicHandler("a");
    expect((await handler.stats()).get("a")!.count).toBe(1);
    await sequence.abort();
    expect(await errorOf(() => handler.stats())).toMatchObject({ code: "NOT_FOUND" });
    expect(await errorOf(() => a.series({ fields: [], buckets: 1 }))).toMatchObject({ code: "NOT_FOUND" });
  });
});
