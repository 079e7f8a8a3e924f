/** Activity of topics: a strip each, one over another. */
import type { Ink } from "./palette.ts";
import { withAlpha } from "./palette.ts";

/** Rows of a topic in each of equal parts of the recording. */
export interface Strip {
  readonly topic: string;
  readonly counts: Float64Array;
}

/** A strip of counts as bars from a line upwards; the largest of the strip fills it. */
export function drawStrip(
  context: CanvasRenderingContext2D,
  { counts }: Strip,
  place: { y: number; width: number; height: number },
  ink: Ink,
  isChosen: boolean,
): void {
  const { y, width, height } = place;
  let most = 0;
  for (const count of counts) if (count > most) most = count;
  if (most === 0 || counts.length === 0) return;
  context.fillStyle = isChosen ? ink.accent : withAlpha(ink.strip, 0.85);
  const columns = Math.max(1, Math.floor(width));
  for (let column = 0; column < columns; column++) {
    // The largest of what falls into a column of pixels: a lone message stays visible.
    const from = Math.floor(column * counts.length / columns);
    const to = Math.max(from + 1, Math.floor((column + 1) * counts.length / columns));
    let count = 0;
    for (let i = from; i < to; i++) if (counts[i] > count) count = counts[i];
    if (count <= 0) continue;
    // The root keeps what is rare apart from what is not there.
    const size = Math.max(1, Math.sqrt(count / most) * height);
    context.fillRect(column, y + height - size, 1, size);
  }
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
