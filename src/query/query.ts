/**
 * Which topics of which sequences a query matches. The query is the body of Mosaico's `query` action:
 *
 *     { sequence: { name, created_at_ns, user_metadata: { "dotted.path" } },
 *       topic: { name, created_at_ns, ontology_tag, serialization_format, user_metadata },
 *       ontology: { "<tag>.<field>" } }
 *
 * with `{"$op": operand}` at each leaf and "and" between all. A topic's name begins with a `/` there.
 *
 * @module
 */
import type { BatchBounds } from "../arrow/bounds.ts";
import { type Backend, failureOfOne, type SequenceSource, type TopicSource } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { withCurrent } from "../reopen.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { QueryHit, QueryObject, QueryValue, SequenceInfo, TopicInfo, Window } from "../types.ts";
import { walkRuns } from "../walk/walk_runs.ts";
import { parseConditions, pathsOf, refusal } from "./condition.ts";
import { parseMetadataFilter } from "./metadata_filter.ts";
import { parseRowFilters, type RowFilter, type RowSpan, type TableFilter } from "./row_filter.ts";

/** A query, checked. */
export interface Query {
  readonly sequence: (info: SequenceInfo) => boolean;
  readonly topic: (info: TopicInfo) => boolean;
  /** One for each ontology that is asked for; a sequence must have rows for all of them. */
  readonly rows: readonly RowFilter[];
  /** Whether nothing is asked for: then nothing matches. */
  readonly isEmpty: boolean;
}

/** Rows between two looks at the time. */
const SLICE_ROWS = 4096;

type Fact<T> = (info: T) => string | bigint;

const SEQUENCE_FACTS: Readonly<Record<string, Fact<SequenceInfo>>> = {
  name: ({ name }) => name,
  created_at_ns: ({ created }) => nsOf(created),
};

const TOPIC_FACTS: Readonly<Record<string, Fact<TopicInfo>>> = {
  name: ({ name }) => `/${name}`,
  created_at_ns: ({ created }) => nsOf(created),
  ontology_tag: ({ ontologyTag }) => ontologyTag,
  serialization_format: ({ serializationFormat }) => serializationFormat,
};

/** A query out of its body. INVALID_ARGUMENT, which names the condition. */
export function parseQuery(body: QueryObject): Query {
  const stray = Object.keys(body).find((key) => !["sequence", "topic", "ontology"].includes(key));
  if (stray !== undefined) throw refusal(stray, "wanted sequence, topic or ontology");
  const [sequence, topic, ontology] = [body.sequence, body.topic, body.ontology].map((part, i) =>
    objectOf(part ?? {}, ["sequence", "topic", "ontology"][i])
  );
  return {
    sequence: parseFacts("sequence", sequence, SEQUENCE_FACTS),
    topic: parseFacts("topic", topic, TOPIC_FACTS),
    rows: parseRowFilters(ontology),
    isEmpty: [sequence, topic, ontology].every((part) => Object.keys(part).length === 0),
  };
}

/** An object, or INVALID_ARGUMENT. */
export function objectOf(value: QueryValue, path: string): QueryObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as QueryObject;
  throw refusal(path, "it is no object, wanted conditions by path");
}

function parseFacts<T extends SequenceInfo | TopicInfo>(
  where: string,
  conditions: QueryObject,
  facts: Readonly<Record<string, Fact<T>>>,
): (info: T) => boolean {
  const tests = pathsOf(where, conditions).map(([key, given]): (info: T) => boolean => {
    const path = `${where}.${key}`;
    if (key === "user_metadata") {
      const filter = parseMetadataFilter(path, objectOf(given, path));
      return ({ metadata }) => filter(metadata);
    }
    if (!Object.hasOwn(facts, key)) {
      throw refusal(path, `wanted one of ${Object.keys(facts).join(", ")}, user_metadata`);
    }
    const all = parseConditions(path, given);
    const wanted = key === "created_at_ns" ? "number" : "text";
    const stray = all.find(({ kind }) => kind !== wanted);
    if (stray) throw refusal(path, `its ${stray.operator} compares with a ${stray.kind}, wanted a ${wanted}`);
    return (info) => all.every(({ test }) => test(facts[key](info)));
  });
  return (info) => tests.every((test) => test(info));
}

function nsOf(date: Date): bigint {
  return BigInt(date.getTime()) * 1_000_000n;
}

/** Options of {@linkcode answerQuery}. */
export interface AnswerOptions {
  signal?: AbortSignal | undefined;
  /** Hears of each sequence, or topic of one, that could not be read: the query goes on without it. */
  onError?: ((sequence: string, error: SmaltiError) => void) | undefined;
}

/**
 * Answers a query, sequence by sequence in ASCII order: by manifests, then by the bounds of batches. Rows are read only
 * where neither tells, one batch at a time, up to the first that matches. Sequences that are being recorded have no topics yet.
 */
export async function* answerQuery(
  backend: Backend,
  query: Query,
  options: AnswerOptions = {},
): AsyncGenerator<QueryHit, void, undefined> {
  if (query.isEmpty) return;
  const slice = new TimeSlice();
  for (const name of await backend.listSequences()) {
    await slice.pause();
    options.signal?.throwIfAborted();
    const hit = await unlessUnread(name, options, () => matchSequence(backend, query, name, options, slice));
    if (hit && hit.topics.length > 0) yield hit;
  }
}

async function matchSequence(
  backend: Backend,
  { sequence, topic, rows }: Query,
  name: string,
  options: AnswerOptions,
  slice: TimeSlice,
): Promise<QueryHit | undefined> {
  const info = await backend.readInfo(name);
  if (!sequence(info)) return undefined;
  const candidates = info.topics.filter(topic);
  if (rows.length === 0) return { sequence: name, topics: candidates.map(hitOf) };
  const byTag = rows.map((filter) => candidates.filter(({ ontologyTag }) => ontologyTag === filter.tag));
  // Before anything is opened.
  if (byTag.some((topics) => topics.length === 0)) return undefined;
  const source = await backend.openSequence(name);
  const found = new Set<string>();
  for (const [i, filter] of rows.entries()) {
    const before = found.size;
    for (const topic of byTag[i]) {
      await slice.pause();
      if (
        await unlessUnread(name, options, () => hasRow(source, topic.name, filter, slice, options.signal))
      ) {
        found.add(topic.name);
      }
    }
    if (found.size === before) return undefined;
  }
  return { sequence: name, topics: candidates.filter(({ name }) => found.has(name)).map(hitOf) };
}

function hitOf({ name, ontologyTag }: TopicInfo): QueryHit["topics"][number] {
  return { name, ontologyTag };
}

async function hasRow(
  source: SequenceSource,
  name: string,
  filter: RowFilter,
  slice: TimeSlice,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return await withCurrent(await source.openTopic(name), (topic) => anyMatches(topic, filter, slice, signal));
}

async function anyMatches(
  topic: TopicSource,
  filter: RowFilter,
  slice: TimeSlice,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let table: TableFilter;
  try {
    table = filter.bind(topic.schema.fields);
  } catch (reason) {
    // Tables of one tag may differ: this one has not what is asked for.
    if (reason instanceof SmaltiError && reason.code === "INVALID_ARGUMENT") return false;
    throw reason;
  }
  const bounds = await boundsFor(topic, table, signal);
  for (let batch = 0; batch < (bounds?.batches ?? 0); batch++) {
    await slice.pause();
    signal?.throwIfAborted();
    if (table.judge(bounds!, batch) === "some") return true;
  }
  for await (const times of matchingTimes(topic, table, { bounds, window: table.window, slice, signal })) {
    if (times.length > 0) return true;
  }
  return false;
}

/** A topic's bounds where they tell a filter anything. */
export async function boundsFor(
  topic: TopicSource,
  { boundedPaths }: TableFilter,
  signal: AbortSignal | undefined,
): Promise<BatchBounds | undefined> {
  return boundedPaths.length > 0 ? await topic.readBounds?.(signal) : undefined;
}

/** Where {@linkcode matchingTimes} looks. */
export interface MatchOptions {
  bounds: BatchBounds | undefined;
  window: Window;
  signal: AbortSignal | undefined;
  slice?: TimeSlice;
}

/** Times of the rows that match, batch by batch; each sorted, but batches overlap where rows came late. */
export async function* matchingTimes(
  topic: TopicSource,
  filter: TableFilter,
  { bounds, window, signal, slice = new TimeSlice() }: MatchOptions,
): AsyncGenerator<bigint[], void, undefined> {
  const spans = bounds && await wantedRows(topic, filter, bounds, { window, signal, slice });
  const isWanted = (batch: number) => !spans || spans.has(batch);
  const { paths } = filter;
  const runs = topic.runs(window, signal, { isWanted, mayReuse: true, keepsAmong: 1, paths });
  for await (const run of walkRuns(runs, { slice, signal })) {
    const { batchNumber, batch: { table, times, rows }, from, to } = run;
    const found: bigint[] = [];
    for (const [first, end] of spans?.get(batchNumber) ?? [[0, rows] as const]) {
      for (let row = Math.max(from, first); row < Math.min(to, end); row++) {
        if (row % SLICE_ROWS === 0) await slice.pause();
        if (filter.matches(table, row)) found.push(times[row]);
      }
    }
    if (run.keep) run.keep();
    else run.batch.giveBack();
    yield found;
  }
}

/** Which batches of a window may hold rows that match, and where in them, by what the store knows of their columns. */
async function wantedRows(
  topic: TopicSource,
  filter: TableFilter,
  bounds: BatchBounds,
  { window, signal, slice }: Omit<MatchOptions, "bounds"> & { slice: TimeSlice },
): Promise<ReadonlyMap<number, readonly RowSpan[]>> {
  const { rows, firstNs, lastNs } = topic.index!;
  const spans = new Map<number, readonly RowSpan[]>();
  for (let batch = 0; batch < bounds.batches; batch++) {
    await slice.pause();
    if (firstNs[batch] > window.lastNs || lastNs[batch] < window.firstNs) continue;
    if (filter.judge(bounds, batch) !== "none") spans.set(batch, [[0, rows[batch]]]);
  }
  const detail = spans.size > 0 ? await topic.readDetail?.(filter.boundedPaths, signal) : undefined;
  for (const batch of detail ? [...spans.keys()] : []) {
    await slice.pause();
    const within = filter.spans(detail!, batch, rows[batch]);
    if (within.length > 0) spans.set(batch, within);
    else spans.delete(batch);
  }
  return spans;
}

/**
 * Undefined where a sequence went away meanwhile or its rows cannot be read yet, and where it cannot be read at all, which is
 * told.
 */
async function unlessUnread<T>(
  sequence: string,
  { signal, onError }: AnswerOptions,
  action: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await action();
  } catch (reason) {
    signal?.throwIfAborted();
    const error = failureOfOne(reason);
    if (!error) throw reason;
    if (error.code !== "NOT_FOUND" && error.code !== "LOCKED") onError?.(sequence, error);
    return undefined;
  }
}
