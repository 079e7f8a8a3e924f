import type { BlockBounds, ColumnBlocks } from "../../arrow/block_bounds.ts";
import { type BatchBounds, extremesOf } from "../../arrow/bounds.ts";
import type { BatchTimes, Run, TopicSource } from "../../backend.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { lowerBound } from "../../util/times.ts";
import { fieldNumbers, knownBounds, type NumericField } from "./numeric_field.ts";
import { readBatches } from "./read_batches.ts";
import type { FieldSeries, SeriesLevel, SeriesOptions, TopicSeries } from "./statistics_options.ts";
import type { TimeBuckets } from "./time_buckets.ts";

/** Batches between two looks at the time. */
const SLICE_BATCHES = 4096;

/**
 * Smallest and largest values in each bucket: by the bounds of batches that lie within one, and of all others by what the level
 * says. What has no bounds is read at every level.
 */
export async function seriesOf(
  source: TopicSource,
  fields: readonly NumericField[],
  buckets: TimeBuckets,
  signal: AbortSignal | undefined,
  level: NonNullable<SeriesOptions["level"]> = "rows",
): Promise<TopicSeries> {
  const series = new SeriesBuilder(fields, buckets);
  const { window } = buckets;
  const { index } = source;
  let isWanted = (_batch: number) => true;
  if (index) {
    const bounds = await source.readBounds?.(signal);
    const across: number[] = [];
    const slice = new TimeSlice();
    for (let batch = 0; batch < index.rows.length; batch++) {
      if (batch % SLICE_BATCHES === 0) {
        await slice.pause();
        signal?.throwIfAborted();
      }
      if (index.firstNs[batch] > window.lastNs || index.lastNs[batch] < window.firstNs) continue;
      if (!series.addBounds(index, bounds, batch)) across.push(batch);
    }
    const isRead = new Set(across);
    if (level !== "rows" && across.length > 0) {
      const paths = fields.map(({ column }) => column);
      const detail = level === "detail" ? await source.readDetail?.(paths, signal) : undefined;
      for (const batch of across) {
        await slice.pause();
        signal?.throwIfAborted();
        if (series.addParts(index, { bounds, detail }, batch)) isRead.delete(batch);
      }
    }
    if (isRead.size === 0) return series.finish();
    isWanted = (batch) => isRead.has(batch);
  }
  const places = fields.map(({ places }) => places);
  await readBatches(source, places, window, isWanted, (run) => series.addRows(run), signal);
  return series.finish();
}

/** A field's values so far. */
interface GrowingSeries {
  readonly field: NumericField;
  readonly series: FieldSeries;
  readonly first: OutermostRows;
  readonly last: OutermostRows;
}

class SeriesBuilder {
  readonly #buckets: TimeBuckets;
  readonly #counts: Float64Array;
  readonly #levels: SeriesLevel[];
  readonly #isExact: boolean[];
  readonly #fields: readonly GrowingSeries[];

  constructor(fields: readonly NumericField[], buckets: TimeBuckets) {
    const { length } = buckets;
    this.#buckets = buckets;
    this.#counts = new Float64Array(length);
    this.#levels = new Array<SeriesLevel>(length).fill("none");
    this.#isExact = new Array<boolean>(length).fill(true);
    const filled = (value: number) => new Float64Array(length).fill(value);
    this.#fields = fields.map((field) => ({
      field,
      series: { min: filled(Infinity), max: filled(-Infinity), first: filled(NaN), last: filled(NaN) },
      first: new OutermostRows(length, false),
      last: new OutermostRows(length, true),
    }));
  }

  /** Takes a batch by its bounds; false where they do not tell enough. Before any rows. */
  addBounds({ rows, firstNs, lastNs }: BatchTimes, bounds: BatchBounds | undefined, batch: number): boolean {
    const bucket = this.#buckets.around(firstNs[batch], lastNs[batch]);
    if (bucket === undefined) return false;
    const pairs = this.#fields.map(({ field }) => knownBounds(bounds, batch, field));
    if (!pairs.every((pair) => pair !== undefined)) return false;
    for (const [i, { series }] of this.#fields.entries()) extend(series, bucket, pairs[i]);
    this.#counts[bucket] += rows[batch];
    this.#levels[bucket] = "batches";
    return true;
  }

  /**
   * Takes a batch that lies across edges, by what is known of it or of its blocks; false where nothing is. Before any rows.
   */
  addParts(
    index: BatchTimes,
    { bounds, detail }: { bounds: BatchBounds | undefined; detail: BlockBounds | undefined },
    batch: number,
  ): boolean {
    const whole = { blockRows: index.rows[batch], firstNs: index.firstNs.subarray(batch, batch + 1) };
    const parts: ColumnBlocks[] = [];
    for (const { field } of this.#fields) {
      const pair = knownBounds(bounds, batch, field);
      const blocks = detail?.of(batch, field.column) ??
        (pair && { ...whole, pairs: Float64Array.from(pair) });
      if (!blocks) return false;
      parts.push(blocks);
    }
    const lastNs = index.lastNs[batch];
    for (const [i, { blockRows, firstNs, pairs }] of parts.entries()) {
      const { series } = this.#fields[i];
      this.#touch(
        blockRows === whole.blockRows ? "batches" : "detail",
        firstNs,
        lastNs,
        (block, from, to) => {
          const pair = [pairs[2 * block], pairs[2 * block + 1]] as const;
          for (let bucket = from; bucket < to; bucket++) extend(series, bucket, pair);
        },
      );
    }
    const times = detail?.times(batch);
    const { blockRows, firstNs } = times ?? whole;
    this.#touch(times ? "detail" : "batches", firstNs, lastNs, (block, from, _to, isWhole) => {
      const rows = Math.min(blockRows, whole.blockRows - block * blockRows);
      if (isWhole) this.#counts[from] += rows;
      else this.#buckets.share(rows, firstNs[block], firstNs[block + 1] ?? lastNs, this.#counts);
    });
    return true;
  }

  /**
   * Calls for each block of a batch with the buckets that its time touches, which are exact only where it lies within one of them.
   * Rows of a block are at the next one's first time at the latest.
   */
  #touch(
    level: SeriesLevel,
    firstNs: BigInt64Array,
    lastNs: bigint,
    take: (block: number, from: number, to: number, isWhole: boolean) => void,
  ): void {
    const { window } = this.#buckets;
    const most = this.#buckets.of(window.lastNs);
    let from = this.#buckets.of(firstNs[0]);
    for (let block = 0; block < firstNs.length; block++) {
      const end = firstNs[block + 1] ?? lastNs;
      const last = this.#buckets.of(end);
      const isWhole = last === from && from >= 0 && end <= window.lastNs;
      const to = firstNs[block] > window.lastNs ? 0 : Math.min(last, most) + 1;
      for (let bucket = Math.max(0, from); bucket < to; bucket++) {
        if (this.#levels[bucket] !== "batches") this.#levels[bucket] = level;
        if (!isWhole) this.#isExact[bucket] = false;
      }
      if (from < to && to > 0) take(block, Math.max(0, from), to, isWhole);
      from = last;
    }
  }

  /** Takes the rows of a batch. */
  addRows({ batch: { table, times }, batchNumber, from, to }: Run): void {
    const columns = this.#fields.map(({ field }) => fieldNumbers(table, field).numbers);
    for (let start = from; start < to;) {
      const bucket = this.#buckets.of(times[start]);
      const endNs = this.#buckets.endOf(bucket);
      const end = times[to - 1] < endNs ? to : lowerBound(times, endNs);
      this.#counts[bucket] += end - start;
      const isByRows = this.#levels[bucket] === "none" || this.#levels[bucket] === "rows";
      if (isByRows) this.#levels[bucket] = "rows";
      for (const [i, growing] of this.#fields.entries()) {
        const numbers = columns[i];
        extend(growing.series, bucket, extremesOf(growing.field.schema, numbers, start, end));
        if (isByRows) takeEnds(growing, bucket, { numbers, times, batchNumber, from: start, to: end });
      }
      start = end;
    }
  }

  finish(): TopicSeries {
    for (const { series: { min, max } } of this.#fields) {
      for (let bucket = 0; bucket < min.length; bucket++) {
        const isEmpty = min[bucket] > max[bucket];
        // Without the sign of zero, which bounds do not tell.
        min[bucket] = isEmpty ? NaN : min[bucket] + 0;
        max[bucket] = isEmpty ? NaN : max[bucket] + 0;
      }
    }
    return {
      startNs: this.#buckets.startNs,
      stepNs: this.#buckets.stepNs,
      count: this.#counts,
      levels: this.#levels,
      isExact: this.#isExact,
      fields: new Map(this.#fields.map(({ field, series }) => [field.path, series])),
    };
  }
}

function extend({ min, max }: FieldSeries, bucket: number, [low, high]: readonly [number, number]): void {
  if (low < min[bucket]) min[bucket] = low;
  if (high > max[bucket]) max[bucket] = high;
}

/** Rows of one batch in one bucket. */
interface RowSpan {
  readonly numbers: Float64Array;
  readonly times: BigInt64Array;
  readonly batchNumber: number;
  readonly from: number;
  readonly to: number;
}

/** Takes the first and the last number of some rows, where they are those of the bucket. */
function takeEnds(
  { series, first, last }: GrowingSeries,
  bucket: number,
  { numbers, times, batchNumber, from, to }: RowSpan,
): void {
  let row = from;
  while (row < to && Number.isNaN(numbers[row])) row++;
  if (row === to) return;
  if (first.take(bucket, times[row], batchNumber)) series.first[bucket] = numbers[row];
  row = to - 1;
  while (Number.isNaN(numbers[row])) row--;
  if (last.take(bucket, times[row], batchNumber)) series.last[bucket] = numbers[row];
}

/** In each bucket the place of one row: in the strict order the first of all that were offered, or the last. */
class OutermostRows {
  readonly #isLast: boolean;
  readonly #times: BigInt64Array;
  /** -1 where there is none. */
  readonly #batches: Float64Array;

  constructor(length: number, isLast: boolean) {
    this.#isLast = isLast;
    this.#times = new BigInt64Array(length);
    this.#batches = new Float64Array(length).fill(-1);
  }

  /** Whether a row is further out than the one before, whose place it takes. No two are of the same batch. */
  take(bucket: number, ns: bigint, batchNumber: number): boolean {
    const [heldNs, held] = [this.#times[bucket], this.#batches[bucket]];
    const isAfter = ns > heldNs || (ns === heldNs && batchNumber > held);
    if (held >= 0 && isAfter !== this.#isLast) return false;
    this.#times[bucket] = ns;
    this.#batches[bucket] = batchNumber;
    return true;
  }
}
