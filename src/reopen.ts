/**
 * Files that are written anew while they are read.
 *
 * @module
 */
import type { TopicSource } from "./backend.ts";
import { isWrittenAnew } from "./store/store.ts";

/** Nobody writes a file anew so often while something is read of it. */
export const MAX_ATTEMPTS = 3;

/** A topic by the file that is there now. */
export async function reopened(source: TopicSource): Promise<TopicSource> {
  return await (source.reopen?.() ?? source);
}

/** Does something with a topic, again from the start where its file is written anew meanwhile. */
export async function withCurrent<R>(
  source: TopicSource,
  action: (source: TopicSource) => Promise<R>,
): Promise<R> {
  for (let attempt = 1;; attempt++) {
    source = source.current ?? source;
    try {
      return await action(source);
    } catch (reason) {
      if (!isWrittenAnew(reason) || attempt === MAX_ATTEMPTS) throw reason;
      source = await reopened(source);
    }
  }
}
