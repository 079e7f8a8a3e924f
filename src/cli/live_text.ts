import type { SequenceInfo, TopicInfo } from "../types.ts";
import { printable } from "./printable.ts";

/** Where a sequence stands, also one that more is added to. */
export function stateText({ state, live }: SequenceInfo): string {
  if (!live) return printable(state);
  const rest = live.writer === "gone" ? "writer gone" : "recording";
  if (state !== "recording") return `${printable(state)}, ${rest}`;
  return live.writer === "gone" ? `recording, ${rest}` : "recording";
}

/** Topics that were committed, and those that are being recorded as far as they were flushed. */
export function allTopics({ topics, live }: SequenceInfo): readonly TopicInfo[] {
  return live ? [...topics, ...live.topics] : topics;
}
