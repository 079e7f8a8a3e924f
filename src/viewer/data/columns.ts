/**
 * Fields of a topic against each other: for tracks and XY plots.
 *
 * @module
 */
import { SmaltiError } from "../../entry/web.ts";
import { checkWhole, checkWindow, isDamage, joinGaps } from "./data_error.ts";
import { type LineRows, readLines } from "./line_rows.ts";
import type { ColumnsAnswer, ColumnsRequest, Gap } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { Growing } from "./series.ts";

/** Rows of a window, thinned out to about as many as asked for. */
export async function answerColumns(
  recording: Recording,
  request: ColumnsRequest,
  signal: AbortSignal,
): Promise<ColumnsAnswer> {
  const window = checkWindow(request);
  const points = checkWhole(request.points, "points", 64, 1_000_000);
  checkWhole(request.columns.length, "The number of columns", 1, 16);
  await recording.prepare(request.columns);
  const lines = request.columns.map((text) => recording.compiler.compile(text));
  const stray = lines.findIndex(({ topic }) => topic !== request.topic);
  if (stray >= 0) {
    const text = `Column ${request.columns[stray]} is of topic "${
      lines[stray].topic
    }", wanted "${request.topic}"`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const gaps: Gap[] = [];
  const thinner = new Thinner(
    lines.length,
    stride(await countOf(recording, request, signal), points, lines.length),
  );
  for await (const rows of readLines(recording, lines, window, { signal, gaps })) thinner.add(rows);
  return { ...thinner.finish(), gaps: joinGaps(gaps) };
}

async function countOf(
  recording: Recording,
  { topic, fromNs, toNs }: ColumnsRequest,
  signal: AbortSignal,
): Promise<number> {
  const handler = await recording.topic(topic);
  try {
    return (await handler.countRows([fromNs, toNs], { signal }))[0];
  } catch (reason) {
    if (!isDamage(reason)) throw reason;
    return handler.rowCount;
  }
}

/** Rows of which as many are kept as there are extremes, and the first. */
function stride(rows: number, points: number, columns: number): number {
  if (rows <= points) return 1;
  const groups = Math.max(1, Math.floor((points - 1) / (2 * columns + 1)));
  return Math.ceil(rows / groups);
}

/** A row that is kept. */
interface Kept {
  /** Which of all rows. */
  readonly row: number;
  readonly x: number;
  readonly values: readonly number[];
}

/** Keeps of each group of rows the first, and those with the extremes of each column; and the last row of all. */
class Thinner {
  readonly #stride: number;
  readonly #x = new Growing();
  readonly #columns: readonly Growing[];
  /** Rows of the group that are kept so far. */
  #first: Kept | undefined;
  readonly #least: (Kept | undefined)[];
  readonly #most: (Kept | undefined)[];
  #last: Kept | undefined;
  #rows = 0;

  constructor(columns: number, stride: number) {
    this.#stride = stride;
    this.#columns = Array.from({ length: columns }, () => new Growing());
    this.#least = new Array(columns);
    this.#most = new Array(columns);
  }

  add(rows: LineRows): void {
    const { seconds, values } = rows;
    if (this.#stride === 1) {
      this.#rows += seconds.length;
      this.#x.add(seconds);
      for (const [i, column] of values.entries()) this.#columns[i].add(column);
      return;
    }
    const keep = (at: number, from: number): Kept => ({
      row: this.#rows + at - from,
      x: seconds[at],
      values: values.map((column) => column[at]),
    });
    for (let from = 0; from < seconds.length;) {
      const inGroup = this.#rows % this.#stride;
      if (inGroup === 0) this.#flush();
      const to = Math.min(seconds.length, from + this.#stride - inGroup);
      this.#first ??= keep(from, from);
      for (const [i, column] of values.entries()) {
        const [least, most] = extremesOf(column, from, to);
        if (least >= 0 && !(column[least] >= this.#least[i]?.values[i]!)) this.#least[i] = keep(least, from);
        if (most >= 0 && !(column[most] <= this.#most[i]?.values[i]!)) this.#most[i] = keep(most, from);
      }
      this.#last = keep(to - 1, from);
      this.#rows += to - from;
      from = to;
    }
  }

  finish(): { x: Float64Array; columns: Float64Array[]; rows: number } {
    this.#flush(this.#last);
    return {
      x: this.#x.toArray(),
      columns: this.#columns.map((column) => column.toArray()),
      rows: this.#rows,
    };
  }

  #flush(last?: Kept): void {
    const all = [this.#first, ...this.#least, ...this.#most, last].filter((kept) => kept !== undefined);
    const byRow = new Map(all.map((kept) => [kept.row, kept]));
    const sorted = [...byRow.values()].sort((a, b) => a.row - b.row);
    this.#x.add(Float64Array.from(sorted, ({ x }) => x));
    for (const [i, column] of this.#columns.entries()) {
      column.add(Float64Array.from(sorted, ({ values }) => values[i]));
    }
    this.#first = undefined;
    this.#least.fill(undefined);
    this.#most.fill(undefined);
  }
}

/** Where the smallest and the largest of some values are; -1 where there is none but NaN. */
function extremesOf(values: Float64Array, from: number, to: number): [least: number, most: number] {
  let [least, most] = [-1, -1];
  let [low, high] = [Infinity, -Infinity];
  for (let at = from; at < to; at++) {
    const value = values[at];
    if (value < low || (least < 0 && value === low)) [least, low] = [at, value];
    if (value > high || (most < 0 && value === high)) [most, high] = [at, value];
  }
  return [least, most];
}
