/** A plot's picture for elsewhere: with its ground, and what its lines are. */
import type { Ink } from "./palette.ts";

const ROW = 20;

/** A canvas with names of lines above what was drawn. */
export function withLegend(
  drawn: HTMLCanvasElement,
  lines: readonly { readonly name: string; readonly color: string }[],
  ink: Ink,
): HTMLCanvasElement {
  const ratio = devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d")!;
  const font = `${12 * ratio}px system-ui, sans-serif`;
  context.font = font;
  // Names go on in a new row where one is full.
  const gap = 16 * ratio;
  let [x, row] = [gap, 0];
  const places = lines.map(({ name, color }) => {
    const width = context.measureText(name).width + 3 * gap;
    if (x + width > drawn.width && x > gap) [x, row] = [gap, row + 1];
    const place = { name, color, x, y: (row + 0.5) * ROW * ratio };
    x += width;
    return place;
  });
  const top = lines.length === 0 ? 0 : (row + 1) * ROW * ratio;
  // A new size forgets the font.
  Object.assign(canvas, { width: drawn.width, height: drawn.height + top });
  context.fillStyle = ink.panel;
  context.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(context, { font, textBaseline: "middle" });
  for (const { name, color, x, y } of places) {
    context.fillStyle = color;
    context.fillRect(x, y - ratio, gap, 2 * ratio);
    context.fillStyle = ink.text;
    context.fillText(name, x + gap * 1.4, y);
  }
  context.drawImage(drawn, 0, top);
  return canvas;
}
