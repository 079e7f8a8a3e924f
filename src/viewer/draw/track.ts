/** A track's picture: grid, scale bar, and the line itself, of which the window's part is strong. */
import { numberText } from "./number_text.ts";
import { type Ink, withAlpha } from "./palette.ts";
import { type Projection, scaleBar } from "./projection.ts";

/** What is drawn: the ground, or a line on it. */
export interface TrackPicture {
  readonly width: number;
  readonly height: number;
  readonly projection: Projection;
  /** Of the scale bar. */
  readonly unit: string;
  readonly isGeographic: boolean;
  readonly line?: TrackLine;
}

/** Coordinates in order of time. */
export interface TrackLine {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** The rows of the window. */
  readonly range: { readonly first: number; readonly last: number };
  readonly color: string;
  readonly isDashed: boolean;
}

/** Draws it. */
export function drawTrack(context: CanvasRenderingContext2D, picture: TrackPicture, ink: Ink): void {
  if (picture.line) drawLine(context, picture.projection, picture.line, ink);
  else drawGround(context, picture, ink);
}

function drawGround(
  context: CanvasRenderingContext2D,
  { width, height, projection, unit, isGeographic }: TrackPicture,
  ink: Ink,
): void {
  const bar = scaleBar(projection.scale, Math.min(120, width / 3));
  context.strokeStyle = ink.grid;
  context.lineWidth = 1;
  context.beginPath();
  // Squares as large as the bar, from the middle outwards.
  for (let x = width / 2 % bar.pixels; x < width; x += bar.pixels) {
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, height);
  }
  for (let y = height / 2 % bar.pixels; y < height; y += bar.pixels) {
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
  }
  context.stroke();
  context.strokeStyle = ink.muted;
  context.fillStyle = ink.muted;
  context.beginPath();
  context.moveTo(10.5, height - 15);
  context.lineTo(10.5, height - 10.5);
  context.lineTo(10.5 + bar.pixels, height - 10.5);
  context.lineTo(10.5 + bar.pixels, height - 15);
  context.stroke();
  context.font = "11px system-ui, sans-serif";
  const length = unit === "m" && bar.units >= 1000
    ? `${bar.units / 1000} km`
    : `${numberText(bar.units)} ${unit}`;
  context.fillText(length, 16, height - 15);
  if (!isGeographic) return;
  context.textAlign = "center";
  context.fillText("N", width - 16, 26);
  context.textAlign = "start";
  context.beginPath();
  context.moveTo(width - 16, 4);
  context.lineTo(width - 12, 14);
  context.lineTo(width - 20, 14);
  context.fill();
}

function drawLine(
  context: CanvasRenderingContext2D,
  projection: Projection,
  { x, y, range, color, isDashed }: TrackLine,
  ink: Ink,
): void {
  const stroke = (first: number, last: number, style: string, lineWidth: number) => {
    context.strokeStyle = style;
    context.lineWidth = lineWidth;
    context.beginPath();
    let isDown = false;
    for (let i = Math.max(0, first); i <= Math.min(x.length - 1, last); i++) {
      const [px, py] = [projection.x(x[i]), projection.y(y[i])];
      if (!Number.isFinite(px) || !Number.isFinite(py)) {
        isDown = false;
        continue;
      }
      if (isDown) context.lineTo(px, py);
      else context.moveTo(px, py);
      isDown = true;
    }
    context.stroke();
  };
  context.lineJoin = "round";
  context.lineCap = "round";
  context.setLineDash(isDashed ? [5, 5] : []);
  stroke(0, x.length - 1, withAlpha(color, 0.35), 2);
  stroke(range.first, range.last, color, 2.5);
  context.setLineDash([]);
  for (let i = 0; i < x.length; i++) {
    const [px, py] = [projection.x(x[i]), projection.y(y[i])];
    if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
    // Where it begins.
    context.fillStyle = ink.panel;
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(px, py, 4, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    break;
  }
}
