/**
 * Panels one below another, for windows too narrow for rows: each group of tabs as in the layout, in reading order. The layout
 * itself stays as it is for wider ones.
 *
 * @module
 */
import { panelDefinition } from "../panels/panel.ts";
import { type Layout, LAYOUT_VERSION, type LayoutNode } from "./layout.ts";
import type { DockPanels, PanelArea } from "./panel_area.ts";

type Tabs = Extract<LayoutNode, { kind: "tabs" }>;

/** How panels lie where they are stacked. */
export class DockStack implements PanelArea {
  readonly element: HTMLElement = document.createElement("div");
  readonly #dock: DockPanels;
  readonly #titles = new Map<string, string>();
  #root: LayoutNode | undefined;
  #activeId: string | undefined;
  #fullId: string | undefined;

  constructor(dock: DockPanels) {
    this.#dock = dock;
    this.element.className = "stack";
  }

  /** The panel that was used last. */
  get activeId(): string | undefined {
    const { visibleIds } = this;
    return visibleIds.includes(this.#activeId ?? "") ? this.#activeId : visibleIds[0];
  }

  /** Ids of the panels that are seen: the one in front of each group. */
  get visibleIds(): string[] {
    return this.#groups().map(({ active }) => active);
  }

  /** Whether one panel has all of the place. */
  get isFull(): boolean {
    return this.#fullId !== undefined;
  }

  /** As it is now; undefined where nothing is left. */
  get layout(): Layout | undefined {
    if (!this.#root) return undefined;
    return { version: LAYOUT_VERSION, panels: Object.fromEntries(this.#dock.states), root: this.#root };
  }

  /** Shows a layout in place of what is there. */
  load({ root }: Layout): void {
    this.#root = root;
    this.#fullId = undefined;
    this.#draw();
  }

  /** Shows nothing. */
  clear(): void {
    this.#root = undefined;
    this.#titles.clear();
    this.element.replaceChildren();
  }

  /** Adds a panel, below another one. */
  add(id: string, beside?: string): void {
    const own: Tabs = { kind: "tabs", panels: [id], active: id };
    const below = (node: LayoutNode): LayoutNode => {
      if (node.kind !== "tabs") return { ...node, children: node.children.map(below) };
      return beside !== undefined && node.panels.includes(beside)
        ? { kind: "column", sizes: [1, 1], children: [node, own] }
        : node;
    };
    if (!this.#root) this.#root = own;
    else if (this.#groups().some(({ panels }) => panels.includes(beside ?? ""))) {
      this.#root = below(this.#root);
    } else this.#root = { kind: "column", sizes: [1, 1], children: [this.#root, own] };
    this.#changed();
    this.#dock.place(id).element.scrollIntoView({ block: "nearest" });
  }

  /** Closes a panel. */
  close(id: string): void {
    this.#root = this.#root && without(this.#root, id);
    this.#dock.states.delete(id);
    if (this.#fullId === id) this.#fullId = undefined;
    this.#dock.place(id).dispose();
    this.#changed();
  }

  /** Names a panel. */
  setTitle(id: string, title: string): void {
    this.#titles.set(id, title);
    const name = this.element.querySelector(`[data-panel="${id}"] .name`);
    if (name) name.textContent = title;
  }

  /** Brings a panel to the front of its tabs, and into sight. */
  activate(id: string): void {
    this.#activeId = id;
    const front = (node: LayoutNode): LayoutNode =>
      node.kind !== "tabs"
        ? { ...node, children: node.children.map(front) }
        : node.panels.includes(id)
        ? { ...node, active: id }
        : node;
    const isInFront = this.visibleIds.includes(id);
    if (this.#root && !isInFront) {
      this.#root = front(this.#root);
      this.#changed();
    }
    this.#dock.place(id).element.scrollIntoView({ block: "nearest" });
  }

  /** Panels are moved in wider windows alone. */
  move(): void {}

  /** The same. */
  moveToTabs(): void {}

  /** Makes a panel as large as the place, or as it was. */
  toggleFull(id: string | undefined = this.activeId): void {
    this.#fullId = this.#fullId === undefined ? id : undefined;
    this.#draw();
  }

  /** Ends it. */
  dispose(): void {
    this.clear();
    this.element.remove();
  }

  #groups(): Tabs[] {
    const all = (node: LayoutNode): Tabs[] => node.kind === "tabs" ? [node] : node.children.flatMap(all);
    return this.#root ? all(this.#root) : [];
  }

  #changed(): void {
    this.#draw();
    this.#dock.changed();
  }

  #draw(): void {
    const groups = this.#groups();
    const kept = new Map(
      [...this.element.children].map((child) => [(child as HTMLElement).dataset.active, child]),
    );
    this.element.classList.toggle("full", this.isFull);
    const elements = groups.map((group) => {
      const element = (kept.get(group.active) ?? document.createElement("div")) as HTMLElement;
      const isHidden = this.isFull && group.active !== this.#fullId;
      element.className = "still tabs";
      element.dataset.active = group.active;
      element.hidden = isHidden;
      const { element: place } = this.#dock.place(group.active);
      const bar = this.#bar(group);
      // What stays where it is keeps what it has drawn, and where it is scrolled to.
      if (place.parentElement === element) element.firstElementChild!.replaceWith(bar);
      else element.replaceChildren(bar, place);
      return element;
    });
    const seen = new Set<Element>(elements);
    for (const child of [...this.element.children]) if (!seen.has(child)) child.remove();
    elements.forEach((element, i) => {
      if (this.element.children[i] !== element) {
        this.element.insertBefore(element, this.element.children[i] ?? null);
      }
    });
    for (const { panels, active } of groups) {
      for (const id of panels) {
        this.#dock.place(id).setVisible(id === active && (!this.isFull || id === this.#fullId));
      }
    }
  }

  #bar({ panels, active }: Tabs): HTMLElement {
    const bar = document.createElement("div");
    bar.className = "still-bar";
    const button = (text: string, label: string, act: () => void) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      return made;
    };
    for (const id of panels) {
      const state = this.#dock.states.get(id);
      const title = this.#titles.get(id) ?? state?.title ?? panelDefinition(state?.type ?? "")?.title ?? id;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.dataset.panel = id;
      tab.className = `still-tab${id === active ? " front" : ""}`;
      tab.setAttribute("aria-pressed", String(id === active));
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = title;
      tab.append(name);
      tab.addEventListener("click", () => this.activate(id));
      bar.append(tab);
    }
    const actions = document.createElement("div");
    actions.className = "group-actions";
    actions.append(
      button("×", "Close the panel", () => this.close(active)),
      button("+", "Add a panel", () => this.#dock.wantsPanel(active)),
      button("⤢", "Full size, or back", () => this.toggleFull(active)),
    );
    bar.append(actions);
    return bar;
  }
}

/** A layout's part without a panel; undefined where nothing is left of it. */
export function without(node: LayoutNode, id: string): LayoutNode | undefined {
  if (node.kind === "tabs") {
    const panels = node.panels.filter((panel) => panel !== id);
    if (panels.length === 0) return undefined;
    return { ...node, panels, active: node.active === id ? panels[0] : node.active };
  }
  const sizes: number[] = [];
  const children: LayoutNode[] = [];
  node.children.forEach((child, i) => {
    const left = without(child, id);
    if (!left) return;
    children.push(left);
    sizes.push(node.sizes[i] ?? 1);
  });
  return children.length > 1 ? { ...node, sizes, children } : children[0];
}
