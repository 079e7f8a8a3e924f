import { secondsOf } from "../time/clock.ts";
import { checkWhole, checkWindow } from "./data_error.ts";
import type { ActivityAnswer, ActivityRequest } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** About how many messages there are over time, by the index alone. Topics that cannot be read have none. */
export async function answerActivity(
  recording: Recording,
  { bins, window, topics: wanted }: ActivityRequest,
  signal: AbortSignal,
): Promise<ActivityAnswer> {
  const buckets = checkWhole(bins, "bins", 1, 16_384);
  const { info, handler } = recording;
  const { fromNs, toNs } = window ? checkWindow(window) : wholeWindow(recording);
  const topics = info.topics
    .filter(({ name, error }) => !error && (wanted === undefined || wanted.includes(name)))
    .map(({ name }) => name);
  const activity = topics.length === 0
    ? {
      startNs: fromNs,
      stepNs: (toNs - fromNs) / BigInt(buckets) || 1n,
      topics: new Map<string, Float64Array>(),
    }
    : await handler.activity({ buckets, startNs: fromNs, endNs: toNs, topics, signal });
  return {
    from: secondsOf(activity.startNs - recording.startNs),
    step: Number(activity.stepNs) / 1e9,
    topics: [...activity.topics].map(([topic, counts]) => ({ topic, counts })),
  };
}

/** All of a recording; a moment where it has no message. */
export function wholeWindow({ info }: Recording): { fromNs: bigint; toNs: bigint } {
  const fromNs = info.firstNs ?? info.startNs;
  return { fromNs, toNs: (info.lastNs ?? fromNs) + 1n };
}
