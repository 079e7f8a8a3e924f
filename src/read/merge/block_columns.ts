import type { Columns } from "../../arrow/columns.ts";
import { take } from "../../arrow/take.ts";
import type { TopicBatch } from "./message.ts";
import type { RowBlock } from "./row_block.ts";

/** The rows of one topic in a block as columns, in order. */
export interface BlockColumns {
  readonly topic: string;
  readonly columns: Columns;
}

/** The rows of one topic: `count` of them, each a row of one of the sources. */
interface Part {
  readonly topic: string;
  readonly sources: TopicBatch[];
  count: number;
  order: Int32Array;
  rows: Int32Array;
}

/**
 * The columns of a block's rows, topic by topic in the order of first appearance; copies, but for numbers that lie in one
 * batch side by side. The batches of one topic are decompressed together: TOO_LARGE where that passes the bound on what the
 * replay holds.
 */
export function blockColumns(block: RowBlock): BlockColumns[] {
  return partsOf(block).map(({ topic, sources, count, order, rows }) => {
    const picks = { sources: order.subarray(0, count), rows: rows.subarray(0, count) };
    for (const source of sources) source.inUse = true;
    try {
      return { topic, columns: take(sources.map(({ batch }) => batch.table), picks) };
    } finally {
      for (const source of sources) source.inUse = false;
    }
  });
}

function partsOf({ runs, rows, length, batches }: RowBlock): Part[] {
  const parts = new Map<string, Part>();
  /** By run: the part of its topic, and which of that part's sources it is. */
  const partOf: (Part | undefined)[] = [];
  const sourceOf: number[] = [];
  for (let i = 0; i < length; i++) {
    const run = runs[i];
    let part = partOf[run];
    if (!part) {
      const batch = batches[run]!;
      part = parts.get(batch.name);
      if (!part) {
        part = {
          topic: batch.name,
          sources: [],
          count: 0,
          order: new Int32Array(64),
          rows: new Int32Array(64),
        };
        parts.set(batch.name, part);
      }
      partOf[run] = part;
      sourceOf[run] = part.sources.length;
      part.sources.push(batch);
    }
    if (part.count === part.rows.length) {
      part.order = larger(part.order, length);
      part.rows = larger(part.rows, length);
    }
    part.order[part.count] = sourceOf[run];
    part.rows[part.count++] = rows[i];
  }
  return [...parts.values()];
}

/** The same numbers with room for four times as many, or for `most`. */
function larger(numbers: Int32Array, most: number): Int32Array {
  const copy = new Int32Array(Math.min(4 * numbers.length, most));
  copy.set(numbers);
  return copy;
}
