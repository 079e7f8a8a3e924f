/** Values over time as bands: a colour for each value, its text where there is room. */
import { type Ink, stateColor, type Theme, withAlpha } from "./palette.ts";

/** A field's values: what holds from each time until the next. */
export interface Bands {
  readonly x: Float64Array;
  readonly end: number;
  /** null is a missing value, undefined one that changes within a pixel. */
  readonly values: readonly (string | number | bigint | boolean | null | undefined)[];
}

/** Draws them into a row. */
export function drawBands(
  context: CanvasRenderingContext2D,
  { x, end, values }: Bands,
  place: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  window: { readonly from: number; readonly to: number },
  theme: Theme,
  ink: Ink,
): void {
  const scale = place.width / (window.to - window.from);
  context.save();
  context.beginPath();
  context.rect(place.left, place.top, place.width, place.height);
  context.clip();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (let i = 0; i < x.length; i++) {
    const from = Math.max(window.from, x[i]);
    const to = Math.min(window.to, i + 1 < x.length ? x[i + 1] : end);
    const value = values[i];
    if (to < from || value === null) continue;
    const left = place.left + (from - window.from) * scale;
    const width = Math.max(1, (to - from) * scale);
    const color = value === undefined ? ink.muted : colorOf(value, theme, ink);
    context.fillStyle = withAlpha(color, value === undefined ? 0.5 : 0.32);
    context.fillRect(left, place.top, width, place.height);
    context.fillStyle = color;
    context.fillRect(left, place.top, Math.min(2, width), place.height);
    const text = value === undefined ? "" : String(value);
    if (text !== "" && width > 14 && context.measureText(text).width < width - 8) {
      context.fillStyle = ink.text;
      context.fillText(text, left + 6, place.top + place.height / 2 + 0.5);
    }
  }
  context.restore();
}

/** The same value has the same colour everywhere; what is off is grey. */
function colorOf(value: string | number | bigint | boolean, theme: Theme, ink: Ink): string {
  if (value === false || value === 0 || value === 0n) return ink.muted;
  if (value === true) return stateColor(theme, 2);
  let hash = 0;
  if (typeof value === "string") {
    for (const char of value) {
      hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
    }
  } else hash = Math.abs(Number(value) % 1000);
  return stateColor(theme, Math.floor(hash));
}
