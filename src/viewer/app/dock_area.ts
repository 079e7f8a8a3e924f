/**
 * Rows, columns and tabs that can be moved, by dockview.
 *
 * @module
 */
import dockviewStyles from "virtual:dockview-styles";
import {
  createDockview,
  type DockviewApi,
  type DockviewGroupPanel,
  type IDockviewPanel,
} from "dockview-core";
import { panelDefinition } from "../panels/panel.ts";
import { fromDock, toDock } from "./dock_layout.ts";
import type { Layout, PanelState } from "./layout.ts";
import type { DockPanels, MoveDirection, PanelArea } from "./panel_area.ts";

/** Rules of dockview, for the shadow root in which it is. */
export function dockStyles(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(dockviewStyles);
  return sheet;
}

/** Panels in rows, columns and tabs. */
export class DockArea implements PanelArea {
  readonly element: HTMLElement;
  readonly #api: DockviewApi;
  readonly #dock: DockPanels;
  readonly #panels: Map<string, PanelState>;
  readonly #observer: ResizeObserver;
  #isLoading = false;

  constructor(dock: DockPanels) {
    this.#dock = dock;
    this.#panels = dock.states;
    this.element = document.createElement("div");
    this.element.style.cssText = "position:absolute;inset:0";
    this.#api = createDockview(this.element, {
      theme: { name: "smalti", className: "dockview-theme-smalti", gap: 0 },
      disableFloatingGroups: true,
      announcements: false,
      defaultRenderer: "onlyWhenVisible",
      createComponent: ({ id }) => this.#content(id),
      defaultTabComponent: "tab",
      createTabComponent: ({ id }) => this.#tab(id),
      createRightHeaderActionComponent: (group) => this.#actions(group),
    });
    // Sizes are told by what is measured: dockview's own observer may come after the first drawing.
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.element);
    this.#api.onDidLayoutChange(() => {
      if (this.#isLoading) return;
      for (const id of [...this.#panels.keys()]) if (!this.#api.getPanel(id)) this.#panels.delete(id);
      this.#dock.changed();
    });
  }

  /** The panel in front of the group that is used. */
  get activeId(): string | undefined {
    return this.#api.activePanel?.id;
  }

  /** Ids of the panels that are seen: the one in front of each group. */
  get visibleIds(): string[] {
    return this.#api.panels.filter(({ api }) => api.isVisible).map(({ id }) => id);
  }

  /** Shows a layout in place of what is there. */
  load(layout: Layout): void {
    this.#isLoading = true;
    try {
      this.#api.clear();
      const { width, height } = this.#size();
      this.#api.fromJSON(toDock(layout, width, height));
    } finally {
      this.#isLoading = false;
    }
    this.#fit();
  }

  /** Shows nothing. */
  clear(): void {
    this.#isLoading = true;
    this.#api.clear();
    this.#isLoading = false;
  }

  /** As it is now; undefined where nothing is left. */
  get layout(): Layout | undefined {
    return this.#panels.size === 0 ? undefined : fromDock(this.#api.toJSON(), this.#panels);
  }

  /** Adds a panel, below another one. */
  add(id: string, beside?: string): void {
    const state = this.#panels.get(id)!;
    const reference = beside !== undefined ? this.#api.getPanel(beside) : this.#api.activePanel;
    this.#api.addPanel({
      id,
      component: state.type,
      title: state.title ?? panelDefinition(state.type)?.title ?? state.type,
      ...(reference && { position: { referencePanel: reference.id, direction: "below" } }),
    });
  }

  /** Closes a panel. */
  close(id: string): void {
    const panel = this.#api.getPanel(id);
    if (panel) this.#api.removePanel(panel);
  }

  /** Names a panel. */
  setTitle(id: string, title: string): void {
    const panel = this.#api.getPanel(id);
    if (panel && panel.title !== title) panel.api.setTitle(title);
  }

  /** Brings a panel to the front of its tabs. */
  activate(id: string): void {
    this.#api.getPanel(id)?.api.setActive();
  }

  /** Moves a panel to the far side of its neighbour in a direction, else to the edge. */
  move(id: string, direction: MoveDirection): void {
    const panel = this.#api.getPanel(id);
    if (!panel) return;
    const side = ({ left: "left", right: "right", up: "top", down: "bottom" } as const)[direction];
    const neighbour = neighbourOf(panel.group, this.#api.groups, direction);
    if (neighbour) return panel.api.moveTo({ group: neighbour, position: side });
    // Alone at the edge it would only go round.
    if (panel.group.panels.length === 1 && isAtEdge(panel.group, this.#api.groups, direction)) return;
    const edge = ({ left: "left", right: "right", up: "above", down: "below" } as const)[direction];
    panel.api.moveTo({ group: this.#api.addGroup({ direction: edge }) });
  }

  /** Moves a panel into the tabs of the next group. */
  moveToTabs(id: string): void {
    const panel = this.#api.getPanel(id);
    const { groups } = this.#api;
    if (!panel || groups.length < 2) return;
    const next = groups[(groups.indexOf(panel.group) + 1) % groups.length];
    panel.api.moveTo({ group: next, position: "center" });
  }

  /** Makes a panel as large as the place, or as it was. */
  toggleFull(id: string | undefined = this.activeId): void {
    if (this.#api.hasMaximizedGroup()) this.#api.exitMaximizedGroup();
    else if (id !== undefined) this.#api.getPanel(id)?.api.maximize();
  }

  /** Whether one panel has all of the place. */
  get isFull(): boolean {
    return this.#api.hasMaximizedGroup();
  }

  /** Ends all panels. */
  dispose(): void {
    this.#observer.disconnect();
    this.#isLoading = true;
    this.#api.dispose();
  }

  #size(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.element;
    return { width: clientWidth || 800, height: clientHeight || 600 };
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#api.layout(clientWidth, clientHeight);
  }

  /** A panel is there while it is seen; what it shows is all in its state. */
  #content(id: string) {
    const place = this.#dock.place(id);
    return {
      element: place.element,
      init: ({ api }: { api: IDockviewPanel["api"] }) => {
        api.onDidVisibilityChange(({ isVisible }) => place.setVisible(isVisible));
        if (api.isVisible) place.setVisible(true);
      },
      dispose: () => place.dispose(),
    };
  }

  /** A tab's name and its cross, which is for the pointer: nothing within a tab may take the focus, and there is a key. */
  #tab(id: string) {
    const [element, name, cross] = ["div", "span", "span"].map((tag) => document.createElement(tag));
    element.className = "tab";
    cross.className = "tab-close";
    cross.textContent = "×";
    cross.title = "Close (Shift+X)";
    cross.setAttribute("aria-hidden", "true");
    // A tab is dragged from where it is pressed.
    cross.addEventListener("pointerdown", (event) => event.stopPropagation());
    cross.addEventListener("click", (event) => {
      event.stopPropagation();
      this.close(id);
    });
    element.append(name, cross);
    return {
      element,
      init: ({ title, api }: { title: string; api: IDockviewPanel["api"] }) => {
        name.textContent = title;
        api.onDidTitleChange(({ title }) => name.textContent = title);
      },
    };
  }

  /** What a group's bar of tabs has at its end. */
  #actions(group: DockviewGroupPanel) {
    const element = document.createElement("div");
    element.className = "group-actions";
    const button = (text: string, label: string, act: () => void) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.title = label;
      made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      element.append(made);
    };
    button("+", "Add a panel", () => this.#dock.wantsPanel(group.activePanel?.id));
    button("⤢", "Full size, or back (f)", () => this.toggleFull(group.activePanel?.id));
    return { element, init: () => {}, dispose: () => element.remove() };
  }
}

/** The group beside one, in a direction, that overlaps it most. */
function neighbourOf(
  group: DockviewGroupPanel,
  groups: readonly DockviewGroupPanel[],
  direction: MoveDirection,
): DockviewGroupPanel | undefined {
  const own = group.element.getBoundingClientRect();
  const found = groups.filter((other) => other !== group).map((other) => {
    const rect = other.element.getBoundingClientRect();
    const isAcross = direction === "left" || direction === "right";
    const distance = {
      left: own.left - rect.right,
      right: rect.left - own.right,
      up: own.top - rect.bottom,
      down: rect.top - own.bottom,
    }[direction];
    const shared = isAcross
      ? Math.min(own.bottom, rect.bottom) - Math.max(own.top, rect.top)
      : Math.min(own.right, rect.right) - Math.max(own.left, rect.left);
    return { other, distance, shared };
  }).filter(({ distance, shared }) => distance > -2 && shared > 2);
  return found.sort((a, b) => a.distance - b.distance || b.shared - a.shared)[0]?.other;
}

/** Whether a group reaches along the whole edge of the place. */
function isAtEdge(
  group: DockviewGroupPanel,
  groups: readonly DockviewGroupPanel[],
  direction: MoveDirection,
): boolean {
  const rects = groups.map(({ element }) => element.getBoundingClientRect());
  const own = group.element.getBoundingClientRect();
  const [from, to] = direction === "left" || direction === "right"
    ? ["top", "bottom"] as const
    : ["left", "right"] as const;
  return rects.every((rect) => rect[from] >= own[from] - 2 && rect[to] <= own[to] + 2);
}
