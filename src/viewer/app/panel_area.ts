/**
 * What shows panels: rows, columns and tabs, or, where there is no room for that, one below another.
 *
 * @module
 */
import type { Layout, PanelState } from "./layout.ts";

/** Where a panel goes. */
export type MoveDirection = "left" | "right" | "up" | "down";

/** What an area shows: panels by their ids. */
export interface DockPanels {
  /** What each panel shows; those that are closed are taken out. */
  readonly states: Map<string, PanelState>;
  /** Where a panel is, and its being seen or not. */
  place(id: string): PanelPlace;
  /** Panels were moved, added, closed, or others are in front. */
  changed(): void;
  /** Asks for a panel beside another one, of a group that may have none. */
  wantsPanel(beside: string | undefined): void;
}

/** The element of one panel. */
export interface PanelPlace {
  readonly element: HTMLElement;
  setVisible(isVisible: boolean): void;
  dispose(): void;
}

/** How panels lie, and what may be done with that. */
export interface PanelArea {
  readonly element: HTMLElement;
  /** The panel in front of the group that is used. */
  readonly activeId: string | undefined;
  /** Ids of the panels that are seen: the one in front of each group. */
  readonly visibleIds: string[];
  /** Whether one panel has all of the place. */
  readonly isFull: boolean;
  /** As it is now; undefined where nothing is left. */
  readonly layout: Layout | undefined;
  /** Shows a layout in place of what is there. */
  load(layout: Layout): void;
  /** Shows nothing. */
  clear(): void;
  /** Adds a panel, below another one. */
  add(id: string, beside?: string): void;
  /** Closes a panel. */
  close(id: string): void;
  /** Names a panel. */
  setTitle(id: string, title: string): void;
  /** Brings a panel to the front of its tabs. */
  activate(id: string): void;
  /** Moves a panel, where there is room to move any. */
  move(id: string, direction: MoveDirection): void;
  /** Moves a panel into the tabs of the next group. */
  moveToTabs(id: string): void;
  /** Makes a panel as large as the place, or as it was. */
  toggleFull(id?: string): void;
  /** Ends all panels. */
  dispose(): void;
}
