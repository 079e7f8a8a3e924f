import type { BatchTimes, TopicSource } from "../../backend.ts";
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
    share(index, batch, buckets, shares);
  }
  return shares;
}

/** Adds a batch's rows as if they were spread evenly over its time. */
function share(
  { rows, firstNs, lastNs }: BatchTimes,
  batch: number,
  buckets: TimeBuckets,
  shares: Float64Array,
): void {
  const { window } = buckets;
  const [first, last] = [firstNs[batch], lastNs[batch]];
  if (first > window.lastNs || last < window.firstNs) return;
  const whole = buckets.around(first, last);
  if (whole !== undefined) {
    shares[whole] += rows[batch];
    return;
  }
  const perNs = rows[batch] / Number(last - first + 1n);
  let from = first < window.firstNs ? window.firstNs : first;
  const end = (last > window.lastNs ? window.lastNs : last) + 1n;
  for (let bucket = buckets.of(from); from < end; bucket++) {
    const edge = buckets.endOf(bucket);
    const to = edge < end ? edge : end;
    shares[bucket] += perNs * Number(to - from);
    from = to;
  }
}
