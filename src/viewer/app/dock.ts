/**
 * Where panels are. At first they just lie where the layout has them; what moves them is loaded when something is on the
 * screen, since it is a third of the page.
 *
 * @module
 */
import { DockStack } from "./dock_stack.ts";
import type { Layout, LayoutNode, PanelState } from "./layout.ts";
import type { DockPanels, MoveDirection, PanelArea, PanelPlace } from "./panel_area.ts";
import { panelDefinition } from "../panels/panel.ts";

/** What the dock tells the page. */
export interface DockPage {
  /** Shows a panel in an element until what it returns is called. */
  show(id: string, state: PanelState, element: HTMLElement): () => void;
  /** The panel has another size. */
  resized(id: string): void;
  /** Panels were moved, added, closed, changed, or others are in front. */
  changed(): void;
  /** Asks for a panel beside another one, of a group that may have none. */
  wantsPanel(beside: string | undefined): void;
  /** What moves panels could not be loaded. */
  failed(message: string): void;
}

/** When what moves panels is loaded at the latest, in milliseconds, where no panel says that it shows something. */
const LATEST_MS = 2500;

/** Panels, and how they lie. */
export class Dock {
  readonly element: HTMLElement = document.createElement("div");
  readonly #page: DockPage;
  readonly #states = new Map<string, PanelState>();
  readonly #places = new Map<string, PanelPlace>();
  #area: PanelArea | undefined;
  #loading: Promise<PanelArea | undefined> | undefined;
  /** Where panels lie before they can be moved. */
  #still: { layout: Layout; element: HTMLElement } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;
  #isNarrow = false;

  constructor(page: DockPage) {
    this.#page = page;
    this.element.className = "dock";
  }

  /** The panel in front of the group that is used. */
  get activeId(): string | undefined {
    return this.#area?.activeId ?? (this.#still && [...this.#states.keys()][0]);
  }

  /** Ids of all panels. */
  get ids(): string[] {
    return [...this.#states.keys()];
  }

  /** Ids of the panels that are seen: the one in front of each group. */
  get visibleIds(): string[] {
    return this.#area?.visibleIds ?? (this.#still ? visibleOf(this.#still.layout.root) : []);
  }

  /** What a panel shows. */
  state(id: string): PanelState | undefined {
    return this.#states.get(id);
  }

  /** Shows a layout in place of what is there. */
  load(layout: Layout): void {
    this.clear();
    for (const [id, state] of Object.entries(layout.panels)) this.#states.set(id, state);
    if (this.#isNarrow) this.#area ??= this.#makeStack();
    if (this.#area) return this.#area.load(layout);
    const element = this.#stillNode(layout.root);
    this.#still = { layout, element };
    this.element.append(element);
    this.#timer = setTimeout(() => this.loadArea(), LATEST_MS);
  }

  /** Shows nothing. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#area?.clear();
    this.#still?.element.remove();
    this.#still = undefined;
    for (const place of [...this.#places.values()]) place.dispose();
    this.#states.clear();
  }

  /** As it is now; undefined where nothing is left. */
  get layout(): Layout | undefined {
    if (this.#states.size === 0) return undefined;
    if (this.#area) return this.#area.layout;
    return this.#still && { ...this.#still.layout, panels: Object.fromEntries(this.#states) };
  }

  /** Whether there is no room for panels side by side: then they lie one below another. */
  setNarrow(isNarrow: boolean): void {
    if (isNarrow === this.#isNarrow) return;
    const { layout } = this;
    this.#isNarrow = isNarrow;
    this.#area?.dispose();
    this.#area = this.#loading = undefined;
    if (layout) this.load(layout);
  }

  /** Something is on the screen: now what moves panels may be loaded. */
  async loadArea(): Promise<PanelArea | undefined> {
    clearTimeout(this.#timer);
    if (this.#isNarrow) return this.#area;
    return await (this.#loading ??= this.#makeArea());
  }

  /** Adds a panel below another one. Returns its id; it is there a moment later. */
  add(state: PanelState, beside?: string): string {
    let number = 1;
    while (this.#states.has(`${state.type}-${number}`)) number++;
    const id = `${state.type}-${number}`;
    void this.#withArea((area) => {
      this.#states.set(id, state);
      area.add(id, beside);
      area.activate(id);
    });
    return id;
  }

  /** Closes a panel. */
  close(id: string): void {
    void this.#withArea((area) => area.close(id));
  }

  /** Keeps what a panel shows now. */
  save(id: string, state: PanelState): void {
    if (!this.#states.has(id)) return;
    this.#states.set(id, state);
    this.#page.changed();
  }

  /** Names a panel. */
  setTitle(id: string, title: string): void {
    this.#area?.setTitle(id, title);
    this.#titles.set(id, title);
    const bar = this.#still?.element.querySelector(`[data-panel="${id}"]`);
    if (bar) bar.textContent = title;
  }
  readonly #titles = new Map<string, string>();

  /** Brings a panel to the front of its tabs. */
  activate(id: string): void {
    void this.#withArea((area) => area.activate(id));
  }

  /** Moves a panel. */
  move(id: string, direction: MoveDirection | "tabs"): void {
    void this.#withArea((area) => direction === "tabs" ? area.moveToTabs(id) : area.move(id, direction));
  }

  /** Makes a panel as large as the place, or as it was. */
  toggleFull(id?: string): void {
    void this.#withArea((area) => area.toggleFull(id));
  }

  /** Whether one panel has all of the place. */
  get isFull(): boolean {
    return this.#area?.isFull ?? false;
  }

  /** Moves the focus to a panel's content. */
  focus(id: string): void {
    this.#places.get(id)?.element.querySelector<HTMLElement>(".panel")?.focus();
  }

  /** Ends all panels. */
  dispose(): void {
    this.#hasEnded = true;
    this.clear();
    this.#area?.dispose();
  }

  async #withArea(act: (area: PanelArea) => void): Promise<void> {
    const area = this.#area ?? await this.loadArea();
    if (area && !this.#hasEnded) act(area);
  }

  #hasStyles = false;

  get #panels(): DockPanels {
    return {
      states: this.#states,
      place: (id) => this.#place(id),
      changed: () => this.#page.changed(),
      wantsPanel: (beside) => this.#page.wantsPanel(beside),
    };
  }

  #makeStack(): PanelArea {
    const stack = new DockStack(this.#panels);
    this.element.append(stack.element);
    return stack;
  }

  async #makeArea(): Promise<PanelArea | undefined> {
    try {
      const { DockArea, dockStyles } = await import("./dock_area.ts");
      if (this.#hasEnded || this.#isNarrow) return this.#area;
      const root = this.element.getRootNode();
      if (root instanceof ShadowRoot && !this.#hasStyles) {
        root.adoptedStyleSheets = [dockStyles(), ...root.adoptedStyleSheets];
        this.#hasStyles = true;
      }
      const area = new DockArea(this.#panels);
      this.element.append(area.element);
      const { layout } = this;
      const still = this.#still;
      this.#area = area;
      // Panels are moved with what they have drawn.
      if (layout) area.load(layout);
      still?.element.remove();
      this.#still = undefined;
      for (const [id, title] of this.#titles) area.setTitle(id, title);
      return area;
    } catch (reason) {
      this.#loading = undefined;
      this.#page.failed(`Panels cannot be moved: ${(reason as Error).message}`);
    }
  }

  /** A panel is there while it is seen; what it shows is all in its state. */
  #place(id: string): PanelPlace {
    const known = this.#places.get(id);
    if (known) return known;
    const element = document.createElement("div");
    element.className = "panel-place";
    let hide: (() => void) | undefined;
    let isWanted = false;
    const end = () => {
      hide?.();
      hide = undefined;
      element.replaceChildren();
    };
    const setVisible = (isVisible: boolean) => {
      isWanted = isVisible;
      if (isVisible && !hide) {
        const state = this.#states.get(id);
        if (state) hide = this.#page.show(id, state, element);
      }
      // What is only moved is seen again at once, with what it has drawn.
      if (!isVisible) queueMicrotask(() => isWanted || end());
    };
    const observer = new ResizeObserver(() => this.#page.resized(id));
    observer.observe(element);
    const place: PanelPlace = {
      element,
      setVisible,
      dispose: () => {
        observer.disconnect();
        isWanted = false;
        end();
        element.remove();
        if (this.#places.get(id) === place) this.#places.delete(id);
      },
    };
    this.#places.set(id, place);
    return place;
  }

  /** The same rows, columns and tabs, which cannot be moved yet. */
  #stillNode(node: LayoutNode): HTMLElement {
    const element = document.createElement("div");
    if (node.kind !== "tabs") {
      element.className = `still ${node.kind}`;
      node.children.forEach((child, i) => {
        const part = this.#stillNode(child);
        part.style.flex = `${node.sizes[i] ?? 1} 1 0`;
        element.append(part);
      });
      return element;
    }
    element.className = "still tabs";
    const bar = document.createElement("div");
    bar.className = "still-bar";
    for (const id of node.panels) {
      const tab = document.createElement("span");
      tab.dataset.panel = id;
      tab.className = id === node.active ? "still-tab front" : "still-tab";
      const state = this.#states.get(id);
      tab.textContent = state?.title ?? panelDefinition(state?.type ?? "")?.title ?? id;
      bar.append(tab);
    }
    const place = this.#place(node.active);
    element.append(bar, place.element);
    place.setVisible(true);
    return element;
  }
}

function visibleOf(node: LayoutNode): string[] {
  return node.kind === "tabs" ? [node.active] : node.children.flatMap(visibleOf);
}
