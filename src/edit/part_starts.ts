/**
 * Where a sequence is cut: the time at which each part starts, ascending; of one without messages a single one.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { timeOf } from "../read/merge/row_block.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { MIN_NS } from "../types.ts";
import { show } from "../util/show.ts";

/** Parts at most: more is a mistaken unit, and a directory each. */
const MAX_PARTS = 10_000;

/** Slices to count the rows of at a time: a server is asked for each. */
const SLICES = 256;

/** At the given times, where there are messages up to the next. */
export async function startsAt(
  handler: SequenceHandler,
  times: readonly bigint[],
  tried: string,
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  const wrong = times.find((time) => typeof time !== "bigint");
  if (times.length === 0 || wrong !== undefined) {
    const seen = times.length === 0 ? "empty" : `one of ${show(wrong)}`;
    throw new SmaltiError("INVALID_ARGUMENT", `${tried}: at is ${seen}, wanted bigints of nanoseconds`);
  }
  const { firstNs, lastNs } = handler;
  if (firstNs === undefined || lastNs === undefined) return [MIN_NS];
  const within = [...new Set(times)].filter((time) => time > firstNs && time <= lastNs);
  const edges = [firstNs, ...within.sort((a, b) => a < b ? -1 : 1)];
  const starts: bigint[] = [];
  for (let from = 0; from < edges.length; from += SLICES) {
    for (const start of await startsOfFull(handler, edges.slice(from, from + SLICES + 1), signal)) {
      addStart(starts, start, tried);
    }
  }
  addStart(starts, edges.at(-1)!, tried);
  return starts;
}

/** Each so many nanoseconds from the first message, where there are messages. */
export async function startsByPeriod(
  handler: SequenceHandler,
  everyNs: bigint,
  tried: string,
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  if (typeof everyNs !== "bigint" || everyNs <= 0n) {
    const text = `${tried}: everyNs is ${show(everyNs)}, wanted a bigint of nanoseconds above 0`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const { firstNs, lastNs } = handler;
  if (firstNs === undefined || lastNs === undefined) return [MIN_NS];
  const startOf = (ns: bigint) => ns - (ns - firstNs) % everyNs;
  const last = startOf(lastNs);
  const starts: bigint[] = [];
  for (let from = firstNs; from < last;) {
    const edges = [from];
    while (edges.length <= SLICES && from < last) edges.push(from += everyNs);
    const full = await startsOfFull(handler, edges, signal);
    for (const start of full) addStart(starts, start, tried);
    // Years may lie between two messages.
    if (full.length === 0) from = startOf(await nextNs(handler, from, signal));
  }
  addStart(starts, last, tried);
  return starts;
}

/** The starts of those slices, from an edge to before the next, that have messages. */
async function startsOfFull(
  handler: SequenceHandler,
  edges: readonly bigint[],
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  const full = new Set<bigint>();
  for (const { name } of handler.topics) {
    const counts = await (await handler.topicHandler(name)).countRows(edges, { signal });
    counts.forEach((count, i) => count > 0 && full.add(edges[i]));
  }
  return edges.filter((start) => full.has(start));
}

/** The time of the first message at or after one that is not after the last. */
async function nextNs(handler: SequenceHandler, startNs: bigint, signal?: AbortSignal): Promise<bigint> {
  await using stream = handler.getDataStreamer({ startNs, signal });
  return (await stream.nextTimestampNs())!;
}

/** After about so many bytes, as stored, of messages. */
export async function startsBySize(
  handler: SequenceHandler,
  sizeBytes: number,
  tried: string,
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  if (!(sizeBytes > 0)) {
    const text = `${tried}: sizeBytes is ${show(sizeBytes)}, wanted a number of bytes above 0`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const bytesOfRow = new Map(handler.topics.map((topic) => [topic.name, topic.sizeBytes / topic.rowCount]));
  const starts = [handler.firstNs ?? MIN_NS];
  let bytes = 0;
  let lastNs: bigint | undefined;
  for await (const block of handler.getDataStreamer({ signal }).rowBlocks()) {
    for (let i = 0; i < block.length; i++) {
      const more = bytesOfRow.get(block.batches[block.runs[i]]!.topic.name)!;
      const ns = timeOf(block, i);
      // Messages of one time cannot be parted.
      if (bytes > 0 && bytes + more > sizeBytes && ns !== lastNs) {
        addStart(starts, ns, tried);
        bytes = 0;
      }
      bytes += more;
      lastNs = ns;
    }
  }
  return starts;
}

function addStart(starts: bigint[], ns: bigint, tried: string): void {
  if (starts.length === MAX_PARTS) {
    throw new SmaltiError("INVALID_ARGUMENT", `${tried}: it would be more than ${MAX_PARTS} parts`);
  }
  starts.push(ns);
}
