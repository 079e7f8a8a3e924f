import type { TimeRange } from "../types.ts";
import type { StreamOptions } from "./streamer.ts";

/**
 * Which value a field has at a tick `t`. Messages without a value in the field count as not sent; of several at one time
 * the one that was pushed last counts. Everywhere else the field is missing.
 *
 * - `hold`: the last value at or before `t`, however old;
 * - `asOf`: the last value at or before `t` that is not older than `toleranceNs`;
 * - `nearest`: the value nearest in time, not further away than `toleranceNs` where that is given; of two as near, the
 *   earlier;
 * - `linear`: on the line between the last value at or before `t` and the first after it, as float64; the value itself at
 *   its own time. Missing before the first value and after the last. Numbers only;
 * - `drop`: the last value since the tick before: after `t - periodNs`, or after the clock topic's message before (at its
 *   first message: at `t` itself), up to `t`.
 */
export type SyncPolicy = "hold" | "asOf" | "nearest" | "linear" | "drop";

/** A field of a topic, by its path: `{ topic: "gps/front", field: "position.x" }`. */
export interface SyncField {
  /** Name of the topic. */
  topic: string;
  /** Path of the field in its messages. */
  field: string;
  /** How its values come to a tick. @default the policy of all */
  policy?: SyncPolicy;
  /** How far away a value may be, for `asOf` and `nearest`, in nanoseconds. @default that of all */
  toleranceNs?: bigint;
}

/** Options of `getSyncStreamer`: a clock, and the fields that are brought onto it. */
export interface SyncOptions extends TimeRange, Pick<StreamOptions, "signal"> {
  /** What each column is called, and where it comes from. */
  fields: Readonly<Record<string, SyncField>>;
  /** A clock that ticks at `startNs` (or the first message of the fields' topics) and every so many nanoseconds. */
  periodNs?: bigint;
  /** A clock that ticks with each message of this topic. */
  onTopic?: string;
  /** Bound on what is held for each field, and for the clock's topic, as that of one stream. @default 64 MiB */
  maxBufferedBytes?: number;
  /** How values come to a tick. @default "hold" */
  policy?: SyncPolicy;
  /** How far away a value may be, for `asOf`, which needs it, and `nearest`, in nanoseconds. */
  toleranceNs?: bigint;
}

/** A tick and the fields' values at it. */
export interface SyncRow {
  /** The tick, in nanoseconds. */
  readonly timestampNs: bigint;
  /** Values by the columns' names; undefined where a field has none. */
  // deno-lint-ignore no-explicit-any -- what a recording holds is not known to the type checker
  readonly values: Readonly<Record<string, any>>;
}
