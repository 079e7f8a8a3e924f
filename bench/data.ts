/**
 * Seeded input for the benchmarks: the same on every machine and runtime.
 *
 * @module
 */

/** Rows of one topic in time order: what a merge takes. */
export interface SortedRun {
  /** Position of the topic. */
  topic: number;
  /** Number of the batch within the topic. */
  batch: number;
  /** In ns, ascending. */
  times: BigInt64Array;
}

/** What a recording's times look like. */
export interface Shape {
  /** For the names of cases. */
  name: string;
  /** What makes it different from the others. */
  about: string;
  /** Makes about so many rows in all, at most one run per topic and batch. */
  create(rowCount: number): SortedRun[];
}

/** The shapes that decide how a merge does. */
export const shapes: readonly Shape[] = [
  {
    name: "20 topics",
    about: "1 to 1,000 Hz with jitter, times in whole us: the topic changes at nearly every row",
    create: (rowCount) => evenlySpread(rowCount, 20),
  },
  {
    name: "200 topics",
    about: "the same with 200",
    create: (rowCount) => evenlySpread(rowCount, 200),
  },
  {
    name: "mixed rates",
    about: "20 topics, rates spread by magnitude: a few fast sensors among slow ones",
    create: (rowCount) =>
      variedRates(rowCount, Array.from({ length: 20 }, (_, topic) => 1_000 ** (topic / 19))),
  },
  {
    name: "long runs",
    about: "4 topics take turns, 2,000 rows each",
    create: (rowCount) => longRuns(rowCount, 4, 2_000),
  },
  {
    name: "late rows",
    about: "20 topics, 0.1% of rows up to 200 ms late in runs of their own",
    create: (rowCount) => lateRows(evenlySpread(rowCount, 20), 1_000, 2e8),
  },
  {
    name: "20 together",
    about: "fired together at 100 Hz, 2 us of jitter",
    create: (rowCount) => firedTogether(rowCount, 20, 2_000),
  },
  {
    name: "200 together",
    about: "fired together at 100 Hz, 2 us of jitter",
    create: (rowCount) => firedTogether(rowCount, 200, 2_000),
  },
  {
    name: "200 in step",
    about: "exactly the same times at 100 Hz",
    create: (rowCount) => firedTogether(rowCount, 200, 0),
  },
  {
    name: "all equal",
    about: "20 topics, one time everywhere",
    create: (rowCount) => evenRates(rowCount, 20, 0),
  },
  {
    name: "5,000 topics",
    about: "1 Hz each: a block holds less than a row per topic",
    create: (rowCount) => evenRates(rowCount, 5_000, 1e9),
  },
];

/** A generator of floats in [0, 1): mulberry32. */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Late 2023, so that times are as large as real ones. */
const START_NS = 1_700_000_000_000_000_000n;

/** Sorts offsets from the start, in ns, and makes them a run's times. */
function toTimes(offsets: Float64Array): BigInt64Array {
  return BigInt64Array.from(
    offsets.sort(),
    (offset) => START_NS + BigInt(offset),
  );
}

/** Rates of 1 to 1,000 Hz, as far from each other as can be. */
function evenlySpread(rowCount: number, topicCount: number): SortedRun[] {
  return variedRates(
    rowCount,
    Array.from({ length: topicCount }, (_, topic) => 1 + 999 * topic / (topicCount - 1)),
  );
}

/** Topics of these rates, in Hz; every row a fifth of its period off at most. */
function variedRates(rowCount: number, rates: readonly number[]): SortedRun[] {
  const next = random(rates.length);
  const seconds = rowCount / rates.reduce((sum, rate) => sum + rate);
  return rates.map((rate, topic) => {
    const phase = next();
    const offsets = Float64Array.from(
      { length: Math.ceil(seconds * rate) },
      (_, row) => {
        const us = ((row + phase + 0.4 * (next() - 0.5)) / rate) * 1e6;
        return Math.max(0, Math.round(us)) * 1_000;
      },
    );
    return { topic, batch: 0, times: toTimes(offsets) };
  });
}

function longRuns(
  rowCount: number,
  topicCount: number,
  length: number,
): SortedRun[] {
  return Array.from({ length: topicCount }, (_, topic) => {
    const offsets = Float64Array.from(
      { length: rowCount / topicCount },
      (_, row) => {
        const turn = Math.floor(row / length) * topicCount + topic;
        return (turn * length + row % length) * 1_000;
      },
    );
    return { topic, batch: 0, times: toTimes(offsets) };
  });
}

/** Takes every `interval`-th row out of its run and puts it, earlier by up to `latenessNs`, into a second one. */
function lateRows(
  runs: SortedRun[],
  interval: number,
  latenessNs: number,
): SortedRun[] {
  const next = random(4);
  return runs.flatMap(({ topic, times }) => {
    const late = times.filter((_, row) => row % interval === interval - 1)
      .map((time) => time - BigInt(Math.floor(next() * latenessNs)))
      .sort();
    const others = times.filter((_, row) => row % interval !== interval - 1);
    return [{ topic, batch: 0, times: others }, {
      topic,
      batch: 1,
      times: late,
    }]
      .filter((run) => run.times.length > 0);
  });
}

function firedTogether(
  rowCount: number,
  topicCount: number,
  jitterNs: number,
): SortedRun[] {
  const next = random(topicCount);
  return Array.from({ length: topicCount }, (_, topic) => {
    const offsets = Float64Array.from(
      { length: rowCount / topicCount },
      (_, row) => row * 1e7 + Math.floor(next() * jitterNs),
    );
    return { topic, batch: 0, times: toTimes(offsets) };
  });
}

/** Every topic once in `periodNs`, at a random moment of it. */
function evenRates(
  rowCount: number,
  topicCount: number,
  periodNs: number,
): SortedRun[] {
  const next = random(topicCount);
  return Array.from({ length: topicCount }, (_, topic) => {
    const offsets = Float64Array.from(
      { length: rowCount / topicCount },
      (_, row) => row * periodNs + Math.floor(next() * periodNs),
    );
    return { topic, batch: 0, times: toTimes(offsets) };
  });
}
