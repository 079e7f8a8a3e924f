/** Activity of topics: a strip each, one over another. */
import type { Ink } from "./palette.ts";

/** Rows of topics in equal slices of time. */
export interface Activity {
  /** When the first slice begins, in seconds. */
  readonly from: number;
  /** How long each is, in seconds. */
  readonly step: number;
  readonly topics: readonly { readonly topic: string; readonly counts: Float64Array }[];
}

/** Where strips are drawn, in CSS pixels, and what time that is. */
export interface StripsPlace {
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly extent: { readonly from: number; readonly to: number };
}

/** Below this height strips have no names. */
const NAME_PIXELS = 10;

/** Draws a strip for each topic: the more of its messages are in a pixel's time, the stronger. */
export function drawRaster(
  context: CanvasRenderingContext2D,
  activity: Activity,
  { y, width, height, extent }: StripsPlace,
  ink: Ink,
  chosen: string | undefined,
): void {
  const { topics } = activity;
  const columns = Math.max(1, Math.floor(width));
  const rowHeight = height / topics.length;
  for (const [row, { topic, counts }] of topics.entries()) {
    const top = Math.round(y + row * rowHeight);
    // A gap between rows where there is room for one.
    const bottom = Math.max(top + 1, Math.round(y + (row + 1) * rowHeight) - (rowHeight >= 3 ? 1 : 0));
    const most = counts.reduce((most, count) => Math.max(most, count), 0);
    if (most === 0) continue;
    context.fillStyle = topic === chosen ? ink.accent : ink.strip;
    for (let column = 0; column < columns; column++) {
      const count = countAt(activity, counts, extent, column / columns, (column + 1) / columns);
      if (count <= 0) continue;
      // The root keeps what is rare apart from what is not there.
      context.globalAlpha = 0.2 + 0.6 * Math.sqrt(Math.min(1, count / most));
      context.fillRect(column, top, 1, bottom - top);
    }
    context.globalAlpha = 1;
    if (rowHeight >= NAME_PIXELS) {
      context.font = `${Math.min(11, rowHeight - 1)}px system-ui, sans-serif`;
      context.textBaseline = "middle";
      context.lineJoin = "round";
      context.lineWidth = 3;
      context.strokeStyle = ink.panel;
      context.strokeText(topic, 8, (top + bottom) / 2);
      context.fillStyle = ink.text;
      context.fillText(topic, 8, (top + bottom) / 2);
    }
  }
}

/** The largest count of the slices that touch a part of the extent: a lone message stays visible. */
function countAt(
  { from, step }: Activity,
  counts: Float64Array,
  extent: StripsPlace["extent"],
  left: number,
  right: number,
): number {
  const seconds = (part: number) => extent.from + part * (extent.to - extent.from);
  const first = Math.max(0, Math.floor((seconds(left) - from) / step));
  const end = Math.min(counts.length, Math.max(first + 1, Math.floor((seconds(right) - from) / step)));
  let most = 0;
  for (let i = first; i < end; i++) if (counts[i] > most) most = counts[i];
  return most;
}

/** Which of so many rows is at a height; undefined beyond them. */
export function rasterRow(y: number, height: number, rows: number): number | undefined {
  if (rows === 0 || y < 0 || y >= height) return undefined;
  return Math.min(rows - 1, Math.floor(y / height * rows));
}

/** Marks times of a recording by thin lines over the whole height, as hits of a search. */
export function drawTicks(
  context: CanvasRenderingContext2D,
  positions: ArrayLike<number>,
  height: number,
  color: string,
): void {
  context.fillStyle = color;
  let last = -1;
  for (let i = 0; i < positions.length; i++) {
    const x = Math.floor(positions[i]);
    if (x === last) continue;
    last = x;
    context.fillRect(x, 0, 1, height);
  }
}

/**
 * The stretch that has nearly all messages, in seconds: what lies alone long before or after, as parameters that were sent
 * before a start, is outside. Undefined where it would leave little out.
 */
export function busyStretch({ from, step, topics }: Activity): { from: number; to: number } | undefined {
  const bins = topics[0]?.counts.length ?? 0;
  const sums = new Float64Array(bins);
  for (const { counts } of topics) for (let i = 0; i < bins; i++) sums[i] += counts[i];
  const total = sums.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let [first, last] = [0, bins - 1];
  for (let sum = 0; first < last && sum + sums[first] < total * 0.005; first++) sum += sums[first];
  for (let sum = 0; last > first && sum + sums[last] < total * 0.005; last--) sum += sums[last];
  const kept = (last + 1 - first) / bins;
  return kept < 0.85 ? { from: from + first * step, to: from + (last + 1) * step } : undefined;
}
