/**
 * A sync once it is open: its columns, and its clock.
 *
 * @module
 */
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import type { TopicHandler } from "../topic_handler.ts";
import type { FieldSource } from "./last_value.ts";
import type { SyncClock } from "./sync_clock.ts";
import type { SyncCursor } from "./sync_cursor.ts";
import type { SyncOptions, SyncPolicy } from "./sync_options.ts";

/** Ticks between two messages at most, unless told. */
const GAP_TICKS = 10_000_000n;
/** The first column of the table. */
const TICK_FIELD: FieldSchema = {
  ...TIMESTAMP_FIELD,
  metadata: {
    description: "Tick of the clock that the fields were brought onto, in nanoseconds.",
    unit: "ns",
  },
};

/** One column of the table. */
export interface Column {
  readonly name: string;
  readonly topic: string;
  readonly policy: SyncPolicy;
  readonly toleranceNs: bigint | undefined;
  readonly schema: FieldSchema;
  readonly cursor: SyncCursor;
}

/** The open streamer. */
export interface Opened {
  readonly columns: readonly Column[];
  readonly clock: SyncClock;
}

/** A topic open for reading: as users have it, and what is behind it. */
export interface SyncTopic {
  readonly handler: TopicHandler;
  readonly source: FieldSource["source"];
}

/** How long there may be no message, in nanoseconds. */
export function maxGapOf({ maxGapNs, periodNs }: SyncOptions): bigint {
  return maxGapNs ?? GAP_TICKS * (periodNs ?? 1n);
}

/** Closes them. */
export async function closeAll({ columns, clock }: Opened): Promise<void> {
  await Promise.all([clock.close(), ...columns.map(({ cursor }) => cursor.close())]);
}

/** The fields of the table. */
export function fieldsOf(columns: readonly Column[]): FieldSchema[] {
  return [TICK_FIELD, ...columns.map(({ schema }) => schema)];
}
