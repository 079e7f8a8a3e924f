import type { Run, RunSource } from "../backend.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { type AheadRoom, ReadAhead } from "./read_ahead.ts";

/** Bytes of batches that one walk reads ahead at most: two requests of those that are dear. */
const AHEAD_BYTES = 16 * 2 ** 20;

/**
 * The batches of one topic as they come, each opened when it is asked for, while those after it are being read: as a replay
 * reads ahead. The walk ends with the loop, however that ends. Errors as {@linkcode RunSource.open}.
 *
 * @param signal Ends it between two batches too.
 */
export async function* walkRuns(
  runs: RunSource,
  { signal, slice = new TimeSlice() }: { signal?: AbortSignal | undefined; slice?: TimeSlice } = {},
): AsyncGenerator<Run, void, undefined> {
  const ahead = new ReadAhead([runs], new WalkRoom());
  try {
    while (runs.nextNs !== undefined) {
      await slice.pause();
      signal?.throwIfAborted();
      // What is needed at once comes by the same request as what follows it.
      if (ahead.isShared(0)) ahead.fill([0]);
      ahead.take(0);
      const run = await runs.open();
      // While the caller is busy with the batch.
      ahead.fill([0]);
      if (run) yield run;
    }
  } finally {
    runs.close();
  }
}

/** The room of one walk, which holds nothing but what is read ahead. */
class WalkRoom implements AheadRoom {
  readonly maxBytes = AHEAD_BYTES;
  readonly maxAheadBytes = AHEAD_BYTES;
  #bytes = 0;

  /** One batch more is always read. */
  hasPlenty(bytes: number): boolean {
    return this.#bytes === 0 || this.hasRoomAhead(bytes);
  }

  hasRoomAhead(bytes: number): boolean {
    return this.#bytes + bytes <= AHEAD_BYTES;
  }

  addAhead(bytes: number): void {
    this.#bytes += bytes;
  }

  removeAhead(bytes: number): void {
    this.#bytes -= bytes;
  }
}
