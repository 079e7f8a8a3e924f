/**
 * Fields of several topics as columns: which topics are read for them, and the stream.
 *
 * @module
 */
import type { LoadArrow } from "../../arrow/library.ts";
import type { Engine } from "../../engine.ts";
import type { SequenceInfo, Window } from "../../types.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { limiter } from "../merge/limited_blocks.ts";
import { openBlocks } from "../open_blocks.ts";
import { checkEnded, type OpenTopics } from "../open_topics.ts";
import { SequenceStreamer } from "../sequence_streamer.ts";
import { type BlockSource, bufferedBytes, STREAM_OPTIONS, type StreamOptions } from "../streamer.ts";
import { timeWindow } from "../time_window.ts";
import { type AskedField, askedFields, type ColumnFields, planFields } from "./column_fields.ts";
import { ColumnStreamer } from "./column_streamer.ts";
import { type ColumnPlan, columnPlan, wantedPaths } from "./gather_block.ts";
import { ReusedBuffers } from "./reused_buffers.ts";

/** Options of {@linkcode SequenceHandler.getColumnStreamer}. */
export interface SequenceColumnOptions<F extends ColumnFields = ColumnFields> extends StreamOptions {
  /** The fields to read. With none of them there are times and topics alone. */
  fields: F;
  /** Names of the topics whose rows to read. @default those that have one of the fields; all where none is asked for */
  topics?: readonly string[];
  /** Whether the arrays of a block are used again for the next one; see {@linkcode ColumnStreamer}. @default false */
  reuse?: boolean;
}

const COLUMN_OPTIONS: OptionNames<SequenceColumnOptions> = {
  ...STREAM_OPTIONS,
  fields: true,
  topics: true,
  reuse: true,
};

/** The options, checked. */
export interface ColumnRequest {
  readonly sequence: string;
  readonly asked: readonly AskedField[];
  /** Topics that may have the fields. */
  readonly names: readonly string[];
  /** Whether all of them are to be read. */
  readonly areChosen: boolean;
  readonly window: Window;
  readonly maxBytes: number;
  readonly limited: (rows: BlockSource) => BlockSource;
  readonly signal: AbortSignal | undefined;
  readonly reverse: boolean | undefined;
  /** Set where arrays are used again. */
  readonly buffers: ReusedBuffers | undefined;
}

/** Checks options. TypeError, RangeError; LOCKED for what is being recorded; NOT_FOUND where a topic is not there. */
export function columnRequest(
  options: SequenceColumnOptions,
  info: SequenceInfo,
  topics: OpenTopics,
): ColumnRequest {
  const sequence = info.name;
  const tried = `Cannot stream columns of sequence "${sequence}"`;
  checkOptions<SequenceColumnOptions>(options, COLUMN_OPTIONS, tried);
  const asked = askedFields(options.fields, sequence, tried);
  const maxBytes = bufferedBytes(options);
  const window = timeWindow(options, tried);
  const limited = limiter(options, tried);
  checkEnded(info, tried, "getDataStreamer with follow: true");
  const named = asked.map(({ topic }) => topic).filter((topic) => topic !== undefined);
  for (const topic of named) topics.known(topic);
  const given = options.topics && topics.chosen(options.topics);
  const stray = given && named.find((topic) => !given.includes(topic));
  if (stray !== undefined) {
    throw new TypeError(`${tried}: a field is of topic "${stray}", which is none of topics`);
  }
  // Topics that have none of the fields are not looked into where that is known.
  const areNamed = asked.length > 0 && named.length === asked.length;
  const names = given ?? topics.chosen(areNamed ? named : undefined);
  return {
    sequence,
    asked,
    names,
    areChosen: given !== undefined,
    window,
    maxBytes,
    limited,
    signal: options.signal,
    reverse: options.reverse,
    buffers: options.reuse ? new ReusedBuffers() : undefined,
  };
}

/** Streams the columns. */
export function columnStreamer<N extends string>(
  request: ColumnRequest,
  topics: OpenTopics,
  engine: Engine,
  loadArrow: LoadArrow,
): ColumnStreamer<N> {
  const { sequence, window, maxBytes, limited, signal, reverse, buffers } = request;
  let plan: Promise<ColumnPlan> | undefined;
  const planOnce = () => plan ??= planColumns(request, topics);
  const open = async () => {
    const plan = await planOnce();
    const sources = await topics.openAll(plan.topics, signal);
    const paths = (topic: string) => wantedPaths(plan, topic);
    const allocate = buffers?.take;
    const blocks = {
      sequence,
      engine,
      window,
      maxBytes,
      signal,
      use: "copies" as const,
      paths,
      allocate,
      reverse,
    };
    return limited(await openBlocks(sources, blocks, (sources) => topics.reopenAll(sources)));
  };
  const fields = () => Promise.resolve(new Map());
  return new ColumnStreamer(new SequenceStreamer(open, fields, loadArrow, signal), planOnce, buffers);
}

/** Finds fields in topics, and which of these are to be read. NOT_FOUND, INVALID_ARGUMENT, CORRUPT. */
async function planColumns(
  { sequence, asked, names, areChosen, signal, buffers }: ColumnRequest,
  topics: OpenTopics,
): Promise<ColumnPlan> {
  const sources = await topics.openAll(names, signal);
  const all = sources.map(({ info, schema }) => ({ name: info.name, fields: schema.fields }));
  const fields = await planFields(asked, all, sequence);
  const isRead = (name: string) =>
    areChosen || fields.length === 0 || fields.some(({ paths }) => paths.has(name));
  return columnPlan(names.filter(isRead), fields, buffers === undefined, buffers);
}
