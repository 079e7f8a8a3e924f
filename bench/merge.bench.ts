/**
 * The time-order merge alone, over shapes of recordings, 10 M rows each: the engines' (copying the times in included),
 * heap-js on numbers, used in both of its ways, and a scan of all heads.
 */
import { Heap } from "heap-js";
import type { Engine } from "../src/engine/engine.ts";
import { type Case, check, compare } from "./compare.ts";
import { shapes, type SortedRun } from "./data.ts";
import { loadEngines } from "./engines.ts";

const ROWS = 10_000_000;
/** As many as a replay takes at a time. */
const BLOCK_ROWS = 4096;
const ROUNDS = 2;

const engines = await loadEngines();

// One shape after another: the rows of all would not fit into memory.
for (const { name, create } of shapes) {
  const runs = create(ROWS);
  const count = runs.reduce((sum, run) => sum + run.times.length, 0);
  const offsets = toOffsets(runs);
  const wanted = byHeap(runs, offsets, true);
  const rival = `${name}/heap-js pop, push`;
  const equal = (merge: () => number) => () => check("order", merge(), wanted);
  await compare([
    { name: rival, count, run: equal(() => byHeap(runs, offsets, false)) },
    { name: `${name}/heap-js replace`, count, rival, run: equal(() => byHeap(runs, offsets, true)) },
    ...engines.map((engine): Case => ({
      name: `${name}/smalti ${engine.name}`,
      count,
      rival,
      run: equal(() => byEngine(engine, runs)),
    })),
    { name: `${name}/copying the rows`, count, rival, run: () => copyRows(runs) },
  ], ROUNDS);
}

/** Folds the next row into what stands for an order: another order gives another number. */
function fold(hash: number, run: number, row: number): number {
  return (Math.imul(hash, 31) + Math.imul(run, 7919) + row) | 0;
}

function byEngine(engine: Engine, runs: readonly SortedRun[]): number {
  const merger = engine.createMerger();
  runs.forEach(({ topic, batch, times }, id) => merger.add(id, topic, batch, times, 0, times.length));
  const [ids, rows] = [new Int32Array(BLOCK_ROWS), new Int32Array(BLOCK_ROWS)];
  let hash = 0;
  for (let count = 1; count > 0;) {
    count = merger.fill(2n ** 63n - 1n, ids, rows);
    for (let i = 0; i < count; i++) hash = fold(hash, ids[i], rows[i]);
  }
  merger.close();
  return hash;
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
function byHeap(runs: readonly SortedRun[], offsets: readonly Float64Array[], replaces: boolean): number {
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
  let hash = 0;
  for (let top = heap.peek(); top; top = heap.peek()) {
    hash = fold(hash, top.id, top.row);
    const ends = ++top.row === top.times.length;
    if (ends || !replaces) heap.pop();
    if (ends) continue;
    top.time = top.times[top.row];
    if (replaces) heap.replace(top);
    else heap.push(top);
  }
  return hash;
}
