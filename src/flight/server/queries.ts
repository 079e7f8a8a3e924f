/**
 * Actions that ask for what rows hold: `query`, `topic_filter_clusterize`, `topic_filter_intersect`.
 *
 * @module
 */
import type { Backend } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import { type Cluster, clusterize, intersect } from "../../query/clusters.ts";
import { answerQuery, parseQuery } from "../../query/query.ts";
import { parseRowFilters, type RowFilter } from "../../query/row_filter.ts";
import { MAX_NS, MIN_NS, type Window } from "../../types.ts";
import { isObject, kindOf, type WireObject, type WireValue } from "../json.ts";
import { locatorOf, parseTopicLocator } from "../locator.ts";
import { refusal, textMember, timeMember } from "./body.ts";
import { sequenceNames } from "./info.ts";

/** Topics of an intersection at most: each is read, also one that is named again. */
const MOST_TOPICS = 256;

/** What `query` answers. */
export interface QueryAnswer {
  items: { sequence: string; topics: { locator: string; ontology_tag: string }[] }[];
}

/** What `topic_filter_clusterize` and `topic_filter_intersect` answer, again and again. */
export interface ClusterAnswer {
  ts: { start_ns: bigint; end_ns: bigint };
  id: number;
}

/** Sequences and topics that match; `onError` hears of those that could not be read. INVALID_ARGUMENT names the condition. */
export async function query(
  backend: Backend,
  body: WireObject,
  signal: AbortSignal,
  onError: (reason: unknown) => void,
): Promise<QueryAnswer> {
  const items: QueryAnswer["items"] = [];
  const options = {
    signal,
    onError: (name: string, error: SmaltiError) => onError(error.at({ sequence: name })),
  };
  const parsed = parseQuery(body);
  if ((await sequenceNames(backend)).length === 0) return { items };
  for await (const { sequence, topics } of answerQuery(backend, parsed, options)) {
    items.push({
      sequence,
      topics: topics.map(({ name, ontologyTag }) => ({
        locator: locatorOf(sequence, name),
        ontology_tag: ontologyTag,
      })),
    });
  }
  return { items };
}

/** The clusters of one topic's rows that match. */
export async function clusterizeTopic(
  backend: Backend,
  body: WireObject,
  signal: AbortSignal,
): Promise<ClusterAnswer[]> {
  return numbered(await clustersOf(backend, body, "", rangeMember(body), signal));
}

/** What the clusters of several topics share. */
export async function intersectTopics(
  backend: Backend,
  body: WireObject,
  signal: AbortSignal,
): Promise<ClusterAnswer[]> {
  const { topics } = body;
  if (!Array.isArray(topics) || topics.length < 2 || topics.length > MOST_TOPICS) {
    const seen = Array.isArray(topics) ? `has ${topics.length} items` : `is ${kindOf(topics)}`;
    throw new SmaltiError("INVALID_ARGUMENT", `topics ${seen}: wanted a list of 2 to ${MOST_TOPICS} topics`);
  }
  const toleranceNs = durationMember(body, "intersect_dt_ns", "");
  const all = { firstNs: MIN_NS, lastNs: MAX_NS };
  const clusters: Cluster[][] = [];
  for (const [i, topic] of topics.entries()) {
    if (!isObject(topic)) throw refusal(`topics[${i}]`, topic, "an object");
    clusters.push(await clustersOf(backend, topic, `topics[${i}].`, all, signal));
  }
  return numbered(await intersect(clusters, toleranceNs, signal));
}

async function clustersOf(
  backend: Backend,
  body: WireObject,
  path: string,
  window: Window,
  signal: AbortSignal,
): Promise<Cluster[]> {
  const { sequence, topic } = parseTopicLocator(textMember(body, "locator"));
  const gapNs = durationMember(body, "clustering_dt_ns", path);
  const filters = filtersIn(body.ontology, `${path}ontology`);
  const source = await (await backend.openSequence(sequence)).openTopic(topic);
  const filter = filterFor(filters, source.schema.ontologyTag, `topic "${topic}" of sequence "${sequence}"`);
  return await clusterize(source, filter, { gapNs, window, signal });
}

function filtersIn(ontology: WireValue | undefined, key: string): RowFilter[] {
  if (!isObject(ontology)) throw refusal(key, ontology, "conditions");
  const filters = parseRowFilters(ontology);
  if (filters.length > 0) return filters;
  throw new SmaltiError("INVALID_ARGUMENT", `${key} is empty: wanted conditions`);
}

function filterFor(filters: readonly RowFilter[], tag: string, what: string): RowFilter {
  const other = filters.find((filter) => filter.tag !== tag);
  if (!other) return filters[0];
  const text = `Cannot cluster ${what} by conditions on "${other.tag}": its ontology is "${tag}"`;
  throw new SmaltiError("INVALID_ARGUMENT", text);
}

/** First and last time, both inclusive; without it, all. */
function rangeMember(body: WireObject): Window {
  const range = body.timestamp_range;
  if (range === undefined || range === null) return { firstNs: MIN_NS, lastNs: MAX_NS };
  if (!isObject(range)) throw refusal("timestamp_range", range, "an object");
  const firstNs = timeMember(range, "start_ns") ?? MIN_NS;
  const lastNs = timeMember(range, "end_ns") ?? MAX_NS;
  if (firstNs <= lastNs) return { firstNs, lastNs };
  const text = `timestamp_range is from ${firstNs} to ${lastNs} ns: wanted start at or before end`;
  throw new SmaltiError("INVALID_ARGUMENT", text);
}

function durationMember(body: WireObject, key: string, path: string): bigint {
  const duration = timeMember(body, key) ?? 0n;
  if (duration >= 0n) return duration;
  throw refusal(`${path}${key}`, duration, "0 or more nanoseconds");
}

function numbered(clusters: readonly Cluster[]): ClusterAnswer[] {
  return clusters.map(({ startNs, endNs }, id) => ({ ts: { start_ns: startNs, end_ns: endNs }, id }));
}
