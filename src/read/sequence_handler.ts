import type { LoadArrow } from "../arrow/library.ts";
import type { SequenceSource, TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { topicName } from "../names.ts";
import { toNs } from "../timestamp.ts";
import type {
  AttachmentInfo,
  Metadata,
  SequenceInfo,
  SequenceState,
  SessionInfo,
  TimestampNs,
  TopicInfo,
  TopicSchema,
} from "../types.ts";
import { checkOptions } from "../util/options.ts";
import { totals } from "../util/totals.ts";
import type { ColumnFields, ColumnName } from "./columns/column_fields.ts";
import type { ColumnStreamer } from "./columns/column_streamer.ts";
import { columnRequest, columnStreamer, type SequenceColumnOptions } from "./columns/sequence_columns.ts";
import { LATEST_OPTIONS, latestFields, latestMessages, type LatestOptions } from "./latest_at.ts";
import type { Message } from "./merge/message.ts";
import { messageRequest, messageStreamer, type SequenceStreamOptions } from "./message_stream.ts";
import { OpenTopics } from "./open_topics.ts";
import { type Damage, SalvagedSequence } from "./salvaged_sequence.ts";
import type { SequenceStreamer } from "./sequence_streamer.ts";
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
import type { SyncFields, SyncOptions } from "./sync/sync_options.ts";
import { SyncStreamer } from "./sync/sync_streamer.ts";
import { TopicHandler } from "./topic_handler.ts";

/**
 * A sequence open for reading: what it holds, and streams of its messages. Several streams may run side by side. It shows
 * the sequence as it was when it was opened. Made by `client.sequenceHandler`.
 */
export class SequenceHandler implements AsyncDisposable {
  readonly #source: SequenceSource;
  readonly #engine: Engine;
  readonly #loadArrow: LoadArrow;
  readonly #topics: OpenTopics;

  /** @internal Use `client.sequenceHandler`. */
  constructor(source: SequenceSource, engine: Engine, loadArrow: LoadArrow) {
    this.#source = source;
    this.#topics = new OpenTopics(source);
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
    return await this.#topics.open(this.#topics.known(name));
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
   * that is still written: its series and `latestAt` tell of all that was flushed by then, all else of what was flushed when it was opened.
   */
  async topicHandler(name: string): Promise<TopicHandler> {
    if (this.#source.soFar) await this.#topics.lookAgain("");
    return new TopicHandler(
      this.name,
      await this.#topics.open(this.#topics.known(name)),
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
    const request = messageRequest(options, this.#source, this.#topics);
    const { engine } = this;
    return messageStreamer(request, {
      source: this.#source,
      topics: this.#topics,
      engine,
      loadArrow: this.#loadArrow,
    });
  }

  /**
   * Streams fields of several topics as columns in strict time order: times, the topic of each row, and a typed array a
   * field. A field is given by its path in all topics that have it, and is missing in the rows of others; or by a name of
   * your own, with a topic and a path. All arrays are copies unless `reuse` is set. Reads nothing until it is asked.
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
    const request = columnRequest(options, this.info, this.#topics);
    return columnStreamer(request, this.#topics, this.#engine, this.#loadArrow);
  }

  /**
   * For each topic, or each of those named, the last message at or before a time: what was known then. In ASCII order of
   * the names; topics without such a message are left out. Goes by the index and reads a batch or two of each topic,
   * however long the recording is; what it read is kept at hand, within `maxCachedBytes` of `connect`.
   *
   * Of what is being recorded (`follow: true` of `client.sequenceHandler`) it tells what was flushed by now, of all topics
   * that are there by then. The first call reads all of it, and later ones what came since.
   *
   * NOT_FOUND where a topic is not there, or no topic has one of `fields`. RangeError where the time is outside int64.
   * TypeError for other options that make no sense. CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const handler = await client.sequenceHandler("drive_log_01");
   * const known = await handler.latestAt(1_700_000_000_000_000_000n, { fields: ["position.x", "position.y"] });
   * for (const [topic, { timestampNs, data }] of known) console.log(topic, timestampNs, data.position?.x);
   * ```
   */
  async latestAt(timeNs: TimestampNs, options: LatestOptions = {}): Promise<Map<string, Message>> {
    const tried = `Cannot look into sequence "${this.name}"`;
    checkOptions(options, LATEST_OPTIONS, tried);
    const ns = toNs(timeNs, "timeNs", tried);
    const { signal } = options;
    const fields = latestFields(options, this.name, tried);
    const request = { sequence: this.name, ns, fields, signal };
    let { topics } = options;
    if (this.#source.soFar) {
      await this.#topics.lookAgain(tried, signal);
      const infos = new Set(this.#topics.infos.map(({ name }) => name));
      topics = topics?.filter((name) => infos.has(topicName(name, this.name)));
    }
    const names = this.#topics.chosen(topics);
    return await latestMessages(await this.#topics.openAll(names, signal), request);
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
    await this.#topics.lookAgain(tried, signal);
    const names = this.#topics.chosen(options.topics);
    const buckets = TimeBuckets.of(options.buckets, options, this.#topics.extentOf(names), tried);
    const counts = await this.#topics.ofEach(names, signal, (source) => activityOf(source, buckets, signal));
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
    await this.#topics.lookAgain(tried, signal);
    const names = this.#topics.chosen(options.topics);
    const sources = await this.#topics.openAll(names, signal);
    const fields = statsFields(sources.map(({ schema }) => schema.fields), options.fields, this.name, tried);
    const stats = await this.#topics.ofEach(names, signal, (source, i) => statsOf(source, fields[i], signal));
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
      const source = await this.#topics.open(this.#topics.known(name));
      return { handler: new TopicHandler(this.name, source, this.#engine, this.#loadArrow), source };
    };
    return new SyncStreamer(this.name, open, this.#loadArrow, options);
  }

  /** Lets go of what is kept at hand for it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#topics.letGo();
    return Promise.resolve();
  }
}
