/**
 * Where panels are: rows, columns and tabs, by dockview.
 *
 * @module
 */
import { createDockview, type DockviewApi, type DockviewGroupPanel, type IDockviewPanel } from "dockview-core";
import { panelDefinition } from "../panels/panel.ts";
import { fromDock, toDock } from "./dock_layout.ts";
import type { Layout, PanelState } from "./layout.ts";

/** What shows panels. */
export interface PanelPlace {
  /** Shows a panel in an element until what it returns is called. */
  show(id: string, state: PanelState, element: HTMLElement): () => void;
  /** The panel has another size. */
  resized(id: string): void;
  /** Panels were moved, added, closed, or others are in front. */
  changed(): void;
  /** The panel in front of the group that has the focus. */
  activated(id: string | undefined): void;
  /** Asks for a panel beside another one, of a group that may have none. */
  wantsPanel(beside: string | undefined): void;
}

/** How panels lie, and what may be done with that. */
export class Dock {
  readonly element: HTMLElement;
  readonly #api: DockviewApi;
  readonly #place: PanelPlace;
  readonly #panels = new Map<string, PanelState>();
  readonly #observer: ResizeObserver;
  #isLoading = false;

  constructor(place: PanelPlace) {
    this.#place = place;
    this.element = document.createElement("div");
    this.element.style.cssText = "position:absolute;inset:0";
    this.#api = createDockview(this.element, {
      theme: { name: "smalti", className: "dockview-theme-smalti", gap: 0 },
      disableFloatingGroups: true,
      announcements: false,
      defaultRenderer: "onlyWhenVisible",
      createComponent: ({ id }) => this.#content(id),
      createRightHeaderActionComponent: (group) => this.#actions(group),
    });
    // Sizes are told by what is measured: dockview's own observer may come after the first drawing.
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.element);
    this.#api.onDidLayoutChange(() => {
      if (this.#isLoading) return;
      for (const id of [...this.#panels.keys()]) if (!this.#api.getPanel(id)) this.#panels.delete(id);
      this.#place.changed();
    });
    this.#api.onDidActivePanelChange(() => this.#place.activated(this.activeId));
  }

  /** The panel in front of the group that is used. */
  get activeId(): string | undefined {
    return this.#api.activePanel?.id;
  }

  /** Ids of all panels. */
  get ids(): string[] {
    return this.#api.panels.map(({ id }) => id);
  }

  /** What a panel shows. */
  state(id: string): PanelState | undefined {
    return this.#panels.get(id);
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
      this.#panels.clear();
      for (const [id, state] of Object.entries(layout.panels)) this.#panels.set(id, state);
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
    this.#panels.clear();
    this.#isLoading = false;
  }

  /** As it is now; undefined where nothing is left. */
  get layout(): Layout | undefined {
    return this.#panels.size === 0 ? undefined : fromDock(this.#api.toJSON(), this.#panels);
  }

  /** Adds a panel: below another one, in front of it as a tab, or wherever there is room. Returns its id. */
  add(state: PanelState, beside?: string, how: "below" | "right" | "within" = "below"): string {
    let number = 1;
    while (this.#panels.has(`${state.type}${number}`)) number++;
    const id = `${state.type}${number}`;
    this.#panels.set(id, state);
    const reference = beside !== undefined ? this.#api.getPanel(beside) : this.#api.activePanel;
    this.#api.addPanel({
      id,
      component: state.type,
      title: state.title ?? panelDefinition(state.type)?.title ?? state.type,
      ...(reference && { position: { referencePanel: reference.id, direction: how } }),
    });
    return id;
  }

  /** Closes a panel. */
  close(id: string): void {
    const panel = this.#api.getPanel(id);
    if (panel) this.#api.removePanel(panel);
  }

  /** Keeps what a panel shows now. */
  save(id: string, state: PanelState): void {
    if (!this.#panels.has(id)) return;
    this.#panels.set(id, state);
    this.#place.changed();
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

  /** Makes a panel as large as the place, or as it was. */
  toggleFull(id: string | undefined = this.activeId): void {
    if (this.#api.hasMaximizedGroup()) this.#api.exitMaximizedGroup();
    else if (id !== undefined) this.#api.getPanel(id)?.api.maximize();
  }

  /** Whether one panel has all of the place. */
  get isFull(): boolean {
    return this.#api.hasMaximizedGroup();
  }

  /** Moves the focus to a panel's content. */
  focus(id: string | undefined = this.activeId): void {
    if (id === undefined) return;
    const panel = this.#api.getPanel(id);
    panel?.view.content.element.querySelector<HTMLElement>(".panel")?.focus();
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
    const element = document.createElement("div");
    element.style.cssText = "position:relative;width:100%;height:100%;overflow:hidden";
    let hide: (() => void) | undefined;
    const set = (isVisible: boolean) => {
      if (isVisible === (hide !== undefined)) return;
      if (isVisible) {
        const state = this.#panels.get(id);
        if (state) hide = this.#place.show(id, state, element);
      } else {
        hide!();
        hide = undefined;
        element.replaceChildren();
      }
    };
    const observer = new ResizeObserver(() => this.#place.resized(id));
    return {
      element,
      init: ({ api }: { api: IDockviewPanel["api"] }) => {
        observer.observe(element);
        api.onDidVisibilityChange(({ isVisible }) => set(isVisible));
        if (api.isVisible) set(true);
      },
      dispose: () => {
        observer.disconnect();
        set(false);
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
    button("+", "Add a panel", () => this.#place.wantsPanel(group.activePanel?.id));
    button("⤢", "Full size, or back (f)", () => this.toggleFull(group.activePanel?.id));
    return { element, init: () => {}, dispose: () => element.remove() };
  }
}
