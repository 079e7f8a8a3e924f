/** Lines of different times on one axis, as uPlot wants them. */

/** A line's arrays: `low` where it has a smallest and a largest value at each time. */
export interface LineData {
  /** Seconds, ascending. */
  readonly x: Float64Array;
  /** Values, or the largest of each bucket. */
  readonly high: Float64Array;
  /** The smallest of each bucket. */
  readonly low?: Float64Array;
}

/** A value; null where there is none, undefined where another line has a time and this one goes on to its next. */
export type Aligned = number | null | undefined;

/** All times, and for each line its high and low values at them. */
export interface AlignedLines {
  readonly x: ArrayLike<number>;
  readonly columns: ArrayLike<Aligned>[];
}

/** Breaks a line within each stretch that could not be read, ascending, so that none is drawn across it. */
export function withBreaks(
  { x, high, low }: LineData,
  gaps: readonly { readonly from: number; readonly to: number }[],
): LineData {
  if (gaps.length === 0) return { x, high, ...(low && { low }) };
  const breaks = gaps.map(({ from, to }) => (from + to) / 2);
  const broken = (values: Float64Array, atBreak: (at: number) => number) => {
    const all = new Float64Array(values.length + breaks.length);
    let next = 0;
    for (let i = 0; i <= x.length; i++) {
      while (next < breaks.length && (i === x.length || breaks[next] < x[i])) {
        all[i + next] = atBreak(breaks[next]);
        next++;
      }
      if (i < x.length) all[i + next] = values[i];
    }
    return all;
  };
  const none = () => NaN;
  return { x: broken(x, (at) => at), high: broken(high, none), ...(low && { low: broken(low, none) }) };
}

/** Puts lines onto the times of all of them. Undefined lines have no values. */
export function alignLines(lines: readonly (LineData | undefined)[]): AlignedLines {
  const axes: Float64Array[] = [];
  const axisOf = lines.map((line) => {
    if (!line) return -1;
    let at = axes.findIndex((x) => isSame(x, line.x));
    if (at < 0) at = axes.push(line.x) - 1;
    return at;
  });
  // Most plots are so: nothing is to be put anywhere else.
  if (
    axes.length === 1 && lines.every((line) => line && !hasNaN(line.high) && !(line.low && hasNaN(line.low)))
  ) {
    const none = new Array<Aligned>(axes[0].length).fill(null);
    return { x: axes[0], columns: lines.flatMap((line) => [line!.high, line!.low ?? none]) };
  }
  const { x, places } = mergeAxes(axes);
  const columns = lines.flatMap((line, i) => {
    const place = places[axisOf[i]];
    return [spread(line?.high, place, x.length), spread(line?.low, place, x.length)];
  });
  return { x, columns };
}

function hasNaN(values: Float64Array): boolean {
  return values.some(Number.isNaN);
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Merges ascending times, equal ones of different axes into one; where each of an axis went to. */
function mergeAxes(axes: readonly Float64Array[]): { x: number[]; places: Int32Array[] } {
  const places = axes.map(({ length }) => new Int32Array(length));
  const at = axes.map(() => 0);
  const x: number[] = [];
  while (true) {
    let next = Infinity;
    for (let i = 0; i < axes.length; i++) if (at[i] < axes[i].length) next = Math.min(next, axes[i][at[i]]);
    if (next === Infinity) return { x, places };
    for (let i = 0; i < axes.length; i++) {
      if (axes[i][at[i]] === next) places[i][at[i]++] = x.length;
    }
    x.push(next);
  }
}

function spread(
  values: Float64Array | undefined,
  place: Int32Array | undefined,
  length: number,
): Aligned[] {
  if (!values || !place) return new Array<Aligned>(length).fill(null);
  const column = new Array<Aligned>(length).fill(undefined);
  for (let i = 0; i < values.length; i++) column[place[i]] = Number.isNaN(values[i]) ? null : values[i];
  return column;
}

/** Index of the last time at or before one; -1 where there is none. */
export function lastAtOrBefore(x: ArrayLike<number>, seconds: number): number {
  let [from, to] = [0, x.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (x[middle] <= seconds) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}
