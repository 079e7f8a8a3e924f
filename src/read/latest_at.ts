import type { TopicSource } from "../backend.ts";
import { messageTopic, TopicBatch } from "./merge/message.ts";
import { withCurrent } from "../reopen.ts";
import type { RowBlock } from "./merge/row_blocks.ts";

/** A topic's last row at or before a time. */
export interface LatestRow {
  readonly batch: TopicBatch;
  readonly row: number;
}

/** The last row of a topic, in time order, at or before a time; undefined where there is none. */
export async function latestRow(
  sequence: string,
  source: TopicSource,
  ns: bigint,
  signal?: AbortSignal,
): Promise<LatestRow | undefined> {
  signal?.throwIfAborted();
  const found = await withCurrent(source, (source) => source.latest(ns, signal));
  if (!found) return undefined;
  const topic = messageTopic(sequence, source.info.name, source.schema);
  return { batch: new TopicBatch(topic, found.batch), row: found.row };
}

/**
 * Rows, given in the order of their topics' names and within a topic in that of its rows, as a block in time order; undefined
 * where there are none. A batch is one run of it, however many of its rows there are.
 */
export function latestBlock(rows: readonly LatestRow[]): RowBlock | undefined {
  if (rows.length === 0) return undefined;
  const time = ({ batch, row }: LatestRow) => batch.times[row];
  const sorted = [...rows].sort((a, b) => time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0);
  const batches = [...new Set(sorted.map(({ batch }) => batch))];
  const runOf = new Map(batches.map((batch, run) => [batch, run]));
  return {
    runs: Int32Array.from(sorted, ({ batch }) => runOf.get(batch)!),
    rows: Int32Array.from(sorted, ({ row }) => row),
    length: sorted.length,
    batches,
  };
}
