/**
 * What statistics are asked for, and what they answer.
 *
 * @module
 */
import type { TimeRange, TimestampNs } from "../../types.ts";
import type { OptionNames } from "../../util/options.ts";

/** Options of {@linkcode SequenceHandler.activity}. */
export interface ActivityOptions extends TimeRange {
  /** How many slices of the same length, from 1 to 1,000,000. */
  buckets: number;
  /** First time, inclusive. @default that of the first message of these topics */
  startNs?: TimestampNs;
  /** First time after it, exclusive. @default right after the last message of these topics */
  endNs?: TimestampNs;
  /** Names of the topics. @default all */
  topics?: readonly string[];
  /** Stops it. */
  signal?: AbortSignal;
}

/** How many messages there are over time: bucket `i` begins at `startNs + i * stepNs`. */
export interface Activity {
  /** Where the first bucket begins. */
  readonly startNs: bigint;
  /** How long each is, at least 1. The last ones may lie beyond the time that was asked for; nothing beyond it counts. */
  readonly stepNs: bigint;
  /** About how many messages each bucket has, by topic, in ASCII order of the names. They may be fractions. The caller's. */
  readonly topics: ReadonlyMap<string, Float64Array>;
}

/** Options of {@linkcode SequenceHandler.stats}. */
export interface StatsOptions {
  /** Names of the topics. @default all */
  topics?: readonly string[];
  /** Paths of fields, such as `position.x`, of each topic that has them. @default all numeric ones */
  fields?: readonly string[];
  /** Stops it. */
  signal?: AbortSignal;
}

/** What is known of all messages of a topic. */
export interface TopicStats {
  /** How many there are. */
  readonly count: number;
  /** By path, such as `position.x`, in the order of the topic's fields or as they were asked for. */
  readonly fields: ReadonlyMap<string, FieldStats>;
}

/** What is known of a field in all messages. Missing values and NaN do not count; zero has no sign. */
export interface FieldStats {
  /** The smallest value; NaN where there is none. Of 64-bit integers from 2^53 on at or a little below it. */
  readonly min: number;
  /** The largest value; NaN where there is none. Of 64-bit integers from 2^53 on at or a little above it. */
  readonly max: number;
  /**
   * How many messages have no value. Known where the field cannot be missing, and where all messages had to be read;
   * else undefined.
   */
  readonly missing: number | undefined;
}

/** Options of {@linkcode TopicHandler.series}. */
export interface SeriesOptions extends TimeRange {
  /** Paths of numeric fields, such as `position.x`. */
  fields: readonly string[];
  /** How many slices of the same length, from 1 to 1,000,000. */
  buckets: number;
  /** First time, inclusive. @default that of the topic's first message */
  startNs?: TimestampNs;
  /** First time after it, exclusive. @default right after the topic's last message */
  endNs?: TimestampNs;
  /**
   * What to look at: `batches`, which is the quickest, their `detail`, or `rows`. With `rows` all is exact: batches across the
   * edge of a bucket are read. With the others nothing is read that the store knows the bounds of: what lies across an edge,
   * a batch or a block of rows, counts in all buckets that it touches. @default "rows"
   */
  level?: Exclude<SeriesLevel, "none">;
  /** Stops it. */
  signal?: AbortSignal;
}

/**
 * What a bucket is known from: `rows` where all of its messages were read; `detail` where some or all are known by blocks of
 * rows; `batches` where some or all are known by their batch alone; `none` where there is no message.
 */
export type SeriesLevel = "none" | "batches" | "detail" | "rows";

/** Fields of a topic over time: bucket `i` begins at `startNs + i * stepNs`. Arrays are the caller's. */
export interface TopicSeries {
  /** Where the first bucket begins. */
  readonly startNs: bigint;
  /** How long each is, at least 1. The last ones may lie beyond the time that was asked for; nothing beyond it counts. */
  readonly stepNs: bigint;
  /** Messages in each bucket, whether they have a value or not. Where it is not exact, as if they were spread evenly. */
  readonly count: Float64Array;
  /** What each bucket is known from. */
  readonly levels: readonly SeriesLevel[];
  /**
   * Whether each bucket is exact, as all are of a series at level `rows`. Where it is not, a batch or a block of rows lies across
   * its edge, and `min` and `max` are those of all messages of these: at or beyond those of the bucket's own.
   */
  readonly isExact: readonly boolean[];
  /** By path, in the order that they were asked for. */
  readonly fields: ReadonlyMap<string, FieldSeries>;
}

/** A field over time, by bucket; NaN where there is nothing to tell. Missing values and NaN do not count. */
export interface FieldSeries {
  /** The smallest value, where zero has no sign. Of 64-bit integers from 2^53 on at or a little below it. */
  readonly min: Float64Array;
  /** The largest value, where zero has no sign. Of 64-bit integers from 2^53 on at or a little above it. */
  readonly max: Float64Array;
  /** The first value in time order, where the level is `rows`. 64-bit integers are rounded to the nearest float64. */
  readonly first: Float64Array;
  /** The last value in time order, where the level is `rows`. 64-bit integers are rounded to the nearest float64. */
  readonly last: Float64Array;
}

export const ACTIVITY_OPTIONS: OptionNames<ActivityOptions> = {
  buckets: true,
  startNs: true,
  endNs: true,
  topics: true,
  signal: true,
};
export const STATS_OPTIONS: OptionNames<StatsOptions> = { topics: true, fields: true, signal: true };
export const SERIES_OPTIONS: OptionNames<SeriesOptions> = {
  fields: true,
  buckets: true,
  startNs: true,
  endNs: true,
  level: true,
  signal: true,
};
