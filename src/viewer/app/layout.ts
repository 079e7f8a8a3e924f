/**
 * Layouts: which panels are where, and what they show. Plain JSON, which is kept and put into links.
 *
 * @module
 */
import type { RecordingInfo } from "../data/protocol.ts";

/** What a layout is now. */
export const LAYOUT_VERSION = 1;

/** What a panel shows, by its type. A panel of the user's own may have any JSON. */
export interface PanelOptions {
  /** `axis`: 0 the left one, 1 the right one. */
  plot: { lines: { text: string; axis?: 0 | 1; label?: string; color?: string }[] };
  /** Expressions that are fields. */
  states: { lines: string[] };
  image: { topic: string };
  /** `geo`: latitude and longitude in degrees; `plane`: x and y. Expressions over fields of one topic. */
  track: { topic: string; kind: "geo" | "plane"; x: string; y: string; tiles?: string };
  /** None: all topics. */
  values: { topics: string[] };
  table: { topic: string; fields?: string[] };
  /** Paths of fields. Levels at or above `minLevel` are shown, where they are numbers. */
  log: { topic: string; text: string; level?: string; minLevel?: number; contains?: string };
  xy: { topic: string; x: string; y: string };
  scene: { topics: string[]; frame?: string };
  info: Record<never, never>;
}

/** A panel of a built-in type. */
export type BuiltinPanel = {
  [T in keyof PanelOptions]: { type: T; title?: string; options: PanelOptions[T] };
}[keyof PanelOptions];

/** One panel. `type` is the name by which it was registered. */
export interface PanelState {
  type: string;
  /** @default made of what it shows */
  title?: string;
  /** As {@linkcode PanelOptions} has it by type; whoever reads it must not trust it. */
  options: { [key: string]: unknown };
}

/** Where panels are: side by side, one above another, or in tabs. */
export type LayoutNode =
  /** `sizes` are shares of the whole, as many as `children`. */
  | { kind: "row" | "column"; sizes: number[]; children: LayoutNode[] }
  /** Ids of panels; at least one. */
  | { kind: "tabs"; panels: string[]; active: string };

/** Panels by id, and where they are: each is in one place of `root`. */
export interface Layout {
  version: typeof LAYOUT_VERSION;
  panels: { [id: string]: PanelState };
  root: LayoutNode;
}

/** A layout, and what was wrong with the one that was given, in words for the user. */
export interface ParsedLayout {
  readonly layout: Layout;
  readonly problems: readonly string[];
}
