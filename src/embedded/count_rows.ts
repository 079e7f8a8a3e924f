import type { OpenBatch } from "../arrow/stored_batch.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { lowerBound, upperBound } from "../util/times.ts";
import type { TopicIndex } from "./topic_index.ts";

/** A file whose rows are to be counted. */
interface CountedFile {
  readonly index: TopicIndex;
  keptBatch(number: number, signal?: AbortSignal): Promise<OpenBatch>;
}

/** Steps between two looks at the time. */
const SLICE_STEPS = 1024;

/** Rows in each slice of time, by the index; only batches across an edge are looked into. Edges ascend. */
export async function countRows(
  file: CountedFile,
  edgesNs: readonly bigint[],
  signal?: AbortSignal,
): Promise<number[]> {
  const { firstNs, lastNs, rows } = file.index;
  const counts = new Array<number>(Math.max(0, edgesNs.length - 1)).fill(0);
  const slice = new TimeSlice();
  let steps = 0;
  const step = async () => {
    steps = 0;
    await slice.pause();
    signal?.throwIfAborted();
  };
  for (let number = 0; number < rows.length; number++) {
    if (++steps >= SLICE_STEPS) await step();
    let times: BigInt64Array | undefined;
    for (
      // The first slice that ends after it.
      let i = Math.max(0, upperBound(edgesNs, firstNs[number]) - 1);
      i < counts.length && edgesNs[i] <= lastNs[number];
      i++
    ) {
      if (++steps >= SLICE_STEPS) await step();
      const [start, end] = [edgesNs[i], edgesNs[i + 1]];
      if (firstNs[number] >= end) continue;
      if (firstNs[number] >= start && lastNs[number] < end) {
        counts[i] += rows[number];
        continue;
      }
      if (!times) {
        await step();
        times = (await file.keptBatch(number, signal)).times;
      }
      counts[i] += lowerBound(times, end) - lowerBound(times, start);
    }
  }
  return counts;
}
