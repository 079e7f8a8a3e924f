/**
 * Lines of plots, as they are asked for and answered: part of the protocol.
 *
 * @module
 */
import type { DataError } from "./recording_types.ts";

/**
 * What series are known from. `batches` comes at once, `detail` soon after; both lose no extreme but may show one beside its place.
 * `rows` is exact.
 */
export type Level = "batches" | "detail" | "rows";

/** A line of a plot: an expression over fields, of which a single field is the simplest. See `expression/`. */
export type LineText = string;

/** A window of time, which is half open: `fromNs` is in it, `toNs` is not. */
export interface WindowNs {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/** Lines over a window. */
export interface SeriesRequest extends WindowNs {
  readonly lines: readonly LineText[];
  /** Width of the plot: how many buckets are wanted, 1 to 16,384. */
  readonly pixels: number;
  /** The last level to go to. @default "auto": rows where the window has few enough of them to be read at once, else detail */
  readonly level?: Level | "auto";
}

/** A stretch that could not be read. */
export interface Gap {
  /** Seconds. */
  readonly from: number;
  /** Seconds. */
  readonly to: number;
  /** Why, in words. */
  readonly message: string;
}

/** What all answers to {@linkcode SeriesRequest} have. They come line by line and level by level; each replaces the line's before. */
export interface LineAnswer {
  /** Which of the request's lines. */
  readonly line: number;
  readonly level: Level;
  /** Whether no better one of this line comes. */
  readonly isFinal: boolean;
  /** Whether each bucket's smallest and largest values are those of its own rows. */
  readonly isExact: boolean;
  /** About how many rows the window has. */
  readonly rows: number;
  /** Unit of the line, where it is a field that tells one. */
  readonly unit?: string;
  /** Stretches that are damaged, ascending. */
  readonly gaps: readonly Gap[];
}

/** The smallest and largest value of each bucket that has one: NaN and missing values do not count, buckets without any are left out. */
export interface BucketsAnswer extends LineAnswer {
  readonly shape: "buckets";
  /** The middle of each bucket, in seconds, ascending. */
  readonly x: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** How long a bucket is, in seconds. */
  readonly step: number;
}

/** All rows, where there are few enough. A missing value is NaN. */
export interface PointsAnswer extends LineAnswer {
  readonly shape: "points";
  /** Time of each row, in seconds, ascending. */
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** A line that could not be had: its text is wrong, or its topic is not there. */
export interface LineErrorAnswer {
  readonly shape: "error";
  readonly line: number;
  readonly isFinal: true;
  readonly error: DataError;
}

/** One line at one level. */
export type SeriesAnswer = BucketsAnswer | PointsAnswer | LineErrorAnswer;
