/**
 * When conditions held: stretches of time in which rows of a topic match, and what those of several topics share.
 *
 * @module
 */
import type { TopicSource } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { Window } from "../types.ts";
import { boundsFor, matchingTimes } from "./query.ts";
import type { RowFilter } from "./row_filter.ts";

/** A stretch of time, from the first to the last row that matches, both inclusive. */
export interface Cluster {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Partial results that an intersection holds at most. */
const MOST_CLUSTERS = 1_000_000;
/** Steps of an intersection between two looks at the time. */
const SLICE_STEPS = 1024;

/**
 * The clusters of a topic's rows that match, in time order. Rows at most `gapNs` apart share one; with 0 all of them do.
 * INVALID_ARGUMENT where the topic has not what the filter is about.
 */
export async function clusterize(
  topic: TopicSource,
  filter: RowFilter,
  options: { gapNs: bigint; window: Window; signal?: AbortSignal | undefined },
): Promise<Cluster[]> {
  const { gapNs, window: { firstNs, lastNs }, signal } = options;
  const table = filter.bind(topic.schema.fields);
  const window = {
    firstNs: firstNs > table.window.firstNs ? firstNs : table.window.firstNs,
    lastNs: lastNs < table.window.lastNs ? lastNs : table.window.lastNs,
  };
  const bounds = await boundsFor(topic, table, signal);
  const found: Cluster[] = [];
  for await (const times of matchingTimes(topic, table, { bounds, window, signal })) {
    for (const cluster of join(times.map((ns) => ({ startNs: ns, endNs: ns })), gapNs)) found.push(cluster);
    if (found.length > MOST_CLUSTERS) throw tooMany();
  }
  // Clusters of overlapping batches come together as single rows do: within one no gap is wider than `gapNs`.
  return join(found, gapNs);
}

/** Makes clusters that are near enough one. */
function join(clusters: Cluster[], gapNs: bigint): Cluster[] {
  clusters.sort((a, b) => a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0);
  const joined: Cluster[] = [];
  for (const cluster of clusters) {
    const last = joined.at(-1);
    if (!last || (gapNs > 0n && cluster.startNs - last.endNs > gapNs)) joined.push(cluster);
    else if (cluster.endNs > last.endNs) joined[joined.length - 1] = { ...last, endNs: cluster.endNs };
  }
  return joined;
}

/**
 * What clusters of several topics share, in time order: for each choice of one of every topic with
 * `latest start <= earliest end + toleranceNs` the time from the one to the other. Each list is in time order and its
 * clusters do not touch.
 */
export async function intersect(
  topics: readonly (readonly Cluster[])[],
  toleranceNs: bigint,
  signal?: AbortSignal,
): Promise<Cluster[]> {
  // Start may be after end, within the tolerance.
  let shared: readonly Cluster[] = topics[0];
  const slice = new TimeSlice();
  let steps = 0;
  for (const clusters of topics.slice(1)) {
    const next = new Map<string, Cluster>();
    for (const { startNs, endNs } of shared) {
      for (let i = firstEndingAt(clusters, startNs - toleranceNs); i < clusters.length; i++) {
        const other = clusters[i];
        if (++steps % SLICE_STEPS === 0) {
          await slice.pause();
          signal?.throwIfAborted();
        }
        if (other.startNs > endNs + toleranceNs) break;
        const both = {
          startNs: other.startNs > startNs ? other.startNs : startNs,
          endNs: other.endNs < endNs ? other.endNs : endNs,
        };
        next.set(`${both.startNs} ${both.endNs}`, both);
        if (next.size > MOST_CLUSTERS) throw tooMany();
      }
    }
    shared = [...next.values()];
  }
  return shared
    .map(({ startNs, endNs }) => startNs <= endNs ? { startNs, endNs } : { startNs: endNs, endNs: startNs })
    .sort((a, b) => compare(a.startNs, b.startNs) || compare(a.endNs, b.endNs));
}

/** The first cluster that ends at a time or after it. */
function firstEndingAt(clusters: readonly Cluster[], ns: bigint): number {
  let [low, high] = [0, clusters.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (clusters[middle].endNs < ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function tooMany(): SmaltiError {
  return new SmaltiError(
    "TOO_LARGE",
    `More than ${MOST_CLUSTERS} clusters: wanted a wider gap or a smaller window`,
  );
}
