/**
 * How uPlot draws a plot of ours: each line is two series, its largest and smallest values, of which the first draws both; the
 * second is empty where rows are drawn.
 *
 * @module
 */
import type uPlot from "uplot";
import { hasLow, minMaxPath } from "./min_max_path.ts";
import { numberText } from "./number_text.ts";
import { inkOf, type LineStyle, type Theme, withAlpha } from "./palette.ts";
import type { Margins } from "./time_margins.ts";
import { timeTicks } from "./time_text.ts";

/** A line of a plot. */
export interface PlotLine {
  readonly style: LineStyle;
  /** Which of the axes: 0 left, 1 right. */
  readonly axis: 0 | 1;
  /** Drawn dashed besides: of the recording that is laid over. */
  readonly isSecond?: boolean;
  readonly isHidden?: boolean;
}

/** A plot's lines and look. */
export interface PlotLook {
  readonly lines: readonly PlotLine[];
  readonly theme: Theme;
  /** Names of the units at the axes, left and right. */
  readonly units: readonly [string, string];
  readonly width: number;
  readonly height: number;
  /** What is left free beside the times. */
  readonly margins: () => Margins;
}

const LABEL_PIXELS = 15;
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

/** Has the fonts of plots looked up, which takes tens of milliseconds: before there is something to draw nobody waits for it. */
export function loadFonts(): void {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return;
  context.font = FONT;
  context.fillText("0123456789.", 0, 10);
}

/** Options of uPlot. Its own cursor, legend and selection are off: ours are shared by all panels. */
export function plotOptions({ lines, theme, units, width, height, margins }: PlotLook): uPlot.Options {
  const ink = inkOf(theme);
  const hasRight = lines.some(({ axis }) => axis === 1);
  const series: uPlot.Series[] = [{}];
  for (const { style, axis, isSecond, isHidden } of lines) {
    const scale = axis === 1 ? "right" : "left";
    const between = withAlpha(style.color, 0.3);
    const line: uPlot.Series = {
      scale,
      stroke: style.color,
      width: 1,
      dash: isSecond ? [5, 4] : [...style.dash],
      paths: minMaxPath,
      fill: (plot, i) => hasLow(plot, i) ? between : null as unknown as string,
      show: !isHidden,
      points: { size: 4, stroke: style.color, fill: style.color, show: hasRoomForPoints },
    };
    series.push(line, { scale, show: !isHidden, paths: () => null, points: { show: false } });
  }
  const axisOf = (scale: "left" | "right"): uPlot.Axis => ({
    scale,
    side: scale === "left" ? 3 : 1,
    stroke: ink.muted,
    font: FONT,
    size: axisWidth,
    gap: 4,
    label: units[scale === "left" ? 0 : 1] || undefined,
    labelFont: FONT,
    labelSize: LABEL_PIXELS,
    labelGap: 0,
    grid: { show: scale === "left", stroke: ink.grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
    values: (_plot, splits) => splits.map((value) => value === null ? "" : numberText(value)),
    space: 26,
  });
  return {
    width,
    height,
    padding: [
      6,
      (plot) => Math.max(0, margins().right - besides(plot).right),
      0,
      (plot) => Math.max(0, margins().left - besides(plot).left),
    ],
    series,
    legend: { show: false },
    cursor: { show: false, drag: { x: false, y: false, setScale: false } },
    scales: {
      x: { time: false, auto: false },
      left: { range: valueRange },
      ...(hasRight && { right: { range: valueRange } }),
    },
    axes: [
      {
        stroke: ink.muted,
        font: FONT,
        size: 24,
        gap: 4,
        grid: { stroke: ink.grid, width: 1 },
        ticks: { show: false },
        border: { show: true, stroke: ink.axis, width: 1 },
        splits: (plot, _axis, min, max) => {
          const count = Math.max(2, plot.bbox.width / (devicePixelRatio || 1) / 90);
          return timeTicks(min, max, count).map(({ at }) => at);
        },
        values: (plot, splits) => {
          const { min = 0, max = 1 } = plot.scales.x;
          const count = Math.max(2, plot.bbox.width / (devicePixelRatio || 1) / 90);
          const texts = new Map(timeTicks(min, max, count).map(({ at, text }) => [at, text]));
          return splits.map((at) => texts.get(at) ?? "");
        },
      },
      axisOf("left"),
      ...(hasRight ? [axisOf("right")] : []),
    ],
  };
}

/** Points where they are 8 pixels apart at the least. */
function hasRoomForPoints(plot: uPlot, seriesIndex: number, from: number, to: number): boolean {
  const column = plot.data[seriesIndex];
  const low = plot.data[seriesIndex + 1];
  const most = plot.bbox.width / (devicePixelRatio || 1) / 8;
  let count = 0;
  for (let i = from; i <= to; i++) {
    if (typeof column[i] !== "number") continue;
    if (typeof low?.[i] === "number" || ++count > most) return false;
  }
  return count > 0;
}

/** Some air around what is there; a flat line lies in the middle. */
export function valueRange(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  if (min === max) {
    const half = Math.max(Math.abs(min) * 0.1, 1e-9);
    return min === 0 ? [-1, 1] : [min - half, max + half];
  }
  const air = (max - min) * 0.06;
  return [min - air, max + air];
}

/** What a plot's axes take beside the times. */
export function besides({ axes }: uPlot): Margins {
  const taken = (side: uPlot.Axis.Side) =>
    axes.filter((axis) => axis.side === side).reduce(
      (sum, axis: SizedAxis) => sum + (axis._size ?? 0) + (axis.label === undefined ? 0 : LABEL_PIXELS),
      0,
    );
  return { left: taken(3), right: taken(1) };
}

/** How wide it was found to be. */
type SizedAxis = uPlot.Axis & { _size?: number };

/** Wide enough for its longest number. */
function axisWidth(plot: uPlot, values: string[] | null, axisIndex: number): number {
  const axis = plot.axes[axisIndex] as SizedAxis;
  const longest = (values ?? []).reduce((longest, text) => Math.max(longest, text?.length ?? 0), 0);
  // It never shrinks, so that plots do not twitch while they are zoomed.
  return Math.max(
    longest * 6.3 + 10,
    axis._size && values ? Math.min(axis._size, 90) : 0,
  );
}
