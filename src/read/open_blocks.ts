import type { RunOptions, TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import type { Window } from "../types.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { messageTopic } from "./merge/message.ts";
import { ResumingBlocks } from "./merge/resuming_blocks.ts";
import type { BlockUse, RowBlock } from "./merge/row_block.ts";
import { RowBlocks, type TopicRuns } from "./merge/row_blocks.ts";
import type { BlockSource } from "./streamer.ts";

/** Which rows to give, and how. */
export interface BlockRequest {
  readonly sequence: string;
  readonly engine: Engine;
  readonly window: Window;
  /** Bound on what is held at a time; see {@linkcode RowBlocks}. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** Rows before those of the window. */
  readonly first?: RowBlock | undefined;
  /** What is done with the blocks. @default "messages" */
  readonly use?: BlockUse;
  /** The columns of a topic that are touched, as in {@linkcode RunOptions}. @default all */
  readonly paths?: (topic: string) => RunOptions["paths"];
  /** Gives buffers of what an engine picks. @default fresh ones */
  readonly allocate?: ((bytes: number) => ArrayBuffer) | undefined;
  /** Whether to go backwards. @default false */
  readonly reverse?: boolean | undefined;
}

/** The rows of topics, in the order of their names; `reopen` gives the topics once more where files were written anew. */
export async function openBlocks(
  topics: readonly TopicSource[],
  { sequence, engine, window, maxBytes, signal, first, use, paths, allocate, reverse = false }: BlockRequest,
  reopen: (topics: readonly TopicSource[]) => Promise<readonly TopicSource[]>,
): Promise<BlockSource> {
  const options: RunOptions = { mayReuse: use === "copies", keepsAmong: topics.length, reverse };
  const blocksOf = async (part: Window, before?: RowBlock) => {
    const slice = new TimeSlice();
    const runs: TopicRuns[] = [];
    for (const source of topics) {
      await slice.pause();
      const topic = messageTopic(sequence, source.info.name, source.schema);
      runs.push({
        topic,
        source: source.runs(part, signal, { ...options, paths: paths?.(source.info.name) }),
      });
    }
    if (reverse) runs.reverse();
    return new RowBlocks(engine, runs, maxBytes, before, use, reverse, allocate);
  };
  const renew = async () => {
    topics = await reopen(topics);
  };
  const blocks = await blocksOf(window, first);
  return new ResumingBlocks(blocks, window, blocksOf, renew, undefined, reverse);
}
