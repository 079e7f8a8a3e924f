import type { Run, TopicSource } from "../../backend.ts";
import type { Window } from "../../types.ts";
import { walkRuns } from "../../walk/walk_runs.ts";

/** Walks of one topic side by side at most: on one after another a server's answers are waited for, batch by batch. */
const MAX_WALKS = 3;

/**
 * Opens the batches of a window, only those that are wanted, in no order that matters, and of them the columns at paths.
 * `action` keeps nothing of them: their bytes are used again. Where several are damaged, the error is of the first of them.
 */
export async function readBatches(
  source: TopicSource,
  paths: readonly (readonly number[])[],
  window: Window,
  isWanted: (batchNumber: number) => boolean,
  action: (run: Run) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const walks = parts(source, window, isWanted);
  const walk = async (isWanted: (batchNumber: number) => boolean) => {
    const keepsAmong = walks.length;
    const runs = source.runs(window, signal, { isWanted, mayReuse: true, keepsAmong, paths });
    for await (const run of walkRuns(runs)) {
      if (!isWanted(run.batchNumber)) continue;
      action(run);
      if (run.keep) run.keep();
      else run.batch.giveBack();
    }
  };
  const ends = await Promise.allSettled(walks.map(walk));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Which batches each walk opens: about as many, one after another in the file. */
function parts(
  { index }: TopicSource,
  { firstNs, lastNs }: Window,
  isWanted: (batchNumber: number) => boolean,
): ((batchNumber: number) => boolean)[] {
  if (!index) return [isWanted];
  const wanted: number[] = [];
  for (let batch = 0; batch < index.rows.length; batch++) {
    if (index.firstNs[batch] > lastNs || index.lastNs[batch] < firstNs || !isWanted(batch)) continue;
    wanted.push(batch);
  }
  const count = Math.max(1, Math.min(MAX_WALKS, wanted.length >> 1));
  return Array.from({ length: count }, (_, i) => {
    const own = new Set(
      wanted.slice(Math.round(i * wanted.length / count), Math.round((i + 1) * wanted.length / count)),
    );
    return (batch: number) => own.has(batch);
  });
}
