/**
 * What holds until it is said anew: messages before a window that a replay begins with.
 *
 * @module
 */
import type { TopicSource } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import { withCurrent } from "../reopen.ts";
import { MIN_NS } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { walkRuns } from "../walk/walk_runs.ts";
import { latestBlock, type LatestRow, latestRow } from "./latest_at.ts";
import { type MessageData, messageTopic, TopicBatch } from "./merge/message.ts";
import { ReadMemory } from "./merge/read_memory.ts";
import type { RowBlock } from "./merge/row_block.ts";
import { RowKeys } from "./row_keys.ts";

/** A topic on which several publishers say what holds, each under its own key, as static transforms do. */
export interface LatchedTopic {
  /** The topic's name. */
  topic: string;
  /**
   * The field that is the key, or fields that are it together; of a field within another the names on the way, joined by dots
   * (`header.frame_id`). Text, numbers, bools and bytes; that a value is missing is a key too.
   *
   * Where the fields lie in the items of a list (`transforms.child_frame_id`), a message has a key for each item.
   */
  by: string | readonly string[];
}

const LATCHED_TOPIC: OptionNames<LatchedTopic> = { topic: true, by: true };

/** Keys of a topic at most: with more of them it is hardly a key. */
const MAX_KEYS = 100_000;

/** Rows whose keys are looked at between two looks at the clock. */
const ROWS_AT_A_TIME = 512;

/** A latched topic, checked. */
export interface Latched {
  readonly topic: string;
  /** Undefined where the last message of all is wanted. */
  readonly by: readonly string[] | undefined;
}

/** Latched topics, once each and in the order of their names, which `known` checks. TypeError, and what `known` throws. */
export function latchedTopics(
  latched: readonly (string | LatchedTopic)[],
  known: (name: string) => string,
  tried: string,
): Latched[] {
  const found = new Map<string, Latched>();
  for (const one of latched) {
    if (typeof one !== "string") checkOptions(one, LATCHED_TOPIC, tried, "property of a latched topic");
    const topic = known(typeof one === "string" ? one : one.topic);
    const by = typeof one === "string" ? undefined : pathsOf(one, topic, tried);
    const before = found.get(topic);
    if (before && String(before.by) !== String(by)) {
      throw new TypeError(`${tried}: topic "${topic}" is latched in two ways, wanted one`);
    }
    found.set(topic, { topic, by });
  }
  return [...found.values()].sort((a, b) => compareNames(a.topic, b.topic));
}

function pathsOf({ by }: LatchedTopic, topic: string, tried: string): readonly string[] {
  const paths = typeof by === "string" ? [by] : by;
  if (Array.isArray(paths) && paths.length > 0 && paths.every((path) => typeof path === "string")) {
    return paths;
  }
  throw new TypeError(
    `${tried}: topic "${topic}" is latched by ${
      String(by) || "nothing"
    }, wanted the path of a field, or of several`,
  );
}

/**
 * The latched rows at or before a time as a block in time order; undefined where there are none. Topics are read one by
 * one: TOO_LARGE as soon as the batches of their rows do not fit.
 */
export async function latchedBlock(
  sequence: string,
  topics: readonly { source: TopicSource; by: Latched["by"] }[],
  ns: bigint,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<RowBlock | undefined> {
  const slice = new TimeSlice();
  const memory = new ReadMemory(maxBytes);
  const rows: LatestRow[] = [];
  for (const { source, by } of topics) {
    await slice.pause();
    if (by) {
      const found = await withCurrent(source, async (source) => {
        const last = new LastOfKeys(sequence, source, by, memory);
        try {
          return await last.find(ns, slice, signal);
        } catch (reason) {
          last.clear();
          throw reason;
        }
      });
      rows.push(...found);
      continue;
    }
    const row = await latestRow(sequence, source, ns, signal);
    if (!row) continue;
    memory.add(row.batch);
    rows.push(row);
  }
  memory.close();
  const block = latestBlock(rows);
  // Decompressed for their keys, which nobody counts any more.
  for (const batch of block?.batches ?? []) batch?.unload();
  return block;
}

/** A row that is the last one of a key so far. */
interface KeyedRow extends LatestRow {
  readonly timestampNs: bigint;
  readonly batchNumber: number;
}

/** The last rows of each key of a topic. Batches are held for as long as one of their rows is the last of its key. */
class LastOfKeys {
  readonly #sequence: string;
  readonly #source: TopicSource;
  readonly #by: readonly string[];
  readonly #memory: ReadMemory;
  readonly #last = new Map<string, KeyedRow>();
  /** Batches by how many keys have their last row in them. */
  readonly #held = new Map<TopicBatch, number>();

  constructor(sequence: string, source: TopicSource, by: readonly string[], memory: ReadMemory) {
    this.#sequence = sequence;
    this.#source = source;
    this.#by = by;
    this.#memory = memory;
  }

  /** Looks at all rows up to a time; gives the last ones in their order, each once. */
  async find(ns: bigint, slice: TimeSlice, signal: AbortSignal | undefined): Promise<LatestRow[]> {
    const { info, schema } = this.#source;
    const where = { sequence: this.#sequence, topic: info.name };
    const keys = new RowKeys(schema.fields.slice(1), this.#by, where);
    const topic = messageTopic(this.#sequence, info.name, schema);
    const runs = this.#source.runs({ firstNs: MIN_NS, lastNs: ns }, signal);
    for await (const run of walkRuns(runs, { slice })) {
      const batch = new TopicBatch(topic, run.batch);
      this.#memory.add(batch);
      this.#held.set(batch, 0);
      for (let row = run.to - 1; row >= run.from; row--) {
        if (row % ROWS_AT_A_TIME === 0) {
          await slice.pause();
          signal?.throwIfAborted();
        }
        for (const key of keys.of(dataOf(batch, row))) this.#take(key, batch, row, run.batchNumber);
      }
      if (this.#held.get(batch) === 0) this.#letGo(batch);
    }
    return this.#rows();
  }

  /** Lets go of all batches. */
  clear(): void {
    for (const batch of this.#held.keys()) this.#letGo(batch);
  }

  #take(key: string, batch: TopicBatch, row: number, batchNumber: number): void {
    const found: KeyedRow = { batch, row, batchNumber, timestampNs: batch.times[row] };
    const before = this.#last.get(key);
    if (before && compareRows(before, found) >= 0) return;
    this.#last.set(key, found);
    this.#held.set(batch, this.#held.get(batch)! + 1);
    if (before) {
      const left = this.#held.get(before.batch)! - 1;
      this.#held.set(before.batch, left);
      if (left === 0 && before.batch !== batch) this.#letGo(before.batch);
    } else if (this.#last.size > MAX_KEYS) {
      const { name } = batch;
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot latch topic "${name}" of sequence "${this.#sequence}" by ${this.#by.join(", ")}: ` +
          `there are more than ${MAX_KEYS} keys`,
        { sequence: this.#sequence, topic: name },
      );
    }
  }

  #letGo(batch: TopicBatch): void {
    this.#held.delete(batch);
    this.#memory.remove(batch);
  }

  #rows(): LatestRow[] {
    const sorted = [...this.#last.values()].sort(compareRows);
    return sorted.filter((row, i) => i === 0 || compareRows(sorted[i - 1], row) !== 0);
  }
}

function dataOf(batch: TopicBatch, row: number): MessageData {
  return new batch.row(batch.columns, row);
}

/** The order of rows within a topic. */
function compareRows(a: KeyedRow, b: KeyedRow): number {
  if (a.timestampNs !== b.timestampNs) return a.timestampNs < b.timestampNs ? -1 : 1;
  return a.batchNumber - b.batchNumber || a.row - b.row;
}
