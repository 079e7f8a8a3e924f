/**
 * How uPlot draws the smallest and largest values of slices of time: one outline of both, filled, where two series with a band
 * between them would be two lines and a fill that is cut out by a third path.
 *
 * @module
 */
import uPlot from "uplot";

const linear = uPlot.paths.linear!();

/** Whether a series has smallest values, in the column after its own. */
export function hasLow(plot: uPlot, seriesIndex: number): boolean {
  const low = plot.data[seriesIndex + 1];
  // Other lines of the plot have times of their own, at which there is nothing.
  return low !== undefined && low.some((value) => typeof value === "number");
}

/** Path of a series: an outline where it has smallest values, else a line. */
export const minMaxPath: uPlot.Series.PathBuilder = (plot, seriesIndex, first, last) => {
  if (!hasLow(plot, seriesIndex)) return linear(plot, seriesIndex, first, last);
  const [x, high, low] = [plot.data[0], plot.data[seriesIndex], plot.data[seriesIndex + 1]];
  const { left, top, width, height } = plot.bbox;
  const { min: from = 0, max: to = 1 } = plot.scales[plot.series[0].scale!];
  const { min: bottom = 0, max: above = 1 } = plot.scales[plot.series[seriesIndex].scale!];
  const [perX, perY] = [width / (to - from), height / (above - bottom)];
  // To whole pixels, as uPlot does: lines of one pixel are quick then, and sharp.
  const xOf = (i: number) => Math.round(left + (x[i] - from) * perX);
  const yOf = (value: number) => Math.round(top + (above - value) * perY);
  const path = new Path2D();
  let run: number[] = [];
  /** There along the largest values, back along the smallest. */
  const end = () => {
    if (run.length === 0) return;
    path.moveTo(xOf(run[0]), yOf(high[run[0]]!));
    for (const i of run) path.lineTo(xOf(i), yOf(high[i]!));
    for (const i of run.reverse()) path.lineTo(xOf(i), yOf(low[i]!));
    path.closePath();
    run = [];
  };
  for (let i = first; i <= last; i++) {
    if (typeof high[i] === "number" && typeof low[i] === "number") run.push(i);
    else if (high[i] === null) end();
  }
  end();
  return { stroke: path, fill: path, clip: null, band: null, flags: 0 };
};
