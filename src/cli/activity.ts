/**
 * How a topic's messages spread over time, as a line of blocks.
 *
 * @module
 */
import type { TopicHandler } from "../read/topic_handler.ts";

/** Characters of a bar. */
const BINS = 20;
const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/** Topics with more rows are not counted: that would read their files. */
const MAX_ROWS = 1_000_000;

/**
 * A character for each twentieth of the time from a topic's first message to its last: a block as high as the count
 * against the highest, a space for none. Empty without messages, `░` throughout where they are too many to be counted.
 */
export async function activityBar(topic: TopicHandler, signal: AbortSignal): Promise<string> {
  if (topic.rowCount === 0) return "";
  if (topic.rowCount > MAX_ROWS) return "░".repeat(BINS);
  return drawBar(await countRows(topic, signal));
}

/** Counts as blocks. */
export function drawBar(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts.map((count) => count === 0 ? " " : BLOCKS[Math.ceil(count / most * BLOCKS.length) - 1]).join(
    "",
  );
}

async function countRows(topic: TopicHandler, signal: AbortSignal): Promise<number[]> {
  const counts = new Array<number>(BINS).fill(0);
  const { firstNs = 0n, lastNs = 0n } = topic;
  const nsPerBin = Number(lastNs - firstNs) / BINS;
  for await (const block of topic.getDataStreamer({ signal }).batches()) {
    for (const { timestampNs } of block) {
      const bin = nsPerBin > 0 ? Math.floor(Number(timestampNs - firstNs) / nsPerBin) : 0;
      // The last message is the end of the last bin; damaged times may lie anywhere.
      counts[Math.min(BINS - 1, Math.max(0, bin))]++;
    }
  }
  return counts;
}
