import { boundedColumns } from "../../arrow/bounds.ts";
import type { TopicSource } from "../../backend.ts";
import type { FieldSchema } from "../../schema.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { MIN_NS, type Window } from "../../types.ts";
import { walkRuns } from "../../walk/walk_runs.ts";
import { valueAt } from "../field_path.ts";
import { type MessageTopic, messageTopic, TopicBatch } from "../merge/message.ts";

/** A field of a topic, by the names on the way to it. */
export interface FieldSource {
  readonly sequence: string;
  readonly source: TopicSource;
  readonly path: readonly string[];
}

/**
 * From when on to read, so that a field's last value at or before `ns` is among what is read: its time, or that of an
 * earlier row; `ns` itself where there is none.
 *
 * An exponential search backwards: where the last row has no value, windows of time before it are read, each at least as long as
 * all before together. So a batch is opened a few times at most, however many rows are without a value, and rows that came
 * late are in the window that their time is in. Stretches without rows are jumped over.
 */
export async function lastValueNs(field: FieldSource, ns: bigint, signal?: AbortSignal): Promise<bigint> {
  const { sequence, source, path } = field;
  const topic = messageTopic(sequence, source.info.name, source.schema);
  const slice = new TimeSlice();
  let untilNs = ns;
  /** The last row at all. */
  let endNs: bigint | undefined;
  let isWanted: ((batchNumber: number) => boolean) | undefined;
  for (;;) {
    signal?.throwIfAborted();
    await slice.pause();
    const last = await source.latest(untilNs, signal);
    if (!last) return ns;
    const { times } = last.batch;
    const lastNs = times[last.row];
    // Most fields have a value in every row.
    if (hasValue(new TopicBatch(topic, last.batch), last.row, path)) return lastNs;
    endNs ??= lastNs;
    const doubled = lastNs - (endNs - lastNs);
    // At first half of the rows that the batch has before it: its first row may be far away, where it came late.
    const near = times[last.row >> 1];
    const firstNs = near < doubled ? near : doubled < MIN_NS ? MIN_NS : doubled;
    isWanted ??= await mayHold(source, path, signal);
    const found = await lastValueIn(field, topic, { firstNs, lastNs }, isWanted, slice, signal);
    if (found !== undefined) return found;
    if (firstNs === MIN_NS) return ns;
    untilNs = firstNs - 1n;
  }
}

/** Time of the last row in a window that has a value. */
async function lastValueIn(
  { source, path }: FieldSource,
  topic: MessageTopic,
  window: Window,
  isWanted: (batchNumber: number) => boolean,
  slice: TimeSlice,
  signal: AbortSignal | undefined,
): Promise<bigint | undefined> {
  let found: bigint | undefined;
  for await (const run of walkRuns(source.runs(window, signal, { isWanted }), { slice })) {
    const batch = new TopicBatch(topic, run.batch);
    for (let row = run.to - 1; row >= run.from; row--) {
      if (found !== undefined && batch.times[row] <= found) break;
      if (hasValue(batch, row, path)) found = batch.times[row];
    }
  }
  return found;
}

function hasValue({ row: Row, columns }: TopicBatch, row: number, path: readonly string[]): boolean {
  return valueAt(new Row(columns, row), path) !== undefined;
}

/** Which batches may have a value of a field, by their bounds. */
async function mayHold(
  source: TopicSource,
  path: readonly string[],
  signal: AbortSignal | undefined,
): Promise<(batchNumber: number) => boolean> {
  const { fields } = source.schema;
  const column = columnOf(fields, path);
  const bounds = column === undefined ? undefined : await source.readBounds?.(signal);
  return (batchNumber) => {
    const [min, max] = bounds?.of(batchNumber, column!) ?? [-Infinity, Infinity];
    return min <= max;
  };
}

/** Where a field's bounds are; undefined where they do not tell whether there is a value: NaN is one, and is not within them. */
function columnOf(fields: readonly FieldSchema[], path: readonly string[]): string | undefined {
  const indices: number[] = [];
  let field: FieldSchema | undefined;
  for (const name of path) {
    const choices: readonly FieldSchema[] = field ? field.children : fields;
    const index = choices.findIndex((other) => other.name === name);
    indices.push(index);
    field = choices[index];
  }
  const column = indices.join();
  return field!.type.kind !== "float" && boundedColumns(fields).includes(column) ? column : undefined;
}
