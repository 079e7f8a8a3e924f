import type { StoredBatches } from "../backend.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import { SmaltiError } from "../error.ts";
import { MAX_PART } from "../names.ts";
import type { QueryRequest } from "../query/builders.ts";
import type { TimeRange } from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { show } from "../util/show.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { TOPICS_AT_A_TIME } from "../read/open_topics.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { timeWindow } from "../read/time_window.ts";
import { balancedWindows, extentOf, type HalfOpenWindow, inclusive, windowsOf } from "./cut_windows.ts";
import type { Split, SplitTopic } from "./split.ts";

/** How large splits are: a whole sequence each, about so many bytes, or so many seconds from the sequence's first message on. */
export type SplitSize = "sequence" | { readonly bytes: number } | { readonly seconds: number };

/** Options of {@linkcode Client.splits}. */
export interface SplitOptions extends TimeRange {
  /** Names of sequences. @default all that are not being recorded */
  sequences?: readonly string[];
  /** Names of topics; those that a sequence does not have are passed over. @default all */
  topics?: readonly string[];
  /** Only sequences and topics that match. @default all do */
  query?: QueryRequest;
  /** How large they are. @default { bytes: 256 MiB } */
  by?: SplitSize;
  /** Stops it. */
  signal?: AbortSignal;
}

export const SPLIT_OPTIONS: OptionNames<SplitOptions> = {
  sequences: true,
  topics: true,
  query: true,
  by: true,
  startNs: true,
  endNs: true,
  signal: true,
};

const DEFAULT_BYTES = 256 * 2 ** 20;
const NS_PER_S = 1e9;

/** What is cut, and how. */
export interface CutRequest {
  /** Where it is, as others find it. */
  readonly store: string;
  /** Names of the topics that the sequence has of those that were asked for. */
  readonly topics: readonly string[];
  readonly options: SplitOptions;
}

/** Checks options. TypeError, RangeError. */
export function checkSplitOptions(options: SplitOptions): void {
  const tried = "Cannot cut splits";
  checkOptions(options, SPLIT_OPTIONS, tried);
  timeWindow(options, tried);
  const { by = "sequence" } = options;
  if (by === "sequence") return;
  const { bytes, seconds } = Object(by) as { bytes?: unknown; seconds?: unknown };
  const size = bytes ?? seconds;
  if ((bytes === undefined) !== (seconds === undefined) && typeof size === "number" && size > 0) return;
  throw new TypeError(`${tried}: by is ${show(by)}, wanted "sequence", { bytes } or { seconds } above 0`);
}

/** The splits of one sequence, in time order. UNSUPPORTED where a topic's file has no index by smalti, CORRUPT. */
export async function* cutSequence(
  handler: SequenceHandler,
  { store, topics, options }: CutRequest,
): AsyncGenerator<Split> {
  const { by = { bytes: DEFAULT_BYTES }, signal } = options;
  const stored = await mapLimited(topics, TOPICS_AT_A_TIME, async (name) => {
    signal?.throwIfAborted();
    return storedOf(handler, name, (await handler.topicSource(name)).stored);
  });
  const whole = clipped(extentOf(stored), options);
  if (!whole) return;
  const tried = `Cannot cut splits of sequence "${handler.name}"`;
  const windows = by === "sequence"
    ? [whole]
    : "bytes" in by
    ? balancedWindows(stored, whole, by.bytes, tried)
    : windowsOf(whole, BigInt(Math.max(1, Math.round(by.seconds * NS_PER_S))), tried);
  const slice = new TimeSlice();
  for (const window of windows) {
    await slice.pause();
    signal?.throwIfAborted();
    const parts = topics.flatMap((name, i) => partOf(name, stored[i], window) ?? []);
    if (parts.length === 0) continue;
    const batches = parts.flatMap((part) => part.batches);
    yield {
      format: "smalti-split",
      version: 1,
      name: nameOf(handler, window),
      store,
      sequence: handler.name,
      startNs: String(window.startNs),
      endNs: String(window.endNs),
      bytes: batches.reduce((sum, [, , length]) => sum + length, 0),
      rows: batches.reduce((sum, [, , , rows]) => sum + rows, 0),
      topics: parts,
    };
  }
}

/** UNSUPPORTED where it is not known where batches lie. */
export function storedOf(
  { name: sequence }: SequenceHandler,
  topic: string,
  stored: StoredBatches | undefined,
): StoredBatches {
  if (stored) return stored;
  throw new SmaltiError(
    "UNSUPPORTED",
    `Cannot cut splits of topic "${topic}" of sequence "${sequence}": wanted a store of files, ` +
      "and a file that smalti has written",
    { sequence, topic },
  );
}

/** What of an extent lies in a range; undefined where nothing does. */
function clipped(extent: HalfOpenWindow | undefined, range: TimeRange): HalfOpenWindow | undefined {
  if (!extent) return undefined;
  const { firstNs, lastNs } = timeWindow(range, "Cannot cut splits");
  const startNs = firstNs > extent.startNs ? firstNs : extent.startNs;
  const endNs = lastNs + 1n < extent.endNs ? lastNs + 1n : extent.endNs;
  return startNs < endNs ? { startNs, endNs } : undefined;
}

/** The batches of a topic that touch a window; undefined where none do. */
function partOf(name: string, stored: StoredBatches, window: HalfOpenWindow): SplitTopic | undefined {
  const { file, sizeBytes, fingerprint, firstNs, lastNs, offset, length, rows } = stored;
  const { firstNs: start, lastNs: end } = inclusive(window);
  const batches: SplitTopic["batches"][number][] = [];
  for (let batch = 0; batch < rows.length; batch++) {
    if (firstNs[batch] > end || lastNs[batch] < start) continue;
    batches.push([batch, offset[batch], length[batch], rows[batch]]);
  }
  return batches.length === 0 ? undefined : { name, file, sizeBytes, fingerprint, batches };
}

/** A name for what is made of a split: the same each time that it is cut. */
function nameOf({ name, engine }: SequenceHandler, { startNs, endNs }: HalfOpenWindow): string {
  const full = `${name}-${startNs}-${endNs}`;
  if (full.length <= MAX_PART) return full;
  const crc = hexCrc(engine.crc32(new TextEncoder().encode(full)));
  return `${full.slice(0, MAX_PART - crc.length - 1)}-${crc}`;
}
