/**
 * How a topic's messages spread over time, as a line of blocks.
 *
 * @module
 */
import type { TopicHandler } from "../read/topic_handler.ts";

/** Characters of a bar. */
const BINS = 20;
const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/**
 * A character for each twentieth of the time from a topic's first message to its last: a block as high as the count
 * against the highest, a space for none. Empty without messages.
 */
export async function activityBar(topic: TopicHandler, signal: AbortSignal): Promise<string> {
  if (topic.rowCount === 0) return "";
  const { firstNs = 0n, lastNs = 0n } = topic;
  const spanNs = lastNs - firstNs;
  // No bin but the last ends at or before the first message, so that a single one stands at the left.
  const edges = Array.from(
    { length: BINS },
    (_, i) => firstNs + (i === 0 ? 0n : spanNs * BigInt(i) / BigInt(BINS) || 1n),
  );
  edges.push(lastNs + 1n);
  return drawBar(await topic.countRows(edges, { signal }));
}

/** Counts as blocks. */
export function drawBar(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts.map((count) => count === 0 ? " " : BLOCKS[Math.ceil(count / most * BLOCKS.length) - 1]).join(
    "",
  );
}
