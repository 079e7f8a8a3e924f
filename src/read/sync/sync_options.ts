import { TIMESTAMP_FIELD } from "../../schema.ts";
import type { TimeRange } from "../../types.ts";
import { didYouMean } from "../../util/nearest.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { bufferedBytes, type StreamOptions } from "../streamer.ts";

const POLICIES: readonly SyncPolicy[] = ["hold", "asOf", "nearest", "linear", "drop"];

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

/** What columns are called, and where each comes from. */
export type SyncFields = Readonly<Record<string, SyncField>>;

/** Options of `getSyncStreamer`: a clock, and the fields that are brought onto it. */
export interface SyncOptions<F extends SyncFields = SyncFields>
  extends TimeRange, Pick<StreamOptions, "signal"> {
  /** What each column is called, and where it comes from. */
  fields: F;
  /** A clock that ticks at `startNs` (or the first message of the fields' topics) and every so many nanoseconds. */
  periodNs?: bigint;
  /** A clock that ticks with each message of this topic. */
  onTopic?: string;
  /**
   * The longest stretch between two messages of the fields' topics that a clock with a period ticks through, in nanoseconds:
   * reading rejects with a RangeError where there is none for longer, as one message at time 0 would make rows for years.
   * @default 10 million periods
   */
  maxGapNs?: bigint;
  /** Bound on what is held for each field, and for the clock's topic, as that of one stream. @default 64 MiB */
  maxBufferedBytes?: number;
  /** How values come to a tick. @default "hold" */
  policy?: SyncPolicy;
  /** How far away a value may be, for `asOf`, which needs it, and `nearest`, in nanoseconds. */
  toleranceNs?: bigint;
}

/** A tick and the fields' values at it. */
export interface SyncRow<F extends SyncFields = SyncFields> {
  /** The tick, in nanoseconds. */
  readonly timestampNs: bigint;
  /** Values by the columns' names; undefined where a field has none. */
  readonly values: SyncValues<F>;
}

/** The value of a field in a row: a number by policy `linear`, else whatever the topic holds; undefined where there is none. */
export type SyncValue<S extends SyncField> = S extends { readonly policy: "linear" } ? number | undefined
  // deno-lint-ignore no-explicit-any -- what a recording holds is not known to the type checker
  : any;

/** The values of a row, by the names of the fields that were asked for. */
export type SyncValues<F extends SyncFields> = { readonly [K in keyof F]: SyncValue<F[K]> };

const SYNC_OPTIONS: OptionNames<SyncOptions> = {
  startNs: true,
  endNs: true,
  signal: true,
  fields: true,
  periodNs: true,
  onTopic: true,
  maxGapNs: true,
  maxBufferedBytes: true,
  policy: true,
  toleranceNs: true,
};
const SYNC_FIELD: OptionNames<SyncField> = { topic: true, field: true, policy: true, toleranceNs: true };

/** Refuses what makes no sense before anything is opened. */
export function checkSync(options: SyncOptions): void {
  checkOptions(options, SYNC_OPTIONS, "Cannot sync");
  const { fields, periodNs, onTopic, policy = "hold", toleranceNs, maxGapNs } = options;
  bufferedBytes(options);
  if ((periodNs === undefined) === (onTopic === undefined)) {
    throw new TypeError("Cannot sync: wanted either periodNs or onTopic");
  }
  if (periodNs !== undefined && !(typeof periodNs === "bigint" && periodNs > 0n)) {
    throw new RangeError(`Cannot sync: periodNs is ${String(periodNs)}, wanted a bigint above 0`);
  }
  if (maxGapNs !== undefined && !(typeof maxGapNs === "bigint" && maxGapNs > 0n)) {
    throw new RangeError(`Cannot sync: maxGapNs is ${String(maxGapNs)}, wanted a bigint above 0`);
  }
  if (typeof fields !== "object" || fields === null) {
    throw new TypeError(`Cannot sync: fields is ${String(fields)}, wanted an object`);
  }
  for (const [name, field] of Object.entries(fields)) {
    checkOptions(field, SYNC_FIELD, `Cannot sync "${name}"`);
    const chosen = field.policy ?? policy;
    if (!POLICIES.includes(chosen)) {
      throw new TypeError(
        `Cannot sync "${name}": policy is ${String(chosen)}, wanted one of ${POLICIES.join(", ")}${
          didYouMean(String(chosen), POLICIES)
        }`,
      );
    }
    const tolerance = field.toleranceNs ?? toleranceNs;
    if (tolerance === undefined && chosen === "asOf") {
      throw new TypeError(`Cannot sync "${name}": policy asOf needs toleranceNs`);
    }
    if (tolerance !== undefined && !(typeof tolerance === "bigint" && tolerance >= 0n)) {
      throw new RangeError(
        `Cannot sync "${name}": toleranceNs is ${String(tolerance)}, wanted a bigint from 0 on`,
      );
    }
    if (name === TIMESTAMP_FIELD.name) {
      throw new TypeError(`Cannot sync a field called "${name}": that column is the clock`);
    }
  }
}
