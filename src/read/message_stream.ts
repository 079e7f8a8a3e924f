/**
 * Streams of a sequence's messages: what may be asked for, and which rows are read for it.
 *
 * @module
 */
import type { LoadArrow } from "../arrow/library.ts";
import type { SequenceSource, TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { compareNames, topicName } from "../names.ts";
import { MIN_NS, type Window } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { type Latched, latchedBlock, type LatchedTopic, latchedTopics } from "./latched.ts";
import { FollowedBlocks } from "./merge/followed_blocks.ts";
import { limiter } from "./merge/limited_blocks.ts";
import type { Message } from "./merge/message.ts";
import { openBlocks } from "./open_blocks.ts";
import { checkEnded, type OpenTopics } from "./open_topics.ts";
import { SequenceStreamer } from "./sequence_streamer.ts";
import { type BlockSource, bufferedBytes, STREAM_OPTIONS, type StreamOptions } from "./streamer.ts";
import { timeWindow } from "./time_window.ts";

/** Options of {@linkcode SequenceHandler.getDataStreamer}. */
export interface SequenceStreamOptions extends StreamOptions {
  /** Names of the topics to stream. @default all */
  topics?: readonly string[];
  /**
   * Topics whose last message before `startNs` comes first, in time order: what holds until it is said anew. Of a topic with
   * a key (`{ topic: "tf_static", by: "child_frame_id" }`) it is the last message of each key, and each message once; all of
   * the topic before `startNs` is read for that, of its columns those of the key. 100,000 keys at most, else TOO_LARGE.
   *
   * The batches of these messages are held at first, and count in `maxBufferedBytes`. @default none
   */
  latched?: readonly (string | LatchedTopic)[];
  /**
   * Goes on with what is still being written, by this process or another: gives every message once its writer's
   * `flush`, or `autoFlush`, says that nothing before it is to come, ends when the sequence is finalized, and gives then
   * what a replay gives. A topic that is silent holds nothing up; `topics` may name some that are not there yet.
   *
   * Reading fails with UNAVAILABLE where the writer died, ABORTED where it gave the sequence up, NOT_FOUND at the end
   * where a topic never came, OUT_OF_ORDER for a late message without `onLate`. Not over a server, and not backwards.
   *
   * @default false
   */
  follow?: boolean;
  /**
   * Takes, instead of the stream, the messages that came more than the writer's `latenessNs` after newer ones of any
   * topic, when those had been given out already.
   */
  onLate?: (topic: string, message: Message) => void;
}

const SEQUENCE_STREAM_OPTIONS: OptionNames<SequenceStreamOptions> = {
  ...STREAM_OPTIONS,
  topics: true,
  latched: true,
  follow: true,
  onLate: true,
};

/** What is to be streamed of a sequence. */
interface MessageRequest {
  readonly options: SequenceStreamOptions;
  /** Whether messages are waited for. */
  readonly follows: boolean;
  /** Names of the topics, where it is known which there are. */
  readonly names: readonly string[];
  readonly latched: readonly Latched[];
  readonly window: Window;
  readonly maxBytes: number;
  readonly limited: (rows: BlockSource) => BlockSource;
}

/** Checks options. TypeError, RangeError; LOCKED for what is being recorded; NOT_FOUND where a topic is not there. */
export function messageRequest(
  options: SequenceStreamOptions,
  { info, isOneShot = false }: SequenceSource,
  topics: OpenTopics,
): MessageRequest {
  const tried = `Cannot stream sequence "${info.name}"`;
  checkOptions(options, SEQUENCE_STREAM_OPTIONS, tried);
  const maxBytes = bufferedBytes(options);
  const window = timeWindow(options, tried);
  const limited = limiter(options, tried);
  const follows = options.follow || isOneShot;
  if (options.reverse) checkReverse(options, isOneShot, tried);
  const request = { options, follows, window, maxBytes, limited, names: [], latched: [] };
  if (follows) {
    if (!options.latched) return request;
    throw new TypeError(`Cannot follow sequence "${info.name}" with latched topics: wanted one of the two`);
  }
  checkEnded(info, tried, "follow: true");
  const names = topics.chosen(options.topics);
  const known = (name: string) => topics.known(name);
  const latched = window.firstNs === MIN_NS ? [] : latchedTopics(options.latched ?? [], known, tried);
  return { ...request, names, latched };
}

/** TypeError where a stream cannot go backwards. */
function checkReverse(
  { follow, latched, onLate }: SequenceStreamOptions,
  isOneShot: boolean,
  tried: string,
): void {
  const other = Object.entries({ follow, latched, onLate }).find(([, value]) => value)?.[0];
  if (other !== undefined) {
    throw new TypeError(`${tried}: reverse and ${other} are given, wanted one of the two`);
  }
  if (isOneShot) throw new TypeError(`${tried} in reverse: it can be read once, as it comes`);
}

/** What a sequence is read by. */
interface Reading {
  readonly source: SequenceSource;
  readonly topics: OpenTopics;
  readonly engine: Engine;
  readonly loadArrow: LoadArrow;
}

/** Streams the messages. */
export function messageStreamer(request: MessageRequest, reading: Reading): SequenceStreamer {
  if (request.follows) return followingStreamer(request, reading);
  const { options: { signal, reverse }, names, latched, window, maxBytes, limited } = request;
  const { source: { info: { name: sequence } }, topics, engine, loadArrow } = reading;
  const open = async () => {
    const held = await topics.openAll(latched.map(({ topic }) => topic), signal);
    const all = held.map((source, i) => ({ source, by: latched[i].by }));
    const first = await latchedBlock(sequence, all, window.firstNs - 1n, maxBytes, signal);
    const blocks = { sequence, engine, window, maxBytes, signal, first, reverse };
    const reopen = (sources: readonly TopicSource[]) => topics.reopenAll(sources);
    return limited(await openBlocks(await topics.openAll(names, signal), blocks, reopen));
  };
  const fields = async () => {
    const all = new Set([...names, ...latched.map(({ topic }) => topic)]);
    const sources = await topics.openAll([...all].sort(compareNames), signal);
    return new Map(sources.map(({ info, schema }) => [info.name, schema.fields]));
  };
  return new SequenceStreamer(open, fields, loadArrow, signal);
}

function followingStreamer(
  { options: { topics, onLate, signal }, window, maxBytes, limited }: MessageRequest,
  { source, engine, loadArrow }: Reading,
): SequenceStreamer {
  const { info: { name: sequence }, isOneShot = false } = source;
  const names = topics && new Set(topics.map((name) => topicName(name, sequence)));
  const request = { sequence, names, window, maxBytes, onLate, givesLate: isOneShot, signal };
  let blocks: FollowedBlocks | undefined;
  const open = async () => {
    blocks = new FollowedBlocks(await source.follow(), engine, request);
    return limited(blocks);
  };
  const fields = () => Promise.resolve(blocks?.fields ?? new Map());
  return new SequenceStreamer(open, fields, loadArrow, signal);
}
