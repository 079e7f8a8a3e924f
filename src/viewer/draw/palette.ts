/** Colours of what is drawn; those of the rest of the page are in app/styles.ts, under the same names. */

/** How the page looks. */
export type Theme = "dark" | "light";

/** What lines look like, in order: told apart by those who see few colours, and by their dashes. */
export interface LineStyle {
  readonly color: string;
  /** Lengths of dashes and gaps in CSS pixels; none is a full line. */
  readonly dash: readonly number[];
}

/** After Okabe and Ito, each with a contrast of 3:1 at least to its background. */
const LINES: Readonly<Record<Theme, readonly string[]>> = {
  dark: ["#56b4e9", "#f0a43a", "#2fc39a", "#f07fb4", "#e8d84a", "#9a9bff", "#e8744f", "#9fb3c8"],
  light: ["#0072b2", "#b35c00", "#007a5c", "#b0417e", "#7d6b00", "#5b4fc7", "#c2410c", "#4b5a6a"],
};
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

/** The style of a panel's n-th line. The first eight differ in colour alone where lines are full; beyond, dashes go on. */
export function lineStyle(theme: Theme, index: number): LineStyle {
  const colors = LINES[theme];
  return { color: colors[index % colors.length], dash: DASHES[Math.floor(index / colors.length) % 4] };
}

/** A colour for a text or a number that always gets the same one, such as a state's. */
export function stateColor(theme: Theme, index: number): string {
  return LINES[theme][index % LINES[theme].length];
}

/** A `#rrggbb` colour with an opacity from 0 to 1. */
export function withAlpha(color: string, alpha: number): string {
  return color + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

/** What else a canvas is drawn with. */
export interface Ink {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly axis: string;
  readonly accent: string;
  readonly strip: string;
  readonly panel: string;
  readonly cursor: string;
  /** What was found. */
  readonly hit: string;
}

const INKS: Readonly<Record<Theme, Ink>> = {
  dark: {
    text: "#d9dfe7",
    muted: "#97a3b2",
    grid: "#252c35",
    axis: "#3a4450",
    accent: "#5aa9ff",
    strip: "#4c7fae",
    panel: "#191e24",
    cursor: "#ff5a52",
    hit: "#f0a43a",
  },
  light: {
    text: "#1c232b",
    muted: "#566270",
    grid: "#e8ecf0",
    axis: "#c3cbd4",
    accent: "#0b63ce",
    strip: "#7fa8d0",
    panel: "#ffffff",
    cursor: "#d3261f",
    hit: "#b35c00",
  },
};

/** The colours of a theme. */
export function inkOf(theme: Theme): Ink {
  return INKS[theme];
}

/** `#rrggbb` of what is so, or shorter; other names would need a canvas. */
export function fullColor(color: string): string | undefined {
  if (/^#[0-9a-f]{6}$/i.test(color)) return color;
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(color);
  return short ? `#${short.slice(1).map((digit) => digit + digit).join("")}` : undefined;
}
