/**
 * The way that a pose has gone.
 *
 * @module
 */
import { formatReference } from "../data/expression/reference.ts";
import type { ColumnsAnswer, TopicSummary } from "../data/protocol.ts";
import { lastAtOrBefore } from "../draw/align.ts";
import { fieldsOfKind } from "./fields.ts";
import type { ShownRecording } from "./panel.ts";
import { isTold } from "./parts.ts";

/** Rows of it that are drawn. */
const POINTS = 20_000;

/** Places, and when it was there. */
export interface GonePath {
  /** Seconds, ascending. */
  readonly x: Float64Array;
  /** x, y, z of each. */
  readonly points: Float32Array<ArrayBuffer>;
}

/** Reads it. Undefined where the topic has no places, or nobody wants it any more; throws what went wrong, in words. */
export async function readPath(
  { client, info }: ShownRecording,
  topic: TopicSummary,
  panel: number,
  signal: AbortSignal,
): Promise<GonePath | undefined> {
  const numbers = new Set(
    fieldsOfKind(topic, "number").map(({ path }) => path),
  );
  const prefix = ["pose.pose.position", "pose.position", "position"].find((
    path,
  ) => numbers.has(`${path}.x`));
  const { firstNs, lastNs } = info;
  if (prefix === undefined || firstNs === undefined || lastNs === undefined) {
    return undefined;
  }
  const columns = ["x", "y", "z"].map((axis) => formatReference(topic.name, `${prefix}.${axis}`));
  const request = {
    topic: topic.name,
    columns,
    fromNs: firstNs,
    toNs: lastNs + 1n,
    points: POINTS,
  };
  const { value, error } = await client.ask("columns", panel, request, {
    signal,
  });
  if (isTold(error)) throw new Error(error.message);
  return value && finite(value);
}

/** Which of the places are in a window of seconds, with the one before it. */
export function placesWithin(
  { x }: GonePath,
  from: number,
  to: number,
): { first: number; count: number } {
  const first = Math.max(0, lastAtOrBefore(x, from));
  return { first, count: Math.max(0, lastAtOrBefore(x, to) - first + 1) };
}

function finite({ x, columns }: ColumnsAnswer): GonePath {
  const kept = [...x.keys()].filter((i) => columns.every((column) => Number.isFinite(column[i])));
  return {
    x: Float64Array.from(kept, (i) => x[i]),
    points: Float32Array.from(
      kept.flatMap((i) => columns.map((column) => column[i])),
    ),
  };
}
