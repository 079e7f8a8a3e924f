/** Points of two columns, with axes. */
import { numberText } from "./number_text.ts";
import { type Ink, withAlpha } from "./palette.ts";
import type { Extent } from "./projection.ts";

/** From values to pixels. */
export interface XyPlace {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly extent: Extent;
  x(value: number): number;
  y(value: number): number;
}

/** Fits an extent, with some air, into a picture. */
export function xyPlace({ minX, maxX, minY, maxY }: Extent, fullWidth: number, fullHeight: number): XyPlace {
  const [left, top] = [56, 10];
  const [width, height] = [Math.max(1, fullWidth - left - 14), Math.max(1, fullHeight - top - 26)];
  const air = (min: number, max: number) =>
    max > min ? (max - min) * 0.05 : Math.max(Math.abs(min) * 0.1, 1e-9);
  const extent = {
    minX: minX - air(minX, maxX),
    maxX: maxX + air(minX, maxX),
    minY: minY - air(minY, maxY),
    maxY: maxY + air(minY, maxY),
  };
  return {
    left,
    top,
    width,
    height,
    extent,
    x: (value) => left + (value - extent.minX) / (extent.maxX - extent.minX) * width,
    y: (value) => top + height - (value - extent.minY) / (extent.maxY - extent.minY) * height,
  };
}

/** Draws axes and points. */
export function drawXy(
  context: CanvasRenderingContext2D,
  place: XyPlace,
  { xs, ys, color }: { xs: Float64Array; ys: Float64Array; color: string },
  ink: Ink,
): void {
  const { left, top, width, height, extent } = place;
  context.font = "11px system-ui, sans-serif";
  context.strokeStyle = ink.grid;
  context.fillStyle = ink.muted;
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of roundValues(extent.minX, extent.maxX, width / 90)) {
    const x = Math.round(place.x(value)) + 0.5;
    line(context, x, top, x, top + height);
    context.fillText(numberText(value), x, top + height + 6);
  }
  context.textAlign = "end";
  context.textBaseline = "middle";
  for (const value of roundValues(extent.minY, extent.maxY, height / 40)) {
    const y = Math.round(place.y(value)) + 0.5;
    line(context, left, y, left + width, y);
    context.fillText(numberText(value), left - 6, y);
  }
  context.textAlign = "start";
  context.fillStyle = withAlpha(color, xs.length > 2000 ? 0.5 : 0.85);
  const size = xs.length > 2000 ? 2 : 3;
  for (let i = 0; i < xs.length; i++) {
    const [x, y] = [place.x(xs[i]), place.y(ys[i])];
    if (Number.isFinite(x) && Number.isFinite(y)) context.fillRect(x - size / 2, y - size / 2, size, size);
  }
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** Round values of a range, about as many as asked. */
function roundValues(min: number, max: number, count: number): number[] {
  const wanted = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wanted) ?? power * 10;
  const values: number[] = [];
  for (let i = Math.ceil(min / step); i * step <= max && values.length < 100; i++) {
    values.push(Number((i * step).toPrecision(12)));
  }
  return values;
}
