import type { Run, TopicSource } from "../../backend.ts";
import type { Window } from "../../types.ts";
import { TimeSlice } from "../../util/time_slice.ts";

/**
 * Opens the batches of a window one after another, only those that are wanted, in no order that matters, and of them the columns at
 * paths. `action` keeps nothing of them: their bytes are used again.
 */
export async function readBatches(
  source: TopicSource,
  paths: readonly (readonly number[])[],
  window: Window,
  isWanted: (batchNumber: number) => boolean,
  action: (run: Run) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const slice = new TimeSlice();
  const runs = source.runs(window, signal, { isWanted, mayReuse: true, keepsAmong: 1, paths });
  try {
    while (runs.nextNs !== undefined) {
      await slice.pause();
      const run = await runs.open();
      if (!run) continue;
      runs.prefetch();
      if (!isWanted(run.batchNumber)) continue;
      action(run);
      if (run.keep) run.keep();
      else run.batch.giveBack();
    }
  } finally {
    runs.close();
  }
}
