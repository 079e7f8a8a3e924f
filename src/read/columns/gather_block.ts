/**
 * Rows of a block -> its columns.
 *
 * @module
 */
import type { Vector } from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import type { TimeSlice } from "../../util/time_slice.ts";
import type { TopicBatch } from "../merge/message.ts";
import type { RowBlock } from "../merge/row_block.ts";
import type { Column } from "./column.ts";
import { ColumnBlock } from "./column_block.ts";
import type { PlannedField } from "./column_fields.ts";
import { copyNumbers } from "./copy_numbers.ts";
import { gatherColumn, loadPath } from "./gather.ts";
import { Picks } from "./picks.ts";
import type { ReusedBuffers } from "./reused_buffers.ts";

/** What a stream of columns is to give. */
export interface ColumnPlan {
  /** Names of the topics, in ASCII order. */
  readonly topics: readonly string[];
  /** Where each is in that list. */
  readonly positions: ReadonlyMap<string, number>;
  readonly fields: readonly PlannedField[];
  /** Whether every array is to be a copy. */
  readonly copies: boolean;
  /** Set where arrays are used again for every block. */
  readonly buffers: ReusedBuffers | undefined;
}

/** The plan of some fields in some topics. */
export function columnPlan(
  topics: readonly string[],
  fields: readonly PlannedField[],
  copies: boolean,
  buffers?: ReusedBuffers,
): ColumnPlan {
  return { topics, positions: new Map(topics.map((name, i) => [name, i])), fields, copies, buffers };
}

/** The columns of a topic that a plan wants, as places of fields on the way to each from the table's on. */
export function wantedPaths({ fields }: ColumnPlan, topic: string): number[][] {
  return fields.flatMap(({ paths }) => {
    const path = paths.get(topic);
    // The time comes first in the table.
    return path ? [[path[0] + 1, ...path.slice(1)]] : [];
  });
}

/** Gathers the columns of a block, of one field after another. CORRUPT, TOO_LARGE. */
export async function gatherBlock(
  rows: RowBlock,
  { topics, positions, fields, copies, buffers }: ColumnPlan,
  slice: TimeSlice,
): Promise<ColumnBlock> {
  const { batches } = rows;
  const picks = Picks.ofBlock(rows);
  const index = topicIndex(positions, batches, picks);
  const times = timesOf(batches, picks, copies, buffers?.take);
  const columns: Record<string, Column> = Object.create(null);
  for (const planned of fields) {
    await slice.pause();
    columns[planned.name] = gatherField(planned, batches, picks, copies, buffers?.take);
  }
  return new ColumnBlock(topics, index, times, columns, buffers?.take);
}

type Batches = RowBlock["batches"];
type Allocate = ReusedBuffers["take"] | undefined;

function gatherField(
  { field, paths }: PlannedField,
  batches: Batches,
  picks: Picks,
  copies: boolean,
  allocate: Allocate,
): Column {
  const tables: (readonly Vector[] | undefined)[] = new Array(batches.length).fill(undefined);
  const pathOf: (readonly number[] | undefined)[] = new Array(batches.length).fill(undefined);
  const holders: TopicBatch[] = [];
  for (const run of picks.used) {
    const batch = batches[run]!;
    pathOf[run] = paths.get(batch.name);
    if (pathOf[run] !== undefined) holders.push(batch);
  }
  for (const batch of holders) batch.inUse = true;
  try {
    loadField(holders, paths);
    for (const run of picks.used) tables[run] = batches[run]!.columns;
    return gatherColumn({ field, tables, paths: pathOf, picks, copies, allocate });
  } finally {
    for (const batch of holders) batch.inUse = false;
  }
}

/** Loads a field of all batches together. Where the columns of other fields leave no room for that, they go. */
function loadField(batches: readonly TopicBatch[], paths: PlannedField["paths"]): void {
  const load = () => {
    for (const { name, columns } of batches) loadPath(columns, paths.get(name)!);
  };
  try {
    load();
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code !== "TOO_LARGE") throw reason;
    for (const batch of batches) batch.release?.();
    load();
  }
}

function timesOf(batches: Batches, picks: Picks, copies: boolean, allocate: Allocate): BigInt64Array {
  if (picks.areTogether) {
    const [run, from, length] = picks.stretches!;
    const { times } = batches[run]!;
    return copies ? times.slice(from, from + length) : times.subarray(from, from + length);
  }
  const times = batches.map((batch) => batch?.times);
  return picks.times ?? copyNumbers(BigInt64Array, times, picks, allocate) as BigInt64Array;
}

function topicIndex(
  positions: ReadonlyMap<string, number>,
  batches: Batches,
  picks: Picks,
): Int32Array | number {
  const { length, used } = picks;
  if (used.length === 1) return positions.get(batches[used[0]]!.name)!;
  const indexOf = new Int32Array(batches.length);
  for (const run of used) indexOf[run] = positions.get(batches[run]!.name)!;
  const found = picks.lookUp(indexOf);
  if (found) return found;
  const { sources } = picks;
  const index = new Int32Array(length);
  for (let i = 0; i < length; i++) index[i] = indexOf[sources[i]];
  return index;
}
