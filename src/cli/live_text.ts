import type { SequenceInfo, TopicInfo } from "../types.ts";
import { printable } from "./printable.ts";

/** Where a sequence stands, also one that more is added to; `gone` is said of what a writer left that died. */
export function stateText({ state, live }: SequenceInfo, gone: string = "writer gone"): string {
  if (!live) return printable(state);
  const now = state === "recording" ? state : `${printable(state)}, recording`;
  return live.writer === "gone" ? `${now} (${gone})` : now;
}

/** Topics that were committed, and those that are being recorded as far as they were flushed. */
export function allTopics({ topics, live }: SequenceInfo): readonly TopicInfo[] {
  return live ? [...topics, ...live.topics] : topics;
}
