import type { LoadArrow } from "../arrow/library.ts";
import type { SequenceSource, TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { mapLimited } from "../util/map_limited.ts";
import { didYouMean } from "../util/nearest.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { reopened, withCurrent } from "../reopen.ts";
import { compareNames, topicName } from "../names.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { toNs } from "../timestamp.ts";
import { type Extent, totals } from "../util/totals.ts";
import {
  type AttachmentInfo,
  type Metadata,
  MIN_NS,
  type SequenceInfo,
  type SequenceState,
  type SessionInfo,
  type TimestampNs,
  type TopicInfo,
  type TopicSchema,
  type Window,
} from "../types.ts";
import {
  type AskedField,
  askedFields,
  type ColumnFields,
  type ColumnName,
  planFields,
} from "./columns/column_fields.ts";
import { ColumnStreamer } from "./columns/column_streamer.ts";
import { type ColumnPlan, columnPlan } from "./columns/gather_block.ts";
import { FollowedBlocks } from "./merge/followed_blocks.ts";
import { latchedBlock, type LatchedTopic, latchedTopics } from "./latched.ts";
import { type LatestRow, latestRow } from "./latest_at.ts";
import { type Message, messageTopic, RowMessage } from "./merge/message.ts";
import { ResumingBlocks } from "./merge/resuming_blocks.ts";
import { type BlockUse, type RowBlock, RowBlocks, type TopicRuns } from "./merge/row_blocks.ts";
import { type Damage, SalvagedSequence } from "./salvaged_sequence.ts";
import { SequenceStreamer } from "./sequence_streamer.ts";
import { activityOf } from "./statistics/activity.ts";
import { statsFields, statsOf } from "./statistics/stats.ts";
import {
  type Activity,
  ACTIVITY_OPTIONS,
  type ActivityOptions,
  STATS_OPTIONS,
  type StatsOptions,
  type TopicStats,
} from "./statistics/statistics_options.ts";
import { TimeBuckets } from "./statistics/time_buckets.ts";
import { type BlockSource, bufferedBytes, STREAM_OPTIONS, type StreamOptions } from "./streamer.ts";
import type { SyncFields, SyncOptions } from "./sync/sync_options.ts";
import { SyncStreamer } from "./sync/sync_streamer.ts";
import { timeWindow } from "./time_window.ts";
import { TopicHandler } from "./topic_handler.ts";

/** Topics that are opened or looked into at a time. */
const TOPICS_AT_A_TIME = 32;

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
   * where a topic never came, OUT_OF_ORDER for a late message without `onLate`. Not over `http:`.
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

/** Options of {@linkcode SequenceHandler.getColumnStreamer}. */
export interface SequenceColumnOptions<F extends ColumnFields = ColumnFields> extends StreamOptions {
  /** The fields to read. With none of them there are times and topics alone. */
  fields: F;
  /** Names of the topics whose rows to read. @default those that have one of the fields; all where none is asked for */
  topics?: readonly string[];
}

/** Options of {@linkcode SequenceHandler.latestAt}. */
export interface LatestOptions {
  /** Names of the topics to look into. @default all */
  topics?: readonly string[];
  /** Stops it. */
  signal?: AbortSignal;
}

const SEQUENCE_STREAM_OPTIONS: OptionNames<SequenceStreamOptions> = {
  ...STREAM_OPTIONS,
  topics: true,
  latched: true,
  follow: true,
  onLate: true,
};
const COLUMN_OPTIONS: OptionNames<SequenceColumnOptions> = { ...STREAM_OPTIONS, fields: true, topics: true };
const LATEST_OPTIONS: OptionNames<LatestOptions> = { topics: true, signal: true };

/**
 * A sequence open for reading: what it holds, and streams of its messages. Several streams may run side by side. It shows
 * the sequence as it was when it was opened. Made by `client.sequenceHandler`.
 */
export class SequenceHandler implements AsyncDisposable {
  readonly #source: SequenceSource;
  readonly #engine: Engine;
  readonly #loadArrow: LoadArrow;
  /** Names of the topics of `#namesOf`. */
  #names: ReadonlySet<string> = new Set();
  #namesOf: readonly TopicInfo[] | undefined;
  /** What its topics were at the last look, while it is recorded. */
  #grown: readonly TopicInfo[] | undefined;
  /** Topics are opened once, when first needed. */
  readonly #opened = new Map<string, Promise<TopicSource>>();

  /** @internal Use `client.sequenceHandler`. */
  constructor(source: SequenceSource, engine: Engine, loadArrow: LoadArrow) {
    this.#source = source;
    this.#engine = engine;
    this.#loadArrow = loadArrow;
  }

  /** @internal Decodes and orders; compresses what is made of it. */
  get engine(): Engine {
    return this.#engine;
  }

  /** @internal What is whole of a sequence that is damaged; `onDamage` hears of what is passed over. */
  async salvaging(onDamage: (damage: Damage) => void): Promise<SequenceHandler> {
    return new SequenceHandler(
      await SalvagedSequence.open(this.#source, onDamage),
      this.#engine,
      this.#loadArrow,
    );
  }

  /** @internal Whether it can be streamed once, while it comes; what is told of it grows. */
  get isOneShot(): boolean {
    return this.#source.isOneShot ?? false;
  }

  /** @internal What is known of a topic's columns. NOT_FOUND, CORRUPT. */
  async topicSchema(name: string): Promise<TopicSchema> {
    return (await this.topicSource(name)).schema;
  }

  /** @internal A topic's stored batches. NOT_FOUND, CORRUPT. */
  async topicSource(name: string): Promise<TopicSource> {
    return await this.#open(this.#known(name));
  }

  /** The sequence's name. */
  get name(): string {
    return this.#source.info.name;
  }

  /** All that its manifest tells. */
  get info(): SequenceInfo {
    return this.#source.info;
  }

  /** Whether it was finalized, or failed, or was recovered. */
  get state(): SequenceState {
    return this.#source.info.state;
  }

  /** Facts given to it. */
  get metadata(): Metadata {
    return this.#source.info.metadata;
  }

  /** When it was created. */
  get created(): Date {
    return this.#source.info.created;
  }

  /** Stretches of writing, oldest first. */
  get sessions(): readonly SessionInfo[] {
    return this.#source.info.sessions;
  }

  /** Its topics, in ASCII order of their names. */
  get topics(): readonly TopicInfo[] {
    return this.#source.info.topics;
  }

  /** Messages in all topics. */
  get rowCount(): number {
    return totals(this.topics).rowCount;
  }

  /** Time of the first message of all, in nanoseconds; undefined where there is none. */
  get firstNs(): bigint | undefined {
    return totals(this.topics).firstNs;
  }

  /** Time of the last message of all, inclusive, in nanoseconds; undefined where there is none. */
  get lastNs(): bigint | undefined {
    return totals(this.topics).lastNs;
  }

  /** Bytes stored in all topics. */
  get sizeBytes(): number {
    return totals(this.topics).sizeBytes;
  }

  /** Files kept beside the topics. */
  get attachments(): readonly AttachmentInfo[] {
    return this.#source.info.attachments;
  }

  /** The bytes of one of {@linkcode attachments}. CORRUPT where they are not what was attached. */
  readAttachment(attachment: AttachmentInfo): Promise<Uint8Array> {
    return this.#source.readAttachment(attachment);
  }

  /**
   * Opens one topic. NOT_FOUND, INVALID_NAME, CORRUPT. In a handler that was opened to follow what is being recorded, also one
   * that is still written: its series tell of all that was flushed by then, all else of what was flushed when it was opened.
   */
  async topicHandler(name: string): Promise<TopicHandler> {
    if (this.#source.soFar) await this.#lookAgain("");
    return new TopicHandler(
      this.name,
      await this.#open(this.#known(name)),
      this.#engine,
      this.#loadArrow,
    );
  }

  /**
   * Streams the messages of all topics, or of those named, in strict time order. Reads nothing until it is asked.
   *
   * NOT_FOUND where a topic is not there; reading rejects with it where a key's field is not, and with INVALID_ARGUMENT where
   * that is none for a key. RangeError where `startNs` is after `endNs`, a bound is outside int64, or `maxBufferedBytes` is
   * not above 0; TypeError for other options that make no sense.
   */
  getDataStreamer(options: SequenceStreamOptions = {}): SequenceStreamer {
    const tried = `Cannot stream sequence "${this.name}"`;
    checkOptions(options, SEQUENCE_STREAM_OPTIONS, tried);
    const { signal } = options;
    const maxBytes = bufferedBytes(options);
    const window = timeWindow(options, `Cannot stream sequence "${this.name}"`);
    if (options.follow || this.isOneShot) return this.#follow(options, window, maxBytes);
    this.#checkEnded(tried, "follow: true");
    const names = this.#chosen(options.topics);
    const known = (name: string) => this.#known(name);
    const latched = window.firstNs === MIN_NS ? [] : latchedTopics(options.latched ?? [], known, tried);
    const open = async () => {
      const held = await this.#openAll(latched.map(({ topic }) => topic), signal);
      const first = await latchedBlock(
        this.name,
        held.map((source, i) => ({ source, by: latched[i].by })),
        window.firstNs - 1n,
        maxBytes,
        signal,
      );
      return await this.#openBlocks(names, window, maxBytes, signal, first);
    };
    const fields = async () => {
      const all = new Set([...names, ...latched.map(({ topic }) => topic)]);
      const sources = await this.#openAll([...all].sort(compareNames), signal);
      return new Map(sources.map(({ info, schema }) => [info.name, schema.fields]));
    };
    return new SequenceStreamer(open, fields, this.#loadArrow, signal);
  }

  /**
   * Streams fields of several topics as columns in strict time order: times, the topic of each row, and a typed array a
   * field. A field is given by its path in all topics that have it, and is missing in the rows of others; or by a name of
   * your own, with a topic and a path. All arrays are copies. Reads nothing until it is asked.
   *
   * NOT_FOUND where a topic is not there; reading rejects with it where no topic has a field, and with INVALID_ARGUMENT where a
   * field is of different types in different topics. RangeError and TypeError as {@linkcode getDataStreamer}, LOCKED
   * where it was being recorded when it was opened.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * const columns = handler.getColumnStreamer({
   *   fields: { lat: { topic: "gps/front", field: "position.x" }, yaw_rate: "angular_velocity.z" },
   * });
   * for await (const block of columns) {
   *   console.log(block.length, block.timestampNs[0], block.numbers("lat").values, block.columns.yaw_rate.validity);
   * }
   * ```
   */
  getColumnStreamer<const F extends ColumnFields>(
    options: SequenceColumnOptions<F>,
  ): ColumnStreamer<ColumnName<F>> {
    const tried = `Cannot stream columns of sequence "${this.name}"`;
    checkOptions<SequenceColumnOptions>(options, COLUMN_OPTIONS, tried);
    const { signal } = options;
    const asked = askedFields(options.fields, this.name, tried);
    const maxBytes = bufferedBytes(options);
    const window = timeWindow(options, tried);
    this.#checkEnded(tried, "getDataStreamer with follow: true");
    const named = asked.map(({ topic }) => topic).filter((topic) => topic !== undefined);
    for (const topic of named) this.#known(topic);
    const given = options.topics && this.#chosen(options.topics);
    const stray = given && named.find((topic) => !given.includes(topic));
    if (stray !== undefined) {
      throw new TypeError(`${tried}: a field is of topic "${stray}", which is none of topics`);
    }
    // Topics that have none of the fields are not looked into where that is known.
    const areNamed = asked.length > 0 && named.length === asked.length;
    const names = given ?? this.#chosen(areNamed ? named : undefined);
    let plan: Promise<ColumnPlan> | undefined;
    const planOnce = () => plan ??= this.#planColumns(names, asked, given !== undefined, signal);
    const open = async () => {
      const { topics } = await planOnce();
      return await this.#openBlocks(topics, window, maxBytes, signal, undefined, "copies");
    };
    const fields = () => Promise.resolve(new Map());
    return new ColumnStreamer(new SequenceStreamer(open, fields, this.#loadArrow, signal), planOnce);
  }

  /**
   * For each topic, or each of those named, the last message at or before a time: what was known then. In ASCII order of
   * the names; topics without such a message are left out. Goes by the index and reads a batch or two of each topic,
   * however long the recording is.
   *
   * NOT_FOUND where a topic is not there. RangeError where the time is outside int64. CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * const known = await handler.latestAt(1_700_000_000_000_000_000n, { topics: ["gps/front"] });
   * console.log(known.get("gps/front")?.timestampNs);
   * ```
   */
  async latestAt(timeNs: TimestampNs, options: LatestOptions = {}): Promise<Map<string, Message>> {
    const tried = `Cannot look into sequence "${this.name}"`;
    checkOptions(options, LATEST_OPTIONS, tried);
    const ns = toNs(timeNs, "timeNs", tried);
    const rows = await this.#latest(this.#chosen(options.topics), ns, options.signal);
    return new Map(rows.map(({ batch, row }) => [batch.name, new RowMessage(batch, row)]));
  }

  /**
   * About how many messages each topic has over time, as a strip above a plot shows it. Goes by the index alone and reads no
   * batch: where one lies across the edge of a bucket, its messages are taken to be spread evenly over its time.
   * {@linkcode TopicHandler.countRows} counts exactly. Over Flight all messages are read, and counted exactly. Of what is
   * being recorded, in a handler that was opened to follow it, it tells what was flushed so far, and reads that once.
   *
   * NOT_FOUND where a topic is not there. RangeError where `buckets` is no whole number from 1 to 1,000,000, `startNs` is
   * after `endNs`, or a bound is outside int64. CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * const { startNs, stepNs, topics } = await handler.activity({ buckets: 10 });
   * for (const [topic, counts] of topics) console.log(topic, startNs, stepNs, counts);
   * ```
   */
  async activity(options: ActivityOptions): Promise<Activity> {
    const tried = `Cannot tell the activity of sequence "${this.name}"`;
    checkOptions(options, ACTIVITY_OPTIONS, tried);
    const { signal } = options;
    await this.#lookAgain(tried, signal);
    const names = this.#chosen(options.topics);
    const buckets = TimeBuckets.of(options.buckets, options, this.#extentOf(names), tried);
    const counts = await this.#ofEach(names, signal, (source) => activityOf(source, buckets, signal));
    const { startNs, stepNs } = buckets;
    return { startNs, stepNs, topics: new Map(names.map((name, i) => [name, counts[i]])) };
  }

  /**
   * What is known of all messages of each topic: how many there are, and the smallest and largest value of numeric fields that
   * are not in lists. Goes by the bounds that the store keeps of each batch, and reads only batches that have none: small
   * ones, and what other programs wrote. Over Flight all messages are read. Of what is being recorded, in a handler that was
   * opened to follow it, it tells what was flushed so far.
   *
   * By topic, in ASCII order of the names. NOT_FOUND where a topic is not there, or no topic has one of `fields` as a numeric
   * one. CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * for (const [topic, { count, fields }] of await handler.stats()) {
   *   for (const [path, { min, max }] of fields) console.log(topic, count, path, min, max);
   * }
   * ```
   */
  async stats(options: StatsOptions = {}): Promise<Map<string, TopicStats>> {
    const tried = `Cannot tell statistics of sequence "${this.name}"`;
    checkOptions(options, STATS_OPTIONS, tried);
    const { signal } = options;
    await this.#lookAgain(tried, signal);
    const names = this.#chosen(options.topics);
    const sources = await this.#openAll(names, signal);
    const fields = statsFields(sources.map(({ schema }) => schema.fields), options.fields, this.name, tried);
    const stats = await this.#ofEach(names, signal, (source, i) => statsOf(source, fields[i], signal));
    return new Map(names.map((name, i) => [name, stats[i]]));
  }

  /**
   * Brings fields of several topics onto one clock: rows at a period, or at the messages of one topic. Rows come as
   * objects, or as Arrow columns. What value a field has at a tick is told by {@linkcode SyncPolicy}.
   *
   * TypeError and RangeError for options that make no sense. Reading rejects with NOT_FOUND where a topic or field is not
   * there, INVALID_ARGUMENT where a line is wanted through what is no number, RangeError where a clock with a period meets a
   * stretch without messages that is too long (`maxGapNs`), CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * const rows = handler.getSyncStreamer({
   *   periodNs: 10_000_000n,
   *   fields: {
   *     latitude: { topic: "gps/front", field: "position.x", policy: "linear" },
   *     yaw_rate: { topic: "imu", field: "angular_velocity.z" },
   *   },
   * });
   * for await (const { timestampNs, values } of rows) console.log(timestampNs, values.latitude, values.yaw_rate);
   * ```
   */
  getSyncStreamer<const F extends SyncFields>(options: SyncOptions<F>): SyncStreamer<F> {
    const open = async (name: string) => {
      const source = await this.#open(this.#known(name));
      return { handler: new TopicHandler(this.name, source, this.#engine, this.#loadArrow), source };
    };
    return new SyncStreamer(this.name, open, this.#loadArrow, options);
  }

  /** Finds fields in topics, and which of these are to be read. NOT_FOUND, INVALID_ARGUMENT, CORRUPT. */
  async #planColumns(
    names: readonly string[],
    asked: readonly AskedField[],
    areChosen: boolean,
    signal: AbortSignal | undefined,
  ): Promise<ColumnPlan> {
    const sources = await this.#openAll(names, signal);
    const topics = sources.map(({ info, schema }) => ({ name: info.name, fields: schema.fields }));
    const fields = await planFields(asked, topics, this.name);
    const isRead = (name: string) =>
      areChosen || fields.length === 0 || fields.some(({ paths }) => paths.has(name));
    return columnPlan(names.filter(isRead), fields, true);
  }

  /** The rows of topics in a window, `first` before them. */
  async #openBlocks(
    names: readonly string[],
    window: Window,
    maxBytes: number,
    signal: AbortSignal | undefined,
    first?: RowBlock,
    use: BlockUse = "messages",
  ): Promise<BlockSource> {
    let sources = await this.#openAll(names, signal);
    const blocksOf = async (part: Window, before?: RowBlock) => {
      const slice = new TimeSlice();
      const topics: TopicRuns[] = [];
      for (const source of sources) {
        await slice.pause();
        const topic = messageTopic(this.name, source.info.name, source.schema);
        topics.push({ topic, source: source.runs(part, signal, { mayReuse: use === "copies" }) });
      }
      return new RowBlocks(this.#engine, topics, maxBytes, before, use);
    };
    const reopen = async () => {
      sources = await Promise.all(sources.map(reopened));
      for (const source of sources) this.#opened.set(source.info.name, Promise.resolve(source));
    };
    return new ResumingBlocks(await blocksOf(window, first), window, blocksOf, reopen);
  }

  /** Opens all topics anew where it is being recorded and followed: there may be more in them. LOCKED as {@linkcode #checkEnded}. */
  async #lookAgain(tried: string, signal?: AbortSignal): Promise<void> {
    const { soFar } = this.#source;
    if (!soFar) return this.#checkEnded(tried, "follow: true");
    const topics = await soFar(signal);
    this.#grown = topics.map(({ info }) => info);
    this.#opened.clear();
    for (const topic of topics) this.#opened.set(topic.info.name, Promise.resolve(topic));
  }

  /** LOCKED where it was being recorded. */
  #checkEnded(tried: string, wanted?: string): void {
    if (this.state !== "recording") return;
    throw new SmaltiError(
      "LOCKED",
      `${tried}: it was being recorded when it was opened${wanted === undefined ? "" : `; wanted ${wanted}`}`,
      { sequence: this.name },
    );
  }

  #follow(
    { topics, latched, onLate, signal }: SequenceStreamOptions,
    window: Window,
    maxBytes: number,
  ): SequenceStreamer {
    const { name: sequence } = this;
    if (latched) {
      throw new TypeError(`Cannot follow sequence "${sequence}" with latched topics: wanted one of the two`);
    }
    const names = topics && new Set(topics.map((name) => topicName(name, sequence)));
    const request = { sequence, names, window, maxBytes, onLate, givesLate: this.isOneShot, signal };
    let blocks: FollowedBlocks | undefined;
    const open = () =>
      Promise.resolve(blocks = new FollowedBlocks(this.#source.follow(), this.#engine, request));
    const fields = () => Promise.resolve(blocks?.fields ?? new Map());
    return new SequenceStreamer(open, fields, this.#loadArrow, signal);
  }

  async #latest(
    names: readonly string[],
    ns: bigint,
    signal: AbortSignal | undefined,
  ): Promise<LatestRow[]> {
    const rows = await mapLimited(names, TOPICS_AT_A_TIME, async (name) => {
      signal?.throwIfAborted();
      return await latestRow(this.name, await this.#open(name), ns, signal);
    });
    return rows.filter((row) => row !== undefined);
  }

  /** Names of topics, all unless some are given, once each and in order. */
  #chosen(names: readonly string[] = this.#infos.map(({ name }) => name)): string[] {
    return [...new Set(names.map((name) => this.#known(name)))].sort(compareNames);
  }

  /** Nothing is held open between streams; here for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** A topic's name as the manifest has it. */
  #known(name: string): string {
    const topic = topicName(name, this.name);
    if (this.#infos !== this.#namesOf) {
      this.#namesOf = this.#infos;
      this.#names = new Set(this.#infos.map(({ name }) => name));
    }
    if (this.#names.has(topic)) return topic;
    const names = [...this.#names];
    const some = names.length > 8
      ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`
      : names.join(", ");
    throw new SmaltiError(
      "NOT_FOUND",
      `No topic "${topic}" in sequence "${this.name}"; it has ${some || "none"}${didYouMean(topic, names)}`,
      { sequence: this.name, topic },
    );
  }

  /** The time from the first to the last message of some topics. */
  #extentOf(names: readonly string[]): Extent {
    const chosen = new Set(names);
    return totals(this.#infos.filter(({ name }) => chosen.has(name)));
  }

  /** Its topics, also those that are being recorded where that was looked into. */
  get #infos(): readonly TopicInfo[] {
    return this.#grown ?? this.topics;
  }

  /** What is made of each of some topics, in their order. */
  #ofEach<R>(
    names: readonly string[],
    signal: AbortSignal | undefined,
    action: (source: TopicSource, i: number) => Promise<R>,
  ): Promise<R[]> {
    return mapLimited([...names.entries()], TOPICS_AT_A_TIME, async ([i, name]) => {
      signal?.throwIfAborted();
      return await withCurrent(await this.#open(name), (source) => action(source, i));
    });
  }

  #openAll(topics: readonly string[], signal: AbortSignal | undefined): Promise<TopicSource[]> {
    return mapLimited(topics, TOPICS_AT_A_TIME, (name) => {
      signal?.throwIfAborted();
      return this.#open(name);
    });
  }

  #open(topic: string): Promise<TopicSource> {
    let source = this.#opened.get(topic);
    if (!source) {
      source = this.#source.openTopic(topic);
      this.#opened.set(topic, source);
      // What failed may succeed another time.
      source.catch(() => this.#opened.delete(topic));
    }
    return source;
  }
}
