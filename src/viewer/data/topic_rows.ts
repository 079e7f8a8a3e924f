/**
 * Rows of one topic as plain columns; damaged batches are passed over and told.
 *
 * @module
 */
import type { Column, ColumnBlock, TopicHandler } from "../../entry/web.ts";
import { numbersOf } from "./column_numbers.ts";
import { isDamage } from "./data_error.ts";
import type { Gap, WindowNs } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** How rows are read. */
export interface RowsOptions {
  readonly signal: AbortSignal | undefined;
  /** Takes the stretches that are damaged. */
  readonly gaps: Gap[];
}

/** Rows of a topic, ascending in time. Arrays may be views on what is kept: not to be changed or transferred. */
export class TopicRows {
  readonly length: number;
  readonly ns: BigInt64Array;
  /** From the recording's start. */
  readonly seconds: Float64Array;
  readonly #columns: readonly Column[];
  /** Rows of the columns before the first. */
  readonly #skip: number;

  constructor(block: ColumnBlock, names: readonly string[], startNs: bigint, skip: number) {
    this.length = block.length - skip;
    this.ns = block.timestampNs.subarray(skip);
    const seconds = block.offsetsNs(startNs);
    for (let i = 0; i < seconds.length; i++) seconds[i] /= 1e9;
    this.seconds = seconds.subarray(skip);
    this.#columns = names.map((name) => block.columns[name]);
    this.#skip = skip;
  }

  /** A column as float64: see {@linkcode numbersOf}. */
  numbers(column: number, equals?: string): Float64Array {
    return numbersOf(this.#columns[column], equals).subarray(this.#skip);
  }

  /** A value as a message has it; undefined where it is missing. */
  value(column: number, row: number): unknown {
    return this.#columns[column].at(this.#skip + row);
  }
}

/** Columns of a topic by their paths, block by block. Rejects as reading does, but for damage, which becomes a gap. */
export async function* readColumns(
  recording: Recording,
  topic: string,
  paths: readonly string[],
  window: WindowNs,
  { signal, gaps }: RowsOptions,
): AsyncGenerator<TopicRows, void, undefined> {
  let handler = await recording.topic(topic);
  const names = paths.map((_, i) => `c${i}`);
  const fields = Object.fromEntries(paths.map((path, i) => [names[i], path]));
  /** From where it would go on, and how many rows of that very time it has given out. */
  let { fromNs } = window;
  let had = 0;
  for (let isSalvaging = false;; isSalvaging = true) {
    const columns = handler.getColumnStreamer({ fields, startNs: fromNs, endNs: window.toNs, signal });
    let skip = had;
    try {
      for await (const block of columns) {
        const skipped = Math.min(skip, block.length);
        skip -= skipped;
        if (skipped === block.length) continue;
        const rows = new TopicRows(block, names, recording.startNs, skipped);
        const lastNs = rows.ns[rows.length - 1];
        let ties = 1;
        while (ties < rows.length && rows.ns[rows.length - 1 - ties] === lastNs) ties++;
        had = lastNs === fromNs ? had + ties : ties;
        fromNs = lastNs;
        yield rows;
      }
      return;
    } catch (reason) {
      if (isSalvaging || !isDamage(reason)) throw reason;
      handler = salvaging(recording, handler, gaps);
    }
  }
}

/** A topic as what is whole of it; what is passed over goes into a list. */
export function salvaging(recording: Recording, handler: TopicHandler, gaps: Gap[]): TopicHandler {
  return handler.salvaging(({ reason, span }) => {
    const firstNs = span?.firstNs ?? handler.firstNs ?? recording.startNs;
    const lastNs = span?.lastNs ?? firstNs;
    gaps.push({
      from: recording.seconds(firstNs),
      to: recording.seconds(lastNs),
      message: reason.rawMessage,
    });
  });
}
