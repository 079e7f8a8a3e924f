/** The time-order merge alone, over shapes of recordings: the engine's, heap-js on numbers, a scan of all heads. */
import { Heap } from "heap-js";
import { createJsEngine } from "../src/engine/js.ts";
import { type Case, check, compare } from "./compare.ts";
import { shapes, type SortedRun } from "./data.ts";

const ROWS = 1_000_000;
const BLOCK_ROWS = 4096;
/** A scan over more runs than this would take minutes. */
const MAX_SCANNED = 20;

const engine = createJsEngine();

await compare(
  shapes.flatMap(({ name, create }): Case[] => {
    const runs = create(ROWS);
    const count = runs.reduce((sum, run) => sum + run.times.length, 0);
    const offsets = toOffsets(runs);
    const wanted = byHeap(runs, offsets);
    const rival = `${name}/heap-js`;
    const equal = (
      merge: (
        runs: readonly SortedRun[],
        offsets: readonly Float64Array[],
      ) => number,
    ) =>
    () => check("order", merge(runs, offsets), wanted);
    return [
      { name: rival, count, run: equal(byHeap) },
      ...(runs.length <= MAX_SCANNED ? [{ name: `${name}/scan`, count, rival, run: equal(byScan) }] : []),
      { name: `${name}/smalti js`, count, rival, run: equal(byEngine) },
    ];
  }),
  3,
);

/** Folds the next row into what stands for an order: another order gives another number. */
function fold(hash: number, run: number, row: number): number {
  return (Math.imul(hash, 31) + Math.imul(run, 7919) + row) | 0;
}

function byEngine(runs: readonly SortedRun[]): number {
  const merger = engine.createMerger();
  runs.forEach(({ topic, batch, times }, id) => merger.add(id, topic, batch, times, 0, times.length));
  const [ids, rows] = [new Int32Array(BLOCK_ROWS), new Int32Array(BLOCK_ROWS)];
  let hash = 0;
  for (let count = 1; count > 0;) {
    count = merger.fill(2n ** 63n - 1n, ids, rows);
    for (let i = 0; i < count; i++) hash = fold(hash, ids[i], rows[i]);
  }
  return hash;
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
  const base = runs.reduce(
    (least, { times }) => (times[0] < least ? times[0] : least),
    runs[0].times[0],
  );
  return runs.map(({ times }) => Float64Array.from(times, (time) => Number(time - base)));
}

function cursors(
  runs: readonly SortedRun[],
  offsets: readonly Float64Array[],
): Cursor[] {
  return runs.map(({ topic, batch }, id) => {
    return {
      id,
      topic,
      batch,
      row: 0,
      time: offsets[id][0],
      times: offsets[id],
    };
  });
}

function order(a: Cursor, b: Cursor): number {
  return a.time - b.time || a.topic - b.topic || a.batch - b.batch;
}

function byHeap(
  runs: readonly SortedRun[],
  offsets: readonly Float64Array[],
): number {
  const heap = new Heap<Cursor>(order);
  heap.init(cursors(runs, offsets));
  let hash = 0;
  for (let top = heap.peek(); top; top = heap.peek()) {
    hash = fold(hash, top.id, top.row);
    if (++top.row === top.times.length) heap.pop();
    else {
      top.time = top.times[top.row];
      heap.replace(top);
    }
  }
  return hash;
}

function byScan(
  runs: readonly SortedRun[],
  offsets: readonly Float64Array[],
): number {
  const live = cursors(runs, offsets);
  let hash = 0;
  while (live.length > 0) {
    let least = 0;
    for (let i = 1; i < live.length; i++) {
      if (order(live[i], live[least]) < 0) least = i;
    }
    const top = live[least];
    hash = fold(hash, top.id, top.row);
    if (++top.row === top.times.length) live.splice(least, 1);
    else top.time = top.times[top.row];
  }
  return hash;
}
