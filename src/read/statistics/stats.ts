import { extremesOf } from "../../arrow/bounds.ts";
import type { TopicSource } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import { MAX_NS, MIN_NS } from "../../types.ts";
import { didYouMean } from "../../util/nearest.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { fieldNumbers, knownBounds, type NumericField, numericFields } from "./numeric_field.ts";
import { readBatches } from "./read_batches.ts";
import type { FieldStats, TopicStats } from "./statistics_options.ts";

/** Batches between two looks at the time. */
const SLICE_BATCHES = 1024;

/**
 * Numeric fields of each topic: those of these paths that it has, all where none are given. NOT_FOUND where no topic has one
 * of them.
 */
export function statsFields(
  topics: readonly (readonly FieldSchema[])[],
  paths: readonly string[] | undefined,
  sequence: string,
  tried: string,
): NumericField[][] {
  const known = topics.map((fields) => new Map(numericFields(fields).map((field) => [field.path, field])));
  if (!paths) return known.map((fields) => [...fields.values()]);
  const asked = [...new Set(paths)];
  const lost = asked.find((path) => !known.some((fields) => fields.has(path)));
  if (lost !== undefined) {
    const names = new Set(known.flatMap((fields) => [...fields.keys()]));
    throw new SmaltiError(
      "NOT_FOUND",
      `${tried}: no topic has a field "${lost}" of integers, floats or times${didYouMean(lost, names)}`,
      { sequence },
    );
  }
  return known.map((fields) => asked.flatMap((path) => fields.get(path) ?? []));
}

/** A field's values so far. */
interface GrowingStats {
  readonly field: NumericField;
  min: number;
  max: number;
  missing: number;
  /** Rows that were read for it. */
  rowsRead: number;
}

/** What is known of a topic's rows: by the bounds of its batches, and where one has none, by that batch's rows. */
export async function statsOf(
  source: TopicSource,
  fields: readonly NumericField[],
  signal: AbortSignal | undefined,
): Promise<TopicStats> {
  const all = fields.map((field): GrowingStats => ({
    field,
    min: Infinity,
    max: -Infinity,
    missing: 0,
    rowsRead: 0,
  }));
  const { index } = source;
  const bounds = index && fields.length > 0 ? await source.readBounds?.(signal) : undefined;
  let count = 0;
  /** Fields that a batch has to be read for. */
  const unknown = new Map<number, readonly GrowingStats[]>();
  const slice = new TimeSlice();
  for (let batch = 0; batch < (index?.rows.length ?? 0); batch++) {
    if (batch % SLICE_BATCHES === 0) {
      await slice.pause();
      signal?.throwIfAborted();
    }
    count += index!.rows[batch];
    const without = all.filter((stats) => {
      const pair = knownBounds(bounds, batch, stats.field);
      if (pair) extend(stats, pair);
      return !pair;
    });
    if (without.length > 0) unknown.set(batch, without);
  }
  if (!index || unknown.size > 0) {
    const window = { firstNs: MIN_NS, lastNs: MAX_NS };
    const isWanted = (batch: number) => !index || unknown.has(batch);
    const places = fields.map(({ places }) => places);
    await readBatches(source, places, window, isWanted, ({ batchNumber, batch: { table, rows } }) => {
      if (!index) count += rows;
      for (const stats of unknown.get(batchNumber) ?? all) {
        const { numbers, missing } = fieldNumbers(table, stats.field);
        extend(stats, extremesOf(stats.field.schema, numbers));
        stats.missing += missing;
        stats.rowsRead += rows;
      }
    }, signal);
  }
  return { count, fields: new Map(all.map((stats) => [stats.field.path, fieldStats(stats, count)])) };
}

function fieldStats({ field, min, max, missing, rowsRead }: GrowingStats, count: number): FieldStats {
  const isEmpty = min > max;
  return {
    // Without the sign of zero, which bounds do not tell.
    min: isEmpty ? NaN : min + 0,
    max: isEmpty ? NaN : max + 0,
    missing: rowsRead === count ? missing : field.isOptional ? undefined : 0,
  };
}

function extend(stats: { min: number; max: number }, [min, max]: readonly [number, number]): void {
  if (min < stats.min) stats.min = min;
  if (max > stats.max) stats.max = max;
}
