import type { Columns } from "../../arrow/columns.ts";
import { take } from "../../arrow/take.ts";
import type { RowBlock } from "./row_blocks.ts";

/** The rows of one topic in a block as columns, in order. */
export interface BlockColumns {
  readonly topic: string;
  readonly columns: Columns;
}

/**
 * The columns of a block's rows, topic by topic in the order of first appearance; copies. The batches of one topic are
 * decompressed together: TOO_LARGE where that passes the bound on what the replay holds.
 */
export function blockColumns(block: RowBlock): BlockColumns[] {
  const { runs, rows, length, batches } = block;
  const parts = new Map<
    string,
    {
      sources: number[];
      sourceOf: Map<number, number>;
      rows: number[];
      order: number[];
    }
  >();
  for (let i = 0; i < length; i++) {
    const { name } = batches[runs[i]]!.topic;
    let part = parts.get(name);
    if (!part) {
      parts.set(
        name,
        part = { sources: [], sourceOf: new Map(), rows: [], order: [] },
      );
    }
    let source = part.sourceOf.get(runs[i]);
    if (source === undefined) {
      source = part.sources.length;
      part.sourceOf.set(runs[i], source);
      part.sources.push(runs[i]);
    }
    part.order.push(source);
    part.rows.push(rows[i]);
  }
  return [...parts].map(([topic, part]) => {
    const sources = part.sources.map((run) => batches[run]!);
    const picks = { sources: Int32Array.from(part.order), rows: Int32Array.from(part.rows) };
    for (const source of sources) source.inUse = true;
    try {
      return { topic, columns: take(sources.map(({ batch }) => batch.table), picks) };
    } finally {
      for (const source of sources) source.inUse = false;
    }
  });
}
