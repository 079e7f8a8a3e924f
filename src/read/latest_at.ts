import type { TopicSource } from "../backend.ts";
import { withCurrent } from "../reopen.ts";
import { mapLimited } from "../util/map_limited.ts";
import type { OptionNames } from "../util/options.ts";
import { askedFields } from "./columns/column_fields.ts";
import { type Message, messageTopic, RowMessage, TopicBatch } from "./merge/message.ts";
import type { RowBlock } from "./merge/row_block.ts";
import { TOPICS_AT_A_TIME } from "./open_topics.ts";
import { PickedFields } from "./picked_fields.ts";

/** Options of {@linkcode SequenceHandler.latestAt}. */
export interface LatestOptions {
  /** Names of the topics to look into. Of what is being recorded some may not be there yet. @default all */
  topics?: readonly string[];
  /**
   * Paths of fields, such as `position.x`, of each topic that has them: messages have no others, and topics without any are
   * left out. @default all fields
   */
  fields?: readonly string[];
  /** Stops it. */
  signal?: AbortSignal;
}

export const LATEST_OPTIONS: OptionNames<LatestOptions> = { topics: true, fields: true, signal: true };

/** A topic's last row at or before a time. */
export interface LatestRow {
  readonly batch: TopicBatch;
  readonly row: number;
}

/** The last row of a topic, in time order, at or before a time, in a batch of one's own; undefined where there is none. */
export async function latestRow(
  sequence: string,
  source: TopicSource,
  ns: bigint,
  signal?: AbortSignal,
): Promise<LatestRow | undefined> {
  signal?.throwIfAborted();
  const found = await withCurrent(source, (source) => source.latest(ns, signal));
  if (!found) return undefined;
  const topic = messageTopic(sequence, source.info.name, source.schema);
  return { batch: new TopicBatch(topic, found.batch.share()), row: found.row };
}

/** The last message of a topic, in time order, at or before a time; undefined where there is none. Of its fields those picked. */
export async function latestMessage(
  sequence: string,
  source: TopicSource,
  ns: bigint,
  picked: PickedFields | undefined,
  signal: AbortSignal | undefined,
): Promise<Message | undefined> {
  const schema = picked ? picked.schemaOf(source.schema) : source.schema;
  if (!schema) return undefined;
  signal?.throwIfAborted();
  const found = await withCurrent(source, (source) => source.latest(ns, signal));
  if (!found) return undefined;
  // The batch as it is kept at hand, so that what is decompressed of it is there for the next who asks.
  const batch = new TopicBatch(messageTopic(sequence, source.info.name, schema), found.batch);
  if (picked) batch.columns = picked.columnsOf(batch.columns);
  return new RowMessage(batch, found.row);
}

/** The paths that an option asks for. TypeError where they are no paths. */
export function latestFields(
  { fields }: Pick<LatestOptions, "fields">,
  sequence: string,
  tried: string,
): string[] | undefined {
  if (fields === undefined) return undefined;
  if (Array.isArray(fields)) return askedFields(fields, sequence, tried).map(({ path }) => path);
  throw new TypeError(`${tried}: fields is ${String(fields)}, wanted a list of paths`);
}

/** What to look for. */
export interface LatestRequest {
  readonly sequence: string;
  readonly ns: bigint;
  readonly fields: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The last message of each of some topics, by its name; topics without one are left out. NOT_FOUND where none has a field. */
export async function latestMessages(
  topics: readonly TopicSource[],
  { sequence, ns, fields, signal }: LatestRequest,
): Promise<Map<string, Message>> {
  const picked = fields && PickedFields.of(fields, topics, sequence);
  const found = await mapLimited(topics, TOPICS_AT_A_TIME, async (source) => {
    return await latestMessage(sequence, source, ns, picked, signal);
  });
  return new Map(found.filter((message) => message !== undefined).map((message) => [message.topic, message]));
}

/**
 * Rows, given in the order of their topics' names and within a topic in that of its rows, as a block in time order; undefined
 * where there are none. A batch is one run of it, however many of its rows there are.
 */
export function latestBlock(rows: readonly LatestRow[]): RowBlock | undefined {
  if (rows.length === 0) return undefined;
  const time = ({ batch, row }: LatestRow) => batch.times[row];
  const sorted = [...rows].sort((a, b) => time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0);
  const batches = [...new Set(sorted.map(({ batch }) => batch))];
  const runOf = new Map(batches.map((batch, run) => [batch, run]));
  return {
    runs: Int32Array.from(sorted, ({ batch }) => runOf.get(batch)!),
    rows: Int32Array.from(sorted, ({ row }) => row),
    length: sorted.length,
    batches,
  };
}
