import type uPlot from "uplot";
import { type Ink, withAlpha } from "./palette.ts";

/** Shades stretches of time, in seconds, over the whole height of a plot. */
export function drawGaps(plot: uPlot, gaps: readonly { from: number; to: number }[], ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.fillStyle = withAlpha(ink.cursor, 0.12);
  for (const { from, to } of gaps) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
    if (right >= left) ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
}
