/**
 * Fields of a topic against each other: for tracks and XY plots.
 *
 * @module
 */
import { SmaltiError } from "../../entry/browser.ts";
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

/** Keeps of each group of rows the first, and those with the extremes of each column; and the last row of all. */
class Thinner {
  readonly #stride: number;
  readonly #x = new Growing();
  readonly #columns: readonly Growing[];
  /** Rows of the group: time and values. */
  #kept: Kept[] = [];
  readonly #least: (Kept | undefined)[];
  readonly #most: (Kept | undefined)[];
  #last: Kept | undefined;
  #inGroup = 0;
  #rows = 0;

  constructor(columns: number, stride: number) {
    this.#stride = stride;
    this.#columns = Array.from({ length: columns }, () => new Growing());
    this.#least = new Array(columns);
    this.#most = new Array(columns);
  }

  add({ seconds, values }: LineRows): void {
    if (this.#stride === 1) {
      this.#rows += seconds.length;
      this.#x.add(seconds);
      for (const [i, column] of values.entries()) this.#columns[i].add(column);
      return;
    }
    for (let row = 0; row < seconds.length; row++) {
      if (this.#inGroup === this.#stride) this.#flush();
      let kept: Kept | undefined;
      const keep = () =>
        kept ??= { row: this.#rows, x: seconds[row], values: values.map((column) => column[row]) };
      if (this.#inGroup++ === 0) this.#kept.push(keep());
      for (const [i, column] of values.entries()) {
        const value = column[row];
        if (Number.isNaN(value)) continue;
        const [least, most] = [this.#least[i], this.#most[i]];
        if (!least || value < least.values[i]) this.#least[i] = keep();
        if (!most || value > most.values[i]) this.#most[i] = keep();
      }
      if (row === seconds.length - 1) this.#last = keep();
      this.#rows++;
    }
  }

  finish(): { x: Float64Array; columns: Float64Array[]; rows: number } {
    if (this.#last) this.#kept.push(this.#last);
    this.#flush();
    return {
      x: this.#x.toArray(),
      columns: this.#columns.map((column) => column.toArray()),
      rows: this.#rows,
    };
  }

  #flush(): void {
    const all = [...this.#kept, ...this.#least, ...this.#most].filter((kept) => kept !== undefined);
    const byRow = new Map(all.map((kept) => [kept.row, kept]));
    const sorted = [...byRow.values()].sort((a, b) => a.row - b.row);
    this.#x.add(Float64Array.from(sorted, ({ x }) => x));
    for (const [i, column] of this.#columns.entries()) {
      column.add(Float64Array.from(sorted, ({ values }) => values[i]));
    }
    this.#kept = [];
    this.#least.fill(undefined);
    this.#most.fill(undefined);
    this.#inGroup = 0;
  }
}

interface Kept {
  readonly row: number;
  readonly x: number;
  readonly values: readonly number[];
}
