import type { TopicSource } from "../../backend.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { seriesOf } from "./series.ts";
import type { TimeBuckets } from "./time_buckets.ts";

/** Batches between two looks at the time. */
const SLICE_BATCHES = 4096;

/** About how many rows of a topic fall into each bucket, by its index; where there is none, the rows are counted. */
export async function activityOf(
  source: TopicSource,
  buckets: TimeBuckets,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const { index } = source;
  if (!index) return (await seriesOf(source, [], buckets, signal)).count;
  const shares = new Float64Array(buckets.length);
  const slice = new TimeSlice();
  for (let batch = 0; batch < index.rows.length; batch++) {
    if (batch % SLICE_BATCHES === 0) {
      await slice.pause();
      signal?.throwIfAborted();
    }
    buckets.share(index.rows[batch], index.firstNs[batch], index.lastNs[batch], shares);
  }
  return shares;
}
