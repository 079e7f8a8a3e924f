/**
 * The time-order merge alone, over shapes of recordings, 5 M rows each: the engines' (copying the times in included),
 * heap-js on numbers, used in both of its ways, and a scan of all heads.
 */
import { Heap } from "heap-js";
import type { Engine } from "../src/engine.ts";
import { type Case, check, compare } from "./compare.ts";
import { shapes, type SortedRun } from "./data.ts";
import { loadEngines } from "./engines.ts";

const ROWS = 5_000_000;
/** As many as a replay takes at a time. */
const BLOCK_ROWS = 8192;
const ROUNDS = 2;

const engines = await loadEngines();

/** Takes the next rows in order, a block at a time. */
type Take = (ids: Int32Array, rows: Int32Array, count: number) => void;
type Merge = (take: Take) => void;

// One shape after another: the rows of all would not fit into memory.
for (const { name, create } of shapes) {
  const runs = create(ROWS);
  const count = runs.reduce((sum, run) => sum + run.times.length, 0);
  const offsets = toOffsets(runs);
  const rival = `${name}/heap-js pop, push`;
  const merges: [name: string, merge: Merge][] = [
    [rival, (take) => byHeap(runs, offsets, false, take)],
    [`${name}/heap-js replace`, (take) => byHeap(runs, offsets, true, take)],
    ...engines.map((engine): [string, Merge] => [
      `${name}/smalti ${engine.name}`,
      (take) => byEngine(engine, runs, take),
    ]),
  ];
  const wanted = hashOf(merges[0][1]);
  for (const [name, merge] of merges) check(`order of ${name}`, hashOf(merge), wanted);
  await compare([
    ...merges.map(([name, merge]): Case => ({
      name,
      count,
      rival: name === rival ? undefined : rival,
      run: () => merge(() => {}),
    })),
    { name: `${name}/copying the rows`, count, rival, run: () => copyRows(runs) },
  ], ROUNDS);
}

/** A number that another order would not give. */
function hashOf(merge: Merge): number {
  let hash = 0;
  merge((ids, rows, count) => {
    for (let i = 0; i < count; i++) hash = (Math.imul(hash, 31) + Math.imul(ids[i], 7919) + rows[i]) | 0;
  });
  return hash;
}

function byEngine(engine: Engine, runs: readonly SortedRun[], take: Take): void {
  const merger = engine.createMerger();
  runs.forEach(({ topic, batch, times }, id) => merger.add(id, topic, batch, times, 0, times.length));
  const [ids, rows] = [new Int32Array(BLOCK_ROWS), new Int32Array(BLOCK_ROWS)];
  for (let count = 1; count > 0;) {
    count = merger.fill(2n ** 63n - 1n, ids, rows);
    take(ids, rows, count);
  }
  merger.close();
}

/** What any merge has to do at least: read a time, write a run and a row. */
function copyRows(runs: readonly SortedRun[]): void {
  const [ids, rows] = [new Int32Array(BLOCK_ROWS), new Int32Array(BLOCK_ROWS)];
  const times = new BigInt64Array(BLOCK_ROWS);
  for (const run of runs) {
    for (let from = 0; from < run.times.length; from += BLOCK_ROWS) {
      const part = run.times.subarray(from, from + BLOCK_ROWS);
      times.set(part);
      ids.fill(run.topic, 0, part.length);
      for (let i = 0; i < part.length; i++) rows[i] = from + i;
    }
  }
}

interface Cursor {
  id: number;
  topic: number;
  batch: number;
  row: number;
  time: number;
  times: Float64Array;
}

/** Times as numbers, exact from the first time on: reading bigints would be most of the rivals' cost. */
function toOffsets(runs: readonly SortedRun[]): Float64Array[] {
  const base = runs.reduce((least, { times }) => times[0] < least ? times[0] : least, runs[0].times[0]);
  return runs.map(({ times }) => Float64Array.from(times, (time) => Number(time - base)));
}

/** `replaces`: puts the next row of a run in place of the last in one step, which is heap-js at its best. */
function byHeap(
  runs: readonly SortedRun[],
  offsets: readonly Float64Array[],
  replaces: boolean,
  take: Take,
): void {
  const heap = new Heap<Cursor>((a, b) => a.time - b.time || a.topic - b.topic || a.batch - b.batch);
  heap.init(
    runs.map(({ topic, batch }, id) => ({
      id,
      topic,
      batch,
      row: 0,
      time: offsets[id][0],
      times: offsets[id],
    })),
  );
  const [ids, rows] = [new Int32Array(BLOCK_ROWS), new Int32Array(BLOCK_ROWS)];
  let count = 0;
  for (let top = heap.peek(); top; top = heap.peek()) {
    ids[count] = top.id;
    rows[count++] = top.row;
    if (count === BLOCK_ROWS) {
      take(ids, rows, count);
      count = 0;
    }
    const ends = ++top.row === top.times.length;
    if (ends || !replaces) heap.pop();
    if (ends) continue;
    top.time = top.times[top.row];
    if (replaces) heap.replace(top);
    else heap.push(top);
  }
  take(ids, rows, count);
}
