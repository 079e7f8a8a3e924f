import type { LoadArrow } from "../arrow/library.ts";
import type { TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import type { SmaltiError } from "../error.ts";
import type { SerializationFormat } from "../ontology/define_ontology.ts";
import type { FieldSchema } from "../schema.ts";
import { toNs } from "../timestamp.ts";
import type { Metadata, TimestampNs, TopicInfo } from "../types.ts";
import { latestFields, latestMessages, type LatestOptions } from "./latest_at.ts";
import { limiter } from "./merge/limited_blocks.ts";
import type { Message } from "./merge/message.ts";
import { reopened, withCurrent } from "../reopen.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { type BlockRequest, openBlocks } from "./open_blocks.ts";
import { numericField } from "./statistics/numeric_field.ts";
import { seriesOf } from "./statistics/series.ts";
import { SERIES_OPTIONS, type SeriesOptions, type TopicSeries } from "./statistics/statistics_options.ts";
import { TimeBuckets } from "./statistics/time_buckets.ts";
import { askedFields, type ColumnFields, type ColumnName, planFields } from "./columns/column_fields.ts";
import { ColumnStreamer } from "./columns/column_streamer.ts";
import { type ColumnPlan, columnPlan, wantedPaths } from "./columns/gather_block.ts";
import { ReusedBuffers } from "./columns/reused_buffers.ts";
import { type BlockSource, bufferedBytes, STREAM_OPTIONS, type StreamOptions } from "./streamer.ts";
import { timeWindow } from "./time_window.ts";
import { TopicStreamer } from "./topic_streamer.ts";

/** Options of {@linkcode TopicHandler.verify}. */
export interface VerifyOptions {
  /** Read every batch; else the footer alone, which is quick. @default true */
  deep?: boolean;
  /** Stops it. */
  signal?: AbortSignal;
  /** Hears of the rows checked so far. */
  onRows?: (rows: number) => void;
}

/** The fields of a topic to read: paths, which are the columns' names as well, or paths by name. */
export type TopicColumnFields = readonly string[] | Readonly<Record<string, string>>;

/** Options of {@linkcode TopicHandler.getColumnStreamer}. */
export interface TopicColumnOptions<F extends ColumnFields = TopicColumnFields> extends StreamOptions {
  /** The fields to read. With none of them there are times alone. */
  fields: F;
  /** Whether every array is a copy, the caller's own to change and transfer; else rows side by side are views. @default false */
  copies?: boolean;
  /** Whether the arrays of a block are used again for the next one; see {@linkcode ColumnStreamer}. @default false */
  reuse?: boolean;
}

const COLUMN_OPTIONS: OptionNames<TopicColumnOptions> = {
  ...STREAM_OPTIONS,
  fields: true,
  copies: true,
  reuse: true,
};
const VERIFY_OPTIONS: OptionNames<VerifyOptions> = { deep: true, signal: true, onRows: true };
const LATEST_OF_TOPIC: OptionNames<Omit<LatestOptions, "topics">> = { fields: true, signal: true };
const LEVELS: readonly SeriesOptions["level"][] = ["batches", "detail", "rows"];
const SIGNAL_OPTION: OptionNames<Pick<StreamOptions, "signal">> = { signal: true };

/**
 * One topic of a sequence, open for reading: what it is, and streams of its messages. Several streams may run side by
 * side. Made by `client.topicHandler` and {@linkcode SequenceHandler.topicHandler}.
 */
export class TopicHandler implements AsyncDisposable {
  /** The sequence's name. */
  readonly sequence: string;
  #source: TopicSource;
  readonly #engine: Engine;
  readonly #loadArrow: LoadArrow;

  /** @internal Use `client.topicHandler`. */
  constructor(sequence: string, source: TopicSource, engine: Engine, loadArrow: LoadArrow) {
    this.sequence = sequence;
    this.#source = source;
    this.#engine = engine;
    this.#loadArrow = loadArrow;
  }

  /** The topic's name, without a leading `/`. */
  get name(): string {
    return this.#source.info.name;
  }

  /** All that is known of it without reading messages: rows, times, bytes, session. */
  get info(): TopicInfo {
    return this.#source.info;
  }

  /** The tag of its ontology; empty in a file that smalti did not write. */
  get ontologyTag(): string {
    return this.#source.schema.ontologyTag;
  }

  /** How Mosaico stores its messages. */
  get serializationFormat(): SerializationFormat {
    return this.#source.schema.serializationFormat;
  }

  /** Columns of its table, `timestamp_ns` first. */
  get fields(): readonly FieldSchema[] {
    return this.#source.schema.fields;
  }

  /** Facts given when it was created. */
  get metadata(): Metadata {
    return this.#source.schema.metadata;
  }

  /** Messages in it. */
  get rowCount(): number {
    return this.#source.info.rowCount;
  }

  /** Time of its first message, in nanoseconds; undefined where there is none. */
  get firstNs(): bigint | undefined {
    return this.#source.info.firstNs;
  }

  /** Time of its last message, inclusive, in nanoseconds; undefined where there is none. */
  get lastNs(): bigint | undefined {
    return this.#source.info.lastNs;
  }

  /** Bytes stored. */
  get sizeBytes(): number {
    return this.#source.info.sizeBytes;
  }

  /**
   * Streams its messages in time order, equal times in the order of pushing. Reads nothing until it is asked.
   *
   * RangeError where `startNs` is after `endNs`, a bound is outside int64, or `maxBufferedBytes` is not above 0.
   */
  getDataStreamer(options: StreamOptions = {}): TopicStreamer {
    const tried = `Cannot stream ${this.#text}`;
    checkOptions(options, STREAM_OPTIONS, tried);
    const { signal, reverse } = options;
    const maxBytes = bufferedBytes(options);
    const window = timeWindow(options, tried);
    const limited = limiter(options, tried);
    const open = async () => limited(await this.#open({ window, maxBytes, signal, reverse }));
    return new TopicStreamer(open, () => Promise.resolve(this.fields), this.#loadArrow, signal);
  }

  /**
   * Streams fields of it as columns in time order: times, and a typed array a field, by paths such as `position.x`. Where its
   * batches do not overlap in time, which is where no row came late, a block is a batch, and its arrays are views; see
   * {@linkcode ColumnStreamer}. Reads nothing until it is asked.
   *
   * Reading rejects with NOT_FOUND where there is no such field. RangeError as {@linkcode getDataStreamer}, TypeError for
   * other options that make no sense.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const topic = await client.topicHandler("drive_log_01", "gps/front");
   * let north = -Infinity;
   * for await (const block of topic.getColumnStreamer({ fields: { lat: "position.x" } })) {
   *   for (const lat of block.numbers("lat").values) north = Math.max(north, lat);
   * }
   * console.log(north);
   * ```
   */
  getColumnStreamer<const F extends TopicColumnFields>(
    options: TopicColumnOptions<F>,
  ): ColumnStreamer<ColumnName<F>> {
    const tried = `Cannot stream columns of ${this.#text}`;
    checkOptions<TopicColumnOptions>(options, COLUMN_OPTIONS, tried);
    const { signal, reverse, copies = false, reuse = false } = options;
    if (copies && reuse) {
      throw new TypeError(`${tried}: arrays are copies or used again, wanted one of copies and reuse`);
    }
    const buffers = reuse ? new ReusedBuffers() : undefined;
    const asked = askedFields(options.fields, this.sequence, tried);
    const maxBytes = bufferedBytes(options);
    const window = timeWindow(options, tried);
    const limited = limiter(options, tried);
    const open = async () => {
      const topics = [{ name: this.name, fields: this.fields }];
      plan = columnPlan([this.name], await planFields(asked, topics, this.sequence), copies, buffers);
      const use = copies || reuse ? "copies" : "columns";
      const paths = wantedPaths(plan, this.name);
      return limited(
        await this.#open({
          window,
          maxBytes,
          signal,
          use,
          paths: () => paths,
          allocate: buffers?.take,
          reverse,
        }),
      );
    };
    let plan: ColumnPlan | undefined;
    const rows = new TopicStreamer(open, () => Promise.resolve(this.fields), this.#loadArrow, signal);
    return new ColumnStreamer(rows, () => Promise.resolve(plan!), buffers);
  }

  /** Its rows in a window. */
  #open(request: Omit<BlockRequest, "sequence" | "engine">): Promise<BlockSource> {
    const reopen = async () => [this.#source = await reopened(this.#source)];
    return openBlocks([this.#source], { ...request, sequence: this.sequence, engine: this.#engine }, reopen);
  }

  /**
   * Its last message at or before a time: what was known then; undefined where there is none. Reads a batch or two, which
   * are kept at hand, within `maxCachedBytes` of `connect`. NOT_FOUND where it lacks one of `fields`. RangeError where the
   * time is outside int64. CORRUPT.
   */
  async latestAt(
    timeNs: TimestampNs,
    options: Omit<LatestOptions, "topics"> = {},
  ): Promise<Message | undefined> {
    const tried = `Cannot look into ${this.#text}`;
    checkOptions(options, LATEST_OF_TOPIC, tried);
    const ns = toNs(timeNs, "timeNs", tried);
    const fields = latestFields(options, this.sequence, tried);
    await this.#lookAgain();
    const request = { sequence: this.sequence, ns, fields, signal: options.signal };
    return (await latestMessages([this.#source], request)).get(this.name);
  }

  /**
   * Counts its messages in slices of time: slice `i` is from `edgesNs[i]` to before `edgesNs[i + 1]`. Uses the index and
   * reads the times of those batches alone that lie across an edge.
   *
   * RangeError where the edges do not ascend. CORRUPT where a batch that is read is damaged.
   */
  async countRows(
    edgesNs: readonly TimestampNs[],
    options: Pick<StreamOptions, "signal"> = {},
  ): Promise<number[]> {
    const tried = `Cannot count rows of ${this.#text}`;
    checkOptions(options, SIGNAL_OPTION, tried);
    const edges = edgesNs.map((edge, i) => toNs(edge, `edgesNs[${i}]`, tried));
    const wrong = edges.findIndex((edge, i) => i > 0 && edge < edges[i - 1]);
    if (wrong >= 0) throw new RangeError(`${tried}: edge ${edges[wrong]} follows ${edges[wrong - 1]}`);
    return await withCurrent(this.#source, (source) => source.countRows(edges, options.signal));
  }

  /**
   * Smallest and largest values of fields over time, as a plot draws them, and how many messages there are. A batch that
   * lies within one bucket is known by the bounds that the store keeps of it; the others are read. So a long recording
   * takes about a batch a bucket, however many messages there are. Over Flight, and of what other programs wrote, all is read.
   *
   * A plot that is to be there at once asks for the level `batches` first, then `detail`, which knows blocks of some hundred
   * rows, then, of a window that is short enough, `rows`: the first two read none that have bounds, and do not lose an extreme;
   * `isExact` tells where they may show one in the bucket beside its own, too.
   *
   * NOT_FOUND where a field is not there, INVALID_ARGUMENT where it is no integer, float or time, or lies in a list.
   * RangeError where `buckets` is no whole number from 1 to 1,000,000, `startNs` is after `endNs`, or a bound is outside
   * int64. CORRUPT.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const gps = await client.topicHandler("drive_log_01", "gps/front");
   * const { startNs, stepNs, fields } = await gps.series({ fields: ["position.x"], buckets: 100 });
   * const { min, max } = fields.get("position.x")!;
   * for (const [i, low] of min.entries()) console.log(startNs + BigInt(i) * stepNs, low, max[i]);
   * ```
   */
  async series(options: SeriesOptions): Promise<TopicSeries> {
    const tried = `Cannot make a series of ${this.#text}`;
    checkOptions(options, SERIES_OPTIONS, tried);
    const { fields: paths, level = "rows", signal } = options;
    if (!LEVELS.includes(level)) {
      throw new TypeError(`${tried}: level is ${String(level)}, wanted ${LEVELS.join(", ")}`);
    }
    await this.#lookAgain();
    const buckets = TimeBuckets.of(options.buckets, options, this.info, tried);
    if (!Array.isArray(paths)) {
      throw new TypeError(`${tried}: fields are ${String(paths)}, wanted a list of paths`);
    }
    const where = { sequence: this.sequence, topic: this.name };
    const fields = [...new Set<string>(paths)].map((path) => numericField(this.fields, path, where, tried));
    signal?.throwIfAborted();
    return await withCurrent(this.#source, (source) => seriesOf(source, fields, buckets, signal, level));
  }

  /**
   * Reads all of it and checks every checksum, the order, and the counts and times against the manifest. Gives every
   * damage found as an error that says where it is; none for a sound topic. With `deep: false` it reads no batch, and
   * checks the footer alone.
   */
  async verify(options: VerifyOptions = {}): Promise<SmaltiError[]> {
    checkOptions(options, VERIFY_OPTIONS, `Cannot verify ${this.#text}`);
    const { deep = true, onRows = () => {}, signal } = options;
    const errors = await withCurrent(
      this.#source,
      (source) => source.verify({ deep, onRows, signal }),
    );
    return errors.map((error) => error.at({ sequence: this.sequence }));
  }

  /** Takes what was flushed by now, where it is still written. */
  async #lookAgain(): Promise<void> {
    if (this.#source.isGrowing) this.#source = await reopened(this.#source);
  }

  get #text(): string {
    return `topic "${this.name}" of sequence "${this.sequence}"`;
  }

  /** Lets go of what is kept at hand for it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#source.letGo?.();
    return Promise.resolve();
  }
}
